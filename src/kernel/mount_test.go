// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// attach mounts a detached tree.
func attach(t *testing.T, tree int) string {
	t.Helper()
	dir := t.TempDir()
	must(t, unix.MoveMount(tree, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH))
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// propagation gives the optional fields of a mount in /proc/thread-self/mountinfo.
func propagation(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/thread-self/mountinfo")
	must(t, err)
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); f[4] == dir {
			optional, _, _ := strings.Cut(strings.Join(f[6:], " "), "-")
			return strings.TrimSpace(optional)
		}
	}
	t.Fatalf("%s is not mounted", dir)
	return ""
}

func openTree(t *testing.T, path string, recursive bool) int {
	t.Helper()
	fd, err := OpenTree(path, recursive)
	must(t, err)
	t.Cleanup(func() { Close(fd) })
	return fd
}

func TestOpenTree(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src := mount(t, "tmpfs", "")
	must(t, os.Mkdir(src+"/sub", 0o755))
	must(t, unix.Mount("none", src+"/sub", "tmpfs", 0, ""))
	put(t, src+"/sub/below", "", 0, 0o600)
	for _, recursive := range []bool{false, true} {
		dir := attach(t, openTree(t, src, recursive))
		if _, err := os.Stat(dir + "/sub/below"); (err == nil) != recursive {
			t.Errorf("recursive %v: %v", recursive, err)
		}
	}
	if fd, err := OpenTree(src+"/missing", false); fd != -1 || ErrnoOf(err) != unix.ENOENT {
		t.Errorf("%d %v", fd, err)
	}
}

func TestSetPrivate(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	src := mount(t, "tmpfs", "")
	must(t, unix.Mount("", src, "", unix.MS_SHARED, ""))
	shared, private := openTree(t, src, true), openTree(t, src, true)
	must(t, SetPrivate(private))
	if p := propagation(t, attach(t, shared)); !strings.HasPrefix(p, "shared:") {
		t.Errorf("a clone of a shared mount is %q", p)
	}
	if p := propagation(t, attach(t, private)); p != "" {
		t.Errorf("it is %q", p)
	}
	if p := propagation(t, src); !strings.HasPrefix(p, "shared:") {
		t.Errorf("the original has become %q", p)
	}
}

func TestIDMapMount(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	userns := newWorld(t, unix.CLONE_NEWUSER, "").namespace(t, "user")
	src := mount(t, "tmpfs", "")
	put(t, src+"/file", "", 5, 0o600)
	must(t, os.Mkdir(src+"/sub", 0o755))
	must(t, unix.Mount("none", src+"/sub", "tmpfs", 0, ""))
	put(t, src+"/sub/file", "", 7, 0o600)
	for _, recursive := range []bool{false, true} {
		tree := openTree(t, src, true)
		must(t, IDMapMount(tree, userns, recursive))
		dir := attach(t, tree)
		if st := lstat(t, dir+"/file"); st.Uid != 100005 || st.Gid != 100005 {
			t.Errorf("recursive %v: %d:%d", recursive, st.Uid, st.Gid)
		}
		want := uint32(7)
		if recursive {
			want = 100007
		}
		if st := lstat(t, dir+"/sub/file"); st.Uid != want {
			t.Errorf("recursive %v: below %d", recursive, st.Uid)
		}
	}
	if st := lstat(t, src+"/file"); st.Uid != 5 {
		t.Errorf("the original: %d", st.Uid)
	}
	if err := IDMapMount(openTree(t, src, false), -1, false); ErrnoOf(err) != unix.EINVAL {
		t.Errorf("without a namespace: %v", err)
	}
}
