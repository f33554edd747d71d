// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"encoding/binary"
	"strconv"

	"gojail/src/blob"
)

// MaxBody is how many bytes of attributes a message can have: ubusd closes the connection of who sends more.
const MaxBody = blob.MaxLen - 4

const (
	headLen = 12       // header, and the head of the attribute that holds the others
	chunk   = 64 << 10 // a body grows by this as it arrives, so that a length alone costs no memory
)

// A Message is one message in either direction.
type Message struct {
	Type MsgType
	Seq  uint16 // of the request, in its answers too
	Peer uint32 // a client or an object
	Body []byte // its attributes
	FD   int    // what is passed with it, or -1; of a received one it is the receiver's to close
}

// AppendFrame appends the message as it goes over the socket; its descriptor goes beside it. The body has at most MaxBody bytes.
func AppendFrame(b []byte, m *Message) []byte {
	b = append(b, 0, byte(m.Type))
	b = binary.BigEndian.AppendUint16(b, m.Seq)
	b = binary.BigEndian.AppendUint32(b, m.Peer)
	b = binary.BigEndian.AppendUint32(b, uint32(4+len(m.Body)))
	return append(b, m.Body...)
}

// A framer cuts what arrives into messages. It asks for no byte of the next message before this one is complete: a descriptor
// comes with the first byte of its message, and reading on would mix up whose it is.
type framer struct {
	head [headLen]byte
	have int // bytes of head
	size int // of the body, once the head is complete
	body []byte
}

// room is where the next bytes belong; it is never empty.
func (f *framer) room() []byte {
	if f.have < headLen {
		return f.head[f.have:]
	}
	if len(f.body) == cap(f.body) {
		grown := make([]byte, len(f.body), min(f.size, max(2*len(f.body), chunk)))
		copy(grown, f.body)
		f.body = grown
	}
	return f.body[len(f.body):min(cap(f.body), f.size)]
}

// took says that n bytes were put into room. done is true when they complete a message.
func (f *framer) took(n int) (m Message, done bool, err error) {
	if f.have < headLen {
		if f.have += n; f.have < headLen {
			return m, false, nil
		}
		size := blob.Len([4]byte(f.head[8:]))
		if f.head[0] != 0 || size < 4 || size > blob.MaxLen {
			return m, false, ErrProtocol
		}
		f.size = size - 4
	} else {
		f.body = f.body[:len(f.body)+n]
	}
	if len(f.body) < f.size {
		return m, false, nil
	}
	m = Message{
		Type: MsgType(f.head[1]),
		Seq:  binary.BigEndian.Uint16(f.head[2:]),
		Peer: binary.BigEndian.Uint32(f.head[4:]),
		Body: f.body,
		FD:   -1,
	}
	*f = framer{}
	return m, true, nil
}

// partial is what has come of a message that is not complete.
func (f *framer) partial() []byte {
	return append(append([]byte(nil), f.head[:f.have]...), f.body...)
}

// Attrs are the attributes of a message. Those that are bytes are part of the message, not copies.
type Attrs struct {
	has                          uint16
	Status                       Status
	Object, ObjectType, Target   uint32
	Path, Method, User, Group    string
	Signature, Data, Subscribers []byte
	Active, NoReply              bool
}

// Has tells whether the message has an attribute, by its number.
func (a *Attrs) Has(attr int) bool { return a.has&(1<<attr) != 0 }

// ParseAttrs reads the body of a message. Attributes that are unknown are passed over; of several alike the last one counts. What
// was read before an error, a *blob.Error, stands.
func ParseAttrs(body []byte) (a Attrs, err error) {
	d := blob.NewDecoder(body)
	for d.Next() {
		id := d.ID()
		switch id {
		case AttrStatus:
			a.Status = Status(d.Uint32())
		case AttrObjPath:
			a.Path = d.Text()
		case AttrObjID:
			a.Object = d.Uint32()
		case AttrMethod:
			a.Method = d.Text()
		case AttrObjType:
			a.ObjectType = d.Uint32()
		case AttrSignature:
			a.Signature = d.Bytes()
		case AttrData:
			a.Data = d.Bytes()
		case AttrTarget:
			a.Target = d.Uint32()
		case AttrActive:
			a.Active = d.Bool()
		case AttrNoReply:
			a.NoReply = d.Bool()
		case AttrSubscribers:
			a.Subscribers = d.Bytes()
		case AttrUser:
			a.User = d.Text()
		case AttrGroup:
			a.Group = d.Text()
		default:
			continue
		}
		if d.Err() == nil {
			a.has |= 1 << id
		}
	}
	return a, d.Err()
}

// Monitored is a message that ubusd has seen, as it tells those who monitor it (ubusmsg.h, enum ubus_monitor_attr).
type Monitored struct {
	Client  uint32 // whose connection it is
	Sent    bool   // by ubusd; false: received by it
	Message Message
}

// Attributes of a monitor message.
const (
	MonitorClient = iota
	MonitorPeer
	MonitorSend
	MonitorSeq
	MonitorType
	MonitorData
)

// ParseMonitored reads the body of a MsgMonitor.
func ParseMonitored(body []byte) (m Monitored, err error) {
	d := blob.NewDecoder(body)
	m.Message.FD = -1
	for d.Next() {
		switch d.ID() {
		case MonitorClient:
			m.Client = d.Uint32()
		case MonitorPeer:
			m.Message.Peer = d.Uint32()
		case MonitorSend:
			m.Sent = d.Bool()
		case MonitorSeq:
			m.Message.Seq = uint16(d.Uint32())
		case MonitorType:
			m.Message.Type = MsgType(d.Uint32())
		case MonitorData:
			m.Message.Body = d.Bytes()
		}
	}
	return m, d.Err()
}

func (t MsgType) String() string {
	names := [...]string{"hello", "status", "data", "ping", "lookup", "invoke", "add_object", "remove_object", "subscribe",
		"unsubscribe", "notify", "monitor"}
	if int(t) < len(names) {
		return names[t]
	}
	return "type " + strconv.Itoa(int(t))
}
