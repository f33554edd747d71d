// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"gojail/src/ubus"
)

// What the C ujail has answered, byte for byte: the session is one of the real bus.
func TestObjectAsTheCProgram(t *testing.T) {
	text, err := os.ReadFile("../ubus/testdata/sessions/ujail.txt")
	if err != nil {
		t.Fatal(err)
	}
	box := container{record: &record{name: "c1", bundle: "/mnt/b", version: "1.0.2", annotations: []annotation{{"org.example.a", "one"}}},
		status: stateCreated, pid: 37, tty: -1}
	box.start = func() ubus.Status { box.status = stateRunning; return ubus.StatusOK }
	box.kill = func(signal int) error {
		if signal != 9 {
			t.Errorf("signal %d", signal)
		}
		return nil
	}
	var data []byte
	var status ubus.Status
	answers := 0
	for _, line := range strings.Split(string(text), "\n") {
		way, digits, ok := strings.Cut(line, " ")
		if !ok || way == "#" {
			continue
		}
		frame, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		a, err := ubus.ParseAttrs(frame[12:])
		if err != nil {
			t.Fatal(err)
		}
		switch kind := ubus.MsgType(frame[1]); {
		case way == ">" && kind == ubus.MsgAddObject:
			theirs, err := ubus.Methods(a.Signature)
			if err != nil || len(theirs) != 3 {
				t.Fatal(theirs, err)
			}
			for i, m := range theirs {
				if ours := methods[i]; ours.Name != m.Name || len(ours.Args) != len(m.Args) || len(m.Args) > 0 && ours.Args[0] != m.Args[0] {
					t.Errorf("method %v, want %v", ours, m)
				}
			}
		case way == "<" && kind == ubus.MsgInvoke:
			data, status = box.handle(&ubus.Incoming{Method: a.Method, Data: a.Data})
		case way == ">" && kind == ubus.MsgData:
			if !bytes.Equal(data, a.Data) {
				t.Errorf("data %x, want %x", data, a.Data)
			}
			data = nil
		case way == ">" && kind == ubus.MsgStatus:
			if status != a.Status || data != nil {
				t.Errorf("status %d, want %d; data %x", status, a.Status, data)
			}
			answers++
		}
	}
	if answers != 6 {
		t.Errorf("%d answers", answers)
	}
}

// Arguments of anybody: an answer is a status that ubus knows, and a signal is one.
func FuzzHandle(f *testing.F) {
	for _, method := range []string{"state", "start", "kill", "resize", ""} {
		f.Add(method, []byte{})
		f.Add(method, []byte("\x85\x00\x00\x14\x00\x06signal\x00\x00\x00\x00\x00\x09"))
		f.Add(method, []byte("\x83\x00\x00\x14\x00\x06signal\x00\x00HUP\x00"))
	}
	f.Fuzz(func(t *testing.T, method string, data []byte) {
		for _, state := range []string{stateCreating, stateCreated, stateRunning, stateStopped} {
			box := container{record: &record{name: "c"}, status: state, pid: 1, tty: -1,
				start: func() ubus.Status { return ubus.StatusOK },
				kill: func(signal int) error {
					if signal <= 0 || signal > 128 {
						t.Errorf("signal %d", signal)
					}
					return nil
				}}
			if _, status := box.handle(&ubus.Incoming{Method: method, Data: data}); status > ubus.StatusSystemError {
				t.Errorf("%s: status %d", method, status)
			}
		}
	})
}
