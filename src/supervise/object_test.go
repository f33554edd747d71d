// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"syscall"
	"testing"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/plan"
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
	for _, method := range []string{"state", "start", "kill", "resize", "pause", "resume", "stats", "update", "reclaim", ""} {
		f.Add(method, []byte{})
		f.Add(method, []byte("\x85\x00\x00\x14\x00\x06signal\x00\x00\x00\x00\x00\x09"))
		f.Add(method, []byte("\x83\x00\x00\x14\x00\x06signal\x00\x00HUP\x00"))
	}
	f.Add("update", []byte("\x82\x00\x00\x38\x00\x09resources\x00\x82\x00\x00\x28\x00\x07unified\x00\x00\x00\x83\x00\x00\x18\x00\x0bmemory.high\x00\x00\x00max\x00"))
	group := fakeGroup(f, map[string]string{"cgroup.freeze": "0\n", "cgroup.events": "populated 1\nfrozen 1\n", "memory.high": "max\n", "memory.reclaim": ""})
	f.Fuzz(func(t *testing.T, method string, data []byte) {
		for _, state := range []string{stateCreating, stateCreated, stateRunning, stateStopped} {
			box := container{record: &record{name: "c", config: []byte(`{"ociVersion":"1.0.2","linux":{}}`)}, status: state, pid: 1, tty: -1, group: group,
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

// fakeGroup is a directory with the files of a control group.
func fakeGroup(t testing.TB, files map[string]string) func() (kernel.Cgroup, error) {
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func() (kernel.Cgroup, error) {
		fd, err := kernel.Open(dir, syscall.O_DIRECTORY)
		if err != nil {
			return kernel.NoCgroup, err
		}
		return kernel.CgroupAt(fd)
	}
}

// What the methods of the control group are answered in each state, and what the others are in a paused container.
func TestGroupStatus(t *testing.T) {
	ok, invalid := ubus.StatusOK, ubus.StatusInvalidArgument
	for _, c := range []struct {
		state, calls string
		want         []ubus.Status
		end          string // the state after that
	}{
		{stateRunning, "pause pause resume resume", []ubus.Status{ok, invalid, ok, invalid}, stateRunning},
		{stateRunning, "pause exec kill start resume exec kill", []ubus.Status{ok, invalid, ubus.StatusPermissionDenied, invalid, ok, ok, ok}, stateRunning},
		{stateRunning, "pause stats update", []ubus.Status{ok, ok, invalid}, statePaused},
		{stateCreated, "pause resume stats", []ubus.Status{invalid, invalid, ok}, stateCreated},
		{stateCreating, "pause resume", []ubus.Status{invalid, invalid}, stateCreating},
		{stateStopped, "pause resume stats update reclaim", []ubus.Status{4, 4, 4, 4, 4}, stateStopped},
	} {
		box := container{record: sample(), status: c.state, kill: func(int) error { return nil },
			group: fakeGroup(t, map[string]string{"cgroup.freeze": "0\n", "cgroup.events": "frozen 1\n", "cpu.stat": "usage_usec 1\n"}),
			exec:  func(*plan.Request, int) (int, error) { return 6, nil }}
		for i, method := range strings.Fields(c.calls) {
			if _, got := box.handle(&ubus.Incoming{Method: method, FD: -1}); got != c.want[i] {
				t.Errorf("%s, %s, call %d: %v, want %v", c.state, c.calls, i+1, got, c.want[i])
			}
		}
		if got := box.now(); got != c.end {
			t.Errorf("%s, %s: is %s", c.state, c.calls, got)
		}
	}
	without := container{record: sample(), status: stateRunning}
	for _, method := range []string{"pause", "resume", "stats", "update", "reclaim"} {
		if _, got := without.handle(&ubus.Incoming{Method: method}); got != ubus.StatusNotSupported {
			t.Errorf("%s without a control group: %v", method, got)
		}
	}
	slow := container{record: sample(), status: stateRunning, group: fakeGroup(t, map[string]string{"cgroup.freeze": "0\n", "cgroup.events": "frozen 0\n"})}
	if data, got := slow.handle(&ubus.Incoming{Method: "pause"}); got != ubus.StatusTimeout || !strings.Contains(blob.Text(data), "stop the processes in") || slow.now() != stateRunning {
		t.Errorf("processes that do not stand still: %v, %s, is %s", got, blob.Text(data), slow.now())
	}
}
