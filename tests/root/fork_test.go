// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/blob"
)

// A gate decides whether a supervisor can fork: with a seccomp filter that asks about it, set before ujail is executed.
type gate struct {
	path    string
	refusal atomic.Int32 // errno; 0: it can
	left    atomic.Int32 // how often that is the answer
	asked   atomic.Int32 // how often it was
}

const envGate = "GOJAIL_WORLD_GATE"

const always = math.MaxInt32

// gated is c behind a gate that is open, or refuses so often.
func gated(t *testing.T, c command, refusal syscall.Errno, times int32) (command, *gate) {
	t.Helper()
	watch(t)
	g := &gate{path: filepath.Join(t.TempDir(), "gate")}
	g.shut(refusal, times)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: g.path})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		c, err := l.AcceptUnix()
		if err != nil {
			return
		}
		defer c.Close()
		b, control := make([]byte, 1), make([]byte, 100)
		_, n, _, _, err := c.ReadMsgUnix(b, control)
		if err != nil {
			t.Error(err)
			return
		}
		m, err := unix.ParseSocketControlMessage(control[:n])
		if err == nil && len(m) == 1 {
			if fds, err := unix.ParseUnixRights(&m[0]); err == nil && len(fds) == 1 {
				g.serve(fds[0])
				return
			}
		}
		t.Errorf("no listener has come: %v", err)
	}()
	t.Cleanup(func() { l.Close(); <-done })
	c = helped("gate", c)
	c.env = append(c.env, envGate+"="+g.path)
	return c, g
}

// shut has it refuse from now on.
func (g *gate) shut(refusal syscall.Errno, times int32) {
	g.left.Store(times)
	g.refusal.Store(int32(refusal))
}

// serve answers until nobody has the filter any more.
func (g *gate) serve(listener int) {
	defer unix.Close(listener)
	for {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return
		}
		var n notification
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); e != 0 {
			continue
		}
		r := answer{id: n.id, flags: 1} // SECCOMP_USER_NOTIF_FLAG_CONTINUE
		if errno := g.refusal.Load(); errno != 0 && g.left.Add(-1) >= 0 {
			r.error, r.flags = -errno, 0
			g.asked.Add(1)
		}
		unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&r)))
	}
}

// askTheGate is what the helper does: a filter on the supervisor's way to fork, which no C library has.
func askTheGate() error {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ret   = unix.BPF_RET | unix.BPF_K
	)
	flagsAt := uint32(16) // of the first argument in struct seccomp_data
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) == 0 {
		flagsAt += 4
	}
	filter := []unix.SockFilter{
		{Code: load, K: 0},
		{Code: equal, K: unix.SYS_CLONE, Jf: 3},
		{Code: load, K: flagsAt},
		{Code: equal, K: uint32(unix.SIGCHLD), Jf: 1},
		{Code: ret, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: os.Getenv(envGate)})
	if err != nil {
		return err
	}
	listener, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return e
	}
	_, _, err = fd.WriteMsgUnix([]byte{0}, unix.UnixRights(int(listener)), nil)
	return errors.Join(err, unix.Close(int(listener)), fd.Close())
}

// cannotFork counts what a supervisor says of it.
func cannotFork(p *process) int { return strings.Count(p.err.String(), ": cannot fork") }

