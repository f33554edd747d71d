// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Known ways out of containers, by the CVE's number. Each is tried, and must fail.

func programHash(t *testing.T) [32]byte {
	t.Helper()
	text, err := os.ReadFile(programPath)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(text)
}

// runc's own binary could be executed as the payload, and then written through
// /proc/PID/exe. Fails when the payload is executed without the trampoline.
func TestEscape2019_5736(t *testing.T) {
	before := programHash(t)
	for name, c := range map[string]struct {
		files map[string]string // of mode 0755; "-> x" is a link
		args  []string
	}{
		"itself":              {nil, []string{"/proc/self/exe"}},
		"itself, by thread":   {nil, []string{"/proc/thread-self/exe"}},
		"itself, with a name": {nil, []string{"/proc/self/exe", "-n", "x", "-c", "--", "/bin/sh"}},
		"link":                {map[string]string{"bin/evil": "-> /proc/self/exe"}, []string{"/bin/evil"}},
		"link in PATH":        {map[string]string{"bin/evil": "-> /proc/self/exe"}, []string{"evil"}},
		"interpreter":         {map[string]string{"bin/evil": "#!/proc/self/exe\n"}, []string{"/bin/evil"}},
		"interpreter, arg":    {map[string]string{"bin/evil": "#!/proc/self/exe -c\n"}, []string{"/bin/evil", "x"}},
		"interpreter, link":   {map[string]string{"bin/evil": "#!/bin/link\n", "bin/link": "-> /proc/self/exe"}, []string{"/bin/evil"}},
		"interpreter twice":   {map[string]string{"bin/evil": "#!/bin/two\n", "bin/two": "#!/proc/self/exe\n"}, []string{"/bin/evil"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, writable, args(c.args...), user(0, 0))
			b.write("etc/resolv.conf", "", 0o644)
			for file, text := range c.files {
				if to, ok := strings.CutPrefix(text, "-> "); ok {
					b.link(file, to)
				} else {
					b.write(file, text, 0o755)
				}
			}
			r := b.run().ends(126)
			if r.stdout != "" {
				t.Errorf("printed %q", r.stdout)
			}
			if c.args[0][0] == '/' {
				slimRun(t, "-p -R "+b.root(), c.args...).ends(126)
			}
		})
	}
	if programHash(t) != before {
		t.Fatal("the program was overwritten")
	}
	t.Run("written while a payload runs", func(t *testing.T) {
		// the payload sees its supervisor: no pid namespace, but runc's capabilities
		b := newBundle(t, withoutNamespace(specs.PIDNamespace), script(
			"for p in $PPID self $$; do (echo overwritten >/proc/$p/exe) 2>/dev/null && echo wrote $p; (echo x >/proc/$p/mem) 2>/dev/null && echo mem $p; done; :"))
		b.run().ends(0)
		if programHash(t) != before {
			t.Fatal("the program was overwritten")
		}
	})
}

