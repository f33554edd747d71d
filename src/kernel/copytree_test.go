// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// directory opens one as O_PATH.
func directory(t *testing.T, path string) int {
	t.Helper()
	fd, err := Open(path, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(fd) })
	return fd
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put makes a file with this content, owner and mode.
func put(t *testing.T, path, content string, id int, mode uint32) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o600))
	must(t, os.Chown(path, id, id))
	must(t, unix.Chmod(path, mode))
}

func lstat(t *testing.T, path string) (st unix.Stat_t) {
	t.Helper()
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return st
}

func xattr(path, name string) string {
	b := make([]byte, 64<<10)
	n, err := unix.Lgetxattr(path, name, b)
	if err != nil {
		return err.Error()
	}
	return string(b[:n])
}

// capability is a security.capability of version 2: CAP_NET_RAW, permitted and effective.
const capability = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// accessList is an ACL that gives user 7 what its mask allows, and the group nothing: its mode is 0674 all the same.
const accessList = "\x02\x00\x00\x00" +
	"\x01\x00\x06\x00\xff\xff\xff\xff" + // the owner: rw
	"\x02\x00\x07\x00\x07\x00\x00\x00" + // user 7: rwx
	"\x04\x00\x00\x00\xff\xff\xff\xff" + // the group: nothing
	"\x10\x00\x07\x00\xff\xff\xff\xff" + // the mask: rwx
	"\x20\x00\x04\x00\xff\xff\xff\xff" // the others: r

