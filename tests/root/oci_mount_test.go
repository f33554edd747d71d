// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Mount options, each of config.md's table that the kernel has.

var showMounts = args("/bin/cat", "/proc/self/mountinfo")

// words is strings.Fields, for tables.
func words(s string) []string { return strings.Fields(s) }

func TestOCITmpfsOptions(t *testing.T) {
	for options, want := range map[string]string{
		"":                          "rw relatime !nosuid !nodev !noexec !fs:sync !fs:dirsync",
		"defaults":                  "rw relatime !nosuid !nodev !noexec",
		"ro":                        "ro !rw",
		"ro rw":                     "rw !ro",
		"rw ro":                     "ro !rw",
		"nosuid nodev noexec":       "nosuid nodev noexec",
		"nosuid suid":               "!nosuid",
		"nodev dev":                 "!nodev",
		"noexec exec":               "!noexec",
		"noatime":                   "noatime !relatime",
		"noatime atime":             "!noatime",
		"relatime":                  "relatime",
		"norelatime":                "!noatime",
		"strictatime":               "!relatime !noatime",
		"strictatime nostrictatime": "relatime",
		"nodiratime":                "nodiratime",
		"nodiratime diratime":       "!nodiratime",
		"nosymfollow":               "nosymfollow",
		"nosymfollow symfollow":     "!nosymfollow",
		"sync":                      "fs:sync",
		"sync async":                "!fs:sync",
		"dirsync":                   "fs:dirsync",
		"lazytime":                  "fs:lazytime",
		"lazytime nolazytime":       "!fs:lazytime",
		"iversion noiversion":       "rw",
		"silent loud":               "rw",
		"mand nomand":               "rw",
		"size=64k mode=700":         "fs:size=64k fs:mode=700",
		"nr_inodes=100 uid=7":       "fs:nr_inodes=100 fs:uid=7",
	} {
		t.Run(options, func(t *testing.T) {
			r := newBundle(t, showMounts, mount("/mnt", "tmpfs", "tmpfs", words(options)...)).run().ok()
			m := mountAt(t, r.stdout, "/mnt")
			m.want(t, words(want)...)
			m.propagates(t, "private")
		})
	}
	t.Run("unknown", func(t *testing.T) {
		newBundle(t, mount("/mnt", "tmpfs", "tmpfs", "frobnicate=1")).run().refused("/mnt", "frobnicate")
	})
}

