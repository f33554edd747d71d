// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

// busDir is where a bus can be; the test makes that itself.
func busDir(t *testing.T) {
	t.Helper()
	watch(t)
	if err := os.MkdirAll("/run/ubus", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove("/run/ubus") })
}

// workers are the children of a supervisor that are the program itself.
func workers(pid int) (list []int) {
	self, _ := os.Readlink(procPath(pid, "exe"))
	for _, c := range children(pid) {
		if exe, err := os.Readlink(procPath(c, "exe")); err == nil && exe == self {
			list = append(list, c)
		}
	}
	return list
}

// silence is a bus that accepts and says nothing: workers wait for its greeting.
type silence struct {
	*net.UnixListener
	mu   sync.Mutex
	came map[int]*net.UnixConn // by the caller's pid
}

func newSilence(t *testing.T) *silence {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: ubus.Path})
	if err != nil {
		t.Fatal(err)
	}
	s := &silence{UnixListener: l, came: map[int]*net.UnixConn{}}
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			raw, err := c.SyscallConn()
			if err != nil {
				t.Error(err)
				return
			}
			raw.Control(func(fd uintptr) {
				if who, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
					s.mu.Lock()
					s.came[int(who.Pid)] = c
					s.mu.Unlock()
				}
			})
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		for _, c := range s.came {
			c.Close()
		}
	})
	return s
}

// hit sends a worker of p that waits for the greeting a signal.
func (s *silence) hit(t *testing.T, p *process, sig syscall.Signal) (worker int) {
	t.Helper()
	if !eventually(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, worker = range workers(p.pid()) {
			if s.came[worker] != nil {
				return syscall.Kill(worker, sig) == nil
			}
		}
		return false
	}) {
		t.Fatal("no worker came")
	}
	return worker
}

// A worker that is killed, that crashes, or that hangs, is replaced, whatever it was there for, and the log says so; the payload does not
// notice, and gets its signals meanwhile.
func TestUbusWorkerKilled(t *testing.T) {
	busDir(t)
	silent := newSilence(t)
	type victim struct {
		what string
		*bundle
		*process
		worker int
	}
	var all []*victim
	faults := map[string]syscall.Signal{"killed": syscall.SIGKILL, "crashes": syscall.SIGSEGV, "hangs": syscall.SIGSTOP}
	for name, fault := range faults {
		b, p := sleeper(t)
		all = append(all, &victim{"the first one " + name, b, p, silent.hit(t, p, fault)})
	}
	_, short := sleeper(t) // ends before its first worker does, which hangs
	silent.hit(t, short, syscall.SIGSTOP)
	if err := syscall.Kill(short.payload(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for name, fault := range faults {
		b, p := sleeper(t)
		asleep(t, p) // the first worker has given up
		all = append(all, &victim{"another one " + name, b, p, silent.hit(t, p, fault)})
	}
	for _, v := range all {
		v.signal(syscall.SIGHUP).until("hup")
	}
	silent.UnixListener.Close()
	s, err := ubustest.Start(ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	short.wait().ends(137)
	for _, v := range all {
		onBus(t, v.name)
		if alive(v.worker) {
			t.Errorf("%s: it lives", v.what)
		}
		asleep(t, v.process)
		v.signal(syscall.SIGTERM).wait().ends(5)
		if n := strings.Count(v.err.String(), "ujail: "+v.name+": the worker for ubus has failed: another one takes its place\n"); n != 1 {
			t.Errorf("%s: that is said %d times: %s", v.what, n, v.err)
		}
	}
}
