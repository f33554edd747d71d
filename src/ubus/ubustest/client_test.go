// SPDX-License-Identifier: LGPL-2.1-only

package ubustest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
)

func TestLookup(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c := dial(t, path)
		check(t, c.Ping(soon()), nil)
		for _, name := range []string{"b.two", "a", "b.one"} {
			defer offer(t, path, name).Close()
		}
		for _, q := range []struct {
			pattern, want string
			err           error
		}{
			{"", "a b.one b.two", nil},
			{"*", "a b.one b.two", nil},
			{"b*", "b.one b.two", nil},
			{"b.one", "b.one", nil},
			{"b", "", ubus.StatusNotFound},
			{"x*", "", ubus.StatusNotFound},
		} {
			found, err := c.Lookup(soon(), q.pattern)
			check(t, err, q.err)
			var names []string
			for _, o := range found {
				names = append(names, o.Path)
				if m, err := ubus.Methods(o.Signature); err != nil || fmt.Sprint(m) != fmt.Sprint(methods) {
					t.Errorf("%s has methods %v, %v", o.Path, m, err)
				}
			}
			if got := strings.Join(names, " "); got != q.want {
				t.Errorf("%q: %q, want %q", q.pattern, got, q.want)
			}
		}
		_, err := c.LookupID(soon(), "b*")
		check(t, err, ubus.StatusNotFound)
	})
}

func TestCall(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c := dial(t, path)
		o := offer(t, path, "o")
		r, err := c.Call(soon(), "o", "echo", words("hello"))
		if err != nil || len(r.Data) != 1 || blob.Text(r.Data[0]) != `{"s":"hello"}` || r.FD != -1 {
			t.Errorf("%+v, %v", r, err)
		}
		r, err = c.Call(soon(), "o", "void", nil)
		if err != nil || len(r.Data) != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		_, err = c.Call(soon(), "o", "fail", nil)
		check(t, err, ubus.StatusNotSupported)
		if err.Error() != "ubus: call o fail: not supported" || ubus.Fatal(err) {
			t.Error(err)
		}
		_, err = c.Call(soon(), "o", "none", nil)
		check(t, err, ubus.StatusMethodNotFound)
		_, err = c.Call(soon(), "none", "echo", nil)
		check(t, err, ubus.StatusNotFound)
		_, err = c.Invoke(soon(), 0x7fffffff, "echo", nil, -1)
		check(t, err, ubus.StatusNotFound)
		o.Close()
		_, err = c.Invoke(soon(), o.ID, "echo", nil, -1)
		check(t, err, ubus.StatusNotFound)
	})
}

// Large messages go both ways, and one that is too large is refused before anything is sent.
func TestLarge(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c := dial(t, path)
		defer offer(t, path, "o").Close()
		big := words(strings.Repeat("x", 400<<10))
		r, err := c.Call(soon(), "o", "echo", big)
		if err != nil || len(r.Data) != 1 || !bytes.Equal(r.Data[0], big) {
			t.Errorf("%d, %v", len(r.Data), err)
		}
		if _, err = c.Call(soon(), "o", "echo", make([]byte, ubus.MaxBody)); err == nil || ubus.Fatal(err) {
			t.Error(err)
		}
		check(t, c.Ping(soon()), nil)
	})
}

func TestPassDescriptors(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		server, c := dial(t, path), dial(t, path)
		id, err := server.AddObject(soon(), "o", methods)
		must(t, err)
		name := filepath.Join(t.TempDir(), "f")
		must(t, os.WriteFile(name, []byte("content"), 0o600))
		f, err := os.Open(name)
		must(t, err)
		defer f.Close()
		got := make(chan ubus.Reply, 1)
		go func() {
			r, err := c.Invoke(soon(), id, "echo", nil, int(f.Fd()))
			if err != nil {
				t.Error(err)
			}
			got <- r
		}()
		in := receive(t, server)
		if in.FD < 0 {
			t.Fatal("no descriptor has come with the call")
		}
		must(t, server.Reply(soon(), in.Ticket, words("x")))
		must(t, server.Finish(soon(), in.Ticket, ubus.StatusOK, in.FD))
		kernel.Close(in.FD)
		r := <-got
		if r.FD < 0 {
			t.Fatal("no descriptor has come with the answer")
		}
		back := os.NewFile(uintptr(r.FD), "back")
		defer back.Close()
		b := make([]byte, 16)
		if n, _ := back.Read(b); string(b[:n]) != "content" || len(r.Data) != 1 {
			t.Errorf("%q, %d", b[:n], len(r.Data))
		}
	})
}