// A machine, or a control group, that has no room for one more process for a while: it is tried again, whatever the worker was for. The
// supervisor goes on with what it does by itself.
func TestForkRetried(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM} {
		t.Run(errno.Error(), func(t *testing.T) {
			t.Run("start", func(t *testing.T) {
				c, g := gated(t, newBundle(t, script("echo ran; exit 3")).command(), errno, 7)
				r := run(t, c)
				if r.ends(3); r.stdout != "ran\n" || g.asked.Load() != 7 || strings.Contains(r.stderr, "fork") {
					t.Errorf("after %d attempts: printed %q and %q", g.asked.Load(), r.stdout, r.stderr)
				}
			})
			t.Run("call", func(t *testing.T) {
				newBus(t)
				b := newBundle(t, script("trap 'exit 5' TERM; trap 'echo hup' HUP; echo up; "+forever))
				c, g := gated(t, b.command(), 0, 0)
				p := start(t, c).until("up\n")
				onBus(t, b.name)
				asleep(t, p)
				g.shut(errno, always)
				answered := make(chan error, 1)
				go func() {
					got, err := call(b.name, "state", nil)
					if err == nil && got["status"] != "running" {
						err = fmt.Errorf("state %v", got)
					}
					answered <- err
				}()
				if !eventually(func() bool { return g.asked.Load() > 2 }) {
					t.Fatal("it does not try again")
				}
				before := g.asked.Load()
				for n := range 20 { // each of which wakes it
					p.signal(syscall.SIGHUP)
					if !eventually(func() bool { return strings.Count(p.out.String(), "hup\n") > n }) {
						t.Fatal("the signal does not arrive")
					}
				}
				if tries := g.asked.Load() - before; tries > 20 {
					t.Errorf("it has tried %d times meanwhile: it does not wait", tries)
				}
				g.shut(0, 0)
				if err := <-answered; err != nil {
					t.Error(err)
				}
				asleep(t, p)
				if n := cannotFork(p); n != 1 {
					t.Errorf("said %d times: %s", n, p.err)
				}
				p.signal(syscall.SIGTERM).wait().ends(5)
			})
			t.Run("end", func(t *testing.T) {
				done := filepath.Join(hostFiles(t, nil), "done")
				c, g := gated(t, newBundle(t, hooks("poststop", "echo stopped >"+done), script(untilTerm)).command(), 0, 0)
				p := start(t, c).until("ready")
				asleep(t, p)
				g.shut(errno, 60)
				p.signal(syscall.SIGTERM).wait().ok()
				if n := g.asked.Load(); n != 60 {
					t.Errorf("it has tried %d times", n)
				}
				if text, err := os.ReadFile(done); string(text) != "stopped\n" {
					t.Errorf("poststop: %q, %v", text, err)
				}
			})
		})
	}
}

// Where there never is room again: the start is refused, and an end is an end all the same.
func TestForkFails(t *testing.T) {
	c, _ := gated(t, newBundle(t, args("/bin/echo", "ran")).command(), syscall.EAGAIN, always)
	run(t, c).ends(1)
	b := newBundle(t, hooks("poststop", "exit 1"), script("trap 'exit 5' TERM; echo ready; "+forever))
	c, g := gated(t, b.command(), 0, 0)
	p := start(t, c).until("ready")
	asleep(t, p)
	g.shut(syscall.EAGAIN, always)
	p.signal(syscall.SIGTERM).wait().ends(5)
	if n := cannotFork(p); n != 1 {
		t.Errorf("said %d times: %s", n, p.err)
	}
}

// The same where it is the limit of a control group that is reached.
func TestVMForkRetried(t *testing.T) {
	needs(t, "pids")
	newBus(t)
	group := groups + "/room"
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eventually(func() bool { return os.Remove(group) == nil }) })
	limit := func(n string) {
		t.Helper()
		if err := os.WriteFile(group+"/pids.max", []byte(n), 0); err != nil {
			t.Fatal(err)
		}
	}
	b := newBundle(t, script("trap 'exit 5' TERM; trap 'echo hup' HUP; echo up; "+forever))
	p := start(t, shelled("echo $$ >"+group+"/cgroup.procs", b.command())).until("up\n")
	onBus(t, b.name)
	asleep(t, p)
	text, err := os.ReadFile(group + "/pids.current")
	if n, _ := strconv.Atoi(strings.TrimSpace(string(text))); n != 1 { // the supervisor: the payload is in its own
		t.Fatalf("%q processes in its group, %v", text, err)
	}
	limit("1")
	answered := make(chan error, 1)
	go func() {
		_, err := call(b.name, "kill", func(w *blob.Builder) { w.AddString("signal", "HUP") })
		answered <- err
	}()
	if !eventually(func() bool { return cannotFork(p) == 1 }) {
		t.Error("nothing is said of it")
	}
	limit("max")
	if err := <-answered; err != nil {
		t.Error(err)
	}
	p.until("hup\n").signal(syscall.SIGTERM).wait().ends(5)
}
