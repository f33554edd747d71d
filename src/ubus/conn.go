// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"syscall"

	"gojail/src/blob"
	"gojail/src/kernel"
)

// A Conn is a socket that messages go over, in both directions, and nothing more: what Client and ubustest are built on. It is for
// one goroutine at a time.
type Conn struct {
	fd     int
	in     framer
	passed int // what has come with the message that is not complete, or -1
	out    []byte
	broken error
}

// NewConn makes a Conn of a connected stream socket, which is the Conn's from now on.
func NewConn(fd int) *Conn { return &Conn{fd: fd, passed: -1} }

// FD is the socket, still the Conn's: for poll(2).
func (c *Conn) FD() int { return c.fd }

// Close closes the socket. What comes afterwards fails with ErrClosed.
func (c *Conn) Close() {
	kernel.Close(c.release())
	kernel.Close(c.passed)
	c.passed = -1
}

func (c *Conn) release() int {
	fd := c.fd
	c.fd = -1
	_ = c.fail(ErrClosed)
	return fd
}

func (c *Conn) fail(err error) error {
	if c.broken == nil {
		c.broken = fatalError{err}
	}
	return c.broken
}

// Receive gives the next message. One that is there is given even if the time is over. After ErrTimeout, or the end of the time, nothing is
// lost: the next Receive goes on in the middle of the message.
func (c *Conn) Receive(until Until) (Message, error) {
	for c.broken == nil {
		n, passed, err := kernel.RecvFD(c.fd, c.in.room())
		switch {
		case kernel.ErrnoOf(err) == syscall.EAGAIN:
			if err := until.wait(c.fd, kernel.Readable); err != nil {
				return Message{FD: -1}, err
			}
			continue
		case kernel.ErrnoOf(err) == syscall.ECONNRESET: // closed before it has read all that we sent
			return Message{FD: -1}, c.fail(ErrClosed)
		case err != nil:
			return Message{FD: -1}, c.fail(err)
		}
		if passed >= 0 {
			kernel.Close(c.passed)
			c.passed = passed
		}
		if n == 0 {
			return Message{FD: -1}, c.fail(ErrClosed)
		}
		m, done, err := c.in.took(n)
		if err != nil {
			return Message{FD: -1}, c.fail(err)
		}
		if done {
			m.FD, c.passed = c.passed, -1
			return m, nil
		}
	}
	return Message{FD: -1}, c.broken
}

// Send sends a message; its FD stays the caller's. If the time is over when only a part was sent, the connection is of no use any more and
// the error is Fatal.
func (c *Conn) Send(until Until, m *Message) error {
	switch {
	case c.broken != nil:
		return c.broken
	case len(m.Body) > MaxBody:
		return &blob.Error{Offset: MaxBody, Reason: "the message is longer than ubusd takes"}
	}
	c.out = AppendFrame(c.out[:0], m)
	pass := m.FD
	for rest := c.out; len(rest) > 0; {
		n, err := kernel.SendFD(c.fd, rest, pass)
		if kernel.ErrnoOf(err) == syscall.EAGAIN {
			if err = until.wait(c.fd, kernel.Writable); err == nil {
				continue
			}
			if len(rest) == len(c.out) {
				return err
			}
		}
		switch kernel.ErrnoOf(err) {
		case 0:
		case syscall.EBADF, syscall.ETOOMANYREFS, syscall.EINVAL:
			if pass >= 0 { // it is the descriptor that cannot be passed
				return err
			}
		case syscall.EPIPE, syscall.ECONNRESET:
			err = ErrClosed
		}
		if err != nil {
			return c.fail(err)
		}
		rest, pass = rest[n:], -1
	}
	if cap(c.out) > chunk {
		c.out = nil
	}
	return nil
}
