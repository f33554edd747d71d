// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"io"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenRegular(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/file", []byte("0123456789"), 0o600))
	must(t, os.WriteFile(dir+"/program", nil, 0o700))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	for name, target := range map[string]string{"link": "file", "absolute": "/file", "up": "../../../../../../etc/passwd", "magic": "/proc/self/exe",
		"circle": "circle", "program-link": "sub/../program"} {
		must(t, os.Symlink(target, dir+"/"+name))
	}
	must(t, os.Mkdir(dir+"/sub", 0o700))
	for _, c := range []struct {
		root, path       string
		open, executable bool
		errno            Errno
	}{
		{"", dir + "/file", true, false, 0},
		{"", dir + "/program", true, true, 0},
		{"", dir + "/link", true, false, 0},
		{"", dir + "/absolute", false, false, unix.ENOENT},
		{"", dir, false, false, 0},
		{"", dir + "/fifo", false, false, 0},
		{"", "/dev/null", false, false, 0},
		{"", dir + "/circle", false, false, unix.ELOOP},
		{"", dir + "/file/x", false, false, unix.ENOTDIR},
		{"", "", false, false, unix.ENOENT},
		{dir, "/file", true, false, 0},
		{dir, "/absolute", true, false, 0},
		{dir, "/../../file", true, false, 0},
		{dir, "/program-link", true, true, 0},
		{dir, "/up", false, false, unix.ENOENT},
		{dir, "/magic", false, false, unix.ENOENT},
		{dir, "/etc/passwd", false, false, unix.ENOENT},
		{dir + "/missing", "/file", false, false, unix.ENOENT},
		{dir + "/file", "/x", false, false, unix.ENOTDIR},
		{"/", "/proc/self/exe", false, false, unix.ELOOP},
	} {
		r, err := OpenRegular(c.root, c.path)
		if (r != nil) != c.open || ErrnoOf(err) != c.errno || r != nil && r.Executable != c.executable {
			t.Errorf("%q %q: %+v %v", c.root, c.path, r, err)
		}
		if r != nil {
			must(t, r.Close())
		}
	}
	r, err := OpenRegular("", dir+"/file")
	must(t, err)
	defer r.Close()
	for _, c := range []struct {
		off  int64
		n    int
		want string
		err  error
	}{{0, 10, "0123456789", nil}, {3, 4, "3456", nil}, {8, 4, "89", io.EOF}, {10, 1, "", io.EOF}, {99, 1, "", io.EOF}, {0, 0, "", nil}} {
		b := make([]byte, c.n)
		if n, err := r.ReadAt(b, c.off); string(b[:n]) != c.want || err != c.err {
			t.Errorf("%d at %d: %q %v", c.n, c.off, b[:n], err)
		}
	}
	if _, err := r.ReadAt(make([]byte, 1), -1); ErrnoOf(err) != unix.EINVAL {
		t.Errorf("at -1: %v", err)
	}
}

func TestReadNames(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 1000 {
		name := "a name of some length, so that one buffer is too small " + strconv.Itoa(i)
		want = append(want, name)
		must(t, os.WriteFile(dir+"/"+name, nil, 0o600))
	}
	slices.Sort(want)
	for _, c := range []struct{ max, want int }{{5000, 1000}, {1000, 1000}, {999, 999}, {3, 3}, {0, 0}} {
		names, err := ReadNames(dir, c.max)
		slices.Sort(names)
		if err != nil || len(names) != c.want || c.want == 1000 && !slices.Equal(names, want) {
			t.Errorf("at most %d: %d names, %v", c.max, len(names), err)
		}
	}
	if names, err := ReadNames(dir+"/"+want[0], 10); names != nil || ErrnoOf(err) != unix.ENOTDIR {
		t.Errorf("%q %v", names, err)
	}
}

func TestGetwd(t *testing.T) {
	ownThread(t, 0)
	dir, err := os.MkdirTemp("", "")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, unix.Chdir(dir))
	if wd, err := Getwd(); wd != dir || err != nil {
		t.Errorf("%q %v", wd, err)
	}
	must(t, os.Remove(dir))
	if wd, err := Getwd(); wd != "" || ErrnoOf(err) != unix.ENOENT {
		t.Errorf("%q %v", wd, err)
	}
}
