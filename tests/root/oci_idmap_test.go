// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// mappable is a directory on a file system that takes id mappings: before Linux 6.3 a tmpfs does not.
func mappable(t *testing.T) string {
	t.Helper()
	watch(t)
	dir := "/mnt/mappable-" + newName()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	if takesIDs(t, "/mnt") {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	image := t.TempDir() + "/image"
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 64<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/sbin/mke2fs", "-q", "-t", "ext4", image).CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	if err := errors.Join(unix.Mount(loop(t, image), dir, "ext4", 0, ""), os.Remove(image)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// loop makes a block device of a file; it is gone when nobody uses it any more.
func loop(t *testing.T, file string) string {
	t.Helper()
	node := func(path string, mode uint32, major, minor uint32) *os.File {
		unix.Mknod(path, mode, int(unix.Mkdev(major, minor)))
		t.Cleanup(func() { os.Remove(path) })
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	control := node("/dev/loop-control", unix.S_IFCHR|0o600, 10, 237)
	n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		t.Fatal(err)
	}
	path := "/dev/loop" + strconv.Itoa(n)
	device := node(path, unix.S_IFBLK|0o600, 7, uint32(n))
	backing, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer backing.Close()
	config := unix.LoopConfig{Fd: uint32(backing.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
	if err := unix.IoctlLoopConfigure(int(device.Fd()), &config); err != nil {
		t.Fatal(err)
	}
	return path
}

const mappedRoot = "org.openwrt.gojail.rootfs.idmap"

// The image is root's, and the container's root, who is nobody outside, can use it as such. What he makes is root's in the image.
func TestOCIIdmappedRoot(t *testing.T) {
	dir := mappable(t)
	image, volume := dir+"/image", dir+"/volume"
	copyAll(t, rootfsSource, image)
	writeFile(t, image+"/root/secret", "text\n", 0o600)
	writeFile(t, volume+"/file", "volume\n", 0o600)
	if err := os.Chown(image+"/etc/group", 1000, 1001); err != nil {
		t.Fatal(err)
	}
	owner := func(path string) string {
		t.Helper()
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		return strconv.Itoa(int(stat.Uid)) + ":" + strconv.Itoa(int(stat.Gid))
	}
	text := script(`cat /root/secret; stat -c %u:%g / /bin/busybox /etc/group /root/secret; echo made >/made; chown 5:6 /made; id -u`)
	edits := []edit{shifted, writable, annotation(mappedRoot, "1"), text, capabilities("CAP_CHOWN"),
		func(s *specs.Spec) { s.Root.Path = image }, mount("/new/place", "none", volume, "bind", "idmap")}
	const want = "text\n0:0\n0:0\n1000:1001\n0:0\n0\n"
	t.Run("plain", func(t *testing.T) {
		newBundle(t, edits...).run().prints(want)
		if made, place := owner(image+"/made"), owner(image+"/new/place"); made != "5:6" || place != "0:0" {
			t.Errorf("on the host /made is %s, /new/place %s", made, place)
		}
		os.RemoveAll(image + "/made")
		os.RemoveAll(image + "/new")
	})
	for name, options := range map[string][]string{"tmpfs": {"-T", "1M"}, "directory": {"-O", dir + "/layer"}} {
		t.Run("overlay on "+name, func(t *testing.T) {
			watch(t)
			t.Cleanup(func() { os.RemoveAll(dir + "/layer") })
			newBundle(t, edits...).run(options...).prints(want)
			if _, err := os.Stat(image + "/made"); err == nil {
				t.Error("written to the image")
			}
			if name == "directory" {
				// The layer is the container's: it has no mapping, and its owners are those of the host.
				if got, want := owner(dir+"/layer/upper/made"), strconv.Itoa(shift+5)+":"+strconv.Itoa(shift+6); got != want {
					t.Errorf("in the layer /made is %s, want %s", got, want)
				}
			}
		})
	}
	t.Run("without", func(t *testing.T) {
		newBundle(t, append(edits, annotation(mappedRoot, "0"), script("stat -c %u:%g /bin; cat /root/secret 2>/dev/null || echo refused"))...).
			run("-T", "1M").prints("65534:65534\nrefused\n")
	})
	t.Run("refused", func(t *testing.T) {
		newBundle(t, annotation(mappedRoot, "1")).run().refused("annotations["+mappedRoot+"]", "needs a new user namespace")
		newBundle(t, shifted, annotation(mappedRoot, "yes")).run().refused("annotations["+mappedRoot+"]", "neither 0 nor 1")
	})
}

// copyAll copies files as well: the copy is on another file system.
func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command(busybox, "cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
}
