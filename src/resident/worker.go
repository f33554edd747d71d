// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

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
	Bus     = iota // the connection to ubusd: a worker is started when it is readable
	State          // what a worker has to know
	Group          // the container's control group
	Console        // the master of the payload's terminal. While the payload runs the resident relays it, to these:
	TTY            // the other end, the payload's: it does not hang up while this is held, and can be resized
	Input          // a terminal, or nothing
	Output         // where what the payload writes goes, or nothing
	slots
)

// watched are the slots whose descriptor starts a worker when it is readable, or hangs up, while the payload runs.
const watched = 1 << Bus

// Held is a descriptor that the resident held when this worker was started, or -1. It is this process' own copy.
func Held(slot int) int { return int(boot.held[slot]) }

// Hold has the resident keep a duplicate of fd, which stays the caller's, in place of what it holds there. With -1 it keeps nothing.
func Hold(slot, fd int) error {
	m := message{kind: msgHold, pid: int32(slot)}
	_, err := kernel.SendFD(int(boot.ctl), m.bytes(), fd)
	return err
}

// Wake has a worker in mode Event started ms milliseconds after this one has ended, if nothing else starts one before.
func Wake(ms uint32) error { return tell(message{kind: msgWake, ms: ms}) }

// Kill has the resident send the payload a signal, which it alone can do without hitting a stranger. One that ends a process ends
// a container that waits for its start; one that has ended gets none.
func Kill(sig int) error { return tell(message{kind: msgKill, pid: int32(sig)}) }

// Payload is the pid of the payload when this worker was started, 0 for none.
func Payload() int { return int(boot.pid) }

// Mode says what this process is.
func Mode() int { return int(boot.mode) }

// Status is what the container's end will be reported as. It is set in mode Stopped.
func Status() int { return int(boot.status) }

// LifeLine is the end of the life line that the child gets. Whoever makes the child closes it then: while anybody holds it the
// resident takes the payload for not executed. The other end is the resident's alone.
func LifeLine() int { return int(boot.life) }

// A Limit is a resource limit as the caller of ujail had set it. The worker has changed it for itself.
type Limit struct {
	Resource   uint8
	Soft, Hard uint64
}

// Limits are the payload's, unless its configuration has others.
func Limits() [4]Limit {
	var out [4]Limit
	for i := range raised {
		out[i] = Limit{uint8(raised[i]), boot.limits[i][0], boot.limits[i][1]}
	}
	return out
}

func (m *message) bytes() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(m)), messageSize) }

func tell(m message) error { return kernel.Send(int(boot.ctl), m.bytes()) }

// The compiler checks the size of a message.
var _ [messageSize]byte = [unsafe.Sizeof(message{})]byte{}

// WantStopped asks for a worker in mode Stopped when the container has ended, in whatever way.
func WantStopped() error { return tell(message{kind: msgWant}) }

// Announce makes pid, a child of the resident, the process that signals go to and whose status is reported. killMS is the time
// in milliseconds between TERM and KILL. A process that is first only makes the next one, which is announced in its turn.
func Announce(pid int, killMS uint32, first bool) error {
	m := message{kind: msgPayload, pid: int32(pid), ms: killMS}
	if first {
		m.first = 1
	}
	return tell(m)
}

// Started says that the payload runs: from now on signals are its business.
func Started() error { return tell(message{kind: msgStarted}) }
