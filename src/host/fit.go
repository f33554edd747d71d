// SPDX-License-Identifier: LGPL-2.1-only

package host

import (
	"slices"
	"strconv"
	"strings"

	"gojail/src/bundle"
	"gojail/src/config"
	"gojail/src/kernel"
)

// A Feature is something that this kernel may have, and what wants it.
type Feature struct {
	Name string
	Has  bool
	For  string
}

// Features lists what containers may want of this kernel.
func Features() []Feature {
	major, minor, _ := kernel.Release()
	at := func(a, b int) bool { return major > a || major == a && minor >= b }
	exists := kernel.Exists
	list := []Feature{{"linux-5.15", at(5, 15), "everything"}}
	for _, ns := range [...][2]string{{"mnt", "everything"}, {"pid", "everything"}, {"net", "networks of their own"}, {"ipc", "everything"}, {"uts", "everything"},
		{"cgroup", "everything"}, {"user", "userns, the profiles strict and system"}} {
		list = append(list, Feature{"namespace-" + ns[0], exists("/proc/self/ns/" + ns[0]), ns[1]})
	}
	controllers := Machine{}.Controllers()
	for _, c := range [...][2]string{{"memory", "memory, swap"}, {"cpu", "cpus, cpu_weight"}, {"cpuset", "cpuset"}, {"pids", "pids"}, {"io", "io_weight"}} {
		list = append(list, Feature{"cgroup-" + c[0], slices.Contains(controllers, c[0]), c[1]})
	}
	return append(list,
		Feature{"seccomp", exists("/proc/sys/kernel/seccomp/actions_avail"), "seccomp"},
		Feature{"landlock", kernel.LandlockVersion() > 0, "landlock_ro, landlock_rx, landlock_rw"},
		Feature{"mdwe", at(6, 3), "mdwe, the profile strict"},
		Feature{"overlayfs", fileSystem("overlay"), "overlay"},
		Feature{"loop", exists("/dev/loop-control") || module("loop"), "images"},
		Feature{"squashfs", fileSystem("squashfs"), "images of squashfs"},
		Feature{"ext4", fileSystem("ext4"), "images of ext4"})
}

// fileSystem tells whether the kernel has a file system, or a module with it.
func fileSystem(name string) bool {
	text, _ := kernel.ReadProc("/proc/filesystems")
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) > 0 && f[len(f)-1] == name {
			return true
		}
	}
	return module(name)
}

func module(name string) bool {
	_, _, release := kernel.Release()
	dir := "/lib/modules/" + release
	if kernel.Exists(dir + "/" + name + ".ko") { // OpenWrt's
		return true
	}
	b, _ := kernel.ReadFile(dir+"/modules.dep", 8<<20)
	return strings.Contains(string(b), "/"+name+".ko")
}

