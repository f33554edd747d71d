// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// -r -w -R -O -T -o: what a slim jail sees of the host's files.

// hostFiles is a directory of the world with the files named, gone after the test.
func hostFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	watch(t)
	dir := "/tmp/files-" + newName()
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		writeFile(t, dir+"/"+name, text, 0o644)
	}
	return dir
}

func TestSlimMounts(t *testing.T) {
	d := hostFiles(t, map[string]string{"a": "A\n", "b": "B\n", "dir/in": "IN\n", "dir/deep/er": "ER\n"})
	for _, c := range []struct{ name, options, script, want string }{
		{"file", "-r $/a", "cat $/a; ls $; (echo x >$/a) 2>/dev/null || echo refused", "A\na\nrefused\n"},
		{"directory", "-r $/dir", "cat $/dir/in $/dir/deep/er; touch $/dir/x 2>/dev/null || echo refused", "IN\nER\nrefused\n"},
		{"trailing slash", "-r $/dir/", "cat $/dir/in", "IN\n"},
		{"other place", "-r $/a:/etc/b", "cat /etc/b; ls $ 2>/dev/null || echo none", "A\nnone\n"},
		{"below another", "-r $/dir -r $/a:$/dir/in", "cat $/dir/in", "A\n"},
		{"below another, the other way round", "-r $/a:$/dir/in -r $/dir", "cat $/dir/in", "A\n"},
		{"missing", "-r $/none -w $/none2 -r $/a", "ls $", "a\n"},
		{"missing on a place", "-r $/none:/srv/x", "ls /srv 2>/dev/null || echo none", "none\n"},
		{"link", "-r $/dir/link", "cat $/dir/link", "A\n"},
		{"device", "-r /dev/null:/srv/null", "stat -c %F /srv/null", "character special file\n"},
		{"/proc file", "-p -r /proc/cpuinfo", "head -c 9 /proc/cpuinfo; (echo >/proc/cpuinfo) 2>/dev/null || echo refused", "processorrefused\n"},
		{"host's shm", "-w /dev/shm", "touch /dev/shm/from-jail; ls /dev/shm", "from-jail\n"},
		{"host's resolver", "-r $/a:/etc/resolv.conf", "cat /etc/resolv.conf", "A\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			os.Symlink("../a", d+"/dir/link")
			defer os.Remove("/dev/shm/from-jail")
			slimRun(t, strings.ReplaceAll(c.options, "$", d), sh(strings.ReplaceAll(c.script, "$", d))...).prints(c.want)
		})
	}
	t.Run("writable", func(t *testing.T) {
		d := hostFiles(t, map[string]string{"b": "B\n", "dir/in": "IN\n"})
		slimRun(t, "-w "+d+"/b -w "+d+"/dir:/srv", sh("echo new >"+d+"/b; echo made >/srv/made; chmod 600 /srv/made")...).ok()
		for name, want := range map[string]string{"b": "new\n", "dir/made": "made\n"} {
			if got, err := os.ReadFile(d + "/" + name); string(got) != want {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
	})
}

// The C ujail fails with "Operation not permitted (1)".
func TestD19TwoMountsOnOneTarget(t *testing.T) {
	d := hostFiles(t, map[string]string{"a": "A\n", "b": "B\n", "x/a": "XA\n", "y/a": "YA\n"})
	for options, want := range map[string]string{
		"-r $/a:/srv/f -r $/b:/srv/f":    "A\n",
		"-w $/b:/srv/f -r $/a:/srv/f":    "B\n",
		"-r $/x:/srv -r $/y:/srv/":       "XA\n",
		"-r $/none:/srv/f -r $/b:/srv/f": "B\n", // what is skipped does not count
	} {
		t.Run(options, func(t *testing.T) {
			slimRun(t, strings.ReplaceAll(options, "$", d), sh("cat /srv/*")...).prints(want)
		})
	}
}

// Programs that need others: the dynamic ones of this machine.
func TestSlimDependencies(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	slimRun(t, "-p", shell, "-c", "echo $$ dynamic").prints("1 dynamic\n")
	for _, name := range []string{"ls", "stat", "env", "date"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			slimRun(t, "-p", path, "--version").ok()
			slimRun(t, "-p -r "+path, shell, "-c", path+" --version >/dev/null && echo ran").prints("ran\n")
			slimRun(t, "-p -r "+path+":/srv/moved", shell, "-c", "/srv/moved --version >/dev/null && echo ran").prints("ran\n")
		})
	}
	t.Run("libraries are read-only", func(t *testing.T) {
		r := slimRun(t, "-p", shell, "-c", "while read l; do echo \"$l\"; done </proc/self/mountinfo").ok()
		n := 0
		for _, m := range parseMounts(r.stdout) {
			if strings.Contains(m.target, ".so") {
				m.want(t, "ro")
				n++
			}
		}
		if n == 0 {
			t.Errorf("no library in\n%s", r.stdout)
		}
	})
}