// hostTree is a directory of the world with a mount on it and another on its
// "sub", both with a file "name".
func hostTree(t *testing.T, flags uintptr) string {
	t.Helper()
	watch(t)
	dir := "/mnt/tree-" + newName()
	for _, d := range []string{dir, dir + "/sub"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tree", d, "tmpfs", 0, "mode=0755"); err != nil {
			t.Fatal(err)
		}
		writeFile(t, d+"/name", d+"\n", 0o644)
	}
	if err := os.Mkdir(dir+"/late", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Unmount(dir, unix.MNT_DETACH)
		os.Remove(dir)
	})
	for _, d := range []string{dir, dir + "/sub"} {
		if err := unix.Mount("", d, "", unix.MS_REMOUNT|unix.MS_BIND|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	closed = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_NOSYMFOLLOW
	opened = 0
)

func TestOCIBindOptions(t *testing.T) {
	for _, c := range []struct {
		options  string
		source   uintptr // flags of the mounts that are bound
		top, sub string  // what is wanted; no sub: it must not be there
	}{
		{"bind", opened, "rw", ""},
		{"bind ro", opened, "ro", ""},
		{"ro bind", opened, "ro", ""},
		{"bind ro rw", opened, "rw", ""},
		{"rbind", opened, "rw", "rw"},
		{"rbind ro", opened, "ro", "rw"},
		{"bind nosuid nodev noexec nosymfollow", opened, "rw nosuid nodev noexec nosymfollow", ""},
		{"bind noatime nodiratime", opened, "noatime nodiratime", ""},
		{"bind strictatime", opened, "!noatime !relatime", ""},
		{"rbind rro", opened, "ro", "ro"},
		{"rro rbind", opened, "ro", "ro"},
		{"rbind rnosuid", opened, "nosuid", "nosuid"},
		{"rbind rnodev", opened, "nodev", "nodev"},
		{"rbind rnoexec", opened, "noexec", "noexec"},
		{"rbind rnoatime", opened, "noatime", "noatime"},
		{"rbind rnodiratime", opened, "nodiratime", "nodiratime"},
		{"rbind rstrictatime", opened, "!noatime !relatime", "!noatime !relatime"},
		{"rbind rnosymfollow", opened, "nosymfollow", "nosymfollow"},
		{"rbind ro rnoexec", opened, "ro noexec", "rw noexec"},
		{"rbind rrw", closed, "rw", "rw"},
		{"rbind rsuid", closed, "!nosuid", "!nosuid"},
		{"rbind rdev", closed, "!nodev", "!nodev"},
		{"rbind rexec", closed, "!noexec", "!noexec"},
		{"rbind ratime", closed, "!noatime", "!noatime"},
		{"rbind rrelatime", closed, "relatime", "relatime"},
		{"rbind rdiratime", closed, "!nodiratime", "!nodiratime"},
		{"rbind rsymfollow", closed, "!nosymfollow", "!nosymfollow"},
	} {
		t.Run(c.options, func(t *testing.T) {
			tree := hostTree(t, c.source)
			r := newBundle(t, showMounts, mount("/mnt", "none", tree, words(c.options)...)).run().ok()
			mountAt(t, r.stdout, "/mnt").want(t, words(c.top)...)
			if c.sub == "" {
				if strings.Contains(r.stdout, " /mnt/sub ") {
					t.Errorf("bind took the mount below along:\n%s", r.stdout)
				}
				return
			}
			mountAt(t, r.stdout, "/mnt/sub").want(t, words(c.sub)...)
		})
	}
}

// The C ujail forgets what stood before "bind" in the options.
func TestD17ReadOnlyBind(t *testing.T) {
	for _, options := range []string{"ro bind", "bind ro", "ro rbind", "rro rbind"} {
		tree := hostTree(t, opened)
		newBundle(t, script("cat /mnt/name; touch /mnt/new 2>/dev/null || echo refused"), mount("/mnt", "none", tree, words(options)...)).
			run().prints(tree + "\nrefused\n")
	}
}

// The C ujail hands options it does not know to the file system, which then
// refuses them, or takes them for something else.
func TestD18OptionsAreNotData(t *testing.T) {
	tree := hostTree(t, opened)
	for name, c := range map[string]struct {
		mount edit
		want  string
	}{
		"rro":       {mount("/mnt", "none", tree, "rbind", "rro"), "ro"},
		"tmpcopyup": {mount("/mnt", "tmpfs", "tmpfs", "tmpcopyup"), "rw"},
		"idmap":     {idmapped("/mnt", tree, "rbind", "idmap"), "idmapped"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, showMounts, c.mount)
			if name == "idmap" && !takesIDs(t, tree) {
				b.run().refused("does not take id mappings")
				return
			}
			m := mountAt(t, b.run().ok().stdout, "/mnt")
			m.want(t, c.want, "!fs:"+name, "!"+name)
		})
	}
}

// idmapped is a mount that shows the ids from 0 as those from 3000.
func idmapped(dst, src string, options ...string) edit {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 3000, Size: 1000}}
	return func(s *specs.Spec) {
		mount(dst, "none", src, options...)(s)
		m := &s.Mounts[len(s.Mounts)-1]
		m.UIDMappings, m.GIDMappings = ids, ids
	}
}

// takesIDs tells whether this kernel can map the ids of the tree, which is on a tmpfs: that is so since Linux 6.3.
func takesIDs(t *testing.T, tree string) bool {
	t.Helper()
	userns, err := os.Open("/proc/" + target(t, unix.CLONE_NEWUSER, 0) + "/ns/user")
	if err != nil {
		t.Fatal(err)
	}
	defer userns.Close()
	fd, err := unix.OpenTree(unix.AT_FDCWD, tree, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(userns.Fd())}
	err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr)
	if err != nil && err != unix.EINVAL {
		t.Fatal(err)
	}
	return err == nil
}

