// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"gojail/src/ubus"
)

// What others do to the bus while a container is on it. Under the real ubusd: TestProcdUbusd*.

// A container that waits for its start survives the bus.
func TestCreatedBusRestarts(t *testing.T) {
	s := newBus(t)
	b, p := created(t, script("exit 6"))
	onBus(t, b.name)
	s.Disconnect()
	if got := onBus(t, b.name); got["status"] != "created" {
		t.Errorf("state %v", got)
	}
	if _, err := call(b.name, "start", nil); err != nil {
		t.Error(err)
	}
	p.wait().ends(6)
}

// A bus that is there, but stands still, holds up neither a start nor a signal nor the end.
func TestUbusStandsStill(t *testing.T) {
	s := newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	c, waiting := created(t, script("echo ran"))
	onBus(t, c.name)
	s.Hang(true)
	newBundle(t, script("exit 3")).run().ends(3)
	waiting.signal(syscall.SIGTERM).wait().ends(143)
	p.signal(syscall.SIGHUP).until("hup")
	s.Hang(false)
	onBus(t, b.name)
	s.Hang(true)
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// Arguments that are none: each call is answered, and the container goes on.
func TestUbusGarbageArguments(t *testing.T) {
	newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	c, err := ubus.Dial(ubus.Within(patience), ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id, err := c.LookupID(ubus.Within(patience), "container."+b.name)
	if err != nil {
		t.Fatal(err)
	}
	for n := range rounds(t, 100) {
		junk := make([]byte, random.IntN(64))
		for i := range junk {
			junk[i] = byte(random.IntN(256))
		}
		method := []string{"state", "start", "kill", strings.Repeat("x", n)}[n%4]
		if method == "kill" { // what is no signal's name or number: a table in its place
			junk = append([]byte{0x82, 0, 0, 16, 0, 6, 's', 'i', 'g', 'n', 'a', 'l', 0, 0, 0, 0}, junk...)
		}
		var status ubus.Status
		if _, err := c.Invoke(ubus.Within(patience), id, method, junk, -1); err != nil && !errors.As(err, &status) {
			t.Fatalf("%s(%x): %v", method, junk, err)
		}
	}
	if got := onBus(t, b.name); got["status"] != "running" {
		t.Errorf("state %v", got)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// Callers that do not wait for their answers.
func TestUbusCallersLeave(t *testing.T) {
	s := newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	asleep(t, p)
	before := descriptors(t, p.pid())
	for range rounds(t, 100) {
		c, err := ubus.Dial(ubus.Within(patience), ubus.Path)
		if err != nil {
			t.Fatal(err)
		}
		id, err := c.LookupID(ubus.Within(patience), "container."+b.name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Invoke(ubus.Look(), id, "state", nil, 0) // with a descriptor that nobody wants
		c.Close()
	}
	onBus(t, b.name)
	asleep(t, p)
	if after := descriptors(t, p.pid()); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	if !eventually(func() bool { return s.Clients() == 1 }) {
		t.Errorf("%d clients, want the container alone", s.Clients())
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}
