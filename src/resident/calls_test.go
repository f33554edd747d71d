// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These tests run in a Go program, which enter has not prepared.
func init() { the().sys = rawsysAt }

func TestSys(t *testing.T) {
	if got := sys(unix.SYS_GETPID, 0, 0, 0, 0, 0); got != os.Getpid() {
		t.Errorf("pid %d, not %d", got, os.Getpid())
	}
	if got := sys(unix.SYS_CLOSE, ^uintptr(0), 0, 0, 0, 0); got != -int(unix.EBADF) {
		t.Errorf("closed nothing: %d", got)
	}
	// Each argument is in its place.
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("0123456789"); err != nil {
		t.Fatal(err)
	}
	pipe := make([]int, 2)
	if err := unix.Pipe(pipe); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	at, b := int64(3), [4]byte{}
	// splice(fd, &offset, pipe, nil, length, 0)
	if got := sys(unix.SYS_SPLICE, f.Fd(), uintptr(unsafe.Pointer(&at)), uintptr(pipe[1]), 0, 4); got != 4 || at != 7 {
		t.Errorf("moved %d bytes, up to %d", got, at)
	}
	if n, err := unix.Read(pipe[0], b[:]); n != 4 || err != nil || string(b[:]) != "3456" {
		t.Errorf("%q, %v", b[:n], err)
	}
}
