// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// supervises tells whether a process that is called so becomes a resident. Of one that does not the limit of descriptors is noted, which Go
// raises.
//
//go:nosplit
//go:norace
//go:nocheckptr
func supervises(argv0 unsafe.Pointer) bool {
	if isJail(argv0) {
		return true
	}
	sys(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, uintptr(unsafe.Pointer(&boot().limits[0])), 0)
	return false
}