func TestOCIIdmap(t *testing.T) {
	owner := script("stat -c %u:%g /mnt/name /mnt/sub/name")
	for _, c := range []struct {
		name string
		edit edit
		want string
	}{
		{"idmap", idmapped("/mnt", "", "rbind", "idmap"), "3000:3000\n0:0\n"},
		{"ridmap", idmapped("/mnt", "", "rbind", "ridmap"), "3000:3000\n3000:3000\n"},
		{"with others", idmapped("/mnt", "", "ro", "rbind", "nosuid", "ridmap"), "3000:3000\n3000:3000\n"},
		{"the container's", func(s *specs.Spec) { shifted(s); mount("/mnt", "none", "", "rbind", "ridmap")(s) }, "0:0\n0:0\n"},
		{"none for the container", func(s *specs.Spec) { shifted(s); mount("/mnt", "none", "", "rbind")(s) }, "65534:65534\n65534:65534\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := hostTree(t, opened)
			b := newBundle(t, owner, c.edit)
			b.spec.Mounts[len(b.spec.Mounts)-1].Source = tree
			if !strings.HasPrefix(c.name, "none") && !takesIDs(t, tree) {
				b.run().refused("does not take id mappings")
				return
			}
			b.run().prints(c.want)
		})
	}
	tree := hostTree(t, opened)
	t.Run("no mapping to use", func(t *testing.T) {
		newBundle(t, owner, mount("/mnt", "none", tree, "bind", "idmap")).run().refused("mounts[6]", "idmap")
	})
	t.Run("uids alone", func(t *testing.T) {
		b := newBundle(t, owner, idmapped("/mnt", tree, "bind", "idmap"))
		b.spec.Mounts[6].GIDMappings = nil
		b.run().refused("mounts[6]", "gidMappings")
	})
}

func TestOCITmpcopyup(t *testing.T) {
	b := newBundle(t, script("cd /srv; find . | sort; stat -c '%a %u:%g %F' dir dir/file link; cat dir/file; echo new >dir/file; touch more"),
		capabilities("CAP_DAC_OVERRIDE"), mount("/srv", "tmpfs", "tmpfs", "tmpcopyup", "size=1m"))
	b.write("srv/dir/file", "old\n", 0o640)
	b.link("srv/link", "dir/file")
	if err := unix.Chmod(b.root("srv/dir"), 0o1777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(b.root("srv/dir/file"), 1, 2); err != nil {
		t.Fatal(err)
	}
	before := b.tree()
	b.run().prints(".\n./dir\n./dir/file\n./link\n1777 0:0 directory\n640 1:2 regular file\n777 0:0 symbolic link\nold\n")
	if b.tree() != before {
		t.Errorf("the rootfs changed:\n%s\nwas\n%s", b.tree(), before)
	}
	readonly := newBundle(t, script("cat /srv/file; touch /srv/x 2>/dev/null || echo refused"), mount("/srv", "tmpfs", "tmpfs", "ro", "tmpcopyup"))
	readonly.write("srv/file", "old\n", 0o644)
	readonly.run().prints("old\nrefused\n")
}

func TestOCICgroupMount(t *testing.T) {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.procs"); err != nil {
		t.Fatal("no cgroup v2 here: ", err)
	}
	for _, kind := range []string{"cgroup", "cgroup2"} {
		b := newBundle(t, script("cat /proc/self/mountinfo; ls /sys/fs/cgroup/cgroup.procs"), namespace(specs.CgroupNamespace, ""),
			mount("/sys/fs/cgroup", kind, kind, "nosuid", "noexec", "nodev", "relatime", "ro"))
		m := mountAt(t, b.run().ok().stdout, "/sys/fs/cgroup")
		if m.fstype != "cgroup2" || m.root != "/" {
			t.Errorf("%s: %s of %s", kind, m.root, m.fstype)
		}
		m.want(t, "ro", "nosuid", "noexec", "nodev")
	}
}

func TestOCINofail(t *testing.T) {
	newBundle(t, script("ls /mnt; echo ran"), bind("/nowhere", "/mnt", "nofail")).run().prints("ran\n")
	newBundle(t, script("ls /mnt; echo ran"), bind("/nowhere", "/mnt")).run().refused("/nowhere")
}

