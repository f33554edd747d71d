// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawsysAt is the address of rawsys (entry_*.s), a data word that the assembler fills in.
var rawsysAt uintptr

// sys makes a system call; errors are negative errnos, as the kernel has them. It is called through a function value, the code's address in
// the resident's own page, because a call of package syscall's would go through two other places of the program: of each place that is
// touched the kernel maps sixteen pages.
//
//go:nosplit
//go:norace
//go:nocheckptr
func sys(nr, a, b, c, d, e uintptr) int {
	code := &the().sys
	return (*(*func(nr, a, b, c, d, e uintptr) int)(unsafe.Pointer(&code)))(nr, a, b, c, d, e)
}

//go:nosplit
//go:norace
func exit(code int32) {
	for {
		sys(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0, 0, 0)
		*(*int)(nil) = 0 // a seccomp filter of the child may forbid even that
	}
}

// kill is safe with a pid: we are the parent and forget it when we reap.
//
//go:nosplit
//go:norace
func kill(pid int32, s syscall.Signal) {
	if pid > 0 {
		sys(unix.SYS_KILL, uintptr(pid), uintptr(s), 0, 0, 0)
	}
}

// arm sets the timer; struct itimerspec is four longs.
//
//go:nosplit
//go:norace
//go:nocheckptr
func arm(ms uint32) { armTimer(r().timer, ms) }

//go:nosplit
//go:norace
//go:nocheckptr
func armTimer(fd int32, ms uint32) {
	t := [4]uintptr{0, 0, uintptr(ms / 1000), uintptr(ms%1000)*1e6 + 1}
	sys(unix.SYS_TIMERFD_SETTIME, uintptr(fd), 0, uintptr(unsafe.Pointer(&t)), 0, 0)
}

//go:nosplit
//go:norace
//go:nocheckptr
func disarm(fd int32) {
	var t [4]uintptr
	sys(unix.SYS_TIMERFD_SETTIME, uintptr(fd), 0, uintptr(unsafe.Pointer(&t)), 0, 0)
}

var devNull = [...]byte{'/', 'd', 'e', 'v', '/', 'n', 'u', 'l', 'l', 0}

// isJail: the last component of the name is "ujail".
//
//go:nosplit
//go:norace
//go:nocheckptr
func isJail(s unsafe.Pointer) bool {
	const name = uint64('u') | 'j'<<8 | 'a'<<16 | 'i'<<24 | 'l'<<32
	var last uint64
	n := uint(0)
	for {
		c := *(*byte)(s)
		switch {
		case c == 0:
			return n == 5 && last == name
		case c == '/':
			last, n = 0, 0
		default:
			if n < 5 {
				last |= uint64(c) << (8 * n)
			}
			n++
		}
		s = unsafe.Add(s, 1)
	}
}