func TestCopyTree(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src, dst := mount(t, "tmpfs", ""), mount(t, "tmpfs", "size=8m")
	in := func(name string) string { return filepath.Join(src, name) }
	big := strings.Repeat("0123456789abcdef", copyBuffer/16)
	put(t, in("empty"), "", 0, 0)
	put(t, in("small"), "hello", 1234, 0o640)
	put(t, in("one buffer"), big, 0, 0o644)
	put(t, in("two buffers"), big+"x", 0, 0o644)
	put(t, in("setuid"), "#!", 7, 0o6755)
	put(t, in("odd\n\xffname"), "x", int(int32(-1<<31+5)), 0o777)
	put(t, in(strings.Repeat("n", 255)), "x", 0, 0o644)
	must(t, os.Link(in("small"), in("hard link")))
	must(t, os.Symlink("/etc/passwd", in("absolute")))
	must(t, os.Symlink(strings.Repeat("../", 1365), in("long link")))
	must(t, os.Symlink(".", in("circle")))
	must(t, os.Lchown(in("absolute"), 8, 9))
	must(t, unix.Mkfifo(in("fifo"), 0o604))
	must(t, unix.Mknod(in("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(t, unix.Mknod(in("disk"), unix.S_IFBLK|0o640, int(unix.Mkdev(259, 300))))
	must(t, unix.Mknod(in("socket"), unix.S_IFSOCK|0o666, 0))
	must(t, os.Mkdir(in("dir"), 0))
	must(t, os.MkdirAll(in("deep/a/b/c"), 0o755))
	must(t, os.Mkdir(in("deep/empty"), 0o755))
	put(t, in("deep/a/b/c/leaf"), "leaf", 3, 0o400)
	for i := range 500 {
		put(t, in("dir/file with a number, to fill a buffer "+strconv.Itoa(i)), strconv.Itoa(i), 0, 0o644)
	}
	must(t, os.Chown(in("dir"), 5, 6))
	must(t, unix.Chmod(in("dir"), 0o3751))
	must(t, unix.Setxattr(in("dir"), "user.note", []byte("d"), 0))
	must(t, unix.Setxattr(in("small"), "user.note", []byte("with\x00zero"), 0))
	must(t, unix.Setxattr(in("small"), "user.long", []byte(big[:16<<10]), 0))
	must(t, unix.Setxattr(in("small"), "trusted.note", []byte("x"), 0))
	must(t, unix.Setxattr(in("setuid"), xattrCapability, []byte(capability), 0))
	must(t, unix.Setxattr(in("small"), xattrAccess, []byte(accessList), 0))
	must(t, unix.Setxattr(in("dir"), xattrDefault, []byte(accessList), 0))
	sparse, err := os.Create(in("sparse"))
	must(t, err)
	for _, off := range []int64{0, 5 << 30, 6<<30 - 3} {
		_, err := sparse.WriteAt([]byte("data"), off)
		must(t, err)
	}
	must(t, sparse.Truncate(7<<30))
	must(t, sparse.Close())
	var all []string
	must(t, filepath.WalkDir(src, func(path string, _ fs.DirEntry, err error) error {
		if path != src {
			all = append(all, path[len(src)+1:])
		}
		return err
	}))
	past := time.Unix(1e9, 123456789)
	for _, name := range slices.Backward(all) {
		ts := []unix.Timespec{{Sec: 1e9 - 1, Nsec: 1}, {Sec: 1e9, Nsec: 123456789}}
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, in(name), ts, unix.AT_SYMLINK_NOFOLLOW))
	}
	must(t, unix.Chmod(dst, 0o1711))
	if err := CopyTree(directory(t, src), directory(t, dst), nil); err != nil {
		t.Fatal(err)
	}
	if mode := lstat(t, dst).Mode & 0o7777; mode != 0o1711 {
		t.Errorf("the directory itself has become %o", mode)
	}
	for _, name := range all {
		a, b := in(name), filepath.Join(dst, name)
		if name == "socket" {
			if _, err := os.Lstat(b); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("socket: %v", err)
			}
			continue
		}
		x, y := lstat(t, a), lstat(t, b)
		if x.Mode != y.Mode || x.Uid != y.Uid || x.Gid != y.Gid || x.Rdev != y.Rdev || x.Mode&unix.S_IFMT != unix.S_IFDIR && x.Size != y.Size {
			t.Errorf("%q: %+v, want %+v", name, y, x)
		}
		// The copy of the hard link has read the file.
		if mtime := time.Unix(y.Mtim.Unix()); !mtime.Equal(past) || y.Atim.Nsec != 1 && x.Nlink == 1 {
			t.Errorf("%q: times %v %v", name, y.Atim, y.Mtim)
		}
		for _, attr := range []string{"user.note", "user.long", xattrCapability, xattrAccess, xattrDefault} {
			if want, got := xattr(a, attr), xattr(b, attr); got != want {
				t.Errorf("%q: %s is %q, want %q", name, attr, got, want)
			}
		}
		switch x.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			if name == "sparse" {
				continue
			}
			want, err := os.ReadFile(a)
			must(t, err)
			if got, err := os.ReadFile(b); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%q: %v %.20q, want %.20q", name, err, got, want)
			}
		case unix.S_IFLNK:
			want, err := os.Readlink(a)
			must(t, err)
			if got, err := os.Readlink(b); err != nil || got != want {
				t.Errorf("%q: %v %q, want %q", name, err, got, want)
			}
		}
	}
	if value := xattr(filepath.Join(dst, "small"), "trusted.note"); value != unix.ENODATA.Error() {
		t.Errorf("trusted.note: %q", value)
	}
	got, err := os.Open(filepath.Join(dst, "sparse"))
	must(t, err)
	defer got.Close()
	for _, off := range []int64{0, 5 << 30, 6<<30 - 3} {
		b := make([]byte, 6)
		if _, err := got.ReadAt(b, off); err != nil || string(b) != "data\x00\x00" {
			t.Errorf("sparse at %d: %q %v", off, b, err)
		}
	}
}