// The C ujail does not stage the interpreter of a script.
func TestD8Script(t *testing.T) {
	d := hostFiles(t, map[string]string{"hash": "#!/bin/sh\necho $0 $1\n", "blank": "#! /bin/sh -e\necho $0 $1\n", "busy": "#!" + busybox + " sh\necho $0 $1\n"})
	for _, name := range []string{"hash", "blank", "busy"} {
		path := d + "/" + name
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			want := path + " one\n"
			slimRun(t, "-p", path, "one").prints(want)
			slimRun(t, "-r "+path, sh(path+" one")...).prints(want)
		})
	}
	t.Run("of a script", func(t *testing.T) {
		writeFile(t, d+"/outer", "#!"+d+"/hash\n", 0o755)
		slimRun(t, "-p", d+"/outer", "one").prints(d + "/hash " + d + "/outer\n")
	})
	t.Run("missing interpreter", func(t *testing.T) {
		writeFile(t, d+"/bad", "#!/no/interpreter\n", 0o755)
		slimRun(t, "-p", d+"/bad").ends(127).says("/no/interpreter")
	})
}

func TestSlimReadonlyRoot(t *testing.T) {
	probe := sh("touch /x 2>/dev/null && echo / written; touch /dev/shm/x && echo /dev/shm written")
	slimRun(t, "-o", probe...).prints("/dev/shm written\n")
	slimRun(t, "-p", probe...).prints("/ written\n/dev/shm written\n")
	b := newBundle(t)
	b.write("etc/resolv.conf", "inside\n", 0o644)
	c := slim("-o -R "+b.root(), "/bin/sh", "-c", "touch /x 2>/dev/null || echo refused; echo x >/dev/null")
	before := b.tree()
	run(t, c).prints("refused\n")
	if b.tree() != before {
		t.Errorf("the rootfs is now\n%s", b.tree())
	}
}

func TestSlimExternalRoot(t *testing.T) {
	b := newBundle(t)
	b.write("etc/resolv.conf", "inside\n", 0o644)
	before := b.tree()
	slimRun(t, "-p -R "+b.root(), "/bin/sh", "-c", "ls -d /bin /home /lib 2>/dev/null; cat /etc/resolv.conf; echo $$; ls /dev/null; touch /opt/x && rm /opt/x").
		prints("/bin\n/home\n" + resolvConf + "1\n/dev/null\n")
	slimRun(t, "-p -N -R "+b.root(), "/bin/sh", "-c", "echo ran").prints("ran\n")
	if b.tree() != before {
		t.Errorf("the rootfs was\n%s\nis\n%s", before, b.tree())
	}
	t.Run("no resolver file", func(t *testing.T) {
		b := newBundle(t)
		slimRun(t, "-p -N -R "+b.root(), "/bin/sh", "-c", "echo ran").prints("ran\n")
		if link, err := os.Readlink(b.root("etc/resolv.conf")); err == nil {
			t.Errorf("etc/resolv.conf in the user's rootfs is now a link to %s", link)
		}
	})
	t.Run("its libraries", func(t *testing.T) {
		// what is run is the rootfs' own, whatever the host has under that name
		b.write("bin/tool", "#!/bin/sh\necho of the rootfs\n", 0o755)
		slimRun(t, "-p -R "+b.root(), "/bin/tool").prints("of the rootfs\n")
	})
	for name, path := range map[string]string{"missing": "/no/root", "a file": "/etc/passwd"} {
		t.Run(name, func(t *testing.T) { slimRun(t, "-p -R "+path, "/bin/sh").refused(path) })
	}
}

