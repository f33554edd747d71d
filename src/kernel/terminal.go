// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// IsTerminal tells whether fd is a terminal.
func IsTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}

// A WindowSize is that of a terminal, in characters. Zero is a size that nobody has set.
type WindowSize struct{ Width, Height uint16 }

// GetWindowSize reads the size of a terminal; either end of a pseudoterminal will do.
func GetWindowSize(fd int) (WindowSize, error) {
	w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return WindowSize{}, fail("read the size of", "terminal", err)
	}
	return WindowSize{w.Col, w.Row}, nil
}

// SetWindowSize sets it. If it was another one the processes in the foreground of the terminal get SIGWINCH.
func SetWindowSize(fd int, s WindowSize) error {
	return fail("set the size of", "terminal", unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: s.Height, Col: s.Width}))
}

// OpenPeer opens the other end of a pseudoterminal by its master, whatever the paths of the process that has made it lead to now
// (ioctl_tty(2), TIOCGPTPEER). It does not become anybody's controlling terminal. The caller closes it.
func OpenPeer(master int) (int, error) {
	fd, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(master), uintptr(unix.TIOCGPTPEER), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if e != 0 {
		return -1, fail("open the other end of", "terminal", e)
	}
	return int(fd), nil
}

// TakeFD duplicates descriptor fd of a process (pidfd_getfd(2)). The caller closes it.
func TakeFD(pid, fd int) (int, error) {
	pidfd, err := PidfdOpen(pid)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	n, err := unix.PidfdGetfd(pidfd, fd, 0)
	if err != nil {
		return -1, fail("take", "descriptor "+strconv.Itoa(fd)+" of process "+strconv.Itoa(pid), err)
	}
	return n, nil
}

// Unblocked is fd, or what it refers to, for somebody who must never wait for it: a terminal or a pipe is opened once more, so that
// others who have it are not changed. A regular file keeps its offset and a socket can be asked each time: they are duplicated.
// flags is ReadOnly or WriteOnly. The caller closes it.
func Unblocked(fd, flags int) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return -1, fail("stat", "descriptor "+strconv.Itoa(fd), err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR, unix.S_IFIFO:
		return Open("/proc/self/fd/"+strconv.Itoa(fd), flags|unix.O_NONBLOCK|unix.O_NOCTTY)
	}
	return DupAbove(fd, 3)
}

// SetNonblock has nobody wait for fd any more who has it.
func SetNonblock(fd int) error {
	return fail("set O_NONBLOCK of", "descriptor "+strconv.Itoa(fd), unix.SetNonblock(fd, true))
}

// The flags of Unblocked.
const (
	ReadOnly  = unix.O_RDONLY
	WriteOnly = unix.O_WRONLY
)