func TestCopyTreeMounts(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src, dst := mount(t, "tmpfs", ""), mount(t, "tmpfs", "")
	for _, name := range []string{"file", "device", "plain"} {
		put(t, filepath.Join(src, name), "of the directory", 0, 0o644)
	}
	must(t, os.MkdirAll(filepath.Join(src, "sub/mount"), 0o700))
	must(t, unix.Mount("none", filepath.Join(src, "sub/mount"), "tmpfs", 0, "mode=1751,uid=3"))
	put(t, filepath.Join(src, "sub/mount/secret"), "x", 0, 0o644)
	must(t, unix.Mount("/dev/null", filepath.Join(src, "device"), "", unix.MS_BIND, ""))
	must(t, unix.Mount("/etc/passwd", filepath.Join(src, "file"), "", unix.MS_BIND, ""))
	if err := CopyTree(directory(t, src), directory(t, dst), nil); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(dst)
	must(t, err)
	if len(list) != 2 || list[0].Name() != "plain" || list[1].Name() != "sub" {
		t.Errorf("%v", list)
	}
	if list, err := os.ReadDir(filepath.Join(dst, "sub/mount")); err != nil || len(list) != 0 {
		t.Errorf("below the mount: %v %v", list, err)
	}
	if st := lstat(t, filepath.Join(dst, "sub/mount")); st.Mode != unix.S_IFDIR|0o1751 || st.Uid != 3 {
		t.Errorf("mount point: %o of %d", st.Mode, st.Uid)
	}
}

func TestCopyTreeDepth(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	for _, c := range []struct {
		depth int
		ok    bool
	}{{maxCopyDepth, true}, {maxCopyDepth + 1, false}} {
		src, dst := mount(t, "tmpfs", ""), mount(t, "tmpfs", "")
		path := strings.Repeat("/d", c.depth)
		must(t, os.MkdirAll(src+path, 0o755))
		before := descriptors(t)
		err := CopyTree(directory(t, src), directory(t, dst), nil)
		if after := descriptors(t); after != before+2 {
			t.Errorf("%d descriptors became %d", before, after)
		}
		if c.ok {
			if _, statErr := os.Stat(dst + path); err != nil || statErr != nil {
				t.Errorf("%d: %v %v", c.depth, err, statErr)
			}
		} else if !errors.Is(err, unix.ENAMETOOLONG) || !strings.Contains(err.Error(), "nested too deeply") {
			t.Errorf("%d: %v", c.depth, err)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(list)
}

func TestCopyTreeNoSpace(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src := mount(t, "tmpfs", "")
	must(t, os.MkdirAll(src+"/a/b", 0o755))
	put(t, src+"/a/b/file", strings.Repeat("x", 100_000), 0, 0o644)
	for _, options := range []string{"size=16k", "nr_inodes=3"} {
		err := CopyTree(directory(t, src), directory(t, mount(t, "tmpfs", options)), nil)
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "copy a/b") || !strings.Contains(err.Error(), "too small") {
			t.Errorf("%s: %v", options, err)
		}
	}
}

func TestCopyTreeErrors(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src, dst := mount(t, "tmpfs", ""), mount(t, "tmpfs", "")
	put(t, src+"/file", "x", 0, 0o644)
	file, err := Open(src+"/file", unix.O_PATH)
	must(t, err)
	defer Close(file)
	a, b := directory(t, src), directory(t, dst)
	for _, c := range []struct {
		name     string
		src, dst int
		errno    Errno
	}{
		{"from a file", file, b, unix.ENOTDIR},
		{"to a file", a, file, unix.ENOTDIR},
		{"from nothing", -1, b, unix.EBADF},
		{"onto itself", a, a, unix.EEXIST},
	} {
		if err := CopyTree(c.src, c.dst, nil); !errors.Is(err, c.errno) {
			t.Errorf("%s: %v, want %v", c.name, err, c.errno)
		}
	}
}

// newTmpfs mounts a tmpfs in a new user namespace.
func newTmpfs(t *testing.T) (w world, dir string) {
	t.Helper()
	dir = t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	return newWorld(t, unix.CLONE_NEWUSER|unix.CLONE_NEWNS, "mount -t tmpfs none '"+dir+"'"), dir
}

// What the user namespace can not read must not become readable through a copy.
func TestCopyTreeSecrets(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	w, dir := newTmpfs(t)
	out := directory(t, w.root(dir))
	for _, c := range []struct {
		name     string
		uid, gid int
		mode     uint32
		ok       bool
	}{
		{"wholly mapped", 100042, 100042, 0, true},
		{"for all", 0, 0, 0o007, true},
		{"for the mapped owner", 100042, 0, 0o700, true},
		{"for the unmapped owner", 0, 100042, 0o770, false},
		{"for the unmapped group", 100042, 0, 0o070, false},
		{"for the mapped group", 0, 100042, 0o070, false},
		{"for nobody", 0, 0, 0, false},
	} {
		for _, kind := range []string{"file", "directory", "directory itself"} {
			src := mount(t, "tmpfs", "")
			path := src + "/" + strings.ReplaceAll(c.name+" "+kind, " ", "-")
			switch kind {
			case "file":
				put(t, path, "secret", 0, 0)
			case "directory itself":
				path = src
			default:
				must(t, os.Mkdir(path, 0))
			}
			must(t, os.Chown(path, c.uid, c.gid))
			must(t, unix.Chmod(path, c.mode))
			err := CopyTree(directory(t, src), out, &Owner{100000, 100000})
			if c.ok && err != nil || !c.ok && (!errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "others may not read it")) {
				t.Errorf("%s %s: %v", kind, c.name, err)
			}
		}
	}
	// Only root can enter a directory that only the unmapped owner can search.
	src := mount(t, "tmpfs", "")
	must(t, os.Mkdir(src+"/dir", 0o744))
	if err := CopyTree(directory(t, src), out, &Owner{100000, 100000}); !errors.Is(err, unix.EACCES) {
		t.Errorf("directory without x for others: %v", err)
	}
	if err := CopyTree(directory(t, src), directory(t, mount(t, "tmpfs", "")), nil); err != nil {
		t.Errorf("without a user namespace: %v", err)
	}
}

