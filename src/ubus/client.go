// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"gojail/src/blob"
	"gojail/src/kernel"
)

// Limits of what a Client keeps for Receive while it waits for an answer. What is more is not kept: calls are answered with
// StatusNoMemory, the rest is dropped and counted.
const (
	maxQueue      = 256     // messages
	maxQueueBytes = 1 << 20 // of their bodies
)

// A Client is a connection to ubusd. The package comment says how to use it.
type Client struct {
	conn    *Conn
	id      uint32
	seq     uint16
	queue   []Message
	queued  int // bytes of their bodies
	dropped int
	w       blob.Builder
}

// Dial connects to ubusd at path and waits for its greeting.
func Dial(until Until, path string) (*Client, error) {
	fd, err := kernel.ConnectUnix(path)
	if err != nil {
		return nil, &OpError{"connect to", path, kernel.ErrnoOf(err)} // it has said the same
	}
	c := &Client{conn: NewConn(fd)}
	m, err := c.conn.Receive(until)
	kernel.Close(m.FD)
	if err == nil && (m.Type != MsgHello || m.Peer < minClientID) {
		err = c.conn.fail(ErrProtocol)
	}
	if err != nil {
		c.Close()
		return nil, &OpError{"wait for the greeting of", path, err}
	}
	c.id = m.Peer
	return c, nil
}

// FD is the connection, still the Client's, for poll(2): readable means that Receive may have something. Receive until it has
// nothing more, for messages that came in during a request do not make it readable.
func (c *Client) FD() int { return c.conn.FD() }

// ID is what ubusd calls this connection.
func (c *Client) ID() uint32 { return c.id }

// Partial tells whether the beginning of a message has come and the rest has not. Where that stays so the other end is no ubusd, or what it
// says is not understood any more.
func (c *Client) Partial() bool { return c.conn.in.have > 0 }

// Dropped is how many messages were dropped because too many came in during requests.
func (c *Client) Dropped() int { return c.dropped }

// Close closes the connection, and descriptors that nobody has received. ubusd removes the objects that were added over it.
func (c *Client) Close() {
	c.drain()
	c.conn.Close()
}

func (c *Client) drain() {
	for i := range c.queue {
		kernel.Close(c.queue[i].FD)
	}
	c.queue, c.queued = nil, 0
}

// State is what a Client knows beside its socket.
type State struct {
	ID      uint32 // what ubusd calls the connection
	Seq     uint16 // of the last request
	Pending []byte // what was read of the connection and not given by Receive
}

// Detach gives the connection away, so that another process can go on with it by Resume: the socket, which is the caller's then,
// and what was read of it. Descriptors that nobody has received are closed. The Client is as after Close. After an error that is Fatal
// the socket is of no use to anybody, and Close is the thing to do.
func (c *Client) Detach() (fd int, s State) {
	s = State{ID: c.id, Seq: c.seq}
	for i := range c.queue {
		s.Pending = AppendFrame(s.Pending, &c.queue[i])
	}
	s.Pending = append(s.Pending, c.conn.in.partial()...)
	fd = c.conn.release()
	c.Close()
	return fd, s
}

// Resume goes on where Detach has left off. The socket is the Client's from now on, but not if there is an error: then Pending is
// not what Detach has given.
func Resume(fd int, s State) (*Client, error) {
	c := &Client{conn: NewConn(fd), id: s.ID, seq: s.Seq}
	for rest := s.Pending; len(rest) > 0; {
		n := copy(c.conn.in.room(), rest)
		rest = rest[n:]
		m, done, err := c.conn.in.took(n)
		if err != nil {
			return nil, &OpError{"resume a connection", "", err}
		}
		if done {
			c.queue = append(c.queue, m)
			c.queued += len(m.Body)
		}
	}
	return c, nil
}

// A Request is what a client asks of ubusd.
type Request struct {
	Type MsgType
	Peer uint32 // the object, for MsgInvoke and MsgNotify; otherwise 0
	Body []byte // attributes
	FD   int    // to pass, or -1; it stays the caller's
}

// Do sends a request and waits until it is answered. data, which may be nil, is called for each answer with data; its attributes
// are its own. passed is a descriptor that has come with the status, the caller's to close, or -1. The error is a Status if ubusd
// or the object has refused, and plain otherwise. A request that has timed out may still have been done.
//
// The other methods are made of this one.
func (c *Client) Do(until Until, r *Request, data func(*Attrs)) (passed int, err error) {
	var bad error
	passed = -1
	err = c.exchange(until, r, func(m *Message, a *Attrs, parsed error) (done bool, err error) {
		if m.Peer != r.Peer {
			return false, nil
		}
		if m.Type == MsgData {
			if bad == nil {
				bad = parsed
			}
			if parsed == nil && data != nil {
				data(a)
			}
			return false, nil
		}
		if !a.Has(AttrStatus) {
			return true, StatusParseError
		}
		passed, m.FD = m.FD, -1
		return true, a.Status.err()
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		kernel.Close(passed)
		passed = -1
	}
	return passed, err
}

// exchange sends a request and calls answer for each data and status message with its number, until that is done. answer takes
// m.FD by putting -1 in its place.
func (c *Client) exchange(until Until, r *Request, answer func(m *Message, a *Attrs, parsed error) (done bool, err error)) error {
	seq, err := c.send(until, r)
	if err != nil {
		return err
	}
	for {
		m, err := c.conn.Receive(until)
		if err != nil {
			return err
		}
		if m.Type != MsgStatus && m.Type != MsgData {
			if err := c.keep(until, m); err != nil {
				return err
			}
		} else {
			done := false
			if m.Seq == seq { // another one is the answer to a request that was given up
				a, parsed := ParseAttrs(m.Body)
				done, err = answer(&m, &a, parsed)
			}
			kernel.Close(m.FD)
			if done {
				return err
			}
		}
		if err := until.expired(); err != nil { // also where messages never stop coming in
			return err
		}
	}
}

func (c *Client) send(until Until, r *Request) (seq uint16, err error) {
	c.seq++
	return c.seq, c.conn.Send(until, &Message{r.Type, c.seq, r.Peer, r.Body, r.FD})
}

// keep puts a message aside for Receive.
func (c *Client) keep(until Until, m Message) error {
	if !incoming(m.Type) {
		kernel.Close(m.FD)
		return nil
	}
	if len(c.queue) < maxQueue && c.queued+len(m.Body) <= maxQueueBytes {
		c.queue = append(c.queue, m)
		c.queued += len(m.Body)
		return nil
	}
	c.dropped++
	kernel.Close(m.FD)
	if m.Type != MsgInvoke {
		return nil
	}
	a, _ := ParseAttrs(m.Body)
	return c.Finish(until, ticket(&m, &a), StatusNoMemory, -1)
}

// incoming tells whether a message is for Receive. Others that are no answers either mean nothing to a client.
func incoming(t MsgType) bool {
	switch t {
	case MsgInvoke, MsgNotify, MsgUnsubscribe, MsgMonitor:
		return true
	}
	return false
}