// The C ujail sorts mounts by name.
func TestD27MountsInGivenOrder(t *testing.T) {
	tree := hostTree(t, opened)
	t.Run("a cover covers", func(t *testing.T) {
		b := newBundle(t, script("ls /mnt"), mount("/mnt/sub", "tmpfs", "tmpfs"), mount("/mnt", "tmpfs", "tmpfs"))
		b.run().prints("")
	})
	t.Run("what follows shows", func(t *testing.T) {
		newBundle(t, script("cat /mnt/sub/name"), mount("/mnt", "tmpfs", "tmpfs"), bind(tree, "/mnt/sub")).run().prints(tree + "\n")
	})
	t.Run("the last is on top", func(t *testing.T) {
		newBundle(t, script("cat /mnt/name"), bind(tree, "/mnt"), bind(tree+"/sub", "/mnt")).run().prints(tree + "/sub\n")
	})
	t.Run("all of them", func(t *testing.T) {
		b := newBundle(t, showMounts, mount("/tmp", "tmpfs", "one"), mount("/mnt", "tmpfs", "two"), mount("/home", "tmpfs", "three"))
		var got []string
		for _, m := range parseMounts(b.run().ok().stdout) {
			if m.fstype == "tmpfs" && (m.source == "one" || m.source == "two" || m.source == "three") {
				got = append(got, m.source)
			}
		}
		if strings.Join(got, " ") != "one two three" {
			t.Errorf("mounted %v", got)
		}
	})
}

// A remount changes the mount, not the file system, which may be the host's.
func TestOCIRemount(t *testing.T) {
	tree := hostTree(t, opened)
	b := newBundle(t, script("touch /mnt/x 2>/dev/null || echo refused; cat /mnt/name; grep ' /mnt ' /proc/self/mounts | cut -d' ' -f4 | cut -d, -f1,2"),
		bind(tree, "/mnt", "sync"), mount("/mnt", "none", "none", "remount", "ro", "nosuid"))
	b.run().prints("refused\n" + tree + "\nro,nosuid\n")
	writeFile(t, tree+"/still", "writable\n", 0o644)
	t.Run("no mount", func(t *testing.T) {
		newBundle(t, mount("/srv", "none", "none", "remount", "ro")).run().refused("mounts[6]", "/srv")
	})
	t.Run("file system", func(t *testing.T) {
		newBundle(t, mount("/mnt", "tmpfs", "tmpfs", "remount", "size=1M")).run().refused("mounts[6].options", "size=1M")
	})
}

// A tmpfs that is read-only in the end: what lies in it has its place all the same.
func TestOCIReadonlyTmpfs(t *testing.T) {
	b := newBundle(t, script("cat /run/a/file; ls /dev/pts/ptmx; echo >/dev/null && pwd; for d in /run /run/lock /dev /srv; do touch $d/x 2>/dev/null && echo $d; done; cat /proc/self/mountinfo"),
		func(s *specs.Spec) { s.Process.Cwd = "/srv/made/here" },
		withoutMount("/dev/mqueue"), mount("/run", "tmpfs", "tmpfs", "ro"), mount("/run/lock", "tmpfs", "tmpfs"), mount("/srv", "tmpfs", "tmpfs", "rro"))
	writeFile(t, b.dir+"/data", "bound\n", 0o644)
	bind("data", "/run/a/file")(b.spec)
	for i := range b.spec.Mounts {
		if m := &b.spec.Mounts[i]; m.Destination == "/dev" {
			m.Options = append(m.Options, "ro")
		}
	}
	for name, e := range map[string]edit{"": func(*specs.Spec) {}, "user namespace": shifted} {
		t.Run(name, func(t *testing.T) {
			e(b.spec)
			r := b.run().ok()
			text, mounts, _ := strings.Cut(r.stdout, "/run/lock\n")
			if want := "bound\n/dev/pts/ptmx\n/srv/made/here\n"; text != want {
				t.Errorf("printed %q, want %q", text, want)
			}
			for _, dir := range []string{"/run", "/dev", "/srv"} {
				mountAt(t, mounts, dir).want(t, "ro")
			}
		})
	}
}
