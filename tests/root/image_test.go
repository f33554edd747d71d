// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Roots that are images, and writable layers, as annotations ask for them.

func annotated(key, value string) edit {
	return func(s *specs.Spec) {
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		s.Annotations["org.openwrt.gojail."+key] = value
	}
}

// loopDevices makes the nodes of the machine's loop devices in the world's /dev.
func loopDevices(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/sys/class/misc/loop-control"); err != nil {
		t.Skip("SKIPPED: this machine's kernel has no loop devices")
	}
	nodes := map[string]int{"/dev/loop-control": int(unix.Mkdev(10, 237))}
	for i := range 64 {
		nodes["/dev/loop"+strconv.Itoa(i)] = int(unix.Mkdev(7, uint32(i)))
	}
	for path, dev := range nodes {
		mode := uint32(unix.S_IFBLK)
		if path == "/dev/loop-control" {
			mode = unix.S_IFCHR
		}
		if err := unix.Mknod(path, mode|0o600, dev); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(path) })
	}
}

// loopsOf are the loop devices that hold a file.
func loopsOf(file string) (list []string) {
	found, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, f := range found {
		if b, err := os.ReadFile(f); err == nil && strings.HasSuffix(strings.TrimSpace(string(b)), filepath.Base(file)) {
			list = append(list, f)
		}
	}
	return list
}

// image makes an image of the bundle's root.
func (b *bundle) image(kind string) string {
	b.t.Helper()
	file := filepath.Join(b.dir, b.name+"."+kind)
	cmd := exec.Command("/usr/bin/mksquashfs", b.root(), file, "-quiet", "-no-progress", "-comp", "gzip")
	if kind == "ext4" {
		cmd = exec.Command("/sbin/mke2fs", "-q", "-t", "ext4", "-d", b.root(), file, "16M")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	annotated("rootfs.image", file)(b.spec)
	if err := os.RemoveAll(b.root()); err != nil {
		b.t.Fatal(err)
	}
	return file
}

func TestImage(t *testing.T) {
	loopDevices(t)
	for _, kind := range []string{"squashfs", "ext4"} {
		for name, c := range map[string]struct {
			edits []edit
			want  string
		}{
			"alone":             {[]edit{writable}, kind + " ro\nrefused\n"},
			"in a userns":       {[]edit{writable, shifted}, kind + " ro\nrefused\n"},
			"tmpfs":             {[]edit{writable, annotated("overlay", "tmpfs:4M")}, "overlay rw\nwritten\n"},
			"tmpfs in a userns": {[]edit{writable, shifted, annotated("overlay", "tmpfs:4M"), annotated("rootfs.idmap", "1")}, "overlay rw\nwritten\n"},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				b := newBundle(t, append(c.edits, script(`awk '$2 == "/" { print $3, substr($4, 1, 2) }' /proc/mounts; mkdir /srv/new 2>/dev/null && echo written || echo refused`))...)
				file := b.image(kind)
				b.run().prints(c.want)
				if !eventually(func() bool { return len(loopsOf(file)) == 0 }) {
					t.Errorf("it keeps its loop device: %s", loopsOf(file))
				}
			})
		}
	}
}

// A kernel gives the device back by itself, also where nobody is left to do so.
func TestImageKilled(t *testing.T) {
	loopDevices(t)
	b := newBundle(t, script("echo runs; while :; do sleep 1000; done"), annotated("overlay", "tmpfs:4M"))
	file := b.image("squashfs")
	p := b.start().until("runs\n")
	if n := len(loopsOf(file)); n != 1 {
		t.Errorf("%d loop devices while it runs", n)
	}
	p.signal(syscall.SIGKILL).wait()
	if !eventually(func() bool { return len(loopsOf(file)) == 0 }) {
		t.Errorf("it keeps its loop device: %s", loopsOf(file))
	}
	script("echo again")(b.spec)
	b.run().prints("again\n") // and takes the control group away
}

func TestImageRefused(t *testing.T) {
	loopDevices(t)
	files := hostFiles(t, map[string]string{"none": "what is this", "broken": "hsqs" + strings.Repeat("\x00", 8192)})
	none, bad := files+"/none", files+"/broken"
	for _, c := range []struct{ name, path, want string }{
		{"no image", none, "mount " + none + ": invalid argument (it is neither an image of squashfs nor of ext4)"},
		{"broken", bad, "mount squashfs of " + bad + ": invalid argument (the kernel's log says more"},
		{"missing", "/nowhere", "open /nowhere: no such file or directory"},
		{"directory", "/mnt", "read as an image file /mnt: invalid argument"},
		{"relative", "rootfs.img", "must be an absolute path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBundle(t, script(":"), annotated("rootfs.image", c.path))
			b.run().refused(c.want)
			if !eventually(func() bool { return len(loopsOf(c.path)) == 0 }) {
				t.Error("it keeps its loop device")
			}
		})
	}
	newBundle(t, script(":"), annotated("overlay", "ramfs")).run().refused("annotations.org.openwrt.gojail.overlay: must be tmpfs:SIZE, or disk:")
}

// A layer on disk is kept, for the next start.
func TestOverlayAnnotation(t *testing.T) {
	dir := hostFiles(t, nil)
	b := newBundle(t, script("cat /srv/kept 2>/dev/null; echo was >/srv/kept"), writable, annotated("overlay", "disk:"+dir+"/layer"))
	b.run().prints("")
	b.run().prints("was\n")
	if got, err := os.ReadFile(dir + "/layer/upper/srv/kept"); string(got) != "was\n" {
		t.Errorf("%q, %v", got, err)
	}
	if exists(b.root("srv/kept")) {
		t.Error("the root itself was written to")
	}
	if _, err := os.Stat(dir + "/layer/upper/srv/kept"); err != nil {
		t.Error(err)
	}
}