// A mount over /proc hides what the runtime writes there: labels, limits. Fails without the checks in package plan (mountOp, bindOp, slimRoot), and,
// where a link leads there, without program.notProc.
func TestEscape2019_16884(t *testing.T) {
	watch(t)
	for _, dst := range []string{"/proc", "/proc/self", "/proc/1/attr", "/proc/self/attr/exec", "/proc/sys", "/proc/sysrq-trigger",
		"//proc", "/proc/", "/./proc/self", "/srv/../proc/self", "/proc/net", "/to-proc/self"} {
		t.Run(dst, func(t *testing.T) {
			for kind, e := range map[string]edit{
				"tmpfs": mount(dst, "tmpfs", "tmpfs"), "bind": bind("/mnt/bin", dst), "rbind": mount(dst, "none", "/mnt/bin", "rbind", "ro"),
			} {
				b := newBundle(t, args("/bin/echo", "ran"), e)
				b.link("to-proc", "/proc")
				if r := b.run().ends(1); r.stdout != "" || !strings.Contains(r.stderr, "proc") {
					t.Errorf("%s: printed %q and %q", kind, r.stdout, r.stderr)
				}
			}
		})
	}
	fake := "/tmp/fake-proc"
	writeFile(t, fake, "fake\n", 0o644)
	t.Cleanup(func() { os.Remove(fake) })
	for _, name := range words("cpuinfo meminfo stat uptime loadavg diskstats swaps partitions") {
		t.Run(name, func(t *testing.T) {
			newBundle(t, args("/bin/cat", "/proc/"+name), bind(fake, "/proc/"+name, "ro")).run().prints("fake\n")
		})
	}
	t.Run("slim", func(t *testing.T) {
		for _, options := range []string{"-p -r /mnt/bin:/proc/self", "-p -w /mnt/bin:/proc/sys", "-p -w " + fake + ":/proc/cpuinfo", "-r /mnt/bin:/proc", "-p -R / -w /mnt/bin:/proc/1"} {
			if r := slimRun(t, options, busybox, "echo", "ran"); r.code == 0 || r.stdout != "" || !strings.Contains(r.stderr, "/proc") {
				t.Errorf("%s: exit status %d, printed %q and %q", options, r.code, r.stdout, r.stderr)
			}
		}
	})
}

// rootfs/proc as a link has the runtime write its settings elsewhere. Also
// 2023-27561 and 2023-28642. Fails when links are followed to the target of a mount that is Ordinary (RESOLVE_NO_SYMLINKS).
func TestEscape2019_19921(t *testing.T) {
	for _, name := range []string{"proc", "sys"} {
		for _, to := range []string{"srv", "/srv", "/", "..", "/tmp", "/mnt", "loop/" + name, name} {
			t.Run(name+" to "+to, func(t *testing.T) {
				b := newBundle(t, args("/bin/echo", "ran"), writable)
				b.link(name, to)
				b.run().refused("/" + name)
				b.write("etc/resolv.conf", "", 0o644)
				slimRun(t, "-p -s -R "+b.root(), "/bin/echo", "ran").refused("/" + name)
			})
		}
	}
	t.Run("a file", func(t *testing.T) {
		b := newBundle(t, args("/bin/echo", "ran"), writable)
		if err := os.Remove(b.root("proc")); err != nil {
			t.Fatal(err)
		}
		b.write("proc", "", 0o644).run().refused("/proc")
	})
}

// An inherited descriptor of a host directory as the working directory. Fails when the program's paths are resolved with no flag of openat2 (its
// own descriptors, and links to the host's root, then work), or when it keeps open what it has.
func TestEscape2024_21626(t *testing.T) {
	b := newBundle(t, script("pwd; ls ..; ls ../../../.."))
	try := func(t *testing.T, cwd string) {
		b.spec.Process.Cwd = cwd
		run(t, shelled("exec 7</ 8</etc", b.command())).refused(cwd)
	}
	for n := 3; n <= 20; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) { try(t, fmt.Sprintf("/proc/self/fd/%d", n)) })
	}
	b.link("away", "/proc/self/fd/7").link("cwd", "/proc/self/cwd").link("root", "/proc/1/root")
	for _, cwd := range []string{"/proc/1/fd/7", "/proc/self/cwd", "/proc/thread-self/fd/8", "/away", "/cwd", "/root", "/proc/self/root", "/proc/1/cwd/new"} {
		t.Run(cwd, func(t *testing.T) { try(t, cwd) })
	}
	t.Run("fds of pid 1", func(t *testing.T) {
		b.spec.Process.Cwd = "/"
		script("ls /proc/1/fd; :")(b.spec)
		run(t, shelled("exec 7</ 8</etc", b.command())).prints("0\n1\n2\n")
	})
}

