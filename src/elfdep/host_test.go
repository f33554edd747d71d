// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

// ldd lists what the machine's own loader loads for a program.
func ldd(t *testing.T, file string) []string {
	t.Helper()
	out, err := exec.Command("ldd", file).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "not a dynamic executable") {
			return nil
		}
		t.Fatalf("ldd %s: %v\n%s", file, err, out)
	}
	var list []string
	for l := range strings.Lines(string(out)) {
		if _, to, found := strings.Cut(l, "=>"); found {
			l = to
		}
		l, _, _ = strings.Cut(strings.TrimSpace(l), " (")
		if strings.HasPrefix(l, "/") {
			list = append(list, l)
		}
	}
	return list
}

// real resolves symlinks and sorts, for two names of one file are as good.
func real(t *testing.T, list []string) []string {
	t.Helper()
	out := []string{}
	for _, p := range list {
		q, err := filepath.EvalSymlinks(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, q)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Every program in the machine's directories, against its own loader.
func TestAgainstLdd(t *testing.T) {
	host := Over(os.DirFS("/"))
	files := []string{"/bin/sh", "/bin/ls", "/bin/bash", "/bin/mount", "/usr/bin/env"}
	for _, pattern := range []string{"/usr/bin/[a-g]*", "/usr/sbin/[a-m]*", "/bin/busybox"} {
		more, _ := filepath.Glob(pattern)
		files = append(files, more[:min(len(more), 30)]...)
	}
	checked := 0
	for _, file := range files {
		st, err := os.Stat(file)
		if err != nil || !st.Mode().IsRegular() || st.Mode()&(os.ModeSetuid|0o111) != 0o111 {
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		magic := make([]byte, 4)
		io.ReadFull(f, magic)
		f.Close()
		if string(magic) != "\x7fELF" {
			continue
		}
		got, err := Deps(host, file, Search{})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got = slices.DeleteFunc(got, func(p string) bool { return p == glibcCache })
		if want := ldd(t, file); !slices.Equal(real(t, got), real(t, want)) {
			t.Errorf("%s:\ngot  %v\nwant %v", file, got, want)
		}
		checked++
	}
	if checked < 20 {
		t.Errorf("only %d programs compared", checked)
	}
}

// counting counts what is read.
type counting struct {
	FS
	opened, bytes *int
}

type countingFile struct {
	File
	bytes *int
}

func (c counting) Open(name string) (File, Info, error) {
	*c.opened++
	f, info, err := c.FS.Open(name)
	if f != nil {
		f = countingFile{f, c.bytes}
	}
	return f, info, err
}

func (c countingFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.File.ReadAt(b, off)
	*c.bytes += n
	return n, err
}

// Only headers, the dynamic segment and its strings are read, and nothing
// twice.
func TestReadsLittle(t *testing.T) {
	var opened, size int
	r := New(counting{Over(os.DirFS("/")), &opened, &size}, Search{})
	list, err := r.Deps("/bin/bash")
	if err != nil {
		t.Fatal(err)
	}
	// The cache and the configuration are read once, whatever is asked.
	if most := 16<<10 + (len(list)+1)*10<<10; size > most {
		t.Errorf("%d bytes read for %v, expected at most %d", size, list, most)
	}
	before := opened
	if list, err = r.Deps("/bin/bash"); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if opened != before {
		t.Errorf("%d files opened again", opened-before)
	}
}

// raw is an FS as a program that counts system calls would write it.
type raw struct{}

type rawFile int

func (raw) Open(name string) (File, Info, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		return nil, Info{}, err
	}
	info := Info{Regular: st.Mode&syscall.S_IFMT == syscall.S_IFREG, Executable: st.Mode&0o111 != 0}
	if !info.Regular {
		return nil, info, nil
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, Info{}, err
	}
	return rawFile(fd), info, nil
}

func (f rawFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := syscall.Pread(int(f), b, off)
	if err == nil && n < len(b) {
		err = io.EOF
	}
	return max(n, 0), err
}

func (f rawFile) Close() error { return syscall.Close(int(f)) }

func (raw) ReadDir(name string) ([]string, error) {
	return Over(os.DirFS("/")).ReadDir(name)
}

// Both kinds of FS give the same answers, a map of files in an fs.FS too.
func TestOver(t *testing.T) {
	for _, file := range []string{"/bin/sh", "/bin/bash", "/etc/passwd", "/dev/null", "/", "/nosuch"} {
		a, err1 := Deps(raw{}, file, Search{})
		b, err2 := Deps(Over(os.DirFS("/")), file, Search{})
		if !slices.Equal(a, b) || (err1 == nil) != (err2 == nil) || file == "/nosuch" && !errors.Is(err2, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v and %v, %v", file, a, err1, b, err2)
		}
	}
	m := fstest.MapFS{}
	for name, c := range openwrt.fs().(files) {
		m[name[1:]] = &fstest.MapFile{Data: c.data, Mode: c.mode}
	}
	delete(m, "")
	m["etc/ld-musl-x86_64.path"] = &fstest.MapFile{Data: []byte("/usr/lib")}
	got, err := Deps(Over(m), "/usr/lib/libnetfilter.so.3", Search{})
	if err != nil || !slices.Equal(got, []string{"/usr/lib/libmnl.so.0"}) {
		t.Errorf("%v, %v", got, err)
	}
	if names, err := Over(m).ReadDir("/"); err != nil || !slices.Equal(names, []string{"bin", "etc", "lib", "usr"}) {
		t.Errorf("%v, %v", names, err)
	}
}

func BenchmarkDnsmasq(b *testing.B) {
	root := openwrt.fs()
	for b.Loop() {
		if _, err := Deps(root, "/usr/sbin/dnsmasq", Search{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHost(b *testing.B) {
	host := raw{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Deps(host, "/usr/bin/git", Search{}); err != nil {
			b.Fatal(err)
		}
	}
}
