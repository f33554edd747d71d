// SPDX-License-Identifier: LGPL-2.1-only

package ubustest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/ubus"
)

func TestSubscribe(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		owner, c := dial(t, path), dial(t, path)
		target, err := owner.AddObject(soon(), "o", methods)
		must(t, err)
		id, err := c.AddObject(soon(), "", nil)
		must(t, err)
		check(t, c.Subscribe(soon(), id, 0x7fffffff), ubus.StatusNotFound)
		check(t, c.Unsubscribe(soon(), id, target), ubus.StatusNotFound)
		check(t, owner.Subscribe(soon(), target, target), ubus.StatusInvalidArgument)
		check(t, owner.Announce(soon(), target, "nobody", nil), nil)
		answers, err := owner.Notify(soon(), target, "nobody", nil)
		if err != nil || len(answers) != 0 {
			t.Errorf("%v, %v", answers, err)
		}
		must(t, c.Subscribe(soon(), id, target))
		if in := receive(t, owner); in.Kind != ubus.KindSubscribers || in.Object != target || !in.Active {
			t.Errorf("%+v", in)
		}

		must(t, owner.Announce(soon(), target, "quiet", words("a")))
		if in := receive(t, c); in.Method != "quiet" || in.Object != id || !in.NoReply || blob.Text(in.Data) != `{"s":"a"}` {
			t.Errorf("%+v", in)
		}

		done := make(chan struct{})
		go func() {
			defer close(done)
			answers, err := owner.Notify(soon(), target, "loud", words("b"))
			if err != nil || len(answers) != 1 || answers[0].Subscriber != id || answers[0].Status != ubus.StatusNotSupported ||
				len(answers[0].Data) != 1 || blob.Text(answers[0].Data[0]) != `{"s":"seen"}` {
				t.Errorf("%+v, %v", answers, err)
			}
		}()
		in := receive(t, c)
		must(t, c.Reply(soon(), in.Ticket, words("seen")))
		must(t, c.Finish(soon(), in.Ticket, ubus.StatusNotSupported, -1))
		<-done

		must(t, c.Unsubscribe(soon(), id, target))
		if in := receive(t, owner); in.Kind != ubus.KindSubscribers || in.Active {
			t.Errorf("%+v", in)
		}
		must(t, c.Subscribe(soon(), id, target))
		must(t, owner.RemoveObject(soon(), target))
		if in := receive(t, c); in.Kind != ubus.KindUnsubscribed || in.Object != id || in.Target != target {
			t.Errorf("%+v", in)
		}
		check(t, owner.Announce(soon(), target, "gone", nil), nil)
		_, err = owner.Notify(soon(), target, "gone", nil)
		check(t, err, ubus.StatusNotFound)
	})
}

// A subscriber that does not answer costs only the time that the caller gives it.
func TestNotifyUnanswered(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		owner, c := dial(t, path), dial(t, path)
		target, err := owner.AddObject(soon(), "o", methods)
		must(t, err)
		id, err := c.AddObject(soon(), "", nil)
		must(t, err)
		must(t, c.Subscribe(soon(), id, target))
		_, err = owner.Notify(ubus.Within(20*time.Millisecond), target, "x", nil)
		check(t, err, ubus.ErrTimeout)
		check(t, owner.Ping(soon()), nil)
	})
}

