// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestError(t *testing.T) {
	if err := fail("open", "/x", nil); err != nil {
		t.Errorf("no error became %v", err)
	}
	err := fail("open", "/x", unix.ENOENT)
	if err.Error() != "open /x: no such file or directory" || !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, unix.ENOENT) || ErrnoOf(err) != unix.ENOENT {
		t.Errorf("%v", err)
	}
	if err := fail("poll", "", unix.EIO); err.Error() != "poll: input/output error" {
		t.Errorf("%v", err)
	}
	if err := fail("x", "", errors.New("not of the kernel")); ErrnoOf(err) != unix.EIO {
		t.Errorf("%v", err)
	}
	for _, c := range []struct {
		err  error
		want Errno
	}{{nil, 0}, {unix.EPERM, unix.EPERM}, {errors.New("other"), 0}} {
		if got := ErrnoOf(c.err); got != c.want {
			t.Errorf("%v: %d", c.err, got)
		}
	}
	var plain *Error
	hinted := explain(err, "look there")
	if hinted.Error() != "open /x: no such file or directory (look there)" || !errors.Is(hinted, unix.ENOENT) || !errors.As(hinted, &plain) {
		t.Errorf("%v", hinted)
	}
	if same := explain(err, ""); same != err || explain(nil, "hint") != nil {
		t.Errorf("%v", same)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	content := strings.Repeat("0123456789", 1000)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	must(t, os.WriteFile(dir+"/empty", nil, 0o600))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	for _, c := range []struct {
		name, path string
		max        int
		want       string
		errno      Errno
	}{
		{"at the limit", path, 10000, content, 0},
		{"below", path, math.MaxInt, content, 0},
		{"above", path, 9999, "", unix.EFBIG},
		{"nothing allowed", path, 0, "", unix.EFBIG},
		{"empty", dir + "/empty", 0, "", 0},
		{"without a size", "/proc/self/status", 0, "", unix.EFBIG},
		{"directory", dir, 100, "", unix.EISDIR},
		{"fifo", dir + "/fifo", 100, "", unix.EINVAL},
		{"device", "/dev/zero", 100, "", unix.EINVAL},
		{"missing", dir + "/missing", 100, "", unix.ENOENT},
	} {
		b, err := ReadFile(c.path, c.max)
		if ErrnoOf(err) != c.errno || string(b) != c.want {
			t.Errorf("%s: %d bytes, %v", c.name, len(b), err)
		}
		if err != nil && !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v does not name the file", c.name, err)
		}
	}
	b, err := ReadFile("/proc/self/mountinfo", 1<<20)
	if want, _ := os.ReadFile("/proc/self/mountinfo"); err != nil || !bytes.Equal(b, want) {
		t.Errorf("mountinfo: %d bytes of %d, %v", len(b), len(want), err)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"longer", "short", ""} {
		if err := WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != content {
			t.Errorf("%q %v, want %q", b, err, content)
		}
	}
	if st := lstat(t, path); st.Mode&^unix.S_IFMT&^0o640 != 0 {
		t.Errorf("mode %o", st.Mode)
	}
	if err := WriteFile(path+"/below", nil, 0o600); ErrnoOf(err) != unix.ENOTDIR {
		t.Error(err)
	}
	fd, err := Open(path, unix.O_RDONLY)
	must(t, err)
	defer Close(fd)
	if err := WriteAll(fd, "the file", []byte("x")); ErrnoOf(err) != unix.EBADF || !strings.Contains(err.Error(), "the file") {
		t.Error(err)
	}
}

// More than a pipe holds is written in parts.
func TestWriteAll(t *testing.T) {
	var p [2]int
	must(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	read := make(chan []byte)
	go func() {
		f := os.NewFile(uintptr(p[0]), "pipe")
		defer f.Close()
		var b bytes.Buffer
		b.ReadFrom(f)
		read <- b.Bytes()
	}()
	err := WriteAll(p[1], "pipe", want)
	Close(p[1])
	if got := <-read; err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
}

func TestMkdir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir")
	for _, want := range []bool{true, false} {
		if made, err := Mkdir(path, 0o700); made != want || err != nil {
			t.Errorf("made %v, %v; want %v", made, err, want)
		}
	}
	if made, err := Mkdir(path+"/a/b", 0o700); made || ErrnoOf(err) != unix.ENOENT {
		t.Errorf("made %v, %v", made, err)
	}
	if err := Rmdir(path); err != nil {
		t.Error(err)
	}
	if err := Rmdir(path); ErrnoOf(err) != unix.ENOENT {
		t.Error(err)
	}
}