// A file system without extended attributes.
func TestCopyTreePlain(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src, dst := mount(t, "tmpfs", ""), mount(t, "ramfs", "")
	must(t, os.Chown(dst, 0, 9))
	must(t, unix.Chmod(dst, 0o2755))
	put(t, src+"/file", "x", 7, 0o4755)
	must(t, unix.Setxattr(src+"/file", xattrCapability, []byte(capability), 0))
	put(t, src+"/listed", "x", 0, 0o600)
	must(t, unix.Setxattr(src+"/listed", xattrAccess, []byte(accessList), 0))
	must(t, os.Mkdir(src+"/dir", 0o750))
	if err := CopyTree(directory(t, src), directory(t, dst), nil); err != nil {
		t.Fatal(err)
	}
	if st := lstat(t, dst+"/file"); st.Mode != unix.S_IFREG|0o4755 || st.Uid != 7 || st.Gid != 7 {
		t.Errorf("file: %o %d:%d", st.Mode, st.Uid, st.Gid)
	}
	if st := lstat(t, dst+"/listed"); st.Mode != unix.S_IFREG|0o604 {
		t.Errorf("without its access control list: %o", st.Mode)
	}
	if st := lstat(t, dst+"/dir"); st.Mode != unix.S_IFDIR|0o750 || st.Gid != 0 {
		t.Errorf("dir in a setgid directory: %o of group %d", st.Mode, st.Gid)
	}
}

