// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"errors"
	"path/filepath"
	"testing"

	"gojail/src/blob"
	"gojail/src/kernel"
)

// clientPair is a Client and the other end of its connection.
func clientPair(t *testing.T) (*Client, *Conn) {
	t.Helper()
	a, b, err := kernel.StreamPair()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Resume(a, State{ID: 5})
	if err != nil {
		t.Fatal(err)
	}
	bus := NewConn(b)
	t.Cleanup(func() { c.Close(); bus.Close() })
	return c, bus
}

func send(t *testing.T, bus *Conn, m Message) {
	t.Helper()
	if err := bus.Send(soon(), &m); err != nil {
		t.Fatal(err)
	}
}

func TestGreeting(t *testing.T) {
	for name, c := range map[string]struct {
		m    *Message
		want error
	}{
		"right":      {&Message{Type: MsgHello, Peer: 2, FD: -1}, nil},
		"with a fd":  {&Message{Type: MsgHello, Peer: 2, FD: 0}, nil},
		"other type": {&Message{Type: MsgStatus, Peer: 2, FD: -1}, ErrProtocol},
		"no id":      {&Message{Type: MsgHello, Peer: 1, FD: -1}, ErrProtocol},
		"closed":     {nil, ErrClosed},
	} {
		path := filepath.Join(t.TempDir(), "s")
		listen, err := kernel.ListenUnix(path)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if _, err := kernel.Poll([]kernel.PollFD{{Fd: int32(listen), Events: kernel.Readable}}, soon().deadline); err != nil {
				return
			}
			fd, err := kernel.Accept(listen)
			if err != nil {
				return
			}
			bus := NewConn(fd)
			if c.m != nil {
				_ = bus.Send(soon(), c.m)
			}
			bus.Close()
		}()
		client, err := Dial(soon(), path)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if client != nil {
			client.Close()
		}
		kernel.Close(listen)
	}
}

// What is malformed is answered where somebody waits, and otherwise passed over.
func TestReceiveMalformed(t *testing.T) {
	c, bus := clientPair(t)
	noMethod := table(func(w *blob.Builder) { w.PutUint32(AttrObjID, 7) })
	badMethod := append(table(func(w *blob.Builder) { w.PutUint32(AttrObjID, 7) }), AttrMethod, 0, 0, 6, 'x', 'y', 0, 0)
	for n, body := range [][]byte{noMethod, badMethod, nil} {
		send(t, bus, Message{MsgInvoke, uint16(n), 9, body, 0})
	}
	send(t, bus, Message{MsgNotify, 0, 0, nil, 0})
	send(t, bus, Message{MsgUnsubscribe, 0, 0, []byte{1, 2}, 0})
	send(t, bus, Message{MsgMonitor, 0, 0, []byte{1, 2}, 0})
	send(t, bus, Message{MsgType(99), 0, 0, nil, 0})
	send(t, bus, Message{MsgNotify, 0, 0, table(func(w *blob.Builder) { w.PutUint32(AttrObjID, 8); w.PutBool(AttrActive, true) }), 0})
	in, err := c.Receive(soon())
	if err != nil || in.Kind != KindSubscribers || in.Object != 8 || in.FD != -1 {
		t.Fatalf("%+v, %v", in, err)
	}
	for n, object := range []uint32{7, 7, 0} {
		m, err := bus.Receive(Look())
		if err != nil {
			t.Fatal(err)
		}
		a, err := ParseAttrs(m.Body)
		if err != nil || m.Type != MsgStatus || m.Seq != uint16(n) || m.Peer != 9 || a.Status != StatusInvalidArgument || a.Object != object {
			t.Errorf("%d: %+v, %+v, %v", n, m, a, err)
		}
	}
}