// The image's /dev/null is what paths are masked with, if the runtime takes it: from a volume on /dev, as else that is the runtime's own. Fails
// when program.mask opens /dev/null in the container's root.
func TestEscape2025_31133(t *testing.T) {
	watch(t)
	victim := "/tmp/victim"
	t.Cleanup(func() { os.Remove(victim) })
	for name, make := range map[string]func(dev string) error{
		"link to the host":      func(dev string) error { return os.Symlink(victim, dev+"/null") },
		"link to sysrq-trigger": func(dev string) error { return os.Symlink("/proc/sysrq-trigger", dev+"/null") },
		"link to core_pattern":  func(dev string) error { return os.Symlink("/proc/sys/kernel/core_pattern", dev+"/null") },
		"link to the image":     func(dev string) error { return os.Symlink("/etc/mine", dev+"/null") },
		"plain file":            func(dev string) error { return os.WriteFile(dev+"/null", []byte("mine\n"), 0o666) },
		"directory":             func(dev string) error { return os.Mkdir(dev+"/null", 0o755) },
		"another device":        func(dev string) error { return unix.Mknod(dev+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) },
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, victim, "untouched\n", 0o666)
			b := newBundle(t, writable, script("stat -c %t:%T /etc/secret; cat /etc/secret; (echo written >/etc/secret) 2>&-; :"))
			b.write("etc/secret", "secret\n", 0o666).write("etc/mine", "mine\n", 0o666)
			if err := make(ownDev(b)); err != nil {
				t.Fatal(err)
			}
			b.spec.Linux.MaskedPaths = []string{"/etc/secret"}
			b.run().prints("1:3\n")
			for file, want := range map[string]string{victim: "untouched\n", b.root("etc/secret"): "secret\n", b.root("etc/mine"): "mine\n"} {
				if text, err := os.ReadFile(file); string(text) != want {
					t.Errorf("%s: %q, %v", file, text, err)
				}
			}
		})
	}
}

// ownDev gives the container a /dev of somebody else's making: a directory of the host, which is returned.
func ownDev(b *bundle) (dir string) {
	dir = hostFiles(b.t.(*testing.T), nil)
	for _, name := range words("/dev /dev/pts /dev/shm /dev/mqueue") {
		withoutMount(name)(b.spec)
	}
	bind(dir, "/dev")(b.spec)
	mount("/dev/pts", "devpts", "devpts", "newinstance", "ptmxmode=0666")(b.spec)
	for _, name := range words("pts shm") { // where ujail mounts its own
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			b.t.Fatal(err)
		}
	}
	return dir
}

