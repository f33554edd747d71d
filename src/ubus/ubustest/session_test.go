// SPDX-License-Identifier: LGPL-2.1-only

package ubustest_test

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
)

// ids says which ids of a recorded session are which now. Everything in a message begins at a multiple of four, so they are words.
type ids map[uint32]uint32

// now puts the ids of now into a recorded frame.
func (m ids) now(frame []byte) []byte {
	out := append([]byte(nil), frame...)
	for i := 4; i+4 <= len(out); i += 4 {
		if id, ok := m[binary.BigEndian.Uint32(out[i:])]; ok {
			binary.BigEndian.PutUint32(out[i:], id)
		}
	}
	return out
}

// learn compares what has come with what was recorded: words may differ only as ids do, each always in the same way.
func (m ids) learn(recorded, got []byte) bool {
	if len(recorded) != len(got) || string(recorded[:4]) != string(got[:4]) {
		return false
	}
	for i := 4; i+4 <= len(got); i += 4 {
		was, is := binary.BigEndian.Uint32(recorded[i:]), binary.BigEndian.Uint32(got[i:])
		known, ok := m[was]
		switch {
		case ok && known != is:
			return false
		case !ok && was != is:
			if i > 4 && !isID(binary.BigEndian.Uint32(got[i-4:])) || was < ubus.MaxSystemID || is < ubus.MaxSystemID {
				return false
			}
			m[was] = is
		}
	}
	return string(recorded[len(recorded)&^3:]) == string(got[len(got)&^3:])
}

// isID tells by the header of an attribute whether it holds an id.
func isID(header uint32) bool {
	switch header {
	case 8, ubus.AttrObjID<<24 | 8, ubus.AttrObjType<<24 | 8, ubus.AttrTarget<<24 | 8:
		return true
	}
	return false
}

// owner has the objects that were there when the sessions were recorded.
func owner(t *testing.T, path string) (c *ubus.Client, a uint32) {
	t.Helper()
	c = dial(t, path)
	var kind uint32
	add := func(name string, methods func(w *blob.Builder)) (id uint32) {
		body := table(func(w *blob.Builder) { w.PutString(ubus.AttrObjPath, name); methods(w) })
		_, err := c.Do(soon(), &ubus.Request{Type: ubus.MsgAddObject, Body: body, FD: -1}, func(a *ubus.Attrs) {
			if id = a.Object; a.Has(ubus.AttrObjType) {
				kind = a.ObjectType
			}
		})
		must(t, err)
		return id
	}
	a = add("test.a", func(w *blob.Builder) {
		w.OpenNested(ubus.AttrSignature)
		w.OpenTable("hello")
		w.AddUint32("id", uint32(blob.Int32))
		w.AddUint32("msg", uint32(blob.String))
		w.Close()
		w.OpenTable("note")
		w.Close()
		w.Close()
	})
	add("test.b", func(w *blob.Builder) { w.PutUint32(ubus.AttrObjType, kind) }) // libubus sends methods once
	return c, a
}

// The server answers what libubus has sent as ubusd has answered it, byte for byte but for the ids. Others have to do their part at
// some lines of a session, which are counted from 0.
func TestSessions(t *testing.T) {
	var o, other *ubus.Client
	var a, sub uint32
	answer := func(t *testing.T) {
		in := receive(t, o)
		if in.Method == "hello" {
			must(t, o.Reply(soon(), in.Ticket, table(func(w *blob.Builder) { w.AddString("message", "hi") })))
			must(t, o.Finish(soon(), in.Ticket, ubus.StatusOK, in.FD))
			kernel.Close(in.FD)
			return
		}
		must(t, o.Finish(soon(), in.Ticket, ubus.StatusMethodNotFound, -1))
	}
	for name, parts := range map[string]map[int]func(t *testing.T){
		"lookup": nil,
		"object": nil,
		"send":   nil,
		"call":   {5: answer, 8: answer},
		"callfd": {5: answer},
		"listen": {8: func(t *testing.T) {
			must(t, other.SendEvent(soon(), "x.y", table(func(w *blob.Builder) { w.AddInt32("a", 1) })))
		}},
		"subscribe": {
			9: func(t *testing.T) {
				must(t, o.Announce(soon(), a, "change", table(func(w *blob.Builder) { w.AddString("state", "up") })))
			},
			14: func(*testing.T) { o.Close() },
		},
		"notify": {4: func(t *testing.T) {
			var err error
			sub, err = other.AddObject(soon(), "", nil)
			must(t, err)
			target, err := other.LookupID(soon(), "test.rec")
			must(t, err)
			must(t, other.Subscribe(soon(), sub, target))
		}, 7: func(t *testing.T) { must(t, other.Finish(soon(), receive(t, other).Ticket, ubus.StatusOK, -1)) }},
	} {
		t.Run(name, func(t *testing.T) {
			path := fake(t).Path()
			o, a = owner(t, path)
			other = dial(t, path)
			text, err := os.ReadFile("../testdata/sessions/" + name + ".txt")
			must(t, err)
			fd, err := kernel.ConnectUnix(path)
			must(t, err)
			c := ubus.NewConn(fd)
			defer c.Close()
			known := ids{}
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
			for n, line := range lines {
				if do := parts[n]; do != nil {
					do(t)
				}
				way, digits, _ := strings.Cut(line, " ")
				frame, err := hex.DecodeString(digits)
				must(t, err)
				if way[0] == '>' {
					pass := -1
					if strings.HasSuffix(way, "+fd") {
						pass = 0
					}
					_, err := kernel.SendFD(fd, known.now(frame), pass)
					must(t, err)
					continue
				}
				m, err := c.Receive(soon())
				must(t, err)
				kernel.Close(m.FD)
				if got := ubus.AppendFrame(nil, &m); !known.learn(frame, got) || m.FD >= 0 != strings.HasSuffix(way, "+fd") {
					t.Fatalf("line %d: answered\n%x, ubusd has answered\n%x (with %v)", n, got, frame, known)
				}
			}
			if _, err := c.Receive(ubus.Look()); err != ubus.ErrTimeout {
				t.Errorf("then %v", err)
			}
		})
	}
}
