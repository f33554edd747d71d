// SPDX-License-Identifier: LGPL-2.1-only

package ubustest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

func TestNobodyThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	_, err := ubus.Dial(soon(), path)
	check(t, err, syscall.ENOENT)
	if want := "ubus: connect to " + path + ": no such file or directory"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// A bus that hangs costs a caller what it gives, and nothing is mixed up when it goes on.
func TestHang(t *testing.T) {
	s := fake(t)
	defer offer(t, s.Path(), "o").Close()
	c := dial(t, s.Path())
	s.Hang(true)
	_, err := c.Lookup(ubus.Within(20*time.Millisecond), "o")
	check(t, err, ubus.ErrTimeout)
	if ubus.Fatal(err) {
		t.Error("the connection is given up")
	}
	_, err = ubus.Dial(ubus.Within(20*time.Millisecond), s.Path())
	check(t, err, ubus.ErrTimeout)
	s.Hang(false)
	found, err := c.Lookup(soon(), "")
	if err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}

// Nor does a bus that takes nothing any more block who sends.
func TestHangFull(t *testing.T) {
	s := fake(t)
	c := dial(t, s.Path())
	s.Hang(true)
	var err error
	for err == nil {
		err = c.Announce(ubus.Within(20*time.Millisecond), 1, "x", make([]byte, 100<<10))
	}
	check(t, err, ubus.ErrTimeout)
	if ubus.Fatal(err) {
		_, err := c.Receive(now)
		if !ubus.Fatal(err) {
			t.Error("half a message was sent, and the connection is used further")
		}
	}
}

func TestDisconnect(t *testing.T) {
	s := fake(t)
	c := dial(t, s.Path())
	s.Disconnect()
	_, err := c.Receive(soon())
	check(t, err, ubus.ErrClosed)
	if !ubus.Fatal(err) {
		t.Error("not fatal")
	}
	check(t, c.Ping(soon()), ubus.ErrClosed)
	c.Close()
	c.Close()
}

// The bus starts anew: the owner of the object connects and adds it again.
func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, err := ubustest.Start(path)
	must(t, err)
	c := dial(t, path)
	_, err = c.AddObject(soon(), "o", methods)
	must(t, err)
	s.Close()
	_, err = c.Receive(soon())
	check(t, err, ubus.ErrClosed)
	c.Close()
	back := make(chan *ubus.Client, 1)
	go func() {
		c, err := ubus.Redial(soon(), path, &ubus.Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond})
		if err != nil {
			t.Error(err)
		}
		back <- c
	}()
	s, err = ubustest.Start(path)
	must(t, err)
	defer s.Close()
	if c = <-back; c == nil {
		return
	}
	defer c.Close()
	_, err = c.AddObject(soon(), "o", methods)
	must(t, err)
}

func TestRedialEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	_, err := ubus.Redial(ubus.Within(20*time.Millisecond), path, &ubus.Backoff{Min: time.Millisecond})
	check(t, err, syscall.ENOENT)
	_, err = ubus.Redial(ubus.Within(20*time.Millisecond), path, &ubus.Backoff{Min: time.Hour})
	check(t, err, syscall.ENOENT)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	_, err = ubus.Redial(ubus.From(ctx), path, &ubus.Backoff{Min: time.Hour, Max: time.Hour})
	check(t, err, syscall.ENOENT)
}

// Garbage ends the connection, or means nothing; it is never waited for longer than the caller wants.
func TestGarbage(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	for n := range 50 {
		s := fake(t)
		c := dial(t, s.Path())
		b := make([]byte, 1+n*100)
		_, _ = random.Read(b)
		if n%2 == 0 {
			copy(b, []byte{0, byte(n % 14)}) // a version that is right, and a type
		}
		s.Inject(b)
		var err error
		for err == nil {
			_, err = c.Receive(ubus.Within(5 * time.Millisecond))
		}
		if !errors.Is(err, ubus.ErrTimeout) && !errors.Is(err, ubus.ErrProtocol) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

// Messages that mean nothing and never stop: a deadline holds all the same.
func TestFlood(t *testing.T) {
	for name, m := range map[string]*ubus.Message{
		"unknown":      {Type: 77, FD: -1},
		"hello":        {Type: ubus.MsgHello, FD: -1},
		"late answers": {Type: ubus.MsgStatus, Seq: 999, FD: -1},
		"malformed":    {Type: ubus.MsgInvoke, Peer: 0, Body: []byte{1, 2, 3}, FD: -1},
		"events": {Type: ubus.MsgInvoke, Body: table(func(w *blob.Builder) {
			w.PutUint32(ubus.AttrObjID, 5)
			w.PutString(ubus.AttrMethod, "x")
		}), FD: -1},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, err := kernel.StreamPair()
			must(t, err)
			c, err := ubus.Resume(a, ubus.State{ID: 2})
			must(t, err)
			defer c.Close()
			flood := ubus.NewConn(b)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for flood.Send(soon(), m) == nil {
				}
			}()
			check(t, c.Ping(ubus.Within(20*time.Millisecond)), ubus.ErrTimeout)
			for range 1000 {
				if _, err = c.Receive(ubus.Within(time.Millisecond)); err != nil {
					break
				}
			}
			if name != "events" {
				check(t, err, ubus.ErrTimeout)
			}
			c.Close()
			<-done
			flood.Close()
		})
	}
}

func TestDeny(t *testing.T) {
	s := fake(t)
	defer offer(t, s.Path(), "o").Close()
	c := dial(t, s.Path())
	id, err := c.LookupID(soon(), "o")
	must(t, err)
	s.Deny(func(path, method string) bool { return path == "o" && method != "void" })
	_, err = c.LookupID(soon(), "o")
	check(t, err, ubus.StatusNotFound)
	_, err = c.Invoke(soon(), id, "echo", nil, -1)
	check(t, err, ubus.StatusPermissionDenied)
	_, err = c.Invoke(soon(), id, "void", nil, -1)
	check(t, err, nil)
}

// Descriptors that nobody asked for, or nobody receives, are closed, and no goroutine stays.
func TestNothingLeft(t *testing.T) {
	s := fake(t)
	round := func() {
		o := offer(t, s.Path(), "o")
		c, err := ubus.Dial(soon(), s.Path())
		must(t, err)
		id, err := c.AddObject(soon(), "c", methods)
		must(t, err)
		other, err := ubus.Dial(soon(), s.Path())
		must(t, err)
		_, err = other.Invoke(ubus.Within(5*time.Millisecond), id, "echo", nil, 0) // nobody answers
		check(t, err, ubus.ErrTimeout)
		must(t, c.Ping(soon())) // the call is kept, with its descriptor
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err = other.Receive(ubus.From(ctx))
		check(t, err, context.DeadlineExceeded)
		cancel()
		if r, err := other.Call(soon(), "o", "echo", nil); err != nil || r.FD != -1 {
			t.Errorf("%+v, %v", r, err)
		}
		o.Close()
		c.Close()
		other.Close()
		for s.Clients() > 0 {
			runtime.Gosched()
		}
	}
	count := func() (fds, goroutines int) {
		names, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(names), runtime.NumGoroutine()
	}
	round()
	fds, goroutines := count()
	for range 5 {
		round()
	}
	if f, g := count(); f != fds || g > goroutines {
		t.Errorf("%d descriptors and %d goroutines, there were %d and %d", f, g, fds, goroutines)
	}
}