func TestObjects(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		a, b := dial(t, path), dial(t, path)
		id, err := a.AddObject(soon(), "o", methods)
		must(t, err)
		_, err = b.AddObject(soon(), "o", methods)
		check(t, err, ubus.StatusInvalidArgument)
		check(t, b.RemoveObject(soon(), id), ubus.StatusPermissionDenied)
		must(t, a.RemoveObject(soon(), id))
		check(t, a.RemoveObject(soon(), id), ubus.StatusNotFound)
		_, err = b.AddObject(soon(), "o", methods)
		must(t, err)
		b.Close()
		// ubusd needs a moment to see that b is gone
		for deadline := soon(); ; {
			if _, err = a.Lookup(deadline, "o"); err != nil {
				break
			}
		}
		check(t, err, ubus.StatusNotFound)
	})
}

func TestMonitor(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c, other := dial(t, path), dial(t, path)
		must(t, c.Monitor(soon(), true))
		must(t, other.SendEvent(soon(), "x", words("y")))
		for {
			in := receive(t, c)
			if in.Kind != ubus.KindMonitored || in.Monitored.Client != other.ID() || in.Monitored.Sent {
				continue
			}
			a, err := ubus.ParseAttrs(in.Monitored.Message.Body)
			if err != nil || in.Monitored.Message.Type != ubus.MsgInvoke || a.Object != ubus.ObjectEvent || a.Method != "send" {
				t.Errorf("%+v, %v", in.Monitored, err)
			}
			break
		}
		must(t, c.Ping(soon())) // its own messages come in between
		must(t, c.Monitor(soon(), false))
	})
}

// Another Client, such as one in another process, goes on with the connection, and answers what the first one has been asked.
func TestDetach(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		a, other := dial(t, path), dial(t, path)
		id, err := a.AddObject(soon(), "o", methods)
		must(t, err)
		must(t, a.Listen(soon(), id, "e"))
		said := make(chan error, 1)
		go func() { _, err := other.Invoke(soon(), id, "echo", nil, -1); said <- err }()
		in := receive(t, a)
		sender := dial(t, path)
		must(t, sender.SendEvent(soon(), "e", words("kept")))
		must(t, a.Ping(soon())) // the event is read now
		must(t, sender.SendEvent(soon(), "e", words("not read")))
		fd, state := a.Detach()
		if _, err := a.Receive(now); !ubus.Fatal(err) {
			t.Error(err)
		}
		b, err := ubus.Resume(fd, state)
		must(t, err)
		defer b.Close()
		must(t, b.Finish(soon(), in.Ticket, ubus.StatusNotSupported, -1))
		check(t, <-said, ubus.StatusNotSupported)
		for _, want := range []string{`{"s":"kept"}`, `{"s":"not read"}`} {
			if in := receive(t, b); blob.Text(in.Data) != want {
				t.Errorf("%s, want %s", blob.Text(in.Data), want)
			}
		}
		if b.ID() != a.ID() {
			t.Errorf("%x was %x", b.ID(), a.ID())
		}
		must(t, b.RemoveObject(soon(), id))
	})
	if _, err := ubus.Resume(-1, ubus.State{Pending: bytes.Repeat([]byte{1}, 30)}); err == nil {
		t.Error("garbage is resumed")
	}
}

// A context that can be cancelled ends what waits, and so does its deadline.
func TestContext(t *testing.T) {
	onBuses(t, func(t *testing.T, path string) {
		c := dial(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		_, err := c.Receive(ubus.From(ctx))
		check(t, err, context.Canceled)
		_, err = c.Receive(ubus.From(ctx))
		check(t, err, context.Canceled)
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err = c.Receive(ubus.From(ctx))
		check(t, err, context.DeadlineExceeded)
		if ubus.Fatal(err) {
			t.Error("a timeout ends the connection")
		}
		check(t, c.Ping(ubus.From(t.Context())), nil)
	})
}

// A stopped ubusd blocks nobody for longer than it is given.
func TestRealUbusdStopped(t *testing.T) {
	if realUbusd == "" {
		t.Skip("SKIPPED: not run against the real ubusd: $UBUSD does not say where it is")
	}
	path := filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(realUbusd, "-s", path)
	must(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	c, err := ubus.Redial(soon(), path, &ubus.Backoff{Min: 5 * time.Millisecond})
	must(t, err)
	defer c.Close()
	must(t, cmd.Process.Signal(stop))
	check(t, c.Ping(ubus.Within(50*time.Millisecond)), ubus.ErrTimeout)
	_, err = ubus.Dial(ubus.Within(50*time.Millisecond), path)
	check(t, err, ubus.ErrTimeout)
	must(t, cmd.Process.Signal(cont))
	check(t, c.Ping(soon()), nil) // the late answer is not taken for this one's
	must(t, cmd.Process.Kill())
	_, err = c.Receive(soon())
	check(t, err, ubus.ErrClosed)
}