func TestEvents(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c, other := dial(t, path), dial(t, path)
		id, err := c.AddObject(soon(), "", nil)
		must(t, err)
		must(t, c.Listen(soon(), id, "net.*"))
		must(t, c.Listen(soon(), id, "exact"))
		must(t, c.Listen(soon(), id, "ubus.object.*"))
		check(t, other.Listen(soon(), id, "x"), ubus.StatusPermissionDenied)
		check(t, other.SendEvent(soon(), "ubus.object.add", nil), ubus.StatusPermissionDenied)
		must(t, c.SendEvent(soon(), "exact", nil)) // its own does not come back
		for _, name := range []string{"net", "net.up", "exactly", "exact"} {
			must(t, other.SendEvent(soon(), name, words(name)))
		}
		oid, err := other.AddObject(soon(), "o", methods)
		must(t, err)
		must(t, other.RemoveObject(soon(), oid))
		var got []string
		for range 4 {
			in := receive(t, c)
			if in.Kind != ubus.KindCall || in.Object != id || in.Peer != 0 {
				t.Errorf("%+v", in)
			}
			must(t, c.Finish(soon(), in.Ticket, ubus.StatusOK, -1))
			got = append(got, in.Method+blob.Text(in.Data))
		}
		added := fmt.Sprintf(`{"id":%d,"path":"o"}`, int32(oid))
		want := []string{`net.up{"s":"net.up"}`, `exact{"s":"exact"}`, "ubus.object.add" + added, "ubus.object.remove" + added}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		_, err = c.Receive(now)
		check(t, err, ubus.ErrTimeout)
	})
}

// What comes in during a request is kept, in its order.
func TestKept(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c, other := dial(t, path), dial(t, path)
		id, err := c.AddObject(soon(), "", nil)
		must(t, err)
		must(t, c.Listen(soon(), id, "e*"))
		for n := range 20 {
			must(t, other.SendEvent(soon(), fmt.Sprint("e", n), nil))
		}
		must(t, c.Ping(soon()))
		for n := range 20 {
			if in, err := c.Receive(now); err != nil || in.Method != fmt.Sprint("e", n) {
				t.Fatalf("%d: %+v, %v", n, in, err)
			}
		}
	})
}

// More than is kept: a call is answered, an event is dropped.
func TestTooMuchToKeep(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c, other := dial(t, path), dial(t, path)
		id, err := c.AddObject(soon(), "o", methods)
		must(t, err)
		must(t, c.Listen(soon(), id, "e"))
		for range 300 {
			must(t, other.SendEvent(soon(), "e", nil))
		}
		must(t, c.Ping(soon()))
		if c.Dropped() == 0 {
			t.Error("nothing was dropped")
		}
		said := make(chan error, 1)
		go func() { _, err := other.Invoke(soon(), id, "echo", nil, -1); said <- err }()
		for c.Dropped() == 300-256 {
			must(t, c.Ping(soon()))
		}
		check(t, <-said, ubus.StatusNoMemory)
		n := 0
		for {
			if _, err := c.Receive(now); err != nil {
				break
			}
			n++
		}
		if n != 256 {
			t.Errorf("%d were kept", n)
		}
	})
}

func TestWaitFor(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c, other := dial(t, path), dial(t, path)
		_, err := c.WaitFor(ubus.Within(20*time.Millisecond), "o")
		check(t, err, ubus.ErrTimeout)
		check(t, c.Ping(soon()), nil)
		first, err := other.AddObject(soon(), "o", methods)
		must(t, err)
		id, err := c.WaitFor(soon(), "o")
		if err != nil || id != first {
			t.Errorf("%x, %v, want %x", id, err, first)
		}
		must(t, other.RemoveObject(soon(), first))

		mine, err := c.AddObject(soon(), "mine", methods)
		must(t, err)
		added, done := make(chan uint32, 1), make(chan struct{})
		go func() {
			defer close(done)
			// The listener is there when an event reaches it; what comes in for others is not lost.
			call := make(chan struct{})
			go func() {
				defer close(call)
				_, err := other.Invoke(ubus.Within(100*time.Millisecond), mine, "echo", nil, -1)
				check(t, err, ubus.ErrTimeout)
			}()
			<-call
			for _, name := range []string{"x", "o", "y"} {
				id, err := other.AddObject(soon(), name, methods)
				check(t, err, nil)
				if name == "o" {
					added <- id
				}
			}
		}()
		id, err = c.WaitFor(soon(), "o")
		if want := <-added; err != nil || id != want {
			t.Errorf("%x, %v, want %x", id, err, want)
		}
		<-done
		if in := receive(t, c); in.Object != mine || in.Method != "echo" {
			t.Errorf("%+v", in)
		}
		_, err = c.Receive(ubus.Look())
		check(t, err, ubus.ErrTimeout)
	})
}
