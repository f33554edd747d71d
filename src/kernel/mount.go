// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"golang.org/x/sys/unix"
)

// OpenTree clones the mount at path (with all below it if recursive) as a detached one. The caller closes it.
func OpenTree(path string, recursive bool) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, flags)
	return fd, fail("open_tree", path, err)
}

// SetPrivate ends the propagation of a detached tree's mounts to and from where it was cloned.
func SetPrivate(tree int) error {
	attr := unix.MountAttr{Propagation: unix.MS_PRIVATE}
	return fail("mount_setattr", "", unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr))
}

// IDMapMount gives a detached tree the id mapping of a user namespace (mount_setattr(2)).
func IDMapMount(tree, userns int, recursive bool) error {
	flags := uint(unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(userns)}
	return fail("mount_setattr idmap", "", unix.MountSetattr(tree, "", flags, &attr))
}
