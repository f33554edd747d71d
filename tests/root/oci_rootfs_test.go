// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The rootfs and what is laid over it: masks, read-only paths, devices, propagation.

func TestOCIReadonlyRoot(t *testing.T) {
	for _, c := range []struct {
		edit edit
		want string
	}{
		{func(*specs.Spec) {}, "refused\n"},
		{writable, "written\n"},
	} {
		b := newBundle(t, script("touch /opt/new 2>/dev/null && echo written || echo refused"), c.edit)
		b.run().prints(c.want)
		if _, err := os.Stat(b.root("opt/new")); (err == nil) != (c.want == "written\n") {
			t.Errorf("%s, and the file: %v", strings.TrimSpace(c.want), err)
		}
	}
}

func TestOCIRootPath(t *testing.T) {
	b := newBundle(t, script("pwd; ls /; cat /etc/hostname"))
	b.write("etc/hostname", "absolute\n", 0o644)
	b.spec.Root.Path = b.root()
	want := "/\nbin\ndev\netc\nhome\nmnt\nopt\nproc\nroot\nrun\nsrv\nsys\ntmp\nusr\nvar\nabsolute\n"
	b.run().prints(want)
	t.Run("a link", func(t *testing.T) {
		b := newBundle(t, script("pwd; ls /; cat /etc/hostname"))
		b.write("etc/hostname", "absolute\n", 0o644)
		if err := os.Symlink(b.root(), b.dir+"/link"); err != nil {
			t.Fatal(err)
		}
		b.spec.Root.Path = "link"
		b.run().prints(want)
	})
}

// The C ujail puts a link to a resolver into the user's rootfs, and leaves
// directories and files in /tmp; leaks.Check looks for the rest.
func TestD9NothingIsLeft(t *testing.T) {
	for name, e := range map[string]edit{
		"as runc":        func(*specs.Spec) {},
		"writable":       writable,
		"user namespace": shifted,
		"all namespaces": func(s *specs.Spec) {
			namespace(specs.CgroupNamespace, "")(s)
			namespace(specs.TimeNamespace, "")(s)
		},
		"ends badly":     script("exit 9"),
		"does not start": args("/nowhere"),
		"refused late":   bind("/nowhere", "/mnt/nowhere"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, script(":"), writable, e)
			before := b.tree()
			b.run()
			if after := b.tree(); after != before {
				t.Errorf("the rootfs was\n%s\nis\n%s", before, after)
			}
		})
	}
}

func TestOCIMountTargetsAreMade(t *testing.T) {
	tree := hostTree(t, opened)
	for _, readonly := range []bool{true, false} {
		b := newBundle(t, script("cat /new/dir/name /new/file; ls -d /new/tmp"),
			bind(tree, "/new/dir"), bind(tree+"/name", "/new/file"), mount("/new/tmp", "tmpfs", "tmpfs"))
		b.spec.Root.Readonly = readonly
		b.run().prints(tree + "\n" + tree + "\n/new/tmp\n")
	}
	// so deep that the supervisor has to make it, for the container's root
	deep := "/mnt" + strings.Repeat("/d", 30)
	for name, edits := range map[string][]edit{"host": {}, "user namespace": {shifted}} {
		t.Run("deep, "+name, func(t *testing.T) {
			b := newBundle(t, append(edits, script("cat "+deep+"/dir/name "+deep+"/file; stat -c %u "+deep),
				mount("/mnt", "tmpfs", "tmpfs"), bind(tree, deep+"/dir"), bind(tree+"/name", deep+"/file"))...)
			b.run().prints(tree + "\n" + tree + "\n0\n")
		})
	}
}

