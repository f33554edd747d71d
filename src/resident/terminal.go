// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// relay is the payload's terminal where nobody else has taken its master: what the payload writes goes to Output, and what is typed on
// Input goes to the payload. Without an Output it is thrown away: nobody who does not look stands in the payload's way. Input is a
// terminal, which is raw meanwhile; it is left alone while another process group is in its foreground. None of the three blocks. TTY,
// the payload's end, is held open so that the payload may close all its own and open /dev/console anew.
var relay struct {
	begun   bool
	away    bool // Input is not read until SIGCONT
	raw     bool // Input is not as it was saved
	known   bool // it was saved
	in, out flow // of typed and written
	group   int32
	size    [4]uint16 // struct winsize
	saved   unix.Termios
	set     unix.Termios
	last    [2]pollFD
	typed   [256]byte
	written [2048]byte
}

// flow is the part of a buffer that is still on its way.
type flow struct{ at, end uintptr }

// relaying is false while the first worker may still give the master to somebody.
//
//go:nosplit
//go:norace
func relaying() bool {
	return boot().held[Console] >= 0 && r().started && (r().worker == 0 || boot().mode != Start)
}

// watchTerminal says what to wait for.
//
//go:nosplit
//go:norace
func watchTerminal() {
	if !relaying() {
		return
	}
	if !relay.begun {
		relay.begun = true
		foreground()
	}
	master, events := boot().held[Console], int16(0)
	if relay.out.at == relay.out.end {
		events = unix.POLLIN
	} else {
		r().poll[pollHeld+Output].fd, r().poll[pollHeld+Output].events = boot().held[Output], unix.POLLOUT
	}
	if relay.in.at != relay.in.end {
		events |= unix.POLLOUT
	} else if !relay.away {
		r().poll[pollHeld+Input].fd = boot().held[Input]
	}
	if events != 0 { // its hanging up alone would be told again and again
		r().poll[pollHeld+Console].fd, r().poll[pollHeld+Console].events = master, events
	}
}

// serveTerminal does what there is to do after a wait.
//
//go:nosplit
//go:norace
func serveTerminal() {
	if r().poll[pollHeld+Output].fd >= 0 && r().poll[pollHeld+Output].revents != 0 {
		writeOutput()
	}
	if r().poll[pollHeld+Console].fd >= 0 {
		events := r().poll[pollHeld+Console].revents
		if events&unix.POLLOUT != 0 {
			writeMaster()
		}
		if events&^unix.POLLOUT != 0 {
			readMaster()
		}
	}
	if r().poll[pollHeld+Input].fd >= 0 && r().poll[pollHeld+Input].revents != 0 {
		readInput()
	}
}

// readMaster takes what the payload has written and passes it on. It returns false if there is nothing.
//
//go:nosplit
//go:norace
//go:nocheckptr
func readMaster() bool {
	if relay.out.at != relay.out.end {
		return true
	}
	n := sys(unix.SYS_READ, uintptr(boot().held[Console]), uintptr(unsafe.Pointer(&relay.written)), unsafe.Sizeof(relay.written), 0, 0)
	switch {
	case n > 0:
		relay.out = flow{0, uintptr(n)}
		writeOutput()
		return true
	case n != -int(unix.EAGAIN) && n != -int(unix.EINTR):
		hangUp()
	}
	return false
}