// The image, or a volume, has links where the runtime makes a terminal and
// binds it. Fails when program.terminal and program.console follow links.
func TestEscape2025_52565(t *testing.T) {
	victim := "/tmp/victim"
	watch(t)
	t.Cleanup(func() { os.Remove(victim) })
	device := func(t *testing.T, path string, major, minor uint32) {
		t.Helper()
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(major, minor))); err != nil {
			t.Fatal(err)
		}
	}
	devpts := mount("/dev/pts", "devpts", "devpts", "newinstance", "ptmxmode=0666")
	for name, c := range map[string]struct {
		dev   func(t *testing.T, dir string) // makes the volume that is bound on /dev
		edit  edit
		words string // of the refusal
	}{
		"console to a file":      {func(t *testing.T, dir string) { os.Symlink(victim, dir+"/console") }, devpts, "symbolic link"},
		"console to a file, up":  {func(t *testing.T, dir string) { os.Symlink("../../../../.."+victim, dir+"/console") }, devpts, "symbolic link"},
		"console to procfs":      {func(t *testing.T, dir string) { os.Symlink("/proc/sys/kernel/core_pattern", dir+"/console") }, devpts, "symbolic link"},
		"console to a new file":  {func(t *testing.T, dir string) { os.Symlink(victim+"2", dir+"/console") }, devpts, "symbolic link"},
		"console is a directory": {func(t *testing.T, dir string) { os.MkdirAll(dir+"/console", 0o755) }, devpts, "terminal"},
		"pts to the host's": {func(t *testing.T, dir string) { os.Symlink("/host-pts", dir+"/pts") },
			bind("/dev/pts", "/host-pts"), "symbolic link"},
		"no devpts, but a device": {func(t *testing.T, dir string) { // to open one may have consequences
			os.Mkdir(dir+"/pts", 0o755)
			device(t, dir+"/pts/ptmx", 1, 3)
		}, writable, "mount one"},
		"another ptmx": {nil, bind("/dev/null", "/dev/pts/ptmx"), "cross-device"},
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, victim, "untouched\n", 0o666)
			dir := hostFiles(t, nil)
			edits := []edit{terminal, script("echo written >/dev/console; cat /dev/console")}
			if c.dev != nil {
				c.dev(t, dir)
				edits = append(edits, withoutMount("/dev"), withoutMount("/dev/pts"), withoutMount("/dev/shm"), withoutMount("/dev/mqueue"), bind(dir, "/dev"))
			}
			b := newBundle(t, append(edits, c.edit, writable)...)
			b.write("host-pts/x", "", 0o644)
			b.run().refused("/dev/pts", c.words)
			if text, err := os.ReadFile(victim); string(text) != "untouched\n" {
				t.Errorf("the host's file: %q, %v", text, err)
			}
			if _, err := os.Lstat(victim + "2"); err == nil {
				t.Error("made on the host")
			}
		})
	}
	t.Run("a device", func(t *testing.T) { // is covered, not used
		dir := hostFiles(t, nil)
		device(t, dir+"/console", 1, 3)
		os.Mkdir(dir+"/pts", 0o755)
		for _, name := range []string{"shm", "mqueue"} {
			os.Mkdir(dir+"/"+name, 0o755)
		}
		newBundle(t, terminal, script("stat -c %t:%T /dev/console; echo x >/dev/console"), withoutMount("/dev"), withoutMount("/dev/pts"), withoutMount("/dev/shm"), withoutMount("/dev/mqueue"),
			bind(dir, "/dev"), devpts).run().prints("88:0\r\nx\r\n")
	})
}

// What the runtime writes below /proc it writes to procfs, and not to what the image, or others, have there.
func TestEscape2025_52881(t *testing.T) {
	score := 500
	settings := func(s *specs.Spec) {
		s.Linux.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"}
		s.Process.OOMScoreAdj = &score
		s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil
	}
	fakes := []string{"sys/net/ipv4/ip_forward", "self/oom_score_adj", "1/oom_score_adj"}
	t.Run("of the image", func(t *testing.T) {
		b := newBundle(t, writable, withoutMount("/proc"), args("/bin/echo", "ran"), settings)
		for _, name := range fakes {
			b.write("proc/"+name, "fake\n", 0o666)
		}
		b.run().prints("ran\n")
		for _, name := range fakes {
			if text, err := os.ReadFile(b.root("proc", name)); string(text) != "fake\n" {
				t.Errorf("%s: %q, %v", name, text, err)
			}
		}
	})
	// Mounts of others, which reach the runtime where they are shared: on a directory of settings, and on all of /proc. Fails without the flags of
	// openat2 in program.sysctl, and when kernel.OpenProcfs does not look at what it has opened.
	for name, at := range map[string]string{"settings": "/proc/sys/net", "all": "/proc"} {
		t.Run(name, func(t *testing.T) {
			next := exec.Command(busybox, "true")
			if err := next.Run(); err != nil {
				t.Fatal(err)
			}
			files := map[string]string{"sys/net/ipv4/ip_forward": "fake\n"}
			for pid := range 200 {
				files[strconv.Itoa(next.Process.Pid+pid)+"/oom_score_adj"] = "fake\n"
			}
			fake := hostFiles(t, files)
			c := newBundle(t, args("/bin/cat", "/proc/sys/net/ipv4/ip_forward", "/proc/self/oom_score_adj"), settings).command()
			c.args = append([]string{busybox, "unshare", "-m", "--propagation", "private", "/bin/sh", "-c", busybox + ` mount -o bind "$0" "$1" && shift && exec "$@"`,
				fake + strings.TrimPrefix(at, "/proc"), at}, c.args...)
			if r := run(t, c); r.code == 0 {
				r.prints("1\n500\n")
			} else {
				r.refused(map[string]string{"settings": "net.ipv4.ip_forward", "all": "procfs"}[name])
			}
			for file, want := range files {
				if text, err := os.ReadFile(fake + "/" + file); string(text) != want {
					t.Errorf("%s: %q, %v", file, text, err)
				}
			}
		})
	}
}

