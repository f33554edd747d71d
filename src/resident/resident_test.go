// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/slim"
)

// control gives this process, which is no resident, what readControl needs, and the worker's end of it.
func control(t *testing.T) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	before, beforeBoot := *r(), *boot()
	r().ctl, boot().ctl, boot().life, r().home = int32(pair[0]), int32(pair[1]), -1, -1
	t.Cleanup(func() {
		*r(), *boot() = before, beforeBoot
		unix.Close(pair[0])
		unix.Close(pair[1])
	})
}

// endedChild is a child that has ended so and has not been waited for.
func endedChild(t *testing.T, how string) int {
	t.Helper()
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", how}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	return pid
}

func announce(t *testing.T, pid int, first bool) {
	t.Helper()
	if err := Announce(pid, 5000, first); err != nil {
		t.Fatal(err)
	}
}

// What the resident knows of a payload that has ended by the time its announcement is read: no pid, which may be anybody's by then.
func TestAnnouncedTooLate(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(t *testing.T, pid int)
		code int32
	}{
		"read after it was waited for": {func(t *testing.T, pid int) {
			reap()
			announce(t, pid, false)
			readControl()
		}, 137},
		"not read when it was waited for": {func(t *testing.T, pid int) {
			announce(t, pid, false)
			reap()
		}, 5},
		"read before": {func(t *testing.T, pid int) {
			announce(t, pid, false)
			readControl()
			reap()
		}, 5},
		"after the first process": {func(t *testing.T, pid int) {
			first := endedChild(t, "exit 0")
			announce(t, first, true)
			announce(t, pid, false)
			reap()
		}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			control(t)
			c.do(t, endedChild(t, "exit 5"))
			if r().payload != 0 || r().code != c.code || !r().had {
				t.Errorf("payload %d, code %d, had %v; want 0, %d, true", r().payload, r().code, r().had, c.code)
			}
			if reap() {
				t.Error("a child is left")
			}
		})
	}
}

// A first process that is killed may leave a second one and the worker waiting for each other.
func TestFirstKilled(t *testing.T) {
	for how, want := range map[string]bool{"exit 1": false, "kill -9 $$": true} {
		control(t)
		timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(timer)
		r().timer = int32(timer)
		announce(t, endedChild(t, how), true)
		reap()
		var left unix.ItimerSpec
		if err := unix.TimerfdGettime(timer, &left); err != nil {
			t.Fatal(err)
		}
		if armed := left.Value.Sec != 0 || left.Value.Nsec != 0; armed != want {
			t.Errorf("%s: the worker's time is limited: %v, want %v", how, armed, want)
		}
	}
}

// A process that is no child is never signalled, whatever is announced.
func TestAnnouncedStranger(t *testing.T) {
	control(t)
	r().cancel = int32(unix.SIGTERM)
	announce(t, os.Getpid(), false)
	readControl() // would end this test
	if r().payload != 0 {
		t.Errorf("payload %d", r().payload)
	}
}

// nameIn is what findName finds in a command line, which it gets as the kernel leaves it.
func nameIn(args ...string) string {
	defer func(n uint32) { r().nameLen = n }(r().nameLen)
	r().nameLen = 0
	stack := []uintptr{uintptr(1 + len(args))}
	var keep []*byte
	for _, a := range append([]string{"ujail"}, args...) {
		b := append([]byte(a), 0)
		keep = append(keep, &b[0])
		stack = append(stack, uintptr(unsafe.Pointer(&b[0])))
	}
	findName(&stack[0])
	runtime.KeepAlive(keep)
	return Name()
}

