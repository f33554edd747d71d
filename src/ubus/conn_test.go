// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"gojail/src/kernel"
)

func connPair(t *testing.T) (a, b *Conn) {
	t.Helper()
	x, y, err := kernel.StreamPair()
	if err != nil {
		t.Fatal(err)
	}
	a, b = NewConn(x), NewConn(y)
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

var past = Look()

// A message that comes byte by byte is complete when it is, however often the receiver has given up before.
func TestReceiveInPieces(t *testing.T) {
	a, b := connPair(t)
	frame := AppendFrame(nil, &Message{MsgInvoke, 3, 4, []byte("body"), -1})
	for i := range frame {
		if _, err := b.Receive(past); err != ErrTimeout {
			t.Fatalf("after %d bytes: %v", i, err)
		}
		pass := -1
		if i == 0 {
			pass = 0
		}
		if _, err := kernel.SendFD(a.FD(), frame[i:i+1], pass); err != nil {
			t.Fatal(err)
		}
	}
	m, err := b.Receive(past)
	if err != nil || m.Type != MsgInvoke || m.Seq != 3 || m.Peer != 4 || string(m.Body) != "body" || m.FD < 0 {
		t.Errorf("%+v, %v", m, err)
	}
	kernel.Close(m.FD)
}

// Each message has its own descriptor, also where they are read at once.
func TestDescriptorsStayApart(t *testing.T) {
	a, b := connPair(t)
	for n, pass := range []int{-1, 0, -1, -1, 0, 0, -1} {
		if err := a.Send(past, &Message{MsgInvoke, uint16(n), 0, bytes.Repeat([]byte{1}, 4*n), pass}); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range []bool{false, true, false, false, true, true, false} {
		m, err := b.Receive(past)
		if err != nil || m.Seq != uint16(n) || m.FD >= 0 != want {
			t.Errorf("%d: %+v, %v", n, m, err)
		}
		kernel.Close(m.FD)
	}
}

func TestReceiveRefuses(t *testing.T) {
	for name, frame := range map[string][]byte{
		"version":   {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4},
		"too short": {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3},
		"too long":  {0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 1},
	} {
		a, b := connPair(t)
		if _, err := kernel.SendFD(a.FD(), frame, -1); err != nil {
			t.Fatal(err)
		}
		_, err := b.Receive(soon())
		if !errors.Is(err, ErrProtocol) || !Fatal(err) {
			t.Errorf("%s: %v", name, err)
		}
		if _, again := b.Receive(soon()); again != err {
			t.Errorf("%s: then %v", name, again)
		}
		if again := b.Send(soon(), &Message{FD: -1}); again != err {
			t.Errorf("%s: then %v", name, again)
		}
	}
}

// A length alone costs no memory.
func TestLengthIsNoMemory(t *testing.T) {
	f := framer{}
	copy(f.room(), []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0})
	if _, done, err := f.took(headLen); done || err != nil {
		t.Fatal(done, err)
	}
	if n := len(f.room()); n == 0 || n > chunk {
		t.Errorf("room for %d bytes", n)
	}
}

func TestSendRefuses(t *testing.T) {
	a, b := connPair(t)
	if err := a.Send(past, &Message{Body: make([]byte, MaxBody+1), FD: -1}); err == nil || Fatal(err) {
		t.Error(err)
	}
	if err := a.Send(past, &Message{FD: 99999}); !errors.Is(err, syscall.EBADF) || Fatal(err) {
		t.Error(err)
	}
	if err := a.Send(past, &Message{Seq: 7, FD: -1}); err != nil {
		t.Error(err)
	}
	if m, err := b.Receive(past); m.Seq != 7 || err != nil {
		t.Errorf("%+v, %v", m, err)
	}
	b.Close()
	if err := a.Send(past, &Message{FD: -1}); !errors.Is(err, ErrClosed) || !Fatal(err) {
		t.Error(err)
	}
}

// Half a message cannot be taken back.
func TestSendHalf(t *testing.T) {
	a, _ := connPair(t)
	err := a.Send(past, &Message{Body: make([]byte, MaxBody), FD: -1})
	if !errors.Is(err, ErrTimeout) || !Fatal(err) {
		t.Error(err)
	}
	a, _ = connPair(t)
	m := &Message{Body: make([]byte, 100), FD: -1}
	for err = nil; err == nil; {
		err = a.Send(past, m)
	}
	if !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	if opError("x", "", nil) != nil {
		t.Error("an error of nothing")
	}
	inner := opError("call", "o", StatusNotFound)
	if opError("other", "", inner) != inner {
		t.Error("twice")
	}
	for _, c := range []struct {
		err   error
		text  string
		fatal bool
	}{
		{inner, "ubus: call o: not found", false},
		{opError("receive", "", ErrTimeout), "ubus: receive: timed out", false},
		{opError("receive", "", fatalError{ErrClosed}), "ubus: receive: the connection is closed", true},
		{Status(99), "status 99", false},
		{nil, "<nil>", false},
	} {
		if got := fmt.Sprint(c.err); got != c.text || Fatal(c.err) != c.fatal {
			t.Errorf("%s, %v, want %s, %v", got, Fatal(c.err), c.text, c.fatal)
		}
	}
	for _, same := range []error{ErrTimeout, context.DeadlineExceeded, os.ErrDeadlineExceeded} {
		if !errors.Is(opError("x", "", ErrTimeout), same) {
			t.Errorf("not %v", same)
		}
	}
	if errors.Is(ErrTimeout, context.Canceled) || errors.Is(ErrTimeout, ErrClosed) {
		t.Error("a timeout is something else")
	}
}

// The names are those of the ubus command, in the order of their numbers.
func TestNames(t *testing.T) {
	var types []string
	for n := range MsgMonitor + 2 {
		types = append(types, n.String())
	}
	const want = "hello status data ping lookup invoke add_object remove_object subscribe unsubscribe notify monitor type 12"
	if got := strings.Join(types, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	seen := map[string]bool{}
	for s := range StatusSystemError + 2 {
		seen[s.Error()] = true
	}
	if len(seen) != 15 {
		t.Errorf("%d different texts", len(seen))
	}
}

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		b    Backoff
		want string
	}{
		{Backoff{}, "100ms 200ms 400ms 800ms 1.6s 3.2s 6.4s 10s 10s"},
		{Backoff{Min: time.Second, Max: 3 * time.Second}, "1s 2s 3s 3s 3s 3s 3s 3s 3s"},
		{Backoff{Min: time.Minute, Max: time.Second}, "1s 1s 1s 1s 1s 1s 1s 1s 1s"},
	} {
		for range 2 {
			var got []string
			for range 9 {
				got = append(got, c.b.Next().String())
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			c.b.Reset()
		}
	}
}

func TestUntil(t *testing.T) {
	for _, u := range []Until{{}, At(time.Time{}), Within(time.Hour), From(t.Context()), From(context.Background())} {
		if err := u.expired(); err != nil {
			t.Errorf("%+v: %v", u, err)
		}
	}
	if err := Look().expired(); err != ErrTimeout {
		t.Error(err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
	u := From(ctx)
	if deadline, _ := ctx.Deadline(); !u.deadline.Equal(deadline) {
		t.Errorf("%v, want %v", u.deadline, deadline)
	}
	cancel()
	if err := u.expired(); err != context.Canceled {
		t.Error(err)
	}
	if err := u.wait(-1, 0); err != context.Canceled {
		t.Error(err)
	}
}
