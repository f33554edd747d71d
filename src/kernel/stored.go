// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MakeDirs makes a directory and its parents.
func MakeDirs(path string, mode uint32) error {
	for i := 1; i <= len(path); i++ {
		if i == len(path) || path[i] == '/' {
			if _, err := Mkdir(path[:i], mode); err != nil {
				return err
			}
		}
	}
	return nil
}

// Replace gives a file in a directory new content: who reads it meanwhile sees the old one or the new one, whole.
func Replace(dir, name string, b []byte, mode uint32) error {
	temporary := dir + "/." + name + ".new"
	if err := WriteFile(temporary, b, mode); err != nil {
		return err
	}
	return fail("replace", dir+"/"+name, unix.Rename(temporary, dir+"/"+name))
}

// NewLock makes a file that is not there yet, and locks it. Who closes the descriptor unlocks it. EEXIST: it is there. ENOENT: it was
// removed before it was locked, or its directory.
func NewLock(path string) (fd int, err error) {
	return lock(path, unix.O_CREAT|unix.O_EXCL, unix.LOCK_EX)
}

// TryLock is Lock without waiting. EAGAIN: somebody has it locked.
func TryLock(path string) (fd int, err error) { return lock(path, 0, unix.LOCK_EX|unix.LOCK_NB) }

// Lock waits until nobody else has a file locked (flock(2)). ENOENT: it is not there, or was removed meanwhile.
func Lock(path string) (fd int, err error) { return lock(path, 0, unix.LOCK_EX) }

func lock(path string, flags, how int) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOFOLLOW|flags, 0o600)
		return err
	})
	if err != nil {
		return -1, fail("open", path, err)
	}
	var st unix.Stat_t
	err = retry(func() error { return unix.Flock(fd, how) })
	if err == nil {
		err = retry(func() error { return unix.Fstat(fd, &st) })
	}
	if err == nil && st.Nlink == 0 {
		err = unix.ENOENT
	}
	if err != nil {
		unix.Close(fd)
		return -1, fail("lock", path, err)
	}
	return fd, nil
}

// Status is the state of a process as a letter, Z or X where it has ended, and when it was started, in clock ticks since the machine was
// (proc(5), stat): with that time a pid is never another process'.
func Status(pid int) (state byte, start uint64, err error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	text, err := ReadProc(path)
	if err != nil {
		return 0, 0, err
	}
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the command's name is in parentheses, whatever it holds
	if len(f) < 20 {
		return 0, 0, fail("read", path, unix.EIO)
	}
	start, err = strconv.ParseUint(f[19], 10, 64)
	return f[0][0], start, fail("read", path, err)
}

// LockDir locks a directory (flock(2)); without wait it does not wait for who has it locked: EWOULDBLOCK. ENOENT: it is not there, or was
// removed meanwhile.
func LockDir(path string, wait bool) (fd int, err error) {
	if fd, err = Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW); err != nil {
		return -1, err
	}
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	var st unix.Stat_t
	if err = retry(func() error { return unix.Flock(fd, how) }); err == nil {
		err = retry(func() error { return unix.Fstat(fd, &st) })
	}
	if err == nil && st.Nlink == 0 {
		err = unix.ENOENT
	}
	if err != nil {
		unix.Close(fd)
		return -1, fail("lock", path, err)
	}
	return fd, nil
}

// Readlink is where a symbolic link leads.
func Readlink(path string) (string, error) {
	var b [unix.PathMax]byte
	n, err := unix.Readlink(path, b[:])
	if err != nil {
		return "", fail("read link", path, err)
	}
	return string(b[:n]), nil
}

// Symlink makes a symbolic link.
func Symlink(to, path string) error { return fail("make link", path, unix.Symlink(to, path)) }
