// SPDX-License-Identifier: LGPL-2.1-only

// Command busy is a payload of tests/root: an ordinary Go program, with goroutines on threads of their own, sockets of each kind, files,
// timers, signals and a child. It prints "done", or what it was refused.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func main() {
	dir := os.Args[1]
	for name, step := range map[string]func(string) error{"threads": threads, "files": files, "sockets": sockets, "child": child, "signals": signals} {
		if err := step(filepath.Join(dir, name)); err != nil {
			fmt.Println(name+":", err)
			os.Exit(1)
		}
	}
	fmt.Println("done")
}

func threads(string) error {
	var all sync.WaitGroup
	sum := make(chan int, 64)
	for i := range cap(sum) {
		all.Go(func() {
			if i%8 == 0 {
				runtime.LockOSThread() // it ends with the goroutine
			}
			time.Sleep(time.Millisecond)
			runtime.GC()
			sum <- i
		})
	}
	all.Wait()
	total := 0
	for range cap(sum) {
		total += <-sum
	}
	if total != 63*64/2 {
		return errors.New("lost some")
	}
	return nil
}

func files(dir string) error {
	name := filepath.Join(dir, "a")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(name, []byte("text"), 0o600), os.Rename(name, name+"b"), os.Symlink("ab", name),
		os.Chmod(name, 0o644), os.Chtimes(name, time.Now(), time.Now()), os.Truncate(name, 2)); err != nil {
		return err
	}
	text, err := os.ReadFile(name)
	if err != nil || string(text) != "te" {
		return fmt.Errorf("%q, %v", text, err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 2 {
		return fmt.Errorf("%v, %v", list, err)
	}
	return os.RemoveAll(dir)
}

func sockets(path string) error {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = path
		}
		l, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		go func() {
			if c, err := l.Accept(); err == nil {
				io.Copy(c, c)
				c.Close()
			}
		}()
		c, err := net.Dial(network, l.Addr().String())
		if err != nil {
			return err
		}
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		b := make([]byte, 4)
		_, err = io.WriteString(c, "ping")
		_, err2 := io.ReadFull(c, b)
		if err := errors.Join(err, err2, c.Close(), l.Close()); err != nil || string(b) != "ping" {
			return fmt.Errorf("%s: %q, %v", network, b, err)
		}
	}
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := u.WriteTo([]byte("x"), u.LocalAddr()); err != nil {
		return err
	}
	_, _, err = u.ReadFrom(make([]byte, 10))
	_, err2 := net.Interfaces() // by netlink
	return errors.Join(err, err2, u.Close())
}

func child(string) error {
	out, err := exec.Command("/bin/echo", "hello").Output()
	if err == nil && string(out) != "hello\n" {
		err = fmt.Errorf("%q", out)
	}
	return err
}

func signals(string) error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		return err
	}
	<-c
	return nil
}
