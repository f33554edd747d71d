// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// raised are the limits that the worker changes for itself: Go raises NOFILE, too little address space kills it, and without file
// size it cannot even write a memfd.
var raised = [4]uintptr{unix.RLIMIT_NOFILE, unix.RLIMIT_AS, unix.RLIMIT_DATA, unix.RLIMIT_FSIZE}

// least is what the Go runtime surely dies without: a little less than what it was found to need (amd64: 687 and 40 MiB, 386: 11 and 6).
var least = [4]uint64{0, 8<<20 + wide*592<<20, 4<<20 + wide*28<<20, 0}

const wide = uint64(^uintptr(0)) >> 63 // 1 where words have 64 bits

// raiseLimits raises the limits of raised from the first on. One that stays too low for Go is reported.
//
//go:nosplit
//go:norace
//go:nocheckptr
func raiseLimits(first int) (low bool) {
	for i := first; i < len(raised); i++ {
		lim := [2]uint64{^uint64(0), ^uint64(0)}
		if sys(unix.SYS_PRLIMIT64, 0, raised[i], uintptr(unsafe.Pointer(&lim)), 0, 0) == 0 {
			continue
		}
		lim = [2]uint64{boot().limits[i][1], boot().limits[i][1]} // without CAP_SYS_RESOURCE: up to the hard limit
		sys(unix.SYS_PRLIMIT64, 0, raised[i], uintptr(unsafe.Pointer(&lim)), 0, 0)
		low = low || lim[1] < least[i]
	}
	return low
}
