// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// An agent answers the system calls of containers whose seccomp filters have SCMP_ACT_NOTIFY.
type agent struct {
	path  string
	state chan specs.ContainerProcessState // of each container that came
	seen  chan int32                       // the numbers of the calls that were answered
}

// notification and answer are struct seccomp_notif and struct seccomp_notif_resp (seccomp_unotify(2)).
type notification struct {
	id         uint64
	pid, flags uint32
	number     int32
	arch       uint32
	pointer    uint64
	args       [6]uint64
}

type answer struct {
	id           uint64
	value        int64
	error, flags int32
}

// newAgent makes one that answers every call with an errno, or lets it go on if that is 0.
func newAgent(t *testing.T, errno syscall.Errno) *agent {
	t.Helper()
	watch(t)
	a := &agent{path: filepath.Join(t.TempDir(), "agent"), state: make(chan specs.ContainerProcessState, 8), seen: make(chan int32, 100)}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: a.path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			a.take(t, c, errno)
		}
	}()
	return a
}

// take reads what the runtime sends and answers calls until the container has ended.
func (a *agent) take(t *testing.T, c *net.UnixConn, errno syscall.Errno) {
	defer c.Close()
	b, control := make([]byte, 1<<20), make([]byte, 1000)
	n, controls, _, _, err := c.ReadMsgUnix(b, control)
	if err != nil {
		t.Error(err)
		return
	}
	messages, err := unix.ParseSocketControlMessage(control[:controls])
	if err != nil || len(messages) != 1 {
		t.Errorf("%d control messages, %v", len(messages), err)
		return
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Errorf("descriptors %v, %v", fds, err)
		return
	}
	rest, err := io.ReadAll(c) // the runtime closes the connection
	if err != nil {
		t.Error(err)
	}
	var state specs.ContainerProcessState
	if err := json.Unmarshal(slices.Concat(b[:n], rest), &state); err != nil {
		t.Errorf("%v in %s", err, b[:n])
	}
	a.state <- state
	go a.serve(fds[0], errno)
}

func (a *agent) serve(listener int, errno syscall.Errno) {
	defer unix.Close(listener)
	for {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return // nobody has the filter any more
		}
		var n notification
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); e != 0 {
			continue
		}
		r := answer{id: n.id, error: -int32(errno)}
		if errno == 0 {
			r.flags = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE
		}
		unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&r)))
		a.seen <- n.number
	}
}

// asked is a profile that asks the agent about calls.
func (a *agent) asked(metadata string, names ...string) edit {
	return func(s *specs.Spec) {
		filter(specs.ActAllow, rule(specs.ActNotify, names...))(s)
		s.Linux.Seccomp.ListenerPath, s.Linux.Seccomp.ListenerMetadata = a.path, metadata
	}
}

func TestSeccompNotify(t *testing.T) {
	both(t, func(t *testing.T, when edit) {
		a := newAgent(t, unix.EXDEV)
		b := newBundle(t, when, a.asked("what \"for\"\n", "mkdir", "mkdirat"), annotation("key", "value"), script("mkdir /dev/shm/x 2>&1; echo $?"))
		b.run().prints("mkdir: can't create directory '/dev/shm/x': Invalid cross-device link\n1\n")
		state := <-a.state
		want := specs.ContainerProcessState{Version: b.spec.Version, Fds: []string{"seccompFd"}, Pid: state.Pid, Metadata: "what \"for\"\n",
			State: specs.State{Version: b.spec.Version, ID: b.name, Status: specs.StateCreating, Pid: state.Pid, Bundle: b.dir,
				Annotations: map[string]string{"key": "value"}}}
		got, _ := json.Marshal(state)
		if expected, _ := json.Marshal(want); string(got) != string(expected) || state.Pid < 2 {
			t.Errorf("the agent was told\n%s\nnot\n%s", got, expected)
		}
		if n := len(a.seen); n != 1 {
			t.Errorf("the agent was asked %d times", n)
		}
	})
}

// Even execve can be asked about: the listener is with the agent by then.
func TestSeccompNotifyExec(t *testing.T) {
	a := newAgent(t, 0)
	newBundle(t, a.asked("", "execve", "execveat"), script("exec /bin/echo ran")).run().prints("ran\n")
	if <-a.seen; <-a.seen != unix.SYS_EXECVE {
		t.Error("something else was asked")
	}
	b := newBundle(t, newAgent(t, unix.EXDEV).asked("", "execve"), script("echo ran"))
	b.run().ends(126).says("exec /bin/sh: invalid cross-device link")
}

// Long annotations do not fit the socket at once.
func TestSeccompNotifyLongState(t *testing.T) {
	a := newAgent(t, unix.EXDEV)
	newBundle(t, a.asked("", "mkdir", "mkdirat"), annotation("long", strings.Repeat("x", 400_000)), script("echo ran")).run().prints("ran\n")
	if state := <-a.state; len(state.State.Annotations["long"]) != 400_000 {
		t.Errorf("%d bytes", len(state.State.Annotations["long"]))
	}
}

// Without an agent nothing is started.
func TestSeccompNotifyNobody(t *testing.T) {
	both(t, func(t *testing.T, when edit) {
		nobody := &agent{path: filepath.Join(t.TempDir(), "nobody")}
		newBundle(t, when, nobody.asked("", "mkdir"), script("echo ran")).run().refused("linux.seccomp.listenerPath: connect to " + nobody.path)
	})
	t.Run("the agent ends", func(t *testing.T) {
		watch(t)
		path := filepath.Join(t.TempDir(), "agent")
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p := newBundle(t, (&agent{path: path}).asked("", "mkdir"), annotation("long", strings.Repeat("x", 400_000)), script("echo ran")).start()
		c, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		p.wait().refused("linux.seccomp.listenerPath: send: broken pipe")
	})
}

// An agent that has the listener and lets nobody go on: the container can still be ended.
func TestSeccompNotifySilent(t *testing.T) {
	watch(t)
	path := filepath.Join(t.TempDir(), "agent")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newBundle(t, (&agent{path: path}).asked("", "mkdir", "mkdirat"), script("echo ready; mkdir /dev/shm/x; echo ran")).start("-t", "1")
	c, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.until("ready")
	if r := p.signal(unix.SIGTERM).wait(); r.stdout != "ready\n" {
		t.Errorf("printed %q", r.stdout)
	}
}
