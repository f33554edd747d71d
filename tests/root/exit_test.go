// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The exit status: the payload's, 128+N if a signal ended it, 127 not found,
// 126 not executable, 2 for a wrong command line, 1 for all that is refused.

func TestExitStatus(t *testing.T) {
	b := newBundle(t)
	for _, code := range []int{0, 1, 2, 7, 126, 127, 128, 255} {
		script(fmt.Sprint("exit ", code))(b.spec)
		b.run().ends(code)
		slimRun(t, "-p", sh(fmt.Sprint("exit ", code))...).ends(code)
		slimRun(t, "-c", sh(fmt.Sprint("exit ", code))...).ends(code)
	}
}

func TestExitSignal(t *testing.T) {
	for _, sig := range []int{1, 2, 6, 8, 9, 11, 13, 14, 15, 34, 64} {
		t.Run(fmt.Sprint(sig), func(t *testing.T) {
			kill := fmt.Sprintf("kill -%d $$; sleep 1000", sig)
			newBundle(t, withoutNamespace(specs.PIDNamespace), script(kill)).run().ends(128 + sig)
			slimRun(t, "-c", busybox, "sh", "-c", kill).ends(128 + sig)
		})
	}
	// a pid 1 cannot send itself what ends it
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGXCPU} {
		t.Run("pid 1 "+sig.String(), func(t *testing.T) {
			p := newBundle(t, script("echo ready; exec sleep 1000")).start().until("ready")
			if err := syscall.Kill(p.payload(), sig); err != nil {
				t.Fatal(err)
			}
			if sig != syscall.SIGKILL {
				// the kernel spares an init what it does not handle
				syscall.Kill(p.payload(), syscall.SIGKILL)
				sig = syscall.SIGKILL
			}
			p.wait().ends(128 + int(sig))
		})
	}
}

// The C ujail returns 1 for both.
func TestD10NotFoundNotExecutable(t *testing.T) {
	files := func(b *bundle) *bundle {
		return b.write("srv/text", "text\n", 0o644).write("srv/garbage", "\x00\x01\x02\x03 no program\n", 0o755).
			write("srv/private", "#!/bin/sh\n", 0o700).write("srv/noint", "#!/no/interpreter\n", 0o755).
			write("srv/dirint", "#!/etc\n", 0o755).write("srv/empty", "", 0o755).
			write("etc/resolv.conf", "", 0o644).link("srv/loop", "loop").link("srv/dangling", "/no/such")
	}
	for _, c := range []struct {
		name, program string
		edit          edit
		code          int
	}{
		{"missing", "/no/such", user(0, 0), 127},
		{"missing in PATH", "nosuch", user(0, 0), 127},
		{"missing below a file", "/etc/passwd/x", user(0, 0), 127},
		{"missing interpreter", "/srv/noint", user(0, 0), 127},
		{"dangling link", "/srv/dangling", user(0, 0), 127},
		{"directory", "/etc", user(0, 0), 126},
		{"not executable", "/srv/text", user(0, 0), 126},
		{"not executable for the user", "/srv/private", user(1000, 1000), 126},
		{"no program", "/srv/garbage", user(0, 0), 126},
		{"empty", "/srv/empty", user(0, 0), 126},
		{"directory as interpreter", "/srv/dirint", user(0, 0), 126},
		{"link to itself", "/srv/loop", user(0, 0), 127},
		{"on a noexec mount", "/mnt/garbage", bind("/mnt/bin", "/mnt", "noexec"), 126},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := files(newBundle(t, args(c.program), c.edit))
			if c.program == "/mnt/garbage" {
				b.spec.Process.Args[0] = "/mnt/busybox"
			}
			b.run().ends(c.code).says(b.spec.Process.Args[0])
			if strings.HasPrefix(c.program, "/srv/") || c.program == "/etc" {
				options := "-p -R " + b.root()
				if c.name == "not executable for the user" {
					options += " -U web"
				}
				slimRun(t, options, c.program).ends(c.code).says(c.program)
			}
		})
	}
	for options, c := range map[string]struct {
		program string
		code    int
	}{"-p": {"/no/such", 127}, "-c": {"/no/such", 127}, "-s": {"/etc/passwd", 126}, "-c -p": {"/etc", 126}} {
		t.Run("slim "+options, func(t *testing.T) { slimRun(t, options, c.program).ends(c.code).says(c.program) })
	}
}