// A tmpfs of a user namespace.
func TestCopyTreeOwner(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src := mount(t, "tmpfs", "")
	put(t, src+"/mapped", "x", 100042, 0o6700)
	put(t, src+"/root", "x", 100000, 0o600)
	put(t, src+"/of-the-host", "public", 0, 0o6705)
	put(t, src+"/group-of-the-host", "x", 100042, 0o600)
	must(t, os.Chown(src+"/group-of-the-host", 100042, 5))
	must(t, unix.Chmod(src+"/group-of-the-host", 0o6755))
	put(t, src+"/of-a-mapped-group", "x", 5, 0o600)
	must(t, os.Chown(src+"/of-a-mapped-group", 5, 100042))
	must(t, unix.Chmod(src+"/of-a-mapped-group", 0o6755))
	for _, name := range []string{"/mapped", "/of-the-host", "/root"} {
		must(t, unix.Setxattr(src+name, xattrCapability, []byte(capability), 0))
	}
	must(t, os.Mkdir(src+"/dir", 0o700))
	must(t, os.Symlink("x", src+"/dir/link"))
	must(t, os.Lchown(src+"/dir/link", 5, 100042))
	must(t, unix.Mkfifo(src+"/dir/fifo", 0o600))
	must(t, os.Chown(src+"/dir", 100042, 100043))
	must(t, unix.Chmod(src+"/dir", 0o2700))
	must(t, os.Mkdir(src+"/dir-of-the-host", 0o705))
	put(t, src+"/dir-of-the-host/file", "x", 100001, 0o600)
	must(t, unix.Chmod(src, 0o700))
	must(t, os.Chown(src, 100000, 100000))
	w, dir := newTmpfs(t)
	in, out := directory(t, src), directory(t, w.root(dir))

	err := CopyTree(in, out, nil)
	if !errors.Is(err, unix.EOVERFLOW) || !strings.Contains(err.Error(), "not mapped") {
		t.Errorf("as root: %v", err)
	}
	if err := CopyTree(in, out, &Owner{UID: 100000, GID: 100000}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		mode     uint32
		uid, gid uint32
	}{
		{"mapped", unix.S_IFREG | 0o6700, 100042, 100042},
		{"root", unix.S_IFREG | 0o600, 100000, 100000},
		{"of-the-host", unix.S_IFREG | 0o705, 100000, 100000},
		{"group-of-the-host", unix.S_IFREG | 0o4755, 100042, 100000},
		{"of-a-mapped-group", unix.S_IFREG | 0o2755, 100000, 100042},
		{"dir", unix.S_IFDIR | 0o2700, 100042, 100043},
		{"dir/link", unix.S_IFLNK | 0o777, 100000, 100042},
		{"dir/fifo", unix.S_IFIFO | 0o600, 100000, 100000},
		{"dir-of-the-host", unix.S_IFDIR | 0o705, 100000, 100000},
		{"dir-of-the-host/file", unix.S_IFREG | 0o600, 100001, 100001},
	} {
		if st := lstat(t, w.root(dir)+"/"+c.name); st.Mode != c.mode || st.Uid != c.uid || st.Gid != c.gid {
			t.Errorf("%s: %o %d:%d, want %o %d:%d", c.name, st.Mode, st.Uid, st.Gid, c.mode, c.uid, c.gid)
		}
	}
	if b, err := os.ReadFile(w.root(dir) + "/of-the-host"); string(b) != "public" {
		t.Errorf("%q %v", b, err)
	}
	if got := w.run(t, "-U -m", "stat", "-c", "%u:%g %a", dir+"/mapped", dir+"/root"); got != "42:42 6700\n0:0 600\n" {
		t.Errorf("inside: %q", got)
	}
	if got := xattr(w.root(dir)+"/of-the-host", xattrCapability); got != unix.ENODATA.Error() {
		t.Errorf("capability of an unmapped file: %q", got)
	}
	if got := w.run(t, "-U -m", "getcap", dir+"/mapped", dir+"/root"); strings.Count(got, "cap_net_raw=ep") != 2 {
		t.Errorf("capability of mapped files: %q", got)
	}
}

// Only the thread that copied has changed.
func TestCopyTreeKeepsThread(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	old := unix.Umask(0o27)
	src, dst := mount(t, "tmpfs", ""), mount(t, "tmpfs", "")
	put(t, src+"/file", "x", 5, 0o666)
	status := func() (lines string) {
		b, err := os.ReadFile("/proc/thread-self/status")
		must(t, err)
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, "Uid") || strings.HasPrefix(line, "Gid") || strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "Umask") {
				lines += line
			}
		}
		return lines
	}
	before := status()
	must(t, CopyTree(directory(t, src), directory(t, dst), &Owner{1000, 1000}))
	if after := status(); after != before {
		t.Errorf("was\n%s is\n%s", before, after)
	}
	if umask := unix.Umask(old); umask != 0o27 {
		t.Errorf("umask %o", umask)
	}
	if st := lstat(t, dst+"/file"); st.Uid != 5 || st.Mode&0o777 != 0o666 {
		t.Errorf("%o of %d", st.Mode, st.Uid)
	}
}