// Answers of others, of other requests and of other objects are not for this one.
func TestAnswersOfOthers(t *testing.T) {
	c, bus := clientPair(t)
	status := func(s Status) []byte { return table(func(w *blob.Builder) { w.PutUint32(AttrStatus, uint32(s)) }) }
	data := func(s string) []byte {
		return table(func(w *blob.Builder) { w.PutBytes(AttrData, table(func(w *blob.Builder) { w.AddString("s", s) })) })
	}
	send(t, bus, Message{MsgStatus, 0, 6, status(StatusNotFound), 0})
	send(t, bus, Message{MsgData, 1, 7, data("other object"), -1})
	send(t, bus, Message{MsgData, 2, 6, data("other request"), -1})
	send(t, bus, Message{MsgData, 1, 6, data("one"), -1})
	send(t, bus, Message{MsgData, 1, 6, data("two"), -1})
	send(t, bus, Message{MsgStatus, 1, 7, status(StatusNotFound), -1})
	send(t, bus, Message{MsgStatus, 1, 6, status(StatusOK), -1})
	r, err := c.Invoke(soon(), 6, "m", nil, -1)
	if err != nil || len(r.Data) != 2 || blob.Text(r.Data[0]) != `{"s":"one"}` || blob.Text(r.Data[1]) != `{"s":"two"}` {
		t.Errorf("%q, %v", r.Data, err)
	}

	send(t, bus, Message{MsgData, 2, 6, []byte{1, 2, 3}, -1})
	send(t, bus, Message{MsgStatus, 2, 6, status(StatusOK), 0})
	var bad *blob.Error
	if r, err = c.Invoke(soon(), 6, "m", nil, -1); !errors.As(err, &bad) || r.FD != -1 || Fatal(err) {
		t.Errorf("malformed data: %+v, %v", r, err)
	}
	send(t, bus, Message{MsgStatus, 3, 6, nil, 0})
	if r, err = c.Invoke(soon(), 6, "m", nil, -1); !errors.Is(err, StatusParseError) || r.FD != -1 {
		t.Errorf("a status without a status: %+v, %v", r, err)
	}
	send(t, bus, Message{MsgStatus, 4, 0, status(StatusOK), -1})
	if _, err = c.AddObject(soon(), "o", nil); !errors.Is(err, StatusNoData) {
		t.Errorf("an object without an id: %v", err)
	}
}

// Some subscribers answer, in any order and more or less rightly; one that is not asked is not heard.
func TestNotifyAnswers(t *testing.T) {
	c, bus := clientPair(t)
	list := table(func(w *blob.Builder) {
		w.PutUint32(AttrObjID, 6)
		w.OpenNested(AttrSubscribers)
		for id := range uint32(3) {
			w.PutUint32(0, 100+id)
		}
		w.Close()
		w.PutUint32(AttrStatus, 0)
	})
	status := table(func(w *blob.Builder) { w.PutUint32(AttrStatus, uint32(StatusNotSupported)) })
	data := table(func(w *blob.Builder) { w.PutBytes(AttrData, nil) })
	send(t, bus, Message{MsgStatus, 1, 6, list, -1})
	for _, id := range []uint32{102, 55, 100} {
		send(t, bus, Message{MsgData, 1, id, data, -1})
	}
	send(t, bus, Message{MsgStatus, 1, 55, status, -1})
	send(t, bus, Message{MsgStatus, 1, 101, nil, 0})
	send(t, bus, Message{MsgStatus, 1, 102, status, -1})
	send(t, bus, Message{MsgData, 1, 100, data, -1})
	send(t, bus, Message{MsgStatus, 1, 100, status, -1})
	answers, err := c.Notify(soon(), 6, "k", nil)
	if err != nil || len(answers) != 3 {
		t.Fatalf("%+v, %v", answers, err)
	}
	for n, want := range []struct {
		id     uint32
		status Status
		data   int
	}{{101, StatusParseError, 0}, {102, StatusNotSupported, 1}, {100, StatusNotSupported, 2}} {
		if a := answers[n]; a.Subscriber != want.id || a.Status != want.status || len(a.Data) != want.data {
			t.Errorf("%d: %+v, want %+v", n, a, want)
		}
	}
	send(t, bus, Message{MsgStatus, 2, 6, append(list[:len(list):len(list)], AttrSubscribers, 0, 0, 8, 1, 2, 3, 4), -1})
	if _, err = c.Notify(soon(), 6, "k", nil); err == nil || Fatal(err) {
		t.Errorf("a malformed list: %v", err)
	}
}

// What cannot be sent is refused before anything is.
func TestRefusedBeforeSending(t *testing.T) {
	c, bus := clientPair(t)
	_, err1 := c.Lookup(soon(), "a\x00b")
	_, err2 := c.Invoke(soon(), 5, "a\x00b", nil, -1)
	_, err3 := c.AddObject(soon(), "o", []Method{{"a", []Arg{{"x\x00", blob.Int32}}}})
	_, err4 := c.Notify(soon(), 5, "a\x00b", nil)
	err5 := c.Announce(soon(), 5, "a\x00b", nil)
	err6 := c.SendEvent(soon(), "a\x00b", nil)
	err7 := c.Listen(soon(), 5, "a\x00b")
	err8 := c.Reply(soon(), Ticket{Peer: 5}, make([]byte, blob.MaxLen))
	for n, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8} {
		var op *OpError
		var bad *blob.Error
		if !errors.As(err, &op) || !errors.As(err, &bad) || Fatal(err) {
			t.Errorf("%d: %v", n+1, err)
		}
	}
	if m, err := bus.Receive(Look()); err != ErrTimeout {
		t.Errorf("%+v, %v", m, err)
	}
}
