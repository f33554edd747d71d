// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/logline"
)

// What the payload prints goes to the system log, if a worker has had us hold the pipes that are its stdout and stderr: a message for
// each line, under the jail's name. A log that does not take them is waited for, which stops the payload as soon as its pipe is
// full, but not for long: then lines are dropped, and counted.
const (
	logWaitMS  = 2000 // how long a line waits before it is dropped
	logTickMS  = 100  // how often it is tried meanwhile
	redialMS   = 1000 // how often a log that was given up is looked for
	drainMS    = 2000 // how long what is left at the end may take
	chunkSize  = 1024
	chunksOnce = 8  // read of a pipe before something else has its turn
	chunksLast = 64 // a pipe holds no more, unless somebody goes on writing
)

// printed are the slots of those pipes.
const printed = 1<<Stdout | 1<<Stderr

// out is what is on its way. Until a payload prints, its pages are not there.
var out struct {
	line  [2]logline.Message // of stdout and of stderr
	words logline.Message    // our own
	chunk [chunkSize]byte    // what was last read
	at, n uint32             // what is left of it
	from  uint32             // which of the two it came from
	full  bool               // that one's message is complete and has to be sent
	lost  uint32             // lines
	tried uint32             // when the log was, in milliseconds of the clock
}

// forward moves what the payload has printed into the log, as far as both ends go along. It tells whether there is more. At the end
// it reads pipes, too, that the poll has not found readable, and with last it closes them.
//
//go:nosplit
//go:norace
//go:nocheckptr
func forward(end, last bool) (more bool) {
	if !send() {
		return true
	}
	for i := uint32(0); i < 2; i++ {
		for reads := 0; boot().held[Stdout+i] >= 0 && (end || r().poll[pollHeld+Stdout+i].revents != 0); reads++ {
			if reads == chunksOnce && !last {
				more = true
				break
			}
			n := 0
			if reads < chunksLast {
				n = sys(unix.SYS_READ, uintptr(boot().held[Stdout+i]), uintptr(unsafe.Pointer(&out.chunk)), chunkSize, 0, 0)
			}
			if n == -int(unix.EAGAIN) && !last {
				break
			}
			m := &out.line[i]
			switch {
			case n <= 0: // nobody has the other end any more; a line without an end is one
				drop(boot().held[Stdout+i])
				boot().held[Stdout+i], n = -1, 0
				out.full = m.Pending()
			case !m.Begun():
				m.Begin([2]uint32{logline.Info, logline.Error}[i], unsafe.String(&r().name[0], r().nameLen), uint32(r().last))
			}
			out.from, out.at, out.n = i, 0, uint32(n)
			if !send() {
				return true
			}
		}
	}
	return more
}

// send makes messages of the chunk, and sends them. False: the log is waited for.
//
//go:nosplit
//go:norace
//go:nocheckptr
func send() bool {
	m := &out.line[out.from&1]
	for out.full || out.at < out.n {
		if out.full {
			if !post(m) {
				return false
			}
			m.Reset()
			out.full = false
		}
		if out.at < out.n {
			taken, complete := m.Take(out.chunk[out.at:out.n])
			out.at += uint32(taken)
			out.full = complete
		}
	}
	return true
}

// post sends a message, or drops it. False: it is to be tried again.
//
//go:nosplit
//go:norace
//go:nocheckptr
func post(m *logline.Message) bool {
	if r().log < 0 && r().logGone && clock(unix.CLOCK_MONOTONIC)-out.tried < redialMS {
		out.lost++
		return true
	}
	if (out.lost == 0 || sayLost()) && transmit(m) {
		r().logBusy, r().logGone = false, false
		return true
	}
	now := clock(unix.CLOCK_MONOTONIC)
	switch {
	case r().logGone && now-out.tried >= redialMS: // somebody else may be there by now
		hangUpLog()
		dial()
		out.tried = now
	case r().logGone:
	case !r().logBusy:
		r().logBusy, out.tried = true, now
		return false
	case now-out.tried < logWaitMS:
		return false
	}
	r().logBusy, r().logGone = false, true
	out.lost++
	return true
}

