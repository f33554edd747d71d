// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ListenPackets makes a socket in a directory that keeps message boundaries, and that processes of the same user can connect to. Accepting
// waits. However long the path of the directory is, it can be made.
func ListenPackets(dir, name string) (int, error) {
	fd, err := packets(dir, func(fd int, path string) error {
		old := unix.Umask(0o177)
		err := unix.Bind(fd, &unix.SockaddrUnix{Name: path + name})
		unix.Umask(old)
		if err == nil {
			err = unix.Listen(fd, 1)
		}
		return err
	})
	return fd, fail("listen on", dir+"/"+name, err)
}

// ConnectPackets connects to a ListenPackets socket. ECONNREFUSED: nobody listens any more.
func ConnectPackets(dir, name string) (int, error) {
	fd, err := packets(dir, func(fd int, path string) error {
		return retry(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: path + name}) })
	})
	return fd, fail("connect to", dir+"/"+name, err)
}

func packets(dir string, use func(fd int, path string) error) (int, error) {
	d, err := OpenDir(dir)
	if err != nil {
		return -1, ErrnoOf(err)
	}
	defer unix.Close(d)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := use(fd, "/proc/self/fd/"+strconv.Itoa(d)+"/"); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// PidfdSignal sends a signal; 0 is none, and only asks whether the process is there. ESRCH: it has ended.
func PidfdSignal(pidfd, signal int) error {
	return fail("send signal "+strconv.Itoa(signal), "", unix.PidfdSendSignal(pidfd, unix.Signal(signal), nil, 0))
}

// PidfdEnded waits until the process has ended, at most until the deadline.
func PidfdEnded(pidfd int, deadline time.Time) bool {
	n, err := Poll([]PollFD{{Fd: int32(pidfd), Events: Readable}}, deadline)
	return err == nil && n > 0
}

// IsOpen tells whether there is a descriptor of this number.
func IsOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

// ReadLink is what a link says, at most 4095 bytes of it.
func ReadLink(path string) (string, error) {
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlink(path, b)
	if err != nil {
		return "", fail("read", path, err)
	}
	return string(b[:n]), nil
}

// Processes are those of the cgroup and, with all that are below it, theirs. What has just been removed has none.
func (c Cgroup) Processes() (pids []int, err error) {
	text, err := c.Read("cgroup.procs")
	switch ErrnoOf(err) {
	case unix.ENODEV, unix.ENOENT:
		return nil, nil
	}
	if err != nil && ErrnoOf(err) != unix.EOPNOTSUPP { // a threaded group: its processes are told of above
		return nil, err
	}
	for line := range strings.FieldsSeq(text) {
		if pid, err := strconv.Atoi(line); err == nil {
			pids = append(pids, pid)
		}
	}
	names, err := ReadNames(c.path, 65536)
	if err != nil {
		return pids, nil
	}
	for _, name := range names {
		sub, err := c.Sub(name)
		if err != nil { // a file, or gone
			continue
		}
		more, err := sub.Processes()
		sub.Close()
		if err != nil {
			return nil, err
		}
		pids = append(pids, more...)
	}
	return pids, nil
}

// Getpid is the pid of this process.
func Getpid() int { return unix.Getpid() }

// Unmount takes a mount away, also while it is in use; what is no mount point is EINVAL.
func Unmount(path string) error {
	return fail("unmount", path, unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
}

// Append adds to a file, which is made if it is missing.
func Append(path string, b []byte) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND|unix.O_CLOEXEC|unix.O_NOCTTY, 0o644)
	if err != nil {
		return fail("open", path, err)
	}
	defer unix.Close(fd)
	return WriteAll(fd, path, b)
}

// ReadAll reads a descriptor to its end, at most max bytes (EFBIG).
func ReadAll(fd, max int) ([]byte, error) {
	b := make([]byte, 0, 4096)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		var n int
		err := retry(func() (err error) { n, err = unix.Read(fd, b[len(b):cap(b)]); return })
		if err != nil || n == 0 {
			return b, fail("read", "descriptor "+strconv.Itoa(fd), err)
		}
		if b = b[:len(b)+n]; len(b) > max {
			return nil, fail("read", "descriptor "+strconv.Itoa(fd), unix.EFBIG)
		}
	}
}

// Ends tells whether a process without a handler for a signal ends by it (signal(7)).
func Ends(signal int) bool {
	switch unix.Signal(signal) {
	case 0, unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return false
	}
	return true
}
