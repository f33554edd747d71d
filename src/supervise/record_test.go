// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"reflect"
	"strings"
	"testing"

	"gojail/src/blob"
	"gojail/src/plan"
	"gojail/src/ubus"
)

func sample() *record {
	return &record{name: "web", bundle: "/srv/web", version: "1.2.0", annotations: []annotation{{"a", "1"}, {"empty", ""}}, object: 77,
		bus: ubus.State{ID: 5, Seq: 65535, Pending: []byte{0, 1, 2}}, retry: 2000, warned: true, made: true, rootfs: "/srv/root", since: 1 << 60, published: true, clients: []uint32{0, 7}, clientsDue: true, config: []byte(`{}`)}
}

func TestRecord(t *testing.T) {
	for _, r := range []*record{sample(), {name: "x"}} {
		b, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRecord(b)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%v: %+v, want %+v", err, got, r)
		}
	}
}

func TestRecordOfAnotherVersion(t *testing.T) {
	var w blob.Builder
	w.PutUint32(recVersion, recordVersion+1)
	b, _ := w.Bytes()
	if _, err := decodeRecord(append([]byte{0, 0, 0, byte(len(b))}, b...)); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Error(err)
	}
}

func FuzzRecord(f *testing.F) {
	b, _ := sample().encode()
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			return
		}
		again, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decodeRecord(again); err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%v: %+v, then %+v", err, r, back)
		}
	})
}

func TestSignalOf(t *testing.T) {
	field := func(add func(w *blob.Builder)) []byte {
		var w blob.Builder
		add(&w)
		b, err := w.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	text := func(s string) []byte { return field(func(w *blob.Builder) { w.AddString("signal", s) }) }
	number := func(n int32) []byte { return field(func(w *blob.Builder) { w.AddInt32("signal", n) }) }
	for _, c := range []struct {
		name string
		data []byte
		want int
		ok   bool
	}{
		{"nothing", nil, 15, true}, {"number", number(9), 9, true}, {"zero", number(0), 0, true}, {"negative", number(-1), 0, false},
		{"too high", number(200), 0, false}, {"name", text("HUP"), 1, true}, {"long name", text("SIGKILL"), 9, true},
		{"number as text", text("2"), 2, true}, {"unknown", text("FLY"), 0, false}, {"empty", text(""), 0, false},
		{"another type", field(func(w *blob.Builder) { w.AddBool("signal", true) }), 1, true},
		{"a table", field(func(w *blob.Builder) { w.OpenTable("signal"); w.Close() }), 0, false},
	} {
		if got, ok := signalOf(c.data); got != c.want || ok != c.ok {
			t.Errorf("%s: %d %v, want %d %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

// What each call is answered in each state (D7, D25).
func TestObjectStatus(t *testing.T) {
	for _, c := range []struct {
		state, method string
		want          ubus.Status
	}{
		{stateCreated, "start", ubus.StatusOK}, {stateRunning, "start", ubus.StatusInvalidArgument}, {stateStopped, "start", ubus.StatusInvalidArgument},
		{stateCreated, "kill", ubus.StatusOK}, {stateRunning, "kill", ubus.StatusOK}, {stateStopped, "kill", ubus.StatusNotFound},
		{stateCreated, "exec", ubus.StatusInvalidArgument}, {stateRunning, "exec", ubus.StatusOK}, {stateStopped, "exec", ubus.StatusNotFound},
		{stateCreated, "state", ubus.StatusOK}, {stateStopped, "state", ubus.StatusOK}, {stateRunning, "fly", ubus.StatusMethodNotFound},
	} {
		killed := 0
		box := container{record: sample(), status: c.state, pid: 4, start: func() ubus.Status { return ubus.StatusOK },
			kill: func(signal int) error { killed = signal; return nil }, exec: func(*plan.Request, int) (int, error) { return 6, nil }}
		data, got := box.handle(&ubus.Incoming{Method: c.method, FD: -1})
		if got != c.want || (data != nil) != (c.method == "state" || c.method == "exec" && got == ubus.StatusOK) {
			t.Errorf("%s of a %s container: %v, data %q", c.method, c.state, got, data)
		}
		if want := c.method == "kill" && c.want == ubus.StatusOK; (killed == 15) != want {
			t.Errorf("%s of a %s container: signal %d", c.method, c.state, killed)
		}
	}
}