// Inheritable capabilities nobody asked for. Fails when what is permitted is inheritable.
func TestEscape2022_29162(t *testing.T) {
	for _, e := range []edit{user(0, 0), user(1000, 1000)} {
		if got := payloadStatus(t, "CapInh", e); got != bits() {
			t.Errorf("inheritable %s", got)
		}
	}
}

// rootfs/dev as a link to a host directory: /dev is inside all the same, or the image refused. Also 2026-47766. Fails when the program's paths are
// resolved without RESOLVE_IN_ROOT.
func TestEscape2026_41579(t *testing.T) {
	host := hostFiles(t, nil)
	for _, to := range []string{host, host + "/new", "../../../../../.." + host, "/proc/1/root" + host} {
		for _, readonly := range []bool{true, false} {
			b := newBundle(t, script("ls -A /dev/; echo ran"))
			b.spec.Root.Readonly = readonly
			b.link("dev", to)
			if r := b.run(); r.code != 0 {
				r.refused("/dev")
			} else if !strings.Contains(r.stdout, "null\n") {
				t.Errorf("link to %s: its /dev is elsewhere: %q", to, r.stdout)
			}
			b.write("etc/resolv.conf", "", 0o644)
			if r := slimRun(t, "-p -R "+b.root(), "/bin/ls", "/dev/"); r.code != 0 {
				r.refused("/dev")
			} else if !strings.Contains(r.stdout, "null\n") {
				t.Errorf("slim, link to %s: its /dev is elsewhere: %q", to, r.stdout)
			}
			if entries, err := os.ReadDir(host); err != nil || len(entries) != 0 {
				t.Errorf("made on the host: %v, %v", entries, err)
			}
		}
	}
}

// The image's links lead into the image. The C ujail follows them on the host. Fails without RESOLVE_IN_ROOT.
func TestD27LinksStayInside(t *testing.T) {
	host := hostFiles(t, map[string]string{"dir/host": "of the host\n"})
	tree := hostTree(t, opened)
	for name, c := range map[string]struct {
		edit edit
		want string
	}{
		"mount":     {bind(tree, "/link/made"), tree + "\n"},
		"file":      {bind(tree+"/name", "/link/made/name"), tree + "\n"},
		"tmpcopyup": {mount("/link/dir", "tmpfs", "tmpfs", "tmpcopyup"), "none\n"},
		"device": {func(s *specs.Spec) {
			s.Linux.Devices = []specs.LinuxDevice{{Type: "c", Path: "/dev/link/made", Major: 1, Minor: 3}}
		}, "none\n"},
		"cwd": {func(s *specs.Spec) { s.Process.Cwd = "/link/made" }, "none\n"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, writable, withoutMount("/dev"), withoutMount("/dev/pts"), withoutMount("/dev/shm"), withoutMount("/dev/mqueue"),
				script("cat /link/made/name 2>&- || echo none; cat /link/dir/host 2>&- ; :"), c.edit)
			b.link("link", "../../.."+host).link("dev/link", host)
			// a link to nowhere may be refused, but not followed
			b.run()
			if err := os.MkdirAll(b.root(host, "dir"), 0o755); err != nil {
				t.Fatal(err)
			}
			b.run().prints(c.want)
			if entries, err := os.ReadDir(host); err != nil || len(entries) != 1 {
				t.Errorf("made on the host: %v, %v", entries, err)
			}
		})
	}
}