// The resident and package slim read the same name out of a command line.
func TestName(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-n", "web", "-p", "--", "/bin/x"}, "web"},
		{[]string{"-nweb", "--", "-n"}, "web"},
		{[]string{"-pcnweb", "x", "-n", "other"}, "web"},
		{[]string{"-t", "-n", "-n", "a b", "x"}, "a b"},
		{[]string{"-d1", "-r", "/n", "-nx", "-n", "y", "x"}, "y"},
		{[]string{"-c", "x", "-n", "web"}, ""},
		{[]string{"-c", "--", "x", "-n", "web"}, ""},
		{[]string{"--help", "-n", "web"}, ""},
		{[]string{"-", "-n", "web"}, ""},
		{[]string{"-n"}, ""},
		{[]string{"-n", strings.Repeat("x", maxName), "x"}, strings.Repeat("x", maxName)},
		{[]string{"-n", strings.Repeat("x", maxName+1), "x"}, ""},
		{[]string{"-n", "a\nb", "x"}, ""},
		{[]string{"-n", "a/b", "x"}, ""},
		{nil, ""},
	} {
		if got := nameIn(c.args...); got != c.want {
			t.Errorf("%q: %q, want %q", c.args, got, c.want)
		}
	}
	// every letter, in front of a word that says whether it takes an argument
	for c := byte('A'); c <= 'z'; c++ {
		args := []string{"-" + string(c), "-nmine", "-c", "/bin/x"}
		o, err := slim.Parse(args)
		if err != nil {
			args[1] = "-nmine,"
			if strings.IndexByte("djt", c) < 0 {
				continue
			}
			args = []string{"-" + string(c), map[byte]string{'d': "1", 'j': "1:pid", 't': "1"}[c], "-nmine", "-c", "/bin/x"}
			if o, err = slim.Parse(args); err != nil {
				t.Fatal(err)
			}
		}
		if got := nameIn(args...); got != o.Name {
			t.Errorf("%q: %q, slim has %q", args, got, o.Name)
		}
	}
}

// What the resident says is one line, of the jail.
func TestSay(t *testing.T) {
	defer func(n uint32) { r().nameLen = n }(r().nameLen)
	for name, want := range map[string]string{"": "ujail: cannot fork\n", "web": "ujail: web: cannot fork\n",
		strings.Repeat("n", maxName): "ujail: " + strings.Repeat("n", maxName) + ": cannot fork\n"} {
		r().nameLen = uint32(copy(r().name[:], name))
		if got := said(t, func() { say("cannot fork") }); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := said(t, func() { say(strings.Repeat("x", 1000)) }); len(got) != 192 || got[191] != '\n' {
		t.Errorf("%q", got)
	}
}

// said is what f writes to stderr.
func said(t *testing.T, f func()) string {
	t.Helper()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	saved, err := unix.Dup(2)
	if err == nil {
		err = unix.Dup3(pipe[1], 2, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	f()
	if err := unix.Dup3(saved, 2, 0); err != nil {
		t.Fatal(err)
	}
	unix.Close(saved)
	unix.Close(pipe[1])
	b := make([]byte, 4096)
	n, err := unix.Read(pipe[0], b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestEnviron(t *testing.T) {
	before := boot().quieted
	defer func() { boot().quieted = before }()
	procs, gc := string(quietProcs[:len(quietProcs)-1]), string(quietGC[:len(quietGC)-1])
	for _, c := range []struct {
		quieted   bool
		env, want []string
	}{
		{true, []string{"A=1", procs, gc}, []string{"A=1"}},
		{true, []string{"A=1", "GOGC=50", procs}, []string{"A=1", "GOGC=50"}},
		{true, []string{gc, procs}, []string{gc}},
		{false, []string{"A=1", procs}, []string{"A=1", procs}},
		{true, nil, nil},
	} {
		boot().quieted = c.quieted
		if got := Environ(c.env); !slices.Equal(got, c.want) {
			t.Errorf("%v, of %v: %v, want %v", c.quieted, c.env, got, c.want)
		}
	}
}

// The kernel's signal set is an array of long, which matters on 32-bit big-endian machines.
func TestWorkerMask(t *testing.T) {
	mask := workerMask()
	set := (*[sigsetSize / unsafe.Sizeof(uintptr(0))]uintptr)(unsafe.Pointer(&mask))
	open := map[syscall.Signal]bool{32: true, 33: true}
	for _, s := range []syscall.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGSYS,
		unix.SIGPIPE, unix.SIGURG, unix.SIGPROF} {
		open[s] = true
	}
	for s := syscall.Signal(1); s <= sigsetSize*8; s++ {
		bit := uintptr(s-1) % (8 * unsafe.Sizeof(uintptr(0)))
		if blocked := set[uintptr(s-1)/(8*unsafe.Sizeof(uintptr(0)))]>>bit&1 == 1; blocked == open[s] {
			t.Errorf("signal %d: blocked %v", s, blocked)
		}
	}
}