// sayLost says how many lines have been lost.
//
//go:nosplit
//go:norace
//go:nocheckptr
func sayLost() bool {
	m := &out.words
	m.Begin(logline.Notice, unsafe.String(&r().name[0], r().nameLen), uint32(r().last))
	m.PutNumber(out.lost)
	m.Put(" lines lost: the system log did not take them")
	if !transmit(m) {
		return false
	}
	out.lost = 0
	return true
}

// transmit sends a message, if that is possible at once. The kernel takes one of this size as a whole, a stream's as well.
//
//go:nosplit
//go:norace
//go:nocheckptr
func transmit(m *logline.Message) bool {
	for try := 0; try < 2; try++ {
		if r().log < 0 && !dial() {
			return false
		}
		m.Stamp(clock(unix.CLOCK_REALTIME))
		b := m.Bytes()
		n := len(b)
		if !r().logStream {
			n-- // the NUL is for streams
		}
		e := sys(unix.SYS_SENDTO, uintptr(r().log), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(n), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0)
		switch e {
		case n:
			return true
		case -int(unix.EAGAIN), -int(unix.ENOBUFS), -int(unix.ENOMEM):
			return false
		}
		hangUpLog() // who was there has gone; perhaps another one is there
	}
	return false
}

// logAddress is struct sockaddr_un of /dev/log.
var logAddress = struct {
	family uint16
	path   [62]byte
}{unix.AF_UNIX, [62]byte{'/', 'd', 'e', 'v', '/', 'l', 'o', 'g'}}

// dial connects to the log: logd and most others have a datagram socket.
//
//go:nosplit
//go:norace
//go:nocheckptr
func dial() bool {
	r().logStream = false
	for kind := uintptr(unix.SOCK_DGRAM); ; kind = unix.SOCK_STREAM {
		fd := sys(unix.SYS_SOCKET, unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0, 0)
		if fd < 0 {
			return false
		}
		e := sys(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&logAddress)), unsafe.Sizeof(logAddress), 0, 0)
		if e == 0 {
			r().log = int32(fd)
			return true
		}
		drop(int32(fd))
		if e != -int(unix.EPROTOTYPE) || r().logStream {
			return false
		}
		r().logStream = true
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func hangUpLog() {
	drop(r().log)
	r().log = -1
}

// clock is seconds of the time of day, and milliseconds of any other clock.
//
//go:nosplit
//go:norace
//go:nocheckptr
func clock(id uintptr) uint32 {
	var t [2]uintptr // struct timespec is two longs
	sys(unix.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0, 0, 0)
	if id == unix.CLOCK_REALTIME {
		return uint32(t[0])
	}
	return uint32(t[0])*1000 + uint32(t[1])/1000000
}

// drain forwards what is left when the container has ended. It does not wait for those who may still have the pipes open.
//
//go:nosplit
//go:norace
//go:nocheckptr
func drain() {
	if boot().held[Stdout] < 0 && boot().held[Stderr] < 0 && !r().logBusy && out.lost == 0 {
		return
	}
	end := clock(unix.CLOCK_MONOTONIC) + drainMS
	for forward(true, false) && int32(clock(unix.CLOCK_MONOTONIC)-end) < 0 {
		awaitLog(end)
	}
	for forward(true, true) {
		awaitLog(end)
	}
	for n := 0; out.lost > 0 && !sayLost() && n < drainMS/2/logTickMS; n++ {
		awaitLog(0)
	}
}

// awaitLog waits until the log may have room, or is to be looked for again. When the end has come nothing waits any more.
//
//go:nosplit
//go:norace
//go:nocheckptr
func awaitLog(end uint32) {
	if end != 0 && !r().logBusy {
		return
	}
	if now := clock(unix.CLOCK_MONOTONIC); end != 0 && int32(now-end) >= 0 {
		r().logBusy, r().logGone, out.tried = false, true, now
		return
	}
	p := pollFD{fd: r().log, events: unix.POLLOUT}
	tick := [2]uintptr{0, logTickMS * 1e6}
	sys(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&tick)), 0, sigsetSize)
}
