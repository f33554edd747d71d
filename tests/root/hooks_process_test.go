// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// What a hook is as a process: nothing of ours reaches it, and the one in the container is no more than the payload.

// catHooks adds a hook of every kind that shows a file.
func catHooks(file string) edit {
	return func(s *specs.Spec) {
		for _, k := range kinds {
			h := shellHook(k, "")
			h.Args, h.Env = []string{"sh", "-c", "echo " + k + " begins; cat " + file + "; :"}, []string{"PATH=/mnt/bin:/bin", "A=b c", "EMPTY="}
			addHook(s, k, h)
		}
	}
}

// sections are what the hooks of catHooks have shown.
func sections(t *testing.T, text string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for i, k := range kinds {
		_, rest, ok := strings.Cut(text, k+" begins\n")
		if !ok {
			t.Fatalf("%s: nothing in\n%s", k, text)
		}
		if i < len(kinds)-1 {
			rest, _, _ = strings.Cut(rest, kinds[i+1]+" begins\n")
		}
		out[k] = rest
	}
	return out
}

func TestHookStatus(t *testing.T) {
	b := newBundle(t, catHooks("/proc/self/status"), user(1000, 1001, 7), args("/bin/cat", "/proc/self/status"), namespace(specs.UserNamespace, ""), shifted)
	r := run(t, helped("block", shelled("trap '' CHLD HUP PIPE INT USR1", b.command()))).ends(0)
	for k, text := range sections(t, r.stderr) {
		for _, field := range []string{"SigBlk", "SigIgn"} {
			if got := strings.Trim(status(t, text, field), "0"); got != "" {
				t.Errorf("%s: %s %s", k, field, got)
			}
		}
		inside := k == "createContainer" || k == "startContainer"
		if n := len(strings.Fields(status(t, text, "NSpid"))); inside != (n == 2) && !inside {
			t.Errorf("%s: in %d pid namespaces", k, n)
		}
		want := "0 0 0 0"
		if k == "startContainer" {
			want = "1000 1000 1000 1000"
			for _, field := range []string{"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"} {
				if got, of := status(t, text, field), status(t, r.stdout, field); got != of {
					t.Errorf("%s: %s %s, the payload has %s", k, field, got, of)
				}
			}
		}
		if got := status(t, text, "Uid"); got != want {
			t.Errorf("%s: Uid %s, want %s", k, got, want)
		}
	}
}

func TestHookEnvironment(t *testing.T) {
	b := newBundle(t, catHooks("/proc/self/environ"))
	for k, text := range sections(t, b.run().ends(0).stderr) {
		got := strings.Split(text, "\x00")
		got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "SHLVL=") || strings.HasPrefix(s, "PWD=") })
		if len(got) > 0 {
			got = got[:len(got)-1] // what the next one said
		}
		slices.Sort(got)
		if want := []string{"A=b c", "EMPTY=", "PATH=/mnt/bin:/bin"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	t.Run("none", func(t *testing.T) {
		b := newBundle(t)
		addHook(b.spec, "createRuntime", specs.Hook{Path: busybox, Args: []string{"env"}})
		if r := b.run().ok(); r.stderr != "" && !strings.Contains(r.stderr, "ubus") {
			t.Errorf("%q", r.stderr)
		}
	})
}

func TestHookArguments(t *testing.T) {
	b := newBundle(t)
	for i, a := range [][]string{nil, {"other name"}, {"x", "", "two words", "\"\n"}} {
		addHook(b.spec, "createRuntime", specs.Hook{Path: "/mnt/show", Args: a, Env: []string{"N=" + strconv.Itoa(i)}})
	}
	writeFile(t, "/mnt/show", "#!"+busybox+" sh\ntr '\\0' '|' </proc/$$/cmdline; echo \" $N\"\n", 0o755)
	t.Cleanup(func() { os.Remove("/mnt/show") })
	r := b.run().ends(0)
	for _, want := range []string{busybox + "|sh|/mnt/show| 0\n", busybox + "|sh|/mnt/show| 1\n", busybox + "|sh|/mnt/show||two words|\"\n| 2\n"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("no %q in %q", want, r.stderr)
		}
	}
}

// The descriptors of a hook are three; what it prints is no output of the payload.
func TestHookDescriptors(t *testing.T) {
	b := newBundle(t, each("echo KIND begins; ls /proc/self/fd; :"), script("echo only this"))
	r := run(t, shelled("exec 7</ 8</etc 9<&0", b.command())).ends(0)
	if r.stdout != "only this\n" {
		t.Errorf("stdout %q", r.stdout)
	}
	for k, text := range sections(t, r.stderr) {
		if fds := strings.Fields(text); len(fds) < 4 || !slices.Equal(fds[:4], []string{"0", "1", "2", "3"}) || len(fds) > 4 && fds[4] == "4" {
			t.Errorf("%s: descriptors %q", k, fds) // one is ls' own
		}
	}
}

