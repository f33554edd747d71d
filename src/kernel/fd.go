// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// NoProcfs is a Procfs that was not opened: closing it does nothing, using it fails.
var NoProcfs = Procfs{-1}

// DupAbove duplicates fd, close-on-exec, to the lowest free number that is at least min (fcntl(2), F_DUPFD_CLOEXEC). The caller
// closes the new one and still owns fd.
func DupAbove(fd, min int) (int, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, min)
	if err != nil {
		return -1, fail("duplicate", "descriptor "+strconv.Itoa(fd), err)
	}
	return n, nil
}

// IsListener tells whether fd is one of a seccomp filter (seccomp_unotify(2)).
func IsListener(fd int) bool {
	var name [64]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), name[:])
	return err == nil && string(name[:n]) == "anon_inode:seccomp notify"
}

// Pipe makes a pipe for the output of a program that may be any user: it can open the writing end again through /proc/self/fd, as
// those do that print to /dev/stdout. Reading never waits.
func Pipe() (read, write int, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, -1, fail("make a pipe", "", err)
	}
	err = retry(func() error { return unix.Fchmod(p[1], 0o222) })
	if err == nil {
		err = unix.SetNonblock(p[0], true)
	}
	if err != nil {
		unix.Close(p[0])
		unix.Close(p[1])
		return -1, -1, fail("make a pipe", "", err)
	}
	return p[0], p[1], nil
}

// IsDirectory tells whether a descriptor is one of a directory.
func IsDirectory(fd int) bool {
	var st unix.Stat_t
	return fd >= 0 && retry(func() error { return unix.Fstat(fd, &st) }) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// Wait waits until the child pid has ended and reaps it; how it ended is not told. A pid that is not a child is ECHILD.
func Wait(pid int) error {
	if pid <= 0 {
		return fail("wait for", strconv.Itoa(pid), unix.EINVAL) // wait4(2) would take it for a group, or any child
	}
	return fail("wait for", strconv.Itoa(pid), retry(func() error {
		_, err := unix.Wait4(pid, nil, 0, nil)
		return err
	}))
}
