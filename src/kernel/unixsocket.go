// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"time"

	"golang.org/x/sys/unix"
)

// ListenUnix makes a stream socket in the file system that processes can connect to. It does not block. The path must not be
// there yet; whoever closes the socket unlinks it.
func ListenUnix(path string) (int, error) {
	fd, err := unixStream()
	if err != nil {
		return -1, err
	}
	if err = unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err == nil {
		err = unix.Listen(fd, unix.SOMAXCONN)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fail("listen on", path, err)
	}
	return fd, nil
}

// Accept takes a connection from a ListenUnix socket; EAGAIN is none. The new socket does not block.
func Accept(fd int) (conn int, err error) {
	err = retry(func() error {
		conn, _, err = unix.Accept4(fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		return err
	})
	if err != nil {
		return -1, fail("accept a connection", "", err)
	}
	return conn, nil
}

// ConnectUnix connects to a stream socket in the file system (unix(7)), or says at once why not: EAGAIN means that the queue of
// those who wait to be accepted is full. The socket does not block.
func ConnectUnix(path string) (int, error) {
	fd, err := unixStream()
	if err != nil {
		return -1, err
	}
	if err := retry(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: path}) }); err != nil {
		unix.Close(fd)
		return -1, fail("connect to", path, err)
	}
	return fd, nil
}

// StreamPair makes two connected stream sockets that do not block.
func StreamPair() (a, b int, err error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	return p[0], p[1], fail("socketpair", "", err)
}

func unixStream() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	return fd, fail("make a unix socket", "", err)
}

// SendFD sends as much of b as the other end has room for, together with a duplicate of pass if that is not negative; pass stays
// the caller's. It never waits: EAGAIN is no room. A closed peer is EPIPE, not a signal.
func SendFD(fd int, b []byte, pass int) (n int, err error) {
	var rights []byte
	if pass >= 0 {
		rights = unix.UnixRights(pass)
	}
	err = retry(func() error {
		n, err = unix.SendmsgN(fd, b, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		return err
	})
	if err != nil {
		return 0, fail("send", "", err)
	}
	return n, nil
}

// SendFDs sends the packet b with duplicates of descriptors, at least one, which stay the caller's. It never waits.
func SendFDs(fd int, b []byte, pass ...int) error {
	return fail("send", "", retry(func() error {
		return unix.Sendmsg(fd, b, unix.UnixRights(pass...), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	}))
}

// RecvFD receives up to len(b) bytes, which must not be 0, and a descriptor if one came with them, -1 otherwise; the descriptor is
// the caller's. n is 0 when the other end has closed. It never waits: EAGAIN is nothing there. Of several descriptors the first one
// is given, the others are closed: a peer fills nobody's table with them.
func RecvFD(fd int, b []byte) (n, passed int, err error) {
	var control [24]byte // CMSG_SPACE of one descriptor, 24 or 16; where it is 24 a second one fits in
	var controls int
	err = retry(func() error {
		n, controls, _, _, err = unix.Recvmsg(fd, b, control[:unix.CmsgSpace(4)], unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
		return err
	})
	if err != nil {
		return 0, -1, fail("receive", "", err)
	}
	passed = -1
	if controls == 0 {
		return n, passed, nil
	}
	messages, err := unix.ParseSocketControlMessage(control[:controls])
	if err != nil {
		return n, passed, nil
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			if passed < 0 {
				passed = fd
			} else {
				unix.Close(fd)
			}
		}
	}
	return n, passed, nil
}

// A PollFD is what Poll waits for; those with a negative Fd are passed over.
type PollFD = unix.PollFd

// What a PollFD can wait for. An end that has closed is told whether it was asked for or not.
const (
	Readable = unix.POLLIN
	Writable = unix.POLLOUT
)

// Poll waits until something of fds is there, and says how many: 0 means that the deadline has come. The zero Time is none. A
// deadline in the past looks without waiting.
func Poll(fds []PollFD, deadline time.Time) (n int, err error) {
	err = retry(func() error {
		n, err = unix.Poll(fds, pollTimeout(deadline))
		return err
	})
	return n, fail("poll", "", err)
}

// pollTimeout is in milliseconds, rounded up so that nobody comes back too early.
func pollTimeout(deadline time.Time) int {
	if deadline.IsZero() {
		return -1
	}
	const longest = 24 * time.Hour // 32 bits of milliseconds are 24 days
	left := time.Until(deadline)
	if left <= 0 {
		return 0
	}
	return int((min(left, longest) + time.Millisecond - 1) / time.Millisecond)
}

// Eventfd makes a counter that is readable once Wake has been called for it (eventfd(2)). It does not block.
func Eventfd() (int, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return fd, fail("eventfd", "", err)
}

// Wake makes an Eventfd readable.
func Wake(fd int) error {
	one := [8]byte{0: 1, 7: 1} // not 0 in either byte order
	return WriteAll(fd, "eventfd", one[:])
}
