// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func pair(t *testing.T) (a, b int) {
	t.Helper()
	a, b, err := StreamPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(a); Close(b) })
	return a, b
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if fd, err := ConnectUnix(path); fd != -1 || ErrnoOf(err) != unix.ENOENT || !strings.Contains(err.Error(), "connect to "+path) {
		t.Errorf("%d, %v", fd, err)
	}
	l, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if fd, err := ListenUnix(path); fd != -1 || ErrnoOf(err) != unix.EADDRINUSE {
		t.Errorf("a second one: %d, %v", fd, err)
	}
	if fd, err := Accept(l); fd != -1 || ErrnoOf(err) != unix.EAGAIN {
		t.Errorf("accept of nobody: %d, %v", fd, err)
	}
	a, err := ConnectUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(a)
	b, err := Accept(l)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 9)
	if _, _, err := RecvFD(a, buf); ErrnoOf(err) != unix.EAGAIN {
		t.Errorf("receive of nothing: %v", err)
	}
	if n, err := SendFD(b, []byte("hello"), -1); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, fd, err := RecvFD(a, buf); string(buf[:n]) != "hello" || fd != -1 || err != nil {
		t.Errorf("%q, %d, %v", buf[:n], fd, err)
	}
	Close(b)
	if n, fd, err := RecvFD(a, buf); n != 0 || fd != -1 || err != nil {
		t.Errorf("after close: %d, %d, %v", n, fd, err)
	}
	if _, err := SendFD(a, buf, -1); ErrnoOf(err) != unix.EPIPE {
		t.Errorf("send after close: %v", err)
	}
	Close(l)
	if _, err := ConnectUnix(path); ErrnoOf(err) != unix.ECONNREFUSED {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := ConnectUnix(strings.Repeat("x", 200)); ErrnoOf(err) != unix.EINVAL {
		t.Errorf("path too long: %v", err)
	}
}

func TestPassFD(t *testing.T) {
	a, b := pair(t)
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := SendFD(a, []byte("x"), int(f.Fd())); err != nil {
		t.Fatal(err)
	}
	n, fd, err := RecvFD(b, make([]byte, 8))
	if n != 1 || fd < 0 || err != nil {
		t.Fatalf("%d, %d, %v", n, fd, err)
	}
	defer Close(fd)
	var x, y unix.Stat_t
	if unix.Fstat(fd, &x) != nil || unix.Fstat(int(f.Fd()), &y) != nil || x.Ino != y.Ino {
		t.Error("another file has arrived")
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v: not close-on-exec", flags, err)
	}
	if _, err := SendFD(a, []byte("x"), 9999); ErrnoOf(err) != unix.EBADF {
		t.Errorf("no such descriptor: %v", err)
	}
}

// However many descriptors a peer sends, at most one arrives.
func TestPassManyFDs(t *testing.T) {
	a, b := pair(t)
	rights := unix.UnixRights(0, 0, 0, 0, 0)
	if err := unix.Sendmsg(a, []byte("x"), rights, nil, 0); err != nil {
		t.Fatal(err)
	}
	before := countFDs(t)
	n, fd, err := RecvFD(b, make([]byte, 8))
	if n != 1 || fd < 0 || err != nil {
		t.Fatalf("%d, %d, %v", n, fd, err)
	}
	if after := countFDs(t); after != before+1 {
		t.Errorf("%d descriptors have arrived", after-before)
	}
	Close(fd)
}

func countFDs(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestPoll(t *testing.T) {
	a, b := pair(t)
	past := time.Unix(0, 0)
	fds := []PollFD{{Fd: int32(a), Events: Readable}, {Fd: -1, Events: Readable}}
	if n, err := Poll(fds, past); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := Poll(fds, time.Now().Add(time.Millisecond)); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := SendFD(b, []byte("x"), -1); err != nil {
		t.Fatal(err)
	}
	for _, deadline := range []time.Time{{}, past, time.Now().Add(time.Hour)} {
		if n, err := Poll(fds, deadline); n != 1 || err != nil || fds[0].Revents != Readable {
			t.Errorf("%d, %v, %#x", n, err, fds[0].Revents)
		}
	}
	fds[0].Events = Writable
	if n, err := Poll(fds, time.Time{}); n != 1 || err != nil || fds[0].Revents != Writable {
		t.Errorf("%d, %v, %#x", n, err, fds[0].Revents)
	}
}

func TestPollTimeout(t *testing.T) {
	for _, c := range []struct {
		left     time.Duration
		min, max int
	}{
		{-time.Second, 0, 0},
		{time.Hour, 3_500_000, 3_600_000},
		{10000 * time.Hour, 24 * 3_600_000, 24 * 3_600_000},
	} {
		if got := pollTimeout(time.Now().Add(c.left)); got < c.min || got > c.max {
			t.Errorf("%v: %d", c.left, got)
		}
	}
	if got := pollTimeout(time.Time{}); got != -1 {
		t.Errorf("no deadline: %d", got)
	}
}

func TestWake(t *testing.T) {
	fd, err := Eventfd()
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	fds := []PollFD{{Fd: int32(fd), Events: Readable}}
	if n, err := Poll(fds, time.Unix(0, 0)); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := Wake(fd); err != nil {
		t.Fatal(err)
	}
	if n, err := Poll(fds, time.Time{}); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