// The C ujail searches the PATH it was started with.
func TestD21PathOfTheContainer(t *testing.T) {
	path := func(p string) edit {
		return func(s *specs.Spec) { s.Process.Env = []string{"PATH=" + p, "HOME=/"} }
	}
	b := newBundle(t, args("tool", "arg"))
	b.write("srv/bin/tool", "#!/bin/sh\necho $0 $1\n", 0o755).write("opt/bin/tool", "not executable", 0o644)
	for p, want := range map[string]string{
		"/srv/bin":                    "/srv/bin/tool arg\n",
		"/bin:/no/such:/srv/bin:/opt": "/srv/bin/tool arg\n",
		"/opt/bin:/srv/bin":           "/srv/bin/tool arg\n",
		"/etc/passwd:/srv/bin":        "/srv/bin/tool arg\n",
	} {
		t.Run(p, func(t *testing.T) {
			path(p)(b.spec)
			b.run().prints(want)
		})
	}
	for p, code := range map[string]int{"/bin:/usr/bin": 127, "/opt/bin": 126, "/opt/bin:/bin": 126} {
		t.Run(p, func(t *testing.T) {
			path(p)(b.spec)
			b.run().ends(code).says("tool")
		})
	}
	t.Run("the supervisor's", func(t *testing.T) {
		// hostPath has /bin, the container's has not
		newBundle(t, args("cat", "/etc/passwd"), path("/srv/bin")).run().ends(127).says("cat")
	})
	t.Run("not the mountpoint's", func(t *testing.T) {
		newBundle(t, args("sub/tool"), path("/srv")).run().ends(127).says("sub/tool")
	})
}

func TestUsage(t *testing.T) {
	for _, line := range []string{
		"-Z -- /bin/true", "-n", "-c --", "-c", "-t soon -c -- /bin/true", "-J /bundle -i", "-n a/b -c -- /bin/true",
		"-n x -i -J /bundle -e HOME", "-n x -i -J /bundle -p", "-n x -i -J /bundle -- /bin/true", "-n x -- /bin/true",
	} {
		t.Run(line, func(t *testing.T) {
			r := run(t, command{args: append([]string{ujailPath}, strings.Fields(line)...)}).ends(2)
			if r.stdout != "" || r.stderr == "" {
				t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
			}
		})
	}
	run(t, command{args: []string{ujailPath}}).ends(2)
	for _, option := range []string{"--help", "--version"} {
		if r := run(t, command{args: []string{ujailPath, option}}).ends(0); r.stdout == "" || r.stderr != "" {
			t.Errorf("%s: stdout %q, stderr %q", option, r.stdout, r.stderr)
		}
	}
}

func TestUnknownApplet(t *testing.T) {
	watch(t)
	link := programDir + "/frob"
	if err := os.Symlink("gojail", link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(link) })
	r := run(t, command{args: []string{link, "-n", "x"}})
	if r.code == 0 || r.signaled || !strings.Contains(r.stderr, "frob") || !strings.Contains(r.stderr, "ujail") {
		t.Errorf("exit status %d, stderr %q", r.code, r.stderr)
	}
}

func TestNotRoot(t *testing.T) {
	b := newBundle(t, args("/bin/echo", "ran"))
	for name, c := range map[string]command{"bundle": b.command(), "slim": slim("-c", busybox, "echo", "ran")} {
		t.Run(name, func(t *testing.T) {
			c.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			run(t, c).refused("root")
		})
	}
}
