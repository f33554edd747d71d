// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// FileInfo is what stat(2) tells of a file, links followed.
type FileInfo struct {
	Mode         uint32 // with the type, S_IFMT
	UID, GID     uint32
	Major, Minor uint32 // of a device node
	Size         int64
}

// Kind is the file's type as ls has it: - d c b p s.
func (i *FileInfo) Kind() byte {
	switch i.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return 'd'
	case unix.S_IFREG:
		return '-'
	case unix.S_IFCHR:
		return 'c'
	case unix.S_IFBLK:
		return 'b'
	case unix.S_IFIFO:
		return 'p'
	}
	return 's'
}

// Stat looks at a file.
func Stat(path string) (FileInfo, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Stat(path, &st) })
	return fileInfo(&st), fail("stat", path, err)
}

func fileInfo(st *unix.Stat_t) FileInfo {
	return FileInfo{Mode: uint32(st.Mode), UID: st.Uid, GID: st.Gid, Major: unix.Major(uint64(st.Rdev)), Minor: unix.Minor(uint64(st.Rdev)), Size: st.Size}
}

// ReadPrivate is ReadFile for what only root may read: a file that others may read or write, or that is not root's, is refused.
func ReadPrivate(path string, max int) ([]byte, error) {
	fd, err := Open(path, unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fail("stat", path, err)
	}
	switch {
	case st.Uid != 0:
		return nil, explain(fail("read", path, unix.EPERM), "it has to be root's: chown root it")
	case st.Mode&0o077 != 0:
		return nil, explain(fail("read", path, unix.EPERM), "others than root may use it: chmod 600 it")
	}
	return ReadFile("/proc/self/fd/"+strconv.Itoa(fd), max)
}

// A FileSystem is what statfs(2) tells.
type FileSystem struct {
	Type     int64 // its magic number
	Free     uint64
	ReadOnly bool
}

// Statfs looks at the file system that a path is on.
func Statfs(path string) (FileSystem, error) {
	var st unix.Statfs_t
	err := retry(func() error { return unix.Statfs(path, &st) })
	return FileSystem{int64(st.Type), st.Bavail * uint64(st.Bsize), uint64(st.Flags)&unix.ST_RDONLY != 0}, fail("statfs", path, err)
}

// Rename gives a file or directory another name on its file system.
func Rename(from, to string) error { return fail("rename", from, unix.Rename(from, to)) }
