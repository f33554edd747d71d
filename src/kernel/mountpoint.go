// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import "golang.org/x/sys/unix"

// IsMountpoint tells whether something is mounted on a path, links followed. A path that is not there is none.
func IsMountpoint(path string) bool {
	var st unix.Statx_t
	for {
		err := unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_DONT_SYNC|unix.AT_NO_AUTOMOUNT, 0, &st)
		if err == unix.EINTR {
			continue
		}
		return err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
}