//go:nosplit
//go:norace
//go:nocheckptr
func writeOutput() {
	for relay.out.at != relay.out.end {
		fd := uintptr(boot().held[Output])
		if boot().held[Output] < 0 {
			relay.out.at = relay.out.end
			return
		}
		b, left := uintptr(unsafe.Pointer(&relay.written))+relay.out.at, relay.out.end-relay.out.at
		n := sys(unix.SYS_SENDTO, fd, b, left, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0)
		if n == -int(unix.ENOTSOCK) {
			n = sys(unix.SYS_WRITE, fd, b, left, 0, 0)
		}
		switch {
		case n > 0:
			relay.out.at += uintptr(n)
		case n == -int(unix.EAGAIN):
			return
		default: // nobody reads any more
			drop(boot().held[Output])
			boot().held[Output] = -1
		}
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func readInput() {
	n := sys(unix.SYS_READ, uintptr(boot().held[Input]), uintptr(unsafe.Pointer(&relay.typed)), unsafe.Sizeof(relay.typed), 0, 0)
	switch {
	case n > 0:
		relay.in = flow{0, uintptr(n)}
		writeMaster()
	case n == -int(unix.EAGAIN) || n == -int(unix.EINTR):
	case n == 0 || r().poll[pollHeld+Input].revents&unix.POLLHUP != 0:
		hangUp() // and so does the payload's terminal
	default:
		relay.away = true // in the background, where reading is EIO as SIGTTIN is blocked
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func writeMaster() {
	for relay.in.at != relay.in.end {
		n := sys(unix.SYS_WRITE, uintptr(boot().held[Console]), uintptr(unsafe.Pointer(&relay.typed))+relay.in.at, relay.in.end-relay.in.at, 0, 0)
		switch {
		case n > 0:
			relay.in.at += uintptr(n)
		case n == -int(unix.EAGAIN):
			return
		default: // whether it is of any use is for readMaster to find out
			relay.in.at = relay.in.end
		}
	}
}

// hangUp ends the relay: processes in the foreground of the payload's terminal get SIGHUP, and nobody can use it any more.
//
//go:nosplit
//go:norace
func hangUp() {
	restore()
	for slot := Console; slot <= Output; slot++ {
		drop(boot().held[slot])
		boot().held[slot] = -1
	}
	relay.in.at, relay.out.at = relay.in.end, relay.out.end
}

// foreground takes the terminal over, unless it is somebody else's for now.
//
//go:nosplit
//go:norace
//go:nocheckptr
func foreground() {
	if !relaying() || boot().held[Input] < 0 {
		return
	}
	if relay.away = !mine(); relay.away {
		return
	}
	in := uintptr(boot().held[Input])
	if !relay.known { // later it may be as we have set it
		if sys(unix.SYS_IOCTL, in, unix.TCGETS, uintptr(unsafe.Pointer(&relay.saved)), 0, 0) < 0 {
			return
		}
		relay.known = true
	}
	t := &relay.set
	*t = relay.saved // as cfmakeraw(3)
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	relay.raw = sys(unix.SYS_IOCTL, in, unix.TCSETS, uintptr(unsafe.Pointer(t)), 0, 0) == 0
	resize()
}

// mine tells whether Input lets this process group set and read it. Signals are blocked, so that nothing else would keep us from it. A terminal
// that does not control us is anybody's.
//
//go:nosplit
//go:norace
//go:nocheckptr
func mine() bool {
	if sys(unix.SYS_IOCTL, uintptr(boot().held[Input]), unix.TIOCGPGRP, uintptr(unsafe.Pointer(&relay.group)), 0, 0) < 0 {
		return true
	}
	return int(relay.group) == sys(unix.SYS_GETPGID, 0, 0, 0, 0, 0)
}

// resize gives the payload's terminal the size of Input; the kernel tells the payload.
//
//go:nosplit
//go:norace
//go:nocheckptr
func resize() {
	size := uintptr(unsafe.Pointer(&relay.size))
	if sys(unix.SYS_IOCTL, uintptr(boot().held[Input]), unix.TIOCGWINSZ, size, 0, 0) == 0 && relay.size[0]|relay.size[1] != 0 {
		sys(unix.SYS_IOCTL, uintptr(boot().held[Console]), unix.TIOCSWINSZ, size, 0, 0)
	}
}

// restore leaves Input as it was found.
//
//go:nosplit
//go:norace
//go:nocheckptr
func restore() {
	if relay.raw && mine() {
		sys(unix.SYS_IOCTL, uintptr(boot().held[Input]), unix.TCSETS, uintptr(unsafe.Pointer(&relay.saved)), 0, 0)
	}
	relay.raw = false
}

// terminalSignal tells whether a signal is the relay's own and not for the payload.
//
//go:nosplit
//go:norace
//go:nocheckptr
func terminalSignal(s int32) bool {
	const pid = 12 // ssi_pid
	switch {
	case s == int32(unix.SIGPIPE):
		return *(*int32)(unsafe.Pointer(&r().info[pid])) == r().self // of writing to Output
	case !relaying() || boot().held[Input] < 0:
	case s == int32(unix.SIGWINCH):
		resize()
		return true
	case s == int32(unix.SIGCONT):
		foreground()
	}
	return false
}

// finishTerminal passes on what is left in the payload's terminal, for as long as that may take, and gives Input back.
//
//go:nosplit
//go:norace
//go:nocheckptr
func finishTerminal() {
	var n uint64
	arm(leftoverMS)
	for relaying() && sys(unix.SYS_READ, uintptr(r().timer), uintptr(unsafe.Pointer(&n)), 8, 0, 0) != 8 && readMaster() {
		if relay.out.at == relay.out.end {
			continue
		}
		relay.last = [2]pollFD{{fd: boot().held[Output], events: unix.POLLOUT}, {fd: r().timer, events: unix.POLLIN}}
		sys(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&relay.last)), 2, 0, 0, sigsetSize)
		writeOutput()
	}
	restore()
}
