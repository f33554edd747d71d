// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the resident itself does with the control group that it holds: there may be no time for a worker, or nothing left to look at.

var (
	freezeFile = [...]byte{'c', 'g', 'r', 'o', 'u', 'p', '.', 'f', 'r', 'e', 'e', 'z', 'e', 0}
	eventsFile = [...]byte{'m', 'e', 'm', 'o', 'r', 'y', '.', 'e', 'v', 'e', 'n', 't', 's', 0}
	oomKill    = [16]byte{'\n', 'o', 'o', 'm', '_', 'k', 'i', 'l', 'l', ' '}
	zero       = [...]byte{'0'}
)

const oomKillLen = 10

// These are variables for the linker's count of stack, as childFn is.
var (
	thawFn = thaw
	noteFn = noteOOM
)

// thaw has a paused container go on.
//
//go:nosplit
//go:norace
//go:nocheckptr
func thaw() {
	if boot().held[Group] < 0 {
		return
	}
	fd := sys(unix.SYS_OPENAT, uintptr(boot().held[Group]), uintptr(unsafe.Pointer(&freezeFile)), unix.O_WRONLY|unix.O_CLOEXEC, 0, 0)
	if fd >= 0 {
		sys(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&zero)), 1, 0, 0)
		sys(unix.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0)
	}
}

// noteOOM says so if the kernel has killed a process of the container, which has just ended by KILL, for want of memory. The group is its
// own and new: what it counts is of this container.
//
//go:nosplit
//go:norace
//go:nocheckptr
func noteOOM() {
	if boot().held[Group] < 0 || boot().oom {
		return
	}
	fd := sys(unix.SYS_OPENAT, uintptr(boot().held[Group]), uintptr(unsafe.Pointer(&eventsFile)), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0)
	if fd < 0 {
		return
	}
	matched := 0
	for !boot().oom {
		n := sys(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&r().info)), uintptr(len(r().info)), 0, 0)
		if n <= 0 {
			break
		}
		for i := range min(n, len(r().info)) {
			c := r().info[i&(len(r().info)-1)] // the check of an index would call the runtime
			switch {
			case matched == oomKillLen:
				boot().oom = boot().oom || c != '0'
				matched = 0
			case c == oomKill[matched&(len(oomKill)-1)]:
				matched++
			case c == '\n':
				matched = 1
			default:
				matched = 0
			}
		}
	}
	sys(unix.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0)
	if boot().oom {
		say("killed by the kernel, out of memory (linux.resources.memory.limit, or the machine's)")
	}
}

// OOMKilled tells whether the payload ended by KILL and the kernel has killed for want of memory in the container. It is set in mode Stopped.
func OOMKilled() bool { return boot().oom }