// Limits are the caller's, not those that a worker gives itself; in the container those of the payload.
func TestHookLimits(t *testing.T) {
	text := "echo KIND:$(ulimit -n) $(ulimit -H -n) $(ulimit -v) $(ulimit -f)"
	b := newBundle(t, each(text), func(s *specs.Spec) {
		s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 33, Hard: 66}, {Type: "RLIMIT_CORE"}}
	}, shifted)
	r := run(t, shelled("ulimit -S -n 77; ulimit -H -n 88; ulimit -S -v 100000; ulimit -S -f 50", b.command())).ends(0)
	for k, got := range said(r.stderr) {
		want := "77 88 100000 50"
		if k == "startContainer" {
			want = "33 66 100000 50"
		}
		if !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q\n%s", k, got, want, r.stderr)
		}
	}
}

// A hook of the container that is its own interpreter gets nothing of ours to execute or to write to (CVE-2019-5736).
func TestEscape2019_5736Hook(t *testing.T) {
	before := programHash(t)
	for name, text := range map[string]string{"interpreter": "#!/proc/self/exe\n", "interpreter, arg": "#!/proc/self/exe -c\n"} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, writable, user(0, 0), script("echo ran"))
			b.write("bin/evil", text, 0o755)
			addHook(b.spec, "startContainer", specs.Hook{Path: "/bin/evil"})
			b.run().ends(1).says("hooks.startContainer[0]", "/bin/evil", "126")
		})
	}
	t.Run("write to what is there", func(t *testing.T) {
		b := newBundle(t, writable, user(0, 0), capabilities("CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"), hooks("startContainer",
			"for p in 1 self $PPID; do (echo overwritten >/proc/$p/exe) 2>/dev/null && echo wrote $p; done; readlink /proc/self/exe"), script("exit 0"))
		if r := b.run().ends(0); strings.Contains(r.stderr, "wrote") || !strings.Contains(r.stderr, "/bin/busybox\n") {
			t.Errorf("says %q", r.stderr)
		}
	})
	if programHash(t) != before {
		t.Fatal("the program was overwritten")
	}
}

// The processes of a hook: a leader of a session that has no terminal.
func TestHookSession(t *testing.T) {
	b := newBundle(t, each("read pid name state parent group session rest </proc/self/stat; echo KIND:$pid $group $session"))
	for k, got := range said(b.run().ends(0).stderr) {
		if f := strings.Fields(got[0]); len(f) != 3 || f[0] != f[1] || f[1] != f[2] {
			t.Errorf("%s: pid, group and session %q", k, got)
		}
	}
}

// What is run in the container is in its control group, and under its limits; what is not is where the caller is.
func TestHookControlGroup(t *testing.T) {
	b := newBundle(t, each("echo KIND:$(grep ^0:: /proc/self/cgroup)"), namespace(specs.CgroupNamespace, ""))
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for k, got := range said(b.run().ends(0).stderr) {
		want := strings.TrimSpace(string(own[strings.Index(string(own), "0::"):]))
		if k == "createContainer" || k == "startContainer" {
			want = "0::/"
		}
		if !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", k, got, want)
		}
	}
}

// The hook of the container is under the payload's filter, whenever that is loaded; the others are not.
func TestHookSeccomp(t *testing.T) {
	for name, privileges := range map[string]bool{"no new privileges": true, "loaded early": false} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, each("echo KIND:$(grep ^Seccomp: /proc/self/status | cut -f2) $(mkdir /tmp/x 2>&1)"), script("mkdir /tmp/x 2>&1; :"), writable,
				func(s *specs.Spec) {
					s.Process.NoNewPrivileges = privileges
					s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{
						{Names: []string{"mkdir", "mkdirat"}, Action: specs.ActErrno}}}
				})
			r := b.run().ends(0)
			for k, got := range said(r.stderr) {
				if filtered := strings.HasPrefix(got[0], "2 ") && strings.HasSuffix(got[0], "Operation not permitted"); filtered != (k == "startContainer") {
					t.Errorf("%s: %q", k, got)
				}
			}
			os.Remove("/tmp/x")
		})
	}
	t.Run("killed by it", func(t *testing.T) {
		b := newBundle(t, hooks("startContainer", "mkdir /tmp/x"), script("echo ran"), func(s *specs.Spec) {
			s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{
				{Names: []string{"mkdir", "mkdirat"}, Action: specs.ActKillProcess}}}
		})
		b.run().refused("hooks.startContainer[0]: /bin/busybox was ended by signal 31 (bad system call)")
	})
}
