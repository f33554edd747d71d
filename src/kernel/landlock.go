// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import "golang.org/x/sys/unix"

// LandlockVersion is the version of the kernel's Landlock (landlock(7), "ABI versions"), 0 where there is none.
func LandlockVersion() int {
	const version = 1 // LANDLOCK_CREATE_RULESET_VERSION
	v, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version)
	if e != 0 {
		return 0
	}
	return int(v)
}
