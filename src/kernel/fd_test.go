// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDupAbove(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := DupAbove(int(f.Fd()), 100)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	if fd < 100 {
		t.Errorf("descriptor %d, want at least 100", fd)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v: not close-on-exec", flags, err)
	}
	var a, b unix.Stat_t
	if err := errors.Join(unix.Fstat(int(f.Fd()), &a), unix.Fstat(fd, &b)); err != nil || a.Ino != b.Ino || a.Dev != b.Dev {
		t.Errorf("not the same file: %v", err)
	}
	if fd, err := DupAbove(-1, 3); fd != -1 || ErrnoOf(err) != unix.EBADF {
		t.Errorf("duplicate of -1: %d, %v", fd, err)
	}
}

func TestWait(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := Wait(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{cmd.Process.Pid, os.Getpid()} {
		if err := Wait(pid); ErrnoOf(err) != unix.ECHILD {
			t.Errorf("%d: %v, want ECHILD", pid, err)
		}
	}
	for _, pid := range []int{0, -1} {
		if err := Wait(pid); ErrnoOf(err) != unix.EINVAL {
			t.Errorf("%d: %v, want EINVAL", pid, err)
		}
	}
	cmd.Process.Release()
}

func TestNoProcfs(t *testing.T) {
	NoProcfs.Close()
	if fd := NoProcfs.FD(); fd != -1 {
		t.Errorf("descriptor %d", fd)
	}
	if err := NoProcfs.Write(os.Getpid(), "oom_score_adj", "0", nil); ErrnoOf(err) != unix.EBADF {
		t.Errorf("%v, want EBADF", err)
	}
}