// Lacks is what this host cannot give to a container, all of it. It runs nothing.
func Lacks(cfg *config.Config, b *bundle.Bundle) (errs config.Errors) {
	c := b.Container
	has := map[string]bool{}
	for _, f := range Features() {
		has[f.Name] = f.Has
	}
	refuse := func(option, value, reason string) { errs = append(errs, c.Error(option, value, reason)) }
	needs := func(option, feature, reason string) {
		if !has[feature] {
			refuse(option, "", reason)
		}
	}
	if !has["linux-5.15"] {
		refuse("", "", "this kernel is older than Linux 5.15")
	}
	for _, o := range [...][2]string{{"memory", "memory"}, {"memory_reservation", "memory"}, {"cpus", "cpu"}, {"cpu_weight", "cpu"}, {"cpuset", "cpuset"},
		{"pids", "pids"}, {"io_weight", "io"}} {
		if c.Has(o[0]) {
			needs(o[0], "cgroup-"+o[1], "this kernel has no controller "+o[1]+" of cgroup v2 to hold it")
		}
	}
	if c.Bool("userns") {
		needs("userns", "namespace-user", "this kernel has no user namespaces: give userns 0")
	}
	if c.Bool("mdwe") {
		needs("mdwe", "mdwe", "needs Linux 6.3: give mdwe 0")
	}
	if c.Text("seccomp") != "unconfined" {
		needs("seccomp", "seccomp", "this kernel has no seccomp: give seccomp unconfined")
	}
	for _, o := range [...]string{"landlock_ro", "landlock_rx", "landlock_rw"} {
		if c.Has(o) {
			needs(o, "landlock", "this kernel has no Landlock, or it is off")
		}
	}
	root := c.Text("rootfs")
	if kind := (Machine{}).Type(root); kind == '-' {
		needs("rootfs", "loop", "an image needs a loop device: this kernel has none")
		t, err := kernel.ImageType(root)
		switch {
		case err != nil:
			refuse("rootfs", root, err.Error())
		case t == "":
			refuse("rootfs", root, "is neither an image of squashfs nor of ext4")
		default:
			needs("rootfs", t, "this kernel has no "+t)
		}
	} else if kind == 'd' {
		program(c, root, refuse)
	}
	layer(c, b, has["overlayfs"], refuse)
	return errs
}

// Magic numbers of file systems (linux/magic.h).
var noLayer = [...]struct {
	magic int64
	name  string
}{
	{0x794c7630, "overlayfs, which does not stack"}, {0x4d44, "vfat, which has no attributes for it"}, {0x2011bab0, "exfat, which has no attributes for it"},
	{0x7366746e, "ntfs, which has no attributes for it"}, {0x6969, "nfs, which has no attributes for it"}, {0x5346544e, "ntfs, which has no attributes for it"},
}

const leastSpace = 1 << 20

// layer looks at where the writable layer would be.
func layer(c *config.Container, b *bundle.Bundle, overlayfs bool, refuse func(option, value, reason string)) {
	kind := c.Text("overlay")
	if kind == "none" {
		return
	}
	if !overlayfs {
		refuse("overlay", kind, "this kernel has no overlayfs")
	}
	if kind == "tmpfs" {
		size, _ := config.Size(c.Text("overlay_size"))
		if all := (Machine{}).Memory(); all > 0 && size > all {
			refuse("overlay_size", c.Text("overlay_size"), "is more than all memory")
		}
		return
	}
	option, hint := "overlay_dir", ""
	if !c.Has("overlay_dir") {
		option, hint = "overlay", ": give overlay_dir, or globals.storage, on another one"
	}
	dir := existing(b.Layer)
	fs, err := kernel.Statfs(dir)
	if err != nil {
		refuse(option, b.Layer, err.Error())
		return
	}
	if on := unfit(fs.Type); on != "" {
		refuse(option, b.Layer, "is on "+on+hint)
		return
	}
	switch {
	case fs.ReadOnly:
		refuse(option, b.Layer, "is on a file system that cannot be written"+hint)
	case fs.Free < leastSpace:
		refuse(option, b.Layer, "has "+strconv.FormatUint(fs.Free>>10, 10)+" KiB of space left, at least 1024 are wanted"+hint)
	}
}

// existing is the path, or the last of its parents that exists.
func existing(dir string) string {
	for !kernel.Exists(dir) && strings.Count(dir, "/") > 1 {
		dir = dir[:strings.LastIndexByte(dir, '/')]
	}
	if !kernel.Exists(dir) {
		return "/"
	}
	return dir
}

func unfit(magic int64) string {
	for _, n := range noLayer {
		if n.magic == magic {
			return n.name
		}
	}
	return ""
}

// Space is the room where layers on disk would be, and the file system that cannot have them, or "".
func Space(storage string) (free uint64, unfitting string) {
	fs, err := kernel.Statfs(existing(storage))
	if err != nil {
		return 0, ""
	}
	return fs.Free, unfit(fs.Type)
}