func TestOCIMaskedPaths(t *testing.T) {
	b := newBundle(t, writable, script(`
		cat /etc/secret; echo x 2>/dev/null >/etc/secret; cat /etc/secret
		ls -A /srv/secret; touch /srv/secret/x 2>/dev/null || echo refused
		cat /proc/timer_list; ls -A /sys/firmware`))
	b.write("etc/secret", "secret\n", 0o644).write("srv/secret/file", "secret\n", 0o644)
	b.spec.Linux.MaskedPaths = append(b.spec.Linux.MaskedPaths, "/etc/secret", "/srv/secret", "/no/such")
	b.run().prints("refused\n")
	for name, want := range map[string]string{"etc/secret": "secret\n", "srv/secret/file": "secret\n"} {
		if got, err := os.ReadFile(b.root(name)); string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	t.Run("relative", func(t *testing.T) {
		newBundle(t, func(s *specs.Spec) { s.Linux.MaskedPaths = []string{"proc/kcore"} }).run().refused("linux.maskedPaths[0]")
	})
}

func TestOCIReadonlyPaths(t *testing.T) {
	b := newBundle(t, writable, script(`
		cat /etc/fixed /srv/fixed/file
		for f in /etc/fixed /srv/fixed/file /srv/fixed/new /proc/sys/net/ipv4/ip_forward /proc/sysrq-trigger; do
			echo 1 2>/dev/null >$f && echo $f
		done; :`))
	b.write("etc/fixed", "text\n", 0o644).write("srv/fixed/file", "text\n", 0o644)
	b.spec.Linux.ReadonlyPaths = append(b.spec.Linux.ReadonlyPaths, "/etc/fixed", "/srv/fixed", "/no/such")
	b.run().prints("text\ntext\n")
}

func TestOCIDefaultDevices(t *testing.T) {
	b := newBundle(t, script(`cd /dev; ls | grep -vx core
		for d in full null random tty urandom zero; do stat -c '%n %F %a %t:%T' $d; done
		for l in fd ptmx stderr stdin stdout; do echo $l $(readlink $l); done
		echo x >/dev/null; head -c 3 /dev/zero | wc -c; echo x 2>/dev/null >/dev/full || echo full; echo out >/dev/stdout`))
	b.run().prints(strings.Join([]string{
		"fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
		"full character special file 666 1:7", "null character special file 666 1:3", "random character special file 666 1:8",
		"tty character special file 666 5:0", "urandom character special file 666 1:9", "zero character special file 666 1:5",
		"fd /proc/self/fd", "ptmx pts/ptmx", "stderr /proc/self/fd/2", "stdin /proc/self/fd/0", "stdout /proc/self/fd/1",
		"3", "full", "out", "",
	}, "\n"))
}

func TestOCIDevices(t *testing.T) {
	mode, id := fs.FileMode(0o640), uint32(33)
	for name, c := range map[string]struct {
		device specs.LinuxDevice
		want   string
	}{
		"char":    {specs.LinuxDevice{Type: "c", Path: "/dev/mem2", Major: 1, Minor: 5, FileMode: &mode}, "character special file 640 0:0 1:5"},
		"u":       {specs.LinuxDevice{Type: "u", Path: "/dev/x", Major: 10, Minor: 200, FileMode: &mode, UID: &id, GID: &id}, "character special file 640 33:33 a:c8"},
		"block":   {specs.LinuxDevice{Type: "b", Path: "/dev/blk", Major: 7, Minor: 300, FileMode: &mode}, "block special file 640 0:0 7:12c"},
		"fifo":    {specs.LinuxDevice{Type: "p", Path: "/dev/pipe", FileMode: &mode, GID: &id}, "fifo 640 0:33 0:0"},
		"deep":    {specs.LinuxDevice{Type: "c", Path: "/dev/net/tun", Major: 10, Minor: 200, FileMode: &mode}, "character special file 640 0:0 a:c8"},
		"default": {specs.LinuxDevice{Type: "c", Path: "/dev/null", Major: 1, Minor: 3, FileMode: &mode}, "character special file 640 0:0 1:3"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, script("stat -c '%F %a %u:%g %t:%T' "+c.device.Path))
			b.spec.Linux.Devices = []specs.LinuxDevice{c.device}
			b.run().prints(c.want + "\n")
		})
	}
	t.Run("outside /dev", func(t *testing.T) {
		b := newBundle(t, writable, script("stat -c %t:%T /srv/null"))
		b.spec.Linux.Devices = []specs.LinuxDevice{{Type: "c", Path: "/srv/null", Major: 1, Minor: 3}}
		b.run().prints("1:3\n")
	})
	t.Run("something else is there", func(t *testing.T) {
		b := newBundle(t, writable)
		b.write("srv/null", "text", 0o644)
		b.spec.Linux.Devices = []specs.LinuxDevice{{Type: "c", Path: "/srv/null", Major: 1, Minor: 3}}
		b.run().refused("/srv/null")
	})
	t.Run("type", func(t *testing.T) {
		b := newBundle(t)
		b.spec.Linux.Devices = []specs.LinuxDevice{{Type: "z", Path: "/dev/x"}}
		b.run().refused("linux.devices[0]")
	})
	t.Run("user namespace", func(t *testing.T) {
		b := newBundle(t, shifted, script("cat /dev/mine; head -c 2 /dev/mine | wc -c; stat -c %t:%T /dev/mine"))
		// no mknod there: the device has to come from the host, by its path
		b.spec.Linux.Devices = []specs.LinuxDevice{{Type: "c", Path: "/dev/mine", Major: 1, Minor: 3}}
		if err := unix.Mknod("/dev/mine", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove("/dev/mine") })
		if err := os.Chmod("/dev/mine", 0o666); err != nil {
			t.Fatal(err)
		}
		b.run().prints("0\n1:3\n")
	})
}