func TestSocketPair(t *testing.T) {
	a, b, err := SocketPair()
	must(t, err)
	defer Close(b)
	for _, fd := range []int{a, b} {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("flags %#x, %v: not close-on-exec", flags, err)
		}
	}
	for _, m := range []string{"one", "and two"} {
		must(t, Send(a, []byte(m)))
	}
	buf := make([]byte, 64)
	for _, want := range []string{"one", "and two"} {
		if n, err := Recv(b, buf); err != nil || string(buf[:n]) != want {
			t.Errorf("%q %v, want %q", buf[:n], err, want)
		}
	}
	Close(a)
	if n, err := Recv(b, buf); n != 0 || err != nil {
		t.Errorf("closed: %d %v", n, err)
	}
	if err := Send(b, []byte("x")); ErrnoOf(err) != unix.EPIPE {
		t.Errorf("closed: %v", err)
	}
}

func TestSealedMemfd(t *testing.T) {
	content := []byte("#!/bin/sh\nexit 3\n")
	fd, err := SealedMemfd("script", content)
	must(t, err)
	defer Close(fd)
	path := "/proc/self/fd/" + strconv.Itoa(fd)
	again, err := Open(path, unix.O_RDWR)
	must(t, err)
	for _, fd := range []int{fd, again} {
		if n, err := unix.Pwrite(fd, []byte("x"), 0); err != unix.EPERM {
			t.Errorf("write: %d %v", n, err)
		}
		if n, err := unix.Pwrite(fd, []byte("x"), int64(len(content))); err != unix.EPERM {
			t.Errorf("append: %d %v", n, err)
		}
		for _, size := range []int64{0, 1 << 20} {
			if err := unix.Ftruncate(fd, size); err != unix.EPERM {
				t.Errorf("truncate to %d: %v", size, err)
			}
		}
		if _, err := unix.Mmap(fd, 0, 4096, unix.PROT_WRITE, unix.MAP_SHARED); err != unix.EPERM {
			t.Errorf("map to write: %v", err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE); err != unix.EPERM {
			t.Errorf("another seal: %v", err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, content) {
		t.Errorf("%q %v", b, err)
	}
	// It can be executed once nobody has it open to write.
	Close(again)
	var exit *exec.ExitError
	cmd := exec.Command("/proc/self/fd/3")
	script, err := DupAbove(fd, 3)
	must(t, err)
	cmd.ExtraFiles = []*os.File{os.NewFile(uintptr(script), "script")}
	defer cmd.ExtraFiles[0].Close()
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("execute: %v", err)
	}
}

func TestPidfd(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	fd, err := PidfdOpen(cmd.Process.Pid)
	must(t, err)
	defer Close(fd)
	must(t, PidfdKill(fd))
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("ended with %v", err)
	}
	if err := PidfdKill(fd); ErrnoOf(err) != unix.ESRCH {
		t.Errorf("an ended process: %v", err)
	}
	if _, err := PidfdOpen(cmd.Process.Pid); ErrnoOf(err) != unix.ESRCH {
		t.Errorf("an ended process: %v", err)
	}
}

func TestRlimits(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	if err := Prlimit(cmd.Process.Pid, unix.RLIMIT_FSIZE, 5<<32, 6<<32); err != nil {
		t.Fatal(err)
	}
	if soft, hard, err := GetRlimit(cmd.Process.Pid, unix.RLIMIT_FSIZE); soft != 5<<32 || hard != 6<<32 || err != nil {
		t.Errorf("%d %d %v", soft, hard, err)
	}
	if err := Prlimit(cmd.Process.Pid, unix.RLIMIT_FSIZE, 2, 1); ErrnoOf(err) != unix.EINVAL {
		t.Errorf("soft above hard: %v", err)
	}
	if _, _, err := GetRlimit(0, 250); ErrnoOf(err) != unix.EINVAL {
		t.Errorf("no such resource: %v", err)
	}
}

func TestRelease(t *testing.T) {
	want, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	major, minor, text := Release()
	if text+"\n" != string(want) || !strings.HasPrefix(text, strconv.Itoa(major)+"."+strconv.Itoa(minor)) || major < 3 {
		t.Errorf("%d.%d of %q, want %q", major, minor, text, want)
	}
}
