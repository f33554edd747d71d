// SPDX-License-Identifier: LGPL-2.1-only

// Package kernel is where this project's ordinary Go code makes system calls: thin wrappers that retry what a signal has
// interrupted and say operation, path and flags in their errors. File descriptors are plain ints, always close-on-exec; whoever
// gets one closes it. Package os is not used for files: it would start the runtime's poller, which costs three descriptors and
// dies under a small RLIMIT_NOFILE.
//
// What the child runs between clone and exec is not here but in package program, and what the resident runs in package resident.
package kernel

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Errno is the kernel's reason.
type Errno = syscall.Errno

// An Error is a failed system call.
type Error struct {
	Op    string // what was tried, in words: "open", "mount", "write"
	Path  string // what it was tried on; may be empty
	Errno Errno
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Op + ": " + e.Errno.Error()
	}
	return e.Op + " " + e.Path + ": " + e.Errno.Error()
}

// Unwrap gives the errno, so that errors.Is(err, syscall.ENOENT) and errors.Is(err, fs.ErrNotExist) work.
func (e *Error) Unwrap() error { return e.Errno }

// fail makes an Error of err, nil of nil.
func fail(op, path string, err error) error {
	if err == nil {
		return nil
	}
	errno, ok := err.(syscall.Errno)
	if !ok {
		errno = syscall.EIO
	}
	return &Error{op, path, errno}
}

// ErrnoOf is the errno in err, or 0.
func ErrnoOf(err error) Errno {
	switch e := err.(type) {
	case *Error:
		return e.Errno
	case *HintError:
		return e.Err.Errno
	case syscall.Errno:
		return e
	}
	return 0
}

// retry repeats a call that a signal has interrupted.
func retry(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

// Close closes fd; negative ones are none.
func Close(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// Open opens path with the flags of open(2) and O_CLOEXEC.
func Open(path string, flags int) (fd int, err error) {
	err = retry(func() error { fd, err = unix.Open(path, flags|unix.O_CLOEXEC|unix.O_LARGEFILE, 0); return err })
	if err != nil {
		return -1, fail("open", path, err)
	}
	return fd, nil
}

// ReadFile reads a regular file of at most max bytes; a larger one is an error (EFBIG), and so is anything that is no file.
func ReadFile(path string, max int) ([]byte, error) {
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
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil, fail("read", path, unix.EISDIR)
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fail("read as a regular file", path, unix.EINVAL)
	case st.Size > int64(max):
		return nil, fail("read", path, unix.EFBIG)
	}
	b := make([]byte, 0, st.Size+1)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		var n int
		err := retry(func() (err error) { n, err = unix.Read(fd, b[len(b):cap(b)]); return })
		if err != nil {
			return nil, fail("read", path, err)
		}
		if n == 0 {
			return b, nil
		}
		if b = b[:len(b)+n]; len(b) > max {
			return nil, fail("read", path, unix.EFBIG)
		}
	}
}

// WriteAll writes all of b to fd; what names it in errors.
func WriteAll(fd int, what string, b []byte) error {
	for len(b) > 0 {
		var n int
		if err := retry(func() (err error) { n, err = unix.Write(fd, b); return }); err != nil {
			return fail("write", what, err)
		}
		b = b[n:]
	}
	return nil
}

// WriteFile makes or replaces a file's content. It is not atomic.
func WriteFile(path string, b []byte, mode uint32) (err error) {
	var fd int
	err = retry(func() error {
		fd, err = unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC|unix.O_NOCTTY, mode)
		return err
	})
	if err != nil {
		return fail("open", path, err)
	}
	defer unix.Close(fd)
	return WriteAll(fd, path, b)
}

// Mkdir makes one directory; made is false if something was there already.
func Mkdir(path string, mode uint32) (made bool, err error) {
	switch err := unix.Mkdir(path, mode); err {
	case nil:
		return true, nil
	case unix.EEXIST:
		return false, nil
	default:
		return false, fail("mkdir", path, err)
	}
}

// Chown changes who owns a file.
func Chown(path string, uid, gid uint32) error {
	return fail("chown", path, unix.Chown(path, int(uid), int(gid)))
}

// Unlink removes a file.
func Unlink(path string) error { return fail("unlink", path, unix.Unlink(path)) }

// Rmdir removes an empty directory.
func Rmdir(path string) error { return fail("rmdir", path, unix.Rmdir(path)) }

// SocketPair makes two connected sockets that keep message boundaries and tell when the other end closes.
func SocketPair() (a, b int, err error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	return p[0], p[1], fail("socketpair", "", err)
}

// Send sends one message; a closed peer is EPIPE, not a signal.
func Send(fd int, b []byte) error {
	return fail("send", "", retry(func() error { return unix.Sendto(fd, b, unix.MSG_NOSIGNAL, nil) }))
}

// Recv receives one message into b; n is 0 when the other end has closed.
func Recv(fd int, b []byte) (n int, err error) {
	err = retry(func() error { n, err = unix.Read(fd, b); return err })
	return n, fail("receive", "", err)
}

// HungUp tells whether the other end of a socket is closed.
func HungUp(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd)}}
	var n int
	err := retry(func() (err error) { n, err = unix.Poll(p, 0); return })
	return err == nil && n == 1 && p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// SealedMemfd makes an anonymous file with this content that nobody can change any more.
func SealedMemfd(name string, content []byte) (int, error) {
	const mfdExec = 0x10 // Linux 6.3: EINVAL before, and then not needed
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|mfdExec)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		hint := ""
		if err == unix.EACCES {
			hint = "the sysctl vm.memfd_noexec is 2, here or in an outer pid namespace: with that nothing in memory can be executed"
		}
		return -1, explain(fail("memfd_create", name, err), hint)
	}
	if err = WriteAll(fd, name, content); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
		err = fail("seal", name, err)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// PidfdOpen opens a process; it must be a thread group leader.
func PidfdOpen(pid int) (int, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	return fd, fail("pidfd_open", strconv.Itoa(pid), err)
}

// PidfdKill sends SIGKILL.
func PidfdKill(pidfd int) error {
	return fail("kill", "", unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0))
}

// Prlimit sets a resource limit of a process (0: the caller).
func Prlimit(pid int, resource uint8, soft, hard uint64) error {
	return fail("prlimit", "", unix.Prlimit(pid, int(resource), &unix.Rlimit{Cur: soft, Max: hard}, nil))
}

// GetRlimit reads a resource limit of a process (0: the caller).
func GetRlimit(pid int, resource uint8) (soft, hard uint64, err error) {
	var l unix.Rlimit
	err = unix.Prlimit(pid, int(resource), nil, &l)
	return l.Cur, l.Max, fail("prlimit", "", err)
}