func TestOCIRootfsPropagation(t *testing.T) {
	for mode, want := range map[string]string{
		"": "private", "private": "private", "rprivate": "private", "shared": "shared", "rshared": "shared", "unbindable": "unbindable",
	} {
		b := newBundle(t, showMounts)
		b.spec.Linux.RootfsPropagation = mode
		mountAt(t, b.run().ok().stdout, "/").propagates(t, want)
	}
	b := newBundle(t)
	b.spec.Linux.RootfsPropagation = "sideways"
	b.run().refused("linux.rootfsPropagation", "sideways")
}

func TestOCIMountPropagation(t *testing.T) {
	for option, want := range map[string][2]string{
		"private":     {"private", ""},
		"rprivate":    {"private", "private"},
		"slave":       {"slave", ""},
		"rslave":      {"slave", "slave"},
		"shared":      {"shared", ""},
		"rshared":     {"shared", "shared"},
		"unbindable":  {"unbindable", ""},
		"runbindable": {"unbindable", "unbindable"},
	} {
		t.Run(option, func(t *testing.T) {
			tree := sharedTree(t)
			b := newBundle(t, showMounts, mount("/mnt", "none", tree, "rbind", option))
			b.spec.Linux.RootfsPropagation = "slave" // of / alone: rslave would make slaves of all
			r := b.run().ok()
			mountAt(t, r.stdout, "/mnt").propagates(t, want[0])
			if want[1] != "" {
				mountAt(t, r.stdout, "/mnt/sub").propagates(t, want[1])
			}
		})
	}
}

func sharedTree(t *testing.T) string {
	t.Helper()
	tree := hostTree(t, opened)
	if err := unix.Mount("", tree, "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	return tree
}

// A mount made on the host while the container runs arrives in a slave and
// nowhere else; one made in the container arrives on the host if shared.
func TestOCIPropagationAtWork(t *testing.T) {
	for _, c := range []struct {
		root, option string
		in, out      bool
	}{{"rprivate", "rprivate", false, false}, {"rslave", "rslave", true, false}, {"rshared", "rshared", true, true}} {
		t.Run(c.option, func(t *testing.T) {
			tree := sharedTree(t)
			b := newBundle(t, capabilities("CAP_SYS_ADMIN"), mount("/mnt", "none", tree, "rbind", c.option),
				script(`trap 'cat /mnt/late/name; mount -t tmpfs inside /mnt/sub && echo mounted >/mnt/sub/inside; trap "exit 0" TERM; echo done' TERM
				echo ready; `+forever))
			b.spec.Linux.RootfsPropagation = c.root
			p := b.start().until("ready")
			if err := unix.Mount("late", tree+"/late", "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
			writeFile(t, tree+"/late/name", "arrived\n", 0o644)
			p.signal(syscall.SIGTERM).until("done")
			if in := strings.Contains(p.out.String(), "arrived"); in != c.in {
				t.Errorf("the host's mount seen inside: %v, want %v", in, c.in)
			}
			if _, err := os.Stat(tree + "/sub/inside"); (err == nil) != c.out {
				t.Errorf("the container's mount seen outside: %v, want %v", err == nil, c.out)
			}
			p.signal(syscall.SIGTERM).wait().ends(0)
		})
	}
}
