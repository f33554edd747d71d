// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/kernel"
)

// line is one message of a recorded session.
type line struct {
	sent, fd bool
	frame    []byte
}

func session(t testing.TB, name string) (lines []line) {
	t.Helper()
	text, err := os.ReadFile("testdata/sessions/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(l, "#") {
			continue
		}
		way, digits, _ := strings.Cut(l, " ")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		lines = append(lines, line{way[0] == '>', strings.HasSuffix(way, "+fd"), b})
	}
	return lines
}

// soon ends a test that would hang.
func soon() Until { return Within(20 * time.Second) }

// play is ubusd in a session that was recorded: what the client sends has to be what libubus has sent.
func play(listen int, lines []line) error {
	if _, err := kernel.Poll([]kernel.PollFD{{Fd: int32(listen), Events: kernel.Readable}}, soon().deadline); err != nil {
		return err
	}
	fd, err := kernel.Accept(listen)
	if err != nil {
		return err
	}
	c := NewConn(fd)
	defer c.Close()
	for n, l := range lines {
		if !l.sent {
			pass := -1
			if l.fd {
				pass = 0
			}
			if sent, err := kernel.SendFD(fd, l.frame, pass); err != nil || sent < len(l.frame) {
				return fmt.Errorf("line %d: %d bytes sent, %v", n, sent, err)
			}
			continue
		}
		m, err := c.Receive(soon())
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		kernel.Close(m.FD)
		if got := AppendFrame(nil, &m); !bytes.Equal(got, l.frame) || m.FD >= 0 != l.fd {
			return fmt.Errorf("line %d: the client has sent\n%x, descriptor %d, libubus has sent\n%x, %v", n, got, m.FD, l.frame, l.fd)
		}
	}
	if m, err := c.Receive(soon()); !errors.Is(err, ErrClosed) {
		return fmt.Errorf("the client goes on: %v, %v", m, err)
	}
	return nil
}

// replay runs a client against a recorded session.
func replay(t *testing.T, lines []line, run func(c *Client)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listen, err := kernel.ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close(listen)
	played := make(chan error, 1)
	go func() { played <- play(listen, lines) }()
	c, err := Dial(soon(), path)
	if err != nil {
		t.Fatal(errors.Join(err, <-played))
	}
	run(c)
	c.Close()
	if err := <-played; err != nil {
		t.Error(err)
	}
}

var testMethods = []Method{{"hello", []Arg{{"id", blob.Int32}, {"msg", blob.String}, {"list", blob.Array}, {"force", blob.Bool}}}, {"fail", nil}}

func table(build func(w *blob.Builder)) []byte {
	var w blob.Builder
	build(&w)
	b, err := w.Bytes()
	if err != nil {
		panic(err)
	}
	return b
}

