// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gojail/src/blob"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
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

// invocation is a call of a method as ubusd passes it on, in its bytes.
func invocation(object uint32, method string) []byte {
	var w blob.Builder
	w.PutUint32(ubus.AttrObjID, object)
	w.PutString(ubus.AttrMethod, method)
	body, _ := w.Bytes()
	return ubus.AppendFrame(nil, &ubus.Message{Type: ubus.MsgInvoke, Seq: 7, Peer: 99, Body: body, FD: -1})
}

// Frames that are none, from what has taken ubusd's place: the container is on the bus again, or still, and has what it had.
func TestUbusGarbageFrames(t *testing.T) {
	s := newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	asleep(t, p)
	before := descriptors(t, p.pid())
	id := execIn(t, b.name).object
	valid := invocation(id, "state")
	long := slices.Clone(valid)
	copy(long[8:], []byte{0x00, 0xff, 0xff, 0xff})
	for name, frames := range map[string][][]byte{
		"of the greatest length": {long},
		"cut off, and another":   {valid[:len(valid)-5], valid},
		"random body":            {append(slices.Clone(valid[:12]), junk(len(valid)-12)...), junk(100)},
		"each byte by itself":    slices.Collect(slices.Chunk(valid, 1)),
		"in two parts":           {valid[:20], valid[20:]},
		"a flood": {bytes.Repeat(ubus.AppendFrame(nil, &ubus.Message{Type: 77, FD: -1}), 50_000), bytes.Repeat(valid, 2000),
			bytes.Repeat(ubus.AppendFrame(nil, &ubus.Message{Type: ubus.MsgHello, FD: -1}), 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range frames {
				s.Inject(f)
			}
			heard := strings.Count(p.out.String(), "hup\n")
			p.signal(syscall.SIGHUP)
			if !eventually(func() bool { return strings.Count(p.out.String(), "hup\n") > heard }) {
				t.Error("a signal does not arrive")
			}
			onBus(t, b.name)
			asleep(t, p)
			sameDescriptors(t, p, before)
		})
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// junk is random bytes.
func junk(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.IntN(256))
	}
	return b
}

// The same for one that waits for its start.
func TestUbusGarbageCreated(t *testing.T) {
	s := newBus(t)
	b, p := created(t, script("exit 4"))
	onBus(t, b.name)
	id := execIn(t, b.name).object
	for _, f := range [][]byte{invocation(id, "state")[:15], junk(100)} {
		s.Inject(f)
		if got := onBus(t, b.name); got["status"] != "created" {
			t.Errorf("state %v", got)
		}
	}
	if _, err := call(b.name, "start", nil); err != nil {
		t.Error(err)
	}
	p.wait().ends(4)
}

// The same in the place of a greeting, and of the answer to what a worker asks first: said once, and the container goes on.
func TestUbusGarbageGreeting(t *testing.T) {
	busDir(t)
	hello := ubus.AppendFrame(nil, &ubus.Message{Type: ubus.MsgHello, Peer: 5, FD: -1})
	greetings := [][]byte{nil, junk(1000), hello[:7], ubus.AppendFrame(nil, &ubus.Message{Type: ubus.MsgHello, FD: -1}),
		append(slices.Clone(hello), junk(5000)...), append(slices.Clone(hello), hello[:9]...)}
	l, err := net.Listen("unix", ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan bool, 100)
	done := make(chan bool)
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write(greetings[n%len(greetings)])
			came <- true
			defer c.Close()
		}
	}()
	var bundles []*bundle
	var running []*process
	for range greetings {
		b, p := sleeper(t)
		bundles, running = append(bundles, b), append(running, p)
	}
	for range 2 * len(greetings) {
		<-came
	}
	for _, p := range running {
		p.signal(syscall.SIGHUP).until("hup")
	}
	l.Close()
	<-done
	s, err := ubustest.Start(ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for i, p := range running {
		onBus(t, bundles[i].name)
		p.signal(syscall.SIGTERM).wait().ends(5)
		if n := strings.Count(p.err.String(), "\n"); n != 1 {
			t.Errorf("says it in %d lines: %s", n, p.err)
		}
	}
}
