// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	_ "unsafe" // for linkname

	"golang.org/x/sys/unix"

	"gojail/src/plan"
)

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// fork runs a program in a process of its own, as package spawn does. A program that fails ends with its errno as status.
//
//go:noinline
//go:norace
//go:nocheckptr
func fork(code Code) (int, syscall.Errno) {
	beforeFork()
	pid, _, e := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 || pid != 0 {
		afterFork()
		return int(pid), e
	}
	afterForkInChild()
	_, errno := Run(code)
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
	}
}

// output forks what f puts together; out is for its standard output.
func output(t *testing.T, f func(c *compiler)) (text string, status int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := &compiler{h: &Handles{}}
	c.call(unix.SYS_DUP3, num(int(w.Fd())), num(1), num(0))
	f(c)
	c.link()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, errno := fork(c.Code())
	runtime.KeepAlive(c)
	w.Close()
	if errno != 0 {
		t.Fatal(errno)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &st, 0, nil); err != unix.EINTR {
			break
		}
	}
	return string(b), st.ExitStatus()
}

// The vectors of an exec hold every string, empty ones too, whatever else is in the data block.
func TestExecVectors(t *testing.T) {
	env := []string{"FIRST=1", "EMPTY=", "LAST=two words"}
	args := []string{"sh", "-c", `printf '%s|' "$0" "$@" "$#" "$FIRST" "${EMPTY-unset}" "$LAST"`, "zero", "", "two\nlines", strings.Repeat("x", 5000), "ü"}
	text, status := output(t, func(c *compiler) {
		c.str("odd") // so that nothing is aligned by chance
		argv := c.vec(args)
		c.str("o")
		envp := c.vec(env)
		c.call(unix.SYS_EXECVE, c.str("/bin/sh"), argv, envp)
	})
	want := "zero||two\nlines|" + strings.Repeat("x", 5000) + "|ü|4|1||two words|"
	if text != want || status != 0 {
		t.Errorf("status %d, printed %q, want %q", status, text, want)
	}
	if _, status := output(t, func(c *compiler) { c.call(unix.SYS_EXECVE, c.str("/nowhere"), c.vec(nil), c.vec(nil)) }); status != int(unix.ENOENT) {
		t.Errorf("without a file to execute: status %d", status)
	}
}

// The search for a command is execvp's: the first file that may be executed; forbidden ones are an error only if there is no other.
func TestLookUp(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(path)
	}
	first, second := file("first/prog", 0o755), file("second/prog", 0o755)
	plain, empty := file("plain/prog", 0o644), file("empty/other", 0o755)
	folder := filepath.Dir(file("folder/prog/file", 0o755)) // a directory named prog is in it
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path   []string
		want   string
		status syscall.Errno
	}{
		{[]string{first, second}, first + "/prog", 0},
		{[]string{second, first}, second + "/prog", 0},
		{[]string{empty, plain, dir + "/missing", first}, first + "/prog", 0},
		{[]string{first + "/prog", loop, dir + "/" + strings.Repeat("n", 300), second}, second + "/prog", 0},
		{[]string{empty, plain}, "", unix.EACCES},
		{[]string{empty, loop}, "", unix.ENOENT},
		{[]string{first + "/prog"}, "", unix.ENOENT},
		{[]string{folder, first}, first + "/prog", 0},
		{[]string{folder}, "", unix.EACCES},
	} {
		text, status := output(t, func(p *compiler) {
			p.scratch = p.room(256)
			argv := p.vec([]string{"prog", "-c", `tr '\0' '\n' </proc/$$/cmdline | head -n 1`})
			p.lookUp(plan.Exec{Args: []string{"prog"}, Path: c.path}, argv)
			p.call(unix.SYS_EXECVE, p.str("/bin/sh"), argv, p.vec([]string{"PATH=/bin:/usr/bin"}))
		})
		if strings.TrimSuffix(text, "\n") != c.want || status != int(c.status) {
			t.Errorf("in %s: %q and status %d, want %q and %d", c.path, text, status, c.want, int(c.status))
		}
	}
}