func check(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

func TestReplayLookup(t *testing.T) {
	lines := session(t, "lookup")
	replay(t, lines, func(c *Client) {
		if id := uint32(0xffffffff); c.ID() == 0 || c.ID() == id {
			t.Errorf("id %x", c.ID())
		}
		for _, path := range []string{"", "test*", "test.b"} {
			found, err := c.Lookup(soon(), path)
			check(t, err, nil)
			var names []string
			for _, o := range found {
				names = append(names, o.Path)
				methods, err := Methods(o.Signature)
				check(t, err, nil)
				if got, want := fmt.Sprint(methods), "[{hello [{id int32} {msg string}]} {note []}]"; got != want {
					t.Errorf("methods %s, want %s", got, want)
				}
			}
			if got := strings.Join(names, " "); got != "test.a test.b" && (path != "test.b" || got != "test.b") {
				t.Errorf("%q: %s", path, got)
			}
		}
		_, err := c.Lookup(soon(), "none")
		check(t, err, StatusNotFound)
		if err.Error() != "ubus: look up none: not found" {
			t.Error(err)
		}
	})
}

func TestReplayCall(t *testing.T) {
	replay(t, session(t, "call"), func(c *Client) {
		id, err := c.LookupID(soon(), "test.a")
		check(t, err, nil)
		r, err := c.Invoke(soon(), id, "hello", table(func(w *blob.Builder) { w.AddInt32("id", 7); w.AddString("msg", "x") }), -1)
		check(t, err, nil)
		if len(r.Data) != 1 || blob.Text(r.Data[0]) != `{"message":"hi"}` || r.FD != -1 {
			t.Errorf("%x, %d", r.Data, r.FD)
		}
		_, err = c.Invoke(soon(), id, "none", nil, -1)
		check(t, err, StatusMethodNotFound)
	})
}

func TestReplayCallFD(t *testing.T) {
	replay(t, session(t, "callfd"), func(c *Client) {
		id, err := c.LookupID(soon(), "test.a")
		check(t, err, nil)
		r, err := c.Invoke(soon(), id, "hello", nil, 0)
		check(t, err, nil)
		if len(r.Data) != 1 || r.FD < 0 {
			t.Errorf("%x, %d", r.Data, r.FD)
		}
		kernel.Close(r.FD)
	})
}

func TestReplayObject(t *testing.T) {
	replay(t, session(t, "object"), func(c *Client) {
		id, err := c.AddObject(soon(), "test.rec", testMethods)
		check(t, err, nil)
		check(t, c.RemoveObject(soon(), id), nil)
	})
}

func TestReplayServe(t *testing.T) {
	replay(t, session(t, "serve"), func(c *Client) {
		id, err := c.AddObject(soon(), "test.rec", testMethods)
		check(t, err, nil)
		in, err := c.Receive(soon())
		check(t, err, nil)
		if in.Kind != KindCall || in.Object != id || in.Method != "hello" || blob.Text(in.Data) != `{"id":3}` || in.User != "root" || in.Group != "root" || in.NoReply || in.FD != -1 {
			t.Errorf("%+v", in)
		}
		check(t, c.Reply(soon(), in.Ticket, table(func(w *blob.Builder) { w.AddString("message", "hi") })), nil)
		check(t, c.Finish(soon(), in.Ticket, StatusOK, 0), nil)
		in, err = c.Receive(soon())
		check(t, err, nil)
		if in.Method != "fail" || in.Object != id {
			t.Errorf("%+v", in)
		}
		check(t, c.Finish(soon(), in.Ticket, StatusNotSupported, -1), nil)
	})
}

func TestReplaySend(t *testing.T) {
	replay(t, session(t, "send"), func(c *Client) {
		check(t, c.SendEvent(soon(), "x.y", table(func(w *blob.Builder) { w.AddInt32("a", 1) })), nil)
	})
}

func TestReplayListen(t *testing.T) {
	lines := session(t, "listen")
	lines = lines[:len(lines)-1] // libubus answers events, to nobody
	replay(t, lines, func(c *Client) {
		id, err := c.AddObject(soon(), "", nil)
		check(t, err, nil)
		check(t, c.Listen(soon(), id, "x*"), nil)
		check(t, c.Listen(soon(), id, "ubus.object.add"), nil)
		in, err := c.Receive(soon())
		check(t, err, nil)
		if in.Kind != KindCall || in.Object != id || in.Method != "x.y" || blob.Text(in.Data) != `{"a":1}` || in.Peer != 0 {
			t.Errorf("%+v", in)
		}
		check(t, c.Reply(soon(), in.Ticket, nil), nil)
		check(t, c.Finish(soon(), in.Ticket, StatusOK, -1), nil)
	})
}

func TestReplaySubscribe(t *testing.T) {
	replay(t, session(t, "subscribe"), func(c *Client) {
		id, err := c.AddObject(soon(), "", nil)
		check(t, err, nil)
		target, err := c.LookupID(soon(), "test.a")
		check(t, err, nil)
		check(t, c.Subscribe(soon(), id, target), nil)
		in, err := c.Receive(soon())
		check(t, err, nil)
		if in.Kind != KindCall || in.Object != id || in.Method != "change" || blob.Text(in.Data) != `{"state":"up"}` || !in.NoReply {
			t.Errorf("%+v", in)
		}
		check(t, c.Finish(soon(), in.Ticket, StatusOK, -1), nil)
		check(t, c.Unsubscribe(soon(), id, target), nil)
		check(t, c.Subscribe(soon(), id, target), nil)
		in, err = c.Receive(soon())
		check(t, err, nil)
		if in.Kind != KindUnsubscribed || in.Object != id || in.Target != target {
			t.Errorf("%+v", in)
		}
	})
}

func TestReplayNotify(t *testing.T) {
	replay(t, session(t, "notify"), func(c *Client) {
		id, err := c.AddObject(soon(), "test.rec", testMethods)
		check(t, err, nil)
		in, err := c.Receive(soon())
		check(t, err, nil)
		if in.Kind != KindSubscribers || in.Object != id || !in.Active {
			t.Errorf("%+v", in)
		}
		data := table(func(w *blob.Builder) { w.AddString("state", "up") })
		answers, err := c.Notify(soon(), id, "change", data)
		check(t, err, nil)
		if len(answers) != 1 || answers[0].Status != StatusOK || answers[0].Subscriber == 0 || answers[0].Data != nil {
			t.Errorf("%+v", answers)
		}
		check(t, c.Announce(soon(), id, "quiet", data), nil)
	})
}
