// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// master makes a terminal.
func master(t *testing.T) int {
	t.Helper()
	fd, err := Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(fd) })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestTerminal(t *testing.T) {
	m := master(t)
	peer, err := OpenPeer(m)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(peer)
	null, err := Open("/dev/null", unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(null)
	if !IsTerminal(peer) || IsTerminal(null) || IsTerminal(-1) {
		t.Error("what is a terminal and what is not")
	}
	want := WindowSize{Width: 100, Height: 65535}
	if err := SetWindowSize(m, want); err != nil {
		t.Fatal(err)
	}
	if got, err := GetWindowSize(peer); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	if err := SetWindowSize(null, want); ErrnoOf(err) != unix.ENOTTY {
		t.Error(err)
	}
	if _, err := GetWindowSize(null); ErrnoOf(err) != unix.ENOTTY {
		t.Error(err)
	}
	if _, err := OpenPeer(null); ErrnoOf(err) != unix.ENOTTY {
		t.Error(err)
	}
}

func flags(t *testing.T, fd int) int {
	t.Helper()
	f, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Who asks for a descriptor that does not block changes that of nobody else, and loses no place in a file.
func TestUnblocked(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer Close(pipe[0])
	defer Close(pipe[1])
	peer, err := OpenPeer(master(t))
	if err != nil {
		t.Fatal(err)
	}
	defer Close(peer)
	for name, fd := range map[string]int{"pipe": pipe[1], "terminal": peer} {
		n, err := Unblocked(fd, WriteOnly)
		if err != nil {
			t.Fatal(name, err)
		}
		if flags(t, n)&unix.O_NONBLOCK == 0 || flags(t, fd)&unix.O_NONBLOCK != 0 {
			t.Errorf("%s: flags %#x, were %#x", name, flags(t, n), flags(t, fd))
		}
		Close(n)
	}
	path := filepath.Join(t.TempDir(), "file")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	file.WriteString("one ")
	n, err := Unblocked(int(file.Fd()), WriteOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(n)
	if err := WriteAll(n, path, []byte("two")); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "one two" {
		t.Errorf("%q", b)
	}
	if _, err := Unblocked(-1, WriteOnly); ErrnoOf(err) != unix.EBADF {
		t.Error(err)
	}
}

func TestTakeFD(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := TakeFD(os.Getpid(), int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	if a, b := inode(t, fd), inode(t, int(file.Fd())); a != b {
		t.Errorf("inode %d, not %d", a, b)
	}
	if _, err := TakeFD(os.Getpid(), 1<<20); ErrnoOf(err) != unix.EBADF {
		t.Error(err)
	}
	if _, err := TakeFD(1<<30, 0); err == nil {
		t.Error("of no process")
	}
}

func inode(t *testing.T, fd int) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}
