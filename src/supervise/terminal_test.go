// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"testing"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
)

func TestResizeArguments(t *testing.T) {
	none, err := kernel.Open("/dev/null", 0) // cannot be resized
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close(none)
	for _, c := range []struct {
		name string
		tty  int
		add  func(w *blob.Builder)
		want ubus.Status
	}{
		{"nothing", none, func(*blob.Builder) {}, ubus.StatusInvalidArgument},
		{"width alone", none, func(w *blob.Builder) { w.AddInt32("width", 80) }, ubus.StatusInvalidArgument},
		{"zero", none, func(w *blob.Builder) { w.AddInt32("width", 0); w.AddInt32("height", 1) }, ubus.StatusInvalidArgument},
		{"too wide", none, func(w *blob.Builder) { w.AddInt32("width", 65536); w.AddInt32("height", 1) }, ubus.StatusInvalidArgument},
		{"words", none, func(w *blob.Builder) { w.AddString("width", "80"); w.AddInt32("height", 25) }, ubus.StatusInvalidArgument},
		{"wrong, without a terminal", -1, func(*blob.Builder) {}, ubus.StatusInvalidArgument},
		{"without a terminal", -1, func(w *blob.Builder) { w.AddInt32("width", 80); w.AddInt32("height", 25) }, ubus.StatusNotSupported},
		{"and another", -1, func(w *blob.Builder) { w.AddInt32("height", 25); w.AddString("x", "y"); w.AddInt32("width", 80) }, ubus.StatusNotSupported},
		{"the kernel refuses", none, func(w *blob.Builder) { w.AddInt32("width", 80); w.AddInt32("height", 25) }, ubus.StatusUnknownError},
	} {
		var w blob.Builder
		c.add(&w)
		b, err := w.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		box := container{record: sample(), status: stateRunning, tty: c.tty}
		if data, got := box.handle(&ubus.Incoming{Method: "resize", Data: b}); got != c.want || data != nil {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
