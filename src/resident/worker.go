// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
)

// The modes of this process.
const (
	Plain   = iota // no resident: an applet that needs none
	Start          // the worker that starts the container
	Stopped        // the worker that tears down: the container has ended
	Event          // a worker for the bus, or for a wake
)

// The descriptors that the resident holds for its workers.
const (
	Bus      = iota // the connection to ubusd: a worker is started when it is readable
	State           // what a worker has to know
	Group           // the container's control group
	Console         // the master of the payload's terminal. While the payload runs the resident relays it, to these:
	TTY             // the other end, the payload's: it does not hang up while this is held, and can be resized
	Input           // a terminal, or nothing
	Output          // where what the payload writes goes, or nothing
	Stdout          // the reading ends of the pipes that are the payload's stdout
	Stderr          // and its stderr: their lines go to the system log
	Life            // an end of a life line for processes that a worker makes in the container; dropped when that worker has ended
	NetLock         // the lock of the container's network, which is held as long as the container lives
	NetWatch        // a socket that is readable when the bridge of that network was made anew
	slots
)

// watched are the slots whose descriptor starts a worker when it is readable, or hangs up, while the payload runs.
const watched = 1<<Bus | 1<<NetWatch

// Held is a descriptor that the resident held when this worker was started, or -1. It is this process' own copy.
func Held(slot int) int { return int(boot().held[slot]) }

// Hold has the resident keep a duplicate of fd, which stays the caller's, in place of what it holds there. With -1 it keeps nothing.
func Hold(slot, fd int) error {
	m := message{kind: msgHold, pid: int32(slot)}
	_, err := kernel.SendFD(int(boot().ctl), m.bytes(), fd)
	return err
}

// Wake has a worker in mode Event started ms milliseconds after this one has ended, if nothing else starts one before.
func Wake(ms uint32) error { return tell(message{kind: msgWake, ms: ms}) }

// Hurry has this worker replaced if it takes much longer: what is left to do waits for nobody who may take his time. In mode Event that is
// so from the start.
func Hurry() error { return tell(message{kind: msgHurry}) }

// Kill has the resident send the payload a signal, which it alone can do without hitting a stranger. One that ends a process ends
// a container that waits for its start; one that has ended gets none.
func Kill(sig int) error { return tell(message{kind: msgKill, pid: int32(sig)}) }

// Payload is the pid of the payload when this worker was started, 0 for none.
func Payload() int { return int(boot().pid) }

// Mode says what this process is.
func Mode() int { return int(boot().mode) }

// Status is what the container's end will be reported as. It is set in mode Stopped.
func Status() int { return int(boot().status) }

// Asked tells whether whoever has started ujail has sent it TERM.
func Asked() bool { return boot().asked }

// LifeLine is the end of the life line that the child gets. Whoever makes the child closes it then: while anybody holds it the
// resident takes the payload for not executed. The other end is the resident's alone.
func LifeLine() int { return int(boot().life) }

// A Limit is a resource limit as the caller of ujail had set it. The worker has changed it for itself.
type Limit struct {
	Resource   uint8
	Soft, Hard uint64
}

// Files is the limit of descriptors as the caller of an applet without a resident had set it.
func Files() Limit { return Limit{unix.RLIMIT_NOFILE, boot().limits[0][0], boot().limits[0][1]} }

// Limits are the payload's, unless its configuration has others.
func Limits() [4]Limit {
	var out [4]Limit
	for i := range raised {
		out[i] = Limit{uint8(raised[i]), boot().limits[i][0], boot().limits[i][1]}
	}
	return out
}

func (m *message) bytes() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(m)), messageSize) }

func tell(m message) error { return kernel.Send(int(boot().ctl), m.bytes()) }

// The compiler checks the size of a message.
var _ [messageSize]byte = [unsafe.Sizeof(message{})]byte{}

// WantStopped asks for a worker in mode Stopped when the container has ended, in whatever way. It may take moreMS milliseconds longer
// than one that has only to tidy up.
func WantStopped(moreMS uint32) error { return tell(message{kind: msgWant, ms: moreMS}) }

// Announce makes pid, a child of the resident, the process that signals go to and whose status is reported. killMS is the time
// in milliseconds between TERM and KILL. A process that is first only makes the next one, which is announced in its turn.
func Announce(pid int, killMS uint32, first bool) error {
	m := message{kind: msgPayload, pid: int32(pid), ms: killMS}
	if first {
		m.first = 1
	}
	return tell(m)
}

// CanMake tells whether the resident can have the descriptors that Make takes.
//
//go:nosplit
//go:norace
func CanMake() bool { return boot().limits[0][1] >= enoughFiles }

const enoughFiles = 32

// Make has the resident make the payload's process, with these flags of clone(2), as Announce has it learn of one that was made
// otherwise. sync is the process' end of a sync socket, on which it waits for what Give sends, and cgroup the control group that it starts in, or
// -1; they stay the caller's. Made has the answer.
func Make(flags uint32, sync, cgroup int, killMS uint32, first bool) error {
	m := message{kind: msgMake, pid: int32(flags), ms: killMS}
	if first {
		m.first = 1
	}
	pass := []int{sync}
	if cgroup >= 0 {
		pass = append(pass, cgroup)
	}
	return kernel.SendFDs(int(boot().ctl), m.bytes(), pass...)
}

// Made waits until the process that Make is about exists. Moved is false if it had to start in our own control group. ECANCELED means
// that somebody has ended the container before.
func Made() (pid int, moved bool, err error) {
	var m message
	n, err := kernel.Recv(int(boot().ctl), m.bytes())
	switch {
	case err != nil:
		return 0, false, err
	case n != messageSize || m.kind != msgMake || m.pid == 0:
		return 0, false, &kernel.Error{Op: "hear from the resident", Errno: syscall.EPROTO}
	case m.pid < 0:
		return 0, false, syscall.Errno(-m.pid)
	}
	return int(m.pid), m.first != 0, nil
}

// Give sends the program to the process that waits on the other end of sync; file holds it, for addr, where nothing is in this process:
// first the instructions, from data on the data. The process gets fds as program.FirstFD and up. All descriptors stay the caller's.
func Give(sync, file int, addr uintptr, size, insns, data int, fds []int) error {
	g := gift{addr, uintptr(size), uintptr(insns), addr + uintptr(data)}
	return kernel.SendFDs(sync, unsafe.Slice((*byte)(unsafe.Pointer(&g)), unsafe.Sizeof(g)), append(slices.Clip(fds), file)...)
}

// Started says that the payload runs: from now on signals are its business.
func Started() error { return tell(message{kind: msgStarted}) }