func TestSlimUserOfExternalRoot(t *testing.T) {
	b := newBundle(t)
	b.write("etc/passwd", "inner:x:4321:4322::/:/bin/sh\n", 0o644).write("etc/group", "inner:x:4322:\n", 0o644).write("etc/resolv.conf", "", 0o644)
	slimRun(t, "-p -U inner -R "+b.root(), "/bin/sh", "-c", "id -u; id -g; cat /etc/passwd").prints("4321\n4322\ninner:x:4321:4322::/:/bin/sh\n")
}

func TestSlimOverlay(t *testing.T) {
	b := newBundle(t)
	b.write("etc/resolv.conf", "inside\n", 0o644).write("etc/conf", "old\n", 0o644)
	before := b.tree()
	change := []string{"/bin/sh", "-c", "cat /etc/conf; echo new >/etc/conf; rm /bin/yes; mkdir /opt/made; cat /etc/conf; ls /bin/yes 2>/dev/null || echo gone"}
	t.Run("directory", func(t *testing.T) {
		d := hostFiles(t, nil)
		slimRun(t, "-p -O "+d+" -R "+b.root(), change...).prints("old\nnew\ngone\n")
		slimRun(t, "-p -O "+d+" -R "+b.root(), "/bin/sh", "-c", "cat /etc/conf; ls -d /opt/made").prints("new\n/opt/made\n")
		if text, err := os.ReadFile(d + "/upper/etc/conf"); string(text) != "new\n" {
			t.Errorf("upper/etc/conf: %q, %v", text, err)
		}
	})
	t.Run("memory", func(t *testing.T) {
		slimRun(t, "-p -T 1M -R "+b.root(), change...).prints("old\nnew\ngone\n")
		slimRun(t, "-p -T 1M -R "+b.root(), "/bin/sh", "-c", "cat /etc/conf; dd if=/dev/zero of=/opt/big bs=64k count=32 2>/dev/null || echo full").prints("old\nfull\n")
	})
	t.Run("of the staged files", func(t *testing.T) {
		slimRun(t, "-p -T 1M", sh("touch /x && echo written")...).prints("written\n")
	})
	t.Run("user namespace", func(t *testing.T) { // root inside is somebody else outside
		d := hostFiles(t, nil)
		made := []string{"/bin/sh", "-c", "ls -d /made 2>/dev/null; touch /made && stat -c %u:%g /made"}
		slimRun(t, "-f -O "+d+" -R "+b.root(), made...).prints("0:0\n")
		slimRun(t, "-f -O "+d+" -R "+b.root(), made...).prints("/made\n0:0\n")
		slimRun(t, "-f -T 1M -R "+b.root(), made...).prints("0:0\n")
	})
	t.Run("of a start that failed", func(t *testing.T) {
		d := hostFiles(t, nil)
		slimRun(t, "-O "+d+"/new/layer -R "+b.root(), "/bin/no-such-program").ends(127)
		if _, err := os.Lstat(d + "/new"); err == nil {
			t.Errorf("%s/new is left", d)
		}
	})
	t.Run("that cannot be written", func(t *testing.T) {
		// overlayfs keeps a directory of its own in the work directory, and has to empty it
		own := filepath.Join("work", "work", "dir")
		d := hostFiles(t, map[string]string{filepath.Join(own, "of-root"): ""})
		if err := os.Chmod(filepath.Join(d, own), 0o700); err != nil {
			t.Fatal(err)
		}
		slimRun(t, "-f -O "+d+" -R "+b.root(), "/bin/true").refused("overlay", "work directory")
	})
	t.Run("network", func(t *testing.T) {
		slimRun(t, "-p -N -T 1M -R "+b.root(), "/bin/sh", "-c", "readlink /etc/resolv.conf").prints("../dev/resolv.conf.d/resolv.conf.auto\n")
	})
	if b.tree() != before {
		t.Errorf("the rootfs was\n%s\nis\n%s", before, b.tree())
	}
	t.Run("missing", func(t *testing.T) { slimRun(t, "-p -O /no/layer -R "+b.root(), "/bin/sh").refused("/no") })
	t.Run("size", func(t *testing.T) { slimRun(t, "-p -T 123456789 -R "+b.root(), "/bin/sh").ends(2).says("-T") })
}
