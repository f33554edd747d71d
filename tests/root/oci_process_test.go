// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// What the process section of a config.json asks for, as the payload sees it.

// status is a field of a /proc/PID/status text, its words joined by blanks.
func status(t testing.TB, text, field string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && name == field {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	t.Errorf("no %s in %q", field, text)
	return ""
}

// payloadStatus runs cat as the payload and gives the value of a status field.
func payloadStatus(t testing.TB, field string, edits ...edit) string {
	t.Helper()
	b := newBundle(t, args("/bin/cat", "/proc/self/status"))
	for _, e := range edits {
		e(b.spec)
	}
	return status(t, b.run().ok().stdout, field)
}

func TestOCIPidOne(t *testing.T) {
	newBundle(t, script("cat /proc/1/comm; echo $$")).run().prints("sh\n1\n")
}

func TestOCIStdin(t *testing.T) {
	c := newBundle(t, args("/bin/cat")).command()
	c.stdin = "through\n"
	run(t, c).prints("through\n")
}

func TestOCIStderr(t *testing.T) {
	r := newBundle(t, script("echo no >&2; exit 3")).run().ends(3)
	if !strings.Contains("\n"+r.stderr, "\nno\n") || r.stdout != "" {
		t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
	}
}

func TestOCIUser(t *testing.T) {
	for _, c := range []struct {
		name string
		edit edit
		want string
	}{
		{"root", user(0, 0), "uid 0 0 0 0 gid 0 0 0 0 groups "},
		{"other", user(1000, 1001), "uid 1000 1000 1000 1000 gid 1001 1001 1001 1001 groups "},
		{"additional", user(1000, 1001, 5, 2000), "uid 1000 1000 1000 1000 gid 1001 1001 1001 1001 groups 5 2000"},
		{"root with groups", user(0, 7, 8, 9), "uid 0 0 0 0 gid 7 7 7 7 groups 8 9"},
		{"largest", user(4294967294, 4294967294), "uid 4294967294 4294967294 4294967294 4294967294 gid 4294967294 4294967294 4294967294 4294967294 groups "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newBundle(t, args("/bin/cat", "/proc/self/status"), c.edit).run().ok()
			got := fmt.Sprintf("uid %s gid %s groups %s", status(t, r.stdout, "Uid"), status(t, r.stdout, "Gid"), status(t, r.stdout, "Groups"))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestOCIUmask(t *testing.T) {
	mask := uint32(0o027)
	if got := payloadStatus(t, "Umask", func(s *specs.Spec) { s.Process.User.Umask = &mask }); got != "0027" {
		t.Errorf("umask %s, want 0027", got)
	}
	if got := payloadStatus(t, "Umask"); got != "0022" {
		t.Errorf("umask %s without one in the config, want 0022", got)
	}
}

func TestOCICwd(t *testing.T) {
	cwd := func(dir string) edit { return func(s *specs.Spec) { s.Process.Cwd = dir } }
	t.Run("there", func(t *testing.T) {
		newBundle(t, script("pwd"), cwd("/etc")).run().prints("/etc\n")
	})
	t.Run("made", func(t *testing.T) {
		newBundle(t, writable, script("pwd; stat -c %a:%u .; ls -a"), cwd("/srv/new/dir")).run().prints("/srv/new/dir\n755:0\n.\n..\n")
	})
	t.Run("a file", func(t *testing.T) {
		newBundle(t, script("pwd"), cwd("/etc/passwd")).run().refused("/etc/passwd")
	})
	t.Run("relative", func(t *testing.T) {
		newBundle(t, script("pwd"), cwd("etc")).run().refused("process.cwd")
	})
}

// payloadEnv is the environment that env prints, without what the jail adds.
func payloadEnv(r result) []string {
	lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	return slices.DeleteFunc(lines, func(l string) bool { return l == "container=ujail" })
}

func TestOCIEnv(t *testing.T) {
	b := newBundle(t, args("/bin/env"))
	c := b.command()
	c.env = []string{"SUPERVISORS=secret"}
	if got := payloadEnv(run(t, c).ok()); !slices.Equal(got, b.spec.Process.Env) {
		t.Errorf("environment %q, want %q", got, b.spec.Process.Env)
	}
}

// The C ujail takes 64 entries and leaves the list without an end when it is full.
func TestD23EnvOfTenThousand(t *testing.T) {
	for _, n := range []int{63, 64, 65, 10000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			b := newBundle(t, args("/bin/env"))
			b.spec.Process.Env = nil
			for i := range n {
				b.spec.Process.Env = append(b.spec.Process.Env, fmt.Sprintf("V%d=%d", i, i*i))
			}
			if got := payloadEnv(b.run().ok()); !slices.Equal(got, b.spec.Process.Env) {
				t.Errorf("%d entries arrived, want %d as given", len(got), n)
			}
		})
	}
}

// bits is the mask of capabilities as /proc/PID/status shows it.
func bits(list ...uint) string {
	mask := uint64(0)
	for _, c := range list {
		mask |= 1 << c
	}
	return fmt.Sprintf("%016x", mask)
}

func TestOCICapabilities(t *testing.T) {
	three := []string{"CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	none, all, one := bits(), bits(unix.CAP_CHOWN, unix.CAP_KILL, unix.CAP_NET_BIND_SERVICE), bits(unix.CAP_KILL)
	for _, c := range []struct {
		name                                          string
		user                                          edit
		caps                                          specs.LinuxCapabilities
		inheritable, permitted, effective, bnd, ambnt string
	}{
		{"root, all sets", user(0, 0),
			specs.LinuxCapabilities{Bounding: three, Effective: three, Permitted: three, Inheritable: three, Ambient: three},
			all, all, all, all, all},
		{"root, no inheritable", user(0, 0),
			specs.LinuxCapabilities{Bounding: three, Effective: three, Permitted: three},
			none, all, all, all, none},
		{"root, none", user(0, 0), specs.LinuxCapabilities{}, none, none, none, none, none},
		{"root, bounding larger", user(0, 0),
			specs.LinuxCapabilities{Bounding: three, Effective: three[:1], Permitted: three[:1]},
			none, all, all, all, none}, // execve gives root the bounding set
		{"root, bounding larger, no new privileges", user(0, 0),
			specs.LinuxCapabilities{Bounding: three, Effective: three[1:2], Permitted: three[1:2]},
			none, one, one, all, none},
		{"user, ambient", user(1000, 1000),
			specs.LinuxCapabilities{Bounding: three, Effective: three, Permitted: three, Inheritable: three, Ambient: three[1:2]},
			all, one, one, all, one},
		{"user, no ambient", user(1000, 1000),
			specs.LinuxCapabilities{Bounding: three, Effective: three, Permitted: three, Inheritable: three},
			all, none, none, all, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBundle(t, args("/bin/cat", "/proc/self/status"), c.user)
			b.spec.Process.Capabilities = &c.caps
			b.spec.Process.NoNewPrivileges = strings.HasSuffix(c.name, "no new privileges")
			r := b.run().ok()
			for _, set := range []struct{ field, want string }{
				{"CapInh", c.inheritable}, {"CapPrm", c.permitted}, {"CapEff", c.effective}, {"CapBnd", c.bnd}, {"CapAmb", c.ambnt},
			} {
				if got := status(t, r.stdout, set.field); got != set.want {
					t.Errorf("%s %s, want %s", set.field, got, set.want)
				}
			}
		})
	}
	t.Run("unknown", func(t *testing.T) {
		// the specification asks for a warning
		r := newBundle(t, capabilities("CAP_KILL", "CAP_TELEPORT"), script("echo ran")).run().ends(0)
		if r.stdout != "ran\n" || !strings.Contains(r.stderr, "warning: process.capabilities") || !strings.Contains(r.stderr, "CAP_TELEPORT") {
			t.Errorf("printed %q, says %q", r.stdout, r.stderr)
		}
	})
}

// The kernel refuses to raise an ambient capability that is not inheritable;
// runc's example asks for it, and runc runs it.
func TestD5AmbientWithoutInheritable(t *testing.T) {
	for _, c := range []struct {
		name string
		user edit
	}{{"root", user(0, 0)}, {"user", user(1000, 1000)}} {
		t.Run(c.name, func(t *testing.T) {
			r := newBundle(t, args("/bin/cat", "/proc/self/status"), c.user).run().ok()
			for _, field := range []string{"CapInh", "CapAmb"} {
				if got := status(t, r.stdout, field); got != bits() {
					t.Errorf("%s %s, want none", field, got)
				}
			}
		})
	}
}

func TestOCINoNewPrivileges(t *testing.T) {
	for want, on := range map[string]bool{"0": false, "1": true} {
		if got := payloadStatus(t, "NoNewPrivs", func(s *specs.Spec) { s.Process.NoNewPrivileges = on }); got != want {
			t.Errorf("NoNewPrivs %s, want %s", got, want)
		}
	}
}

func TestOCIOOMScoreAdj(t *testing.T) {
	b := newBundle(t, script("cat /proc/self/oom_score_adj"))
	score := 500
	b.spec.Process.OOMScoreAdj = &score
	b.run().prints("500\n")
	b.spec.Process.OOMScoreAdj = nil
	ours, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Fatal(err)
	}
	b.run().prints(string(ours))
	score = 1001
	b.spec.Process.OOMScoreAdj = &score
	b.run().refused("process.oomScoreAdj")
}

// The values are below what a process without CAP_SYS_RESOURCE may have, and
// above what a shell needs.
func TestOCIRlimits(t *testing.T) {
	limits := []struct {
		kind, shown string
		soft, hard  uint64
	}{
		{"RLIMIT_AS", "Max address space", 1 << 30, 1 << 31},
		{"RLIMIT_CORE", "Max core file size", 0, 0},
		{"RLIMIT_CPU", "Max cpu time", 1000, 2000},
		{"RLIMIT_DATA", "Max data size", 1 << 29, 1 << 30},
		{"RLIMIT_FSIZE", "Max file size", 1 << 29, 1 << 30},
		{"RLIMIT_LOCKS", "Max file locks", 100, 200},
		{"RLIMIT_MEMLOCK", "Max locked memory", 4096, 8192},
		{"RLIMIT_MSGQUEUE", "Max msgqueue size", 4096, 8192},
		{"RLIMIT_NICE", "Max nice priority", 0, 0},
		{"RLIMIT_NOFILE", "Max open files", 12, 99},
		{"RLIMIT_NPROC", "Max processes", 50, 100},
		{"RLIMIT_RSS", "Max resident set", 1 << 29, 1 << 30},
		{"RLIMIT_RTPRIO", "Max realtime priority", 0, 0},
		{"RLIMIT_RTTIME", "Max realtime timeout", 1000000, 2000000},
		{"RLIMIT_SIGPENDING", "Max pending signals", 50, 100},
		{"RLIMIT_STACK", "Max stack size", 1 << 20, 1 << 22},
	}
	b := newBundle(t, args("/bin/cat", "/proc/self/limits"))
	b.spec.Process.Rlimits = nil
	for _, l := range limits {
		b.spec.Process.Rlimits = append(b.spec.Process.Rlimits, specs.POSIXRlimit{Type: l.kind, Soft: l.soft, Hard: l.hard})
	}
	r := b.run().ok()
	for _, l := range limits {
		line := l.shown + " " + strconv.FormatUint(l.soft, 10) + " " + strconv.FormatUint(l.hard, 10)
		if !strings.Contains(strings.Join(strings.Fields(r.stdout), " "), line) {
			t.Errorf("no %q in\n%s", line, r.stdout)
		}
	}
	t.Run("unknown", func(t *testing.T) {
		newBundle(t, func(s *specs.Spec) { s.Process.Rlimits[0].Type = "RLIMIT_PATIENCE" }).run().refused("process.rlimits", "RLIMIT_PATIENCE")
	})
	t.Run("twice", func(t *testing.T) {
		newBundle(t, func(s *specs.Spec) { s.Process.Rlimits = append(s.Process.Rlimits, s.Process.Rlimits[0]) }).run().refused("process.rlimits", "RLIMIT_NOFILE")
	})
	t.Run("soft above hard", func(t *testing.T) {
		newBundle(t, func(s *specs.Spec) { s.Process.Rlimits[0].Soft = 1025 }).run().refused("process.rlimits[0]")
	})
}

// The C ujail limits itself too: a container with few files or no memory could
// not be supervised.
func TestD29RlimitsSpareTheSupervisor(t *testing.T) {
	ours, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		t.Fatal(err)
	}
	b := newBundle(t, script("ulimit -n; "+untilTerm))
	b.spec.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 16, Hard: 16}, {Type: "RLIMIT_CPU", Soft: 50, Hard: 60}}
	p := b.start().until("ready")
	limits, err := os.ReadFile(procPath(p.pid(), "limits"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Max cpu time", "Max open files"} {
		_, have, _ := strings.Cut(string(limits), name)
		_, want, _ := strings.Cut(string(ours), name)
		// Go raises our own soft limit of files; the hard one is the inherited one
		h, w := strings.Fields(have), strings.Fields(want)
		if h[1] != w[1] || h[0] == "16" {
			t.Errorf("the supervisor's %s: %s %s", name, h[0], h[1])
		}
	}
	if r := p.signal(syscall.SIGTERM).wait().ends(0); r.stdout != "16\nready\n" {
		t.Errorf("printed %q", r.stdout)
	}
}

func TestOCIPersonality(t *testing.T) {
	b := newBundle(t, script("cat /proc/self/personality; uname -m"))
	b.spec.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32}
	r := b.run().ok()
	machine := map[string]string{"amd64": "i686", "arm64": "armv8l", "386": "i686"}[runtime.GOARCH]
	if got := strings.Fields(r.stdout); got[0] != "00000008" || machine != "" && got[1] != machine {
		t.Errorf("personality %v, want 00000008 %s", got, machine)
	}
	b.spec.Linux.Personality.Domain = "PLAN9"
	b.run().refused("linux.personality", "PLAN9")
}

// What was used on the way (keepcaps) is not the payload's.
func TestOCISecurebits(t *testing.T) {
	for name, edits := range map[string][]edit{"root": {user(0, 0)}, "user": {user(1000, 1000)}, "user namespace": {user(1000, 1000), shifted}} {
		t.Run(name, func(t *testing.T) {
			withHost(t, append(edits, args("/usr/bin/python3", "-c", "import ctypes; print(ctypes.CDLL(None).prctl(27))"))...).run().prints("0\n")
		})
	}
}
