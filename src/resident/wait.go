// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// wait waits for something to do. A watched descriptor that is readable, or has hung up, makes a worker due. It tells whether there is
// anything but to forward what the payload prints.
//
//go:nosplit
//go:norace
//go:nocheckptr
func wait() bool {
	rest()
	watching := r().worker == 0 && r().started && !r().full
	for i := range &boot().held {
		r().poll[pollHeld+i].fd = -1
		if watching && watched>>i&1 != 0 || !r().logBusy && printed>>i&1 != 0 {
			r().poll[pollHeld+i].fd = boot().held[i]
		}
	}
	watchTerminal()
	timeout := uintptr(0)
	tick := [2]uintptr{0, logTickMS * 1e6}
	r().poll[pollLog].fd = -1
	if r().logBusy {
		r().poll[pollLog].fd, timeout = r().log, uintptr(unsafe.Pointer(&tick))
	}
	n := sys(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&r().poll)), uintptr(len(r().poll)), timeout, 0, sigsetSize)
	if r().poll[pollLog].revents != 0 {
		n--
	}
	for i := range &boot().held {
		switch {
		case r().poll[pollHeld+i].fd < 0 || r().poll[pollHeld+i].revents == 0:
		case printed>>i&1 != 0:
			n--
		case watched>>i&1 != 0:
			r().due = true
		}
	}
	serveTerminal()
	return n != 0
}