// While a directory and a file of it turn into links outside and back, nothing of outside is copied.
func TestCopyTreeSwaps(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src := mount(t, "tmpfs", "")
	outside := mount(t, "tmpfs", "")
	put(t, outside+"/file", "secret", 0, 0o644)
	must(t, os.Mkdir(src+"/dir", 0o755))
	must(t, os.Mkdir(src+"/other", 0o755))
	put(t, src+"/dir/file", "public", 0, 0o644)
	put(t, src+"/other/file", "public", 0, 0o644)
	must(t, os.Symlink(outside, src+"/link"))
	must(t, os.Symlink(outside+"/file", src+"/other/link"))
	dir := directory(t, src)
	var stop atomic.Bool
	swapped := make(chan error)
	go func() {
		for !stop.Load() {
			for _, pair := range [][2]string{{"dir", "link"}, {"other/file", "other/link"}} {
				if err := unix.Renameat2(dir, pair[0], dir, pair[1], unix.RENAME_EXCHANGE); err != nil {
					swapped <- err
					return
				}
			}
		}
		swapped <- nil
	}()
	changed := 0
	for range 300 {
		dst := mount(t, "tmpfs", "")
		if err := CopyTree(dir, directory(t, dst), nil); err != nil {
			changed++
			if !errors.Is(err, unix.ESTALE) && !errors.Is(err, unix.ELOOP) && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.EEXIST) {
				t.Errorf("%v", err)
			}
		}
		must(t, filepath.WalkDir(dst, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				if b, err := os.ReadFile(path); err != nil || string(b) == "secret" {
					t.Errorf("%s: %q %v", path, b, err)
				}
			}
			return err
		}))
		must(t, unix.Unmount(dst, unix.MNT_DETACH))
	}
	stop.Store(true)
	must(t, <-swapped)
	t.Log(changed, "of 300 copies met a change")
}

// dirent is an entry as the kernel gives it.
func dirent(name string) []byte {
	b := make([]byte, 16, 64)
	b = native.AppendUint16(b, uint16(aligned(20+len(name))))
	b = append(append(b, unix.DT_REG), name...)
	return append(b, make([]byte, aligned(20+len(name))-len(b))...)
}

func FuzzNextDirent(f *testing.F) {
	f.Add(dirent("a"))
	f.Add(append(dirent("."), dirent(strings.Repeat("n", 255))...))
	f.Add(dirent(""))
	f.Add(dirent("a/b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			name, rest, ok := nextDirent(b)
			if !ok {
				return
			}
			if name == "" || strings.ContainsAny(name, "/\x00") || len(rest) >= len(b) || len(name)+20 > len(b) {
				t.Fatalf("%q and %d bytes of %d", name, len(rest), len(b))
			}
			b = rest
		}
	})
}

func TestNextDirent(t *testing.T) {
	name, rest, ok := nextDirent(append(dirent("some name"), dirent("x")...))
	if !ok || name != "some name" || !bytes.Equal(rest, dirent("x")) {
		t.Errorf("%q % x %v", name, rest, ok)
	}
	long := dirent("x")
	native.PutUint16(long[16:], uint16(len(long)+1))
	endless := dirent("x")
	endless = append(endless[:19], bytes.Repeat([]byte{'x'}, len(endless)-19)...)
	for what, b := range map[string][]byte{"empty": nil, "stump": dirent("x")[:19], "too long": long, "without end": endless,
		"no name": dirent(""), "a path": dirent("../x")} {
		if name, _, ok := nextDirent(b); ok {
			t.Errorf("%s: %q", what, name)
		}
	}
}
