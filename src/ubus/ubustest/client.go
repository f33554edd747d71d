// SPDX-License-Identifier: LGPL-2.1-only

package ubustest

import (
	"syscall"

	"gojail/src/kernel"
	"gojail/src/ubus"
)

// client is one connection.
type client struct {
	id      uint32
	conn    *ubus.Conn
	out     []frame
	pending int // bytes of out
	gone    bool
	monitor bool
	monSeq  uint16
}

// frame is what is not sent yet.
type frame struct {
	b  []byte
	fd int // owned, or -1
}

// send queues a message and takes its descriptor, which is -1 in it then.
func (s *Server) send(c *client, m *ubus.Message) {
	if m.Type != ubus.MsgMonitor {
		s.watched(c, m, true)
	}
	fd := m.FD
	m.FD = -1
	b := ubus.AppendFrame(nil, m)
	if c.gone || c.pending+len(b) > maxOut {
		kernel.Close(fd)
		return
	}
	c.out = append(c.out, frame{b, fd})
	c.pending += len(b)
	c.flush()
}

// flush sends what the client has room for.
func (c *client) flush() {
	for len(c.out) > 0 && !c.gone {
		f := &c.out[0]
		n, err := kernel.SendFD(c.conn.FD(), f.b, f.fd)
		if err != nil {
			c.gone = kernel.ErrnoOf(err) != syscall.EAGAIN
			return
		}
		kernel.Close(f.fd)
		f.fd, f.b = -1, f.b[n:]
		c.pending -= n
		if len(f.b) == 0 {
			c.out = c.out[1:]
		}
	}
}
