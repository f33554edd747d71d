// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import "gojail/src/kernel"

// A Kind says what has come in.
type Kind uint8

// The kinds.
const (
	// KindCall is a call of a method of Object. Notifications and events are calls too, of the object that has subscribed or
	// listens, with their name as Method. Each has to be ended with Finish.
	KindCall Kind = iota + 1
	// KindSubscribers says that Object, of this Client, has got its first subscriber (Active) or lost its last one.
	KindSubscribers
	// KindUnsubscribed says that Target is gone, to which Object has subscribed.
	KindUnsubscribed
	// KindMonitored is a message that ubusd has seen, in Monitored.
	KindMonitored
)

// A Ticket is what it takes to answer a call: numbers only, so that an answer can come later, and after Detach and Resume from
// another process.
type Ticket struct {
	Object  uint32 // which was called
	Peer    uint32 // the client that has called; 0 if nobody wants to know
	Seq     uint16 // of its request
	NoReply bool   // it does not want an answer
}

// Incoming is what Receive gives.
type Incoming struct {
	Ticket
	Kind        Kind
	Method      string
	Data        []byte // the arguments, for blob.NewFields: not checked
	User, Group string // names, as ubusd says; see the package comment
	FD          int    // a descriptor that has come with the call, the receiver's to close, or -1
	Active      bool
	Target      uint32
	Monitored   Monitored
}

func ticket(m *Message, a *Attrs) Ticket { return Ticket{a.Object, m.Peer, m.Seq, a.NoReply} }

// Receive gives the next thing that has come in, and waits for it until the time is over. With Look it does not wait: ErrTimeout is
// nothing there. A call that is malformed is answered with StatusInvalidArgument and not given.
func (c *Client) Receive(until Until) (*Incoming, error) {
	for {
		m, err := c.next(until)
		if err != nil {
			return nil, opError("receive", "", err)
		}
		in, err := c.parse(until, &m)
		if in != nil {
			return in, nil
		}
		kernel.Close(m.FD)
		if err != nil {
			return nil, opError("answer a malformed call", "", err)
		}
		if err := c.endless(until); err != nil {
			return nil, opError("receive", "", err)
		}
	}
}

// next takes what was put aside first.
func (c *Client) next(until Until) (Message, error) {
	if len(c.queue) == 0 {
		return c.conn.Receive(until)
	}
	m := c.queue[0]
	c.queue[0] = Message{}
	if c.queue = c.queue[1:]; len(c.queue) == 0 {
		c.queue = nil
	}
	c.queued -= len(m.Body)
	return m, nil
}

// endless ends Receive where messages that mean nothing never stop coming in; but one that is put aside is worth a look.
func (c *Client) endless(until Until) error {
	if len(c.queue) > 0 {
		return nil
	}
	return until.expired()
}

// parse makes of a message what Receive gives, or nil if it is nothing. The descriptor goes with the result.
func (c *Client) parse(until Until, m *Message) (*Incoming, error) {
	if m.Type == MsgMonitor {
		monitored, err := ParseMonitored(m.Body)
		if err != nil {
			return nil, nil
		}
		kernel.Close(m.FD)
		return &Incoming{Kind: KindMonitored, Monitored: monitored, FD: -1}, nil
	}
	if !incoming(m.Type) {
		return nil, nil
	}
	a, err := ParseAttrs(m.Body)
	in := &Incoming{Ticket: ticket(m, &a), FD: -1}
	switch m.Type {
	case MsgInvoke:
		if err != nil || !a.Has(AttrObjID) || !a.Has(AttrMethod) {
			return nil, c.Finish(until, in.Ticket, StatusInvalidArgument, -1)
		}
		in.Kind, in.Method, in.Data, in.User, in.Group = KindCall, a.Method, a.Data, a.User, a.Group
		in.FD, m.FD = m.FD, -1
		return in, nil
	case MsgNotify:
		in.Kind, in.Active = KindSubscribers, a.Active
	case MsgUnsubscribe:
		in.Kind, in.Target = KindUnsubscribed, a.Target
	}
	if err != nil || !a.Has(AttrObjID) {
		return nil, nil
	}
	kernel.Close(m.FD)
	return in, nil
}

// Reply sends data to who has called: the content of a table. It may be sent several times, or not at all.
func (c *Client) Reply(until Until, t Ticket, data []byte) error {
	if t.Peer == 0 || t.NoReply {
		return nil
	}
	w := c.begin()
	w.PutUint32(AttrObjID, t.Object)
	w.PutBytes(AttrData, data)
	return c.answer(until, MsgData, t, -1)
}

// Finish ends a call, once, with a status and perhaps a descriptor (-1: none), which stays the caller's.
func (c *Client) Finish(until Until, t Ticket, s Status, pass int) error {
	if t.Peer == 0 || t.NoReply {
		return nil
	}
	w := c.begin()
	w.PutUint32(AttrStatus, uint32(s))
	w.PutUint32(AttrObjID, t.Object)
	return c.answer(until, MsgStatus, t, pass)
}

func (c *Client) answer(until Until, kind MsgType, t Ticket, pass int) error {
	body, err := c.w.Bytes()
	if err == nil {
		err = c.conn.Send(until, &Message{kind, t.Seq, t.Peer, body, pass})
	}
	return opError("answer a call of", objectName(t.Object), err)
}
