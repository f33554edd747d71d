// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// printing gives this process what forward needs: a payload's pipes, whose writing ends it returns, and a place for the log.
func printing(t *testing.T) (stdout, stderr int, socket string) {
	t.Helper()
	before, beforeBoot, beforeAddress := *r(), *boot(), logAddress
	var pipes [2][2]int
	for i := range pipes {
		if err := unix.Pipe2(pipes[i][:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		boot().held[Stdout+i] = int32(pipes[i][0])
	}
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		t.Fatal(err)
	}
	socket = dir + "/log"
	if len(socket) >= len(logAddress.path) {
		t.Fatalf("%s is too long", socket)
	}
	clear(logAddress.path[:])
	copy(logAddress.path[:], socket)
	r().log, r().last, r().nameLen = -1, 77, uint32(copy(r().name[:], "web"))
	t.Cleanup(func() {
		for i := range pipes {
			drop(boot().held[Stdout+i])
			unix.Close(pipes[i][1])
		}
		hangUpLog()
		*r(), *boot(), logAddress = before, beforeBoot, beforeAddress
		clear(out.line[:])
		out.at, out.n, out.from, out.full, out.lost, out.tried = 0, 0, 0, false, 0, 0
		os.RemoveAll(dir)
	})
	return pipes[0][1], pipes[1][1], socket
}

// listener is the log's socket.
type listener struct {
	fd    int
	close func()
}

func listen(t *testing.T, socket string, kind int) listener {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: socket})
	}
	if err == nil && kind == unix.SOCK_STREAM {
		err = unix.Listen(fd, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	l := listener{fd, sync.OnceFunc(func() {
		unix.Close(fd)
		os.Remove(socket)
	})}
	t.Cleanup(l.close)
	return l
}

func prints(t *testing.T, fd int, text string) {
	t.Helper()
	if n, err := unix.Write(fd, []byte(text)); err != nil || n != len(text) {
		t.Fatal(n, err)
	}
}

// arrived are the messages that are there, without their time, which must be one.
func arrived(t *testing.T, fd int) (list []string) {
	t.Helper()
	for b := make([]byte, 4096); ; {
		n, err := unix.Read(fd, b)
		if err != nil || n == 0 {
			return list
		}
		for _, m := range strings.SplitAfter(string(b[:n]), "\x00") { // a stream's
			if m != "" {
				list = append(list, untimed(t, m))
			}
		}
	}
}

// untimed is a message without its time.
func untimed(t *testing.T, m string) string {
	t.Helper()
	if len(m) < 20 {
		t.Fatalf("%q", m)
	}
	if _, err := time.Parse(time.Stamp, m[4:19]); err != nil || m[19] != ' ' {
		t.Errorf("%q: %v", m, err)
	}
	return m[:4] + m[20:]
}

func wantMessages(t *testing.T, fd int, want ...string) {
	t.Helper()
	if got := arrived(t, fd); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestForward(t *testing.T) {
	stdout, stderr, socket := printing(t)
	log := listen(t, socket, unix.SOCK_DGRAM).fd
	prints(t, stdout, "one\ntwo")
	prints(t, stderr, "bad\n<0>worse\x1b\n")
	if forward(true, false) {
		t.Error("there is more")
	}
	wantMessages(t, log, "<30>web[77]: one", "<27>web[77]: bad", `<27>web[77]: <0>worse\x1b`)
	prints(t, stdout, " and a half\r\n")
	forward(true, false)
	wantMessages(t, log, "<30>web[77]: two and a half")
	prints(t, stdout, "end")
	forward(true, false)
	forward(true, true)
	wantMessages(t, log, "<30>web[77]: end")
	if boot().held[Stdout] != -1 || boot().held[Stderr] != -1 {
		t.Errorf("held %v", boot().held)
	}
}

// Nothing waits for a log that is not there after it has been waited for once, and what is lost is counted.
func TestForwardGivesUp(t *testing.T) {
	stdout, _, socket := printing(t)
	prints(t, stdout, "one\ntwo\nthree\n")
	if !forward(true, false) || !r().logBusy || out.lost != 0 {
		t.Errorf("busy %v, lost %d", r().logBusy, out.lost)
	}
	out.tried -= logWaitMS
	if forward(true, false) || r().logBusy || !r().logGone || out.lost != 3 {
		t.Errorf("busy %v, gone %v, lost %d", r().logBusy, r().logGone, out.lost)
	}
	log := listen(t, socket, unix.SOCK_DGRAM).fd
	prints(t, stdout, "four\n") // it is not looked for again so soon
	if forward(true, false) || out.lost != 4 {
		t.Errorf("lost %d", out.lost)
	}
	out.tried -= redialMS
	prints(t, stdout, "five\n")
	if forward(true, false) || r().logGone || out.lost != 0 {
		t.Errorf("gone %v, lost %d", r().logGone, out.lost)
	}
	wantMessages(t, log, "<28>web[77]: 4 lines lost: the system log did not take them", "<30>web[77]: five")
}

// A log that is full gets the message when it has room, and nothing twice.
func TestForwardFull(t *testing.T) {
	for name, kind := range map[string]int{"datagram": unix.SOCK_DGRAM, "stream": unix.SOCK_STREAM} {
		t.Run(name, func(t *testing.T) {
			stdout, _, socket := printing(t)
			log := listen(t, socket, kind).fd
			n, got := 0, ""
			for ; !r().logBusy; n++ {
				prints(t, stdout, fmt.Sprintf("line %d %s\n", n, strings.Repeat("x", 800)))
				forward(true, false)
				if n > 100000 {
					t.Fatal("never full")
				}
			}
			if kind == unix.SOCK_STREAM {
				conn, _, err := unix.Accept4(log, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { unix.Close(conn) })
				log = conn
			}
			for idle := 0; idle < 2; { // in pieces of any size
				b := make([]byte, 1000)
				k, err := unix.Read(log, b)
				if err != nil {
					idle++
				} else if got += string(b[:k]); kind == unix.SOCK_DGRAM {
					got += "\x00"
				}
				forward(true, false)
			}
			messages := strings.Split(strings.TrimSuffix(got, "\x00"), "\x00")
			if len(messages) != n || out.lost != 0 || r().logBusy {
				t.Fatalf("%d messages of %d lines, lost %d, busy %v", len(messages), n, out.lost, r().logBusy)
			}
			for i, m := range messages {
				if want := fmt.Sprintf("<30>web[77]: line %d xxx", i); !strings.HasPrefix(untimed(t, m), want) {
					t.Fatalf("%q, want %q", m, want)
				}
			}
		})
	}
}

// The log is another one after a restart: the line in work goes there, and so does one that has waited for it.
func TestForwardRestarted(t *testing.T) {
	for name, kind := range map[string]int{"datagram": unix.SOCK_DGRAM, "stream": unix.SOCK_STREAM} {
		t.Run(name, func(t *testing.T) {
			stdout, _, socket := printing(t)
			log := listen(t, socket, kind)
			send := func(text string, more bool) {
				t.Helper()
				prints(t, stdout, text+"\n")
				if forward(true, false) != more || out.lost != 0 {
					t.Errorf("%s: more is not %v, lost %d", text, more, out.lost)
				}
			}
			taken := func(want ...string) {
				t.Helper()
				from := log.fd
				if kind == unix.SOCK_STREAM {
					conn, _, err := unix.Accept4(log.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
					if err != nil {
						t.Fatal(err)
					}
					defer unix.Close(conn)
					from = conn
				}
				wantMessages(t, from, want...)
			}
			send("one", false)
			taken("<30>web[77]: one" + nul(kind))
			log.close()
			log = listen(t, socket, kind)
			send("two", false)
			taken("<30>web[77]: two" + nul(kind))
			log.close()
			send("three", true)
			log = listen(t, socket, kind)
			if forward(true, false) {
				t.Error("it still waits")
			}
			taken("<30>web[77]: three" + nul(kind))
		})
	}
}

// nul ends a message on a stream.
func nul(kind int) string {
	if kind == unix.SOCK_STREAM {
		return "\x00"
	}
	return ""
}
