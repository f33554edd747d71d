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

// What the kernel keeps of a process or a namespace beside files and ids:
// scheduling, memory policy, clocks, sysctls, names.

// schedStat is what the fields of /proc/self/stat say of scheduling (proc(5)).
type schedStat struct{ nice, rtPriority, policy int }

const (
	schedOther = 0
	schedFIFO  = 1
	schedRR    = 2
	schedBatch = 3
	schedIdle  = 5
)

func parseSched(t testing.TB, text string) schedStat {
	t.Helper()
	f := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(f) < 39 {
		t.Fatalf("not a /proc/PID/stat: %q", text)
	}
	number := func(i int) int { n, _ := strconv.Atoi(f[i]); return n }
	return schedStat{nice: number(16), rtPriority: number(37), policy: number(38)}
}

func TestOCIScheduler(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  *specs.Scheduler
		want schedStat
	}{
		{"none", nil, schedStat{0, 0, schedOther}},
		{"other", &specs.Scheduler{Policy: specs.SchedOther, Nice: 7}, schedStat{7, 0, schedOther}},
		{"batch", &specs.Scheduler{Policy: specs.SchedBatch, Nice: 3}, schedStat{3, 0, schedBatch}},
		{"idle", &specs.Scheduler{Policy: specs.SchedIdle}, schedStat{0, 0, schedIdle}},
		{"raised", &specs.Scheduler{Policy: specs.SchedOther, Nice: -5}, schedStat{-5, 0, schedOther}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBundle(t, args("/bin/cat", "/proc/self/stat"))
			b.spec.Process.Scheduler = c.ask
			if got := parseSched(t, b.run().ok().stdout); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	t.Run("reset on fork", func(t *testing.T) {
		b := newBundle(t, script("cat /proc/self/stat; cat /proc/$$/stat; :"))
		b.spec.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Nice: -3, Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagResetOnFork}}
		lines := strings.SplitAfter(b.run().ok().stdout, "\n")
		if child, self := parseSched(t, lines[0]), parseSched(t, lines[1]); child.nice != 0 || self.nice != -3 {
			t.Errorf("child %+v, payload %+v", child, self)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		b := newBundle(t)
		b.spec.Process.Scheduler = &specs.Scheduler{Policy: "SCHED_SOON"}
		b.run().refused("process.scheduler", "SCHED_SOON")
	})
}

func TestOCIIOPriority(t *testing.T) {
	for _, c := range []struct {
		class specs.IOPriorityClass
		level int
		want  string
	}{
		{specs.IOPRIO_CLASS_BE, 3, "best-effort: prio 3\n"},
		{specs.IOPRIO_CLASS_RT, 1, "realtime: prio 1\n"},
		{specs.IOPRIO_CLASS_IDLE, 0, "idle\n"},
	} {
		b := newBundle(t, script("ionice -p $$; :"))
		b.spec.Process.IOPriority = &specs.LinuxIOPriority{Class: c.class, Priority: c.level}
		b.run().prints(c.want)
	}
	b := newBundle(t)
	b.spec.Process.IOPriority = &specs.LinuxIOPriority{Class: "IOPRIO_CLASS_NOW"}
	b.run().refused("process.ioPriority", "IOPRIO_CLASS_NOW")
}

func TestOCIMemoryPolicy(t *testing.T) {
	if _, err := os.Stat("/proc/self/numa_maps"); err != nil {
		b := newBundle(t)
		b.spec.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0"}
		b.run().refused("linux.memoryPolicy")
		return
	}
	for _, c := range []struct {
		ask  specs.LinuxMemoryPolicy
		want string
	}{
		{specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0"}, "bind:0"},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolInterleave, Nodes: "0-0"}, "interleave:0"},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolPreferred, Nodes: "0", Flags: []specs.MemoryPolicyFlagType{specs.MpolFStaticNodes}}, "prefer=static:0"},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolLocal}, "local"},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolDefault}, "default"},
	} {
		b := newBundle(t, args("/bin/cat", "/proc/self/numa_maps"))
		b.spec.Linux.MemoryPolicy = &c.ask
		r := b.run().ok()
		if f := strings.Fields(r.stdout); len(f) < 2 || f[1] != c.want {
			t.Errorf("%+v gives %q, want %q", c.ask, strings.SplitN(r.stdout, "\n", 2)[0], c.want)
		}
	}
	for _, c := range []specs.LinuxMemoryPolicy{
		{Mode: "MPOL_FAST"}, {Mode: specs.MpolBind}, {Mode: specs.MpolBind, Nodes: "x"},
		{Mode: specs.MpolBind, Nodes: "0", Flags: []specs.MemoryPolicyFlagType{"MPOL_F_MAYBE"}},
	} {
		b := newBundle(t)
		b.spec.Linux.MemoryPolicy = &c
		b.run().refused("linux.memoryPolicy")
	}
}

func TestOCITimeOffsets(t *testing.T) {
	b := newBundle(t, script("cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime"), namespace(specs.TimeNamespace, ""))
	b.spec.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{
		"monotonic": {Secs: 172800, Nanosecs: 7}, "boottime": {Secs: 1000000000},
	}
	f := strings.Fields(b.run().ok().stdout)
	want := []string{"monotonic", "172800", "7", "boottime", "1000000000", "0"}
	if len(f) != 7 || !slices.Equal(f[:6], want) {
		t.Fatalf("offsets %v, want %v", f, want)
	}
	if up, _ := strconv.Atoi(f[6]); up < 1000000000 {
		t.Errorf("uptime %v", f[6])
	}
	t.Run("unknown clock", func(t *testing.T) {
		b := newBundle(t, namespace(specs.TimeNamespace, ""))
		b.spec.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"realtime": {Secs: 1}}
		b.run().refused("linux.timeOffsets", "realtime")
	})
	t.Run("no time namespace", func(t *testing.T) {
		b := newBundle(t)
		b.spec.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1}}
		b.run().refused("linux.timeOffsets")
	})
}

func TestOCISysctl(t *testing.T) {
	b := newBundle(t, script("cd /proc/sys; cat net/ipv4/ip_forward kernel/shm_rmid_forced fs/mqueue/msg_max kernel/domainname"))
	b.spec.Linux.Sysctl = map[string]string{
		"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1", "fs.mqueue.msg_max": "17", "kernel.domainname": "by.sysctl",
	}
	b.run().prints("1\n1\n17\nby.sysctl\n")
	t.Run("slashes", func(t *testing.T) {
		b := newBundle(t, script("cat /proc/sys/net/ipv4/ip_forward"))
		b.spec.Linux.Sysctl = map[string]string{"net/ipv4/ip_forward": "1"}
		b.run().prints("1\n")
	})
	for name, c := range map[string][2]string{"net.ipv4.no_such": {"1", "no_such"}, "net.ipv4.ip_forward": {"many", "ip_forward"}, "net.../../../x": {"1", "x"}} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			b.spec.Linux.Sysctl = map[string]string{name: c[0]}
			b.run().refused(c[1])
		})
	}
}

func TestOCINames(t *testing.T) {
	b := newBundle(t, script("hostname; cat /proc/sys/kernel/domainname"))
	b.spec.Hostname, b.spec.Domainname = "box", "example.org"
	b.run().prints("box\nexample.org\n")
	t.Run("no uts namespace", func(t *testing.T) {
		newBundle(t, script("hostname"), withoutNamespace(specs.UTSNamespace)).run().refused("hostname")
	})
	t.Run("none", func(t *testing.T) {
		newBundle(t, script("hostname"), withoutNamespace(specs.UTSNamespace), func(s *specs.Spec) { s.Hostname = "" }).run().prints("world\n")
	})
	t.Run("too long", func(t *testing.T) {
		newBundle(t, func(s *specs.Spec) { s.Hostname = strings.Repeat("x", 65) }).run().refused("hostname")
	})
}

// The list's last entries are those that the C ujail drops without a word.
func TestD34RefusedByName(t *testing.T) {
	for name, e := range map[string]edit{
		"linux.resources.memory.swappiness": func(s *specs.Spec) {
			n := uint64(0)
			s.Linux.Resources = &specs.LinuxResources{Memory: &specs.LinuxMemory{Swappiness: &n}}
		},
		"linux.intelRdt":          func(s *specs.Spec) { s.Linux.IntelRdt = &specs.LinuxIntelRdt{ClosID: "x"} },
		"process.apparmorProfile": func(s *specs.Spec) { s.Process.ApparmorProfile = "profile" },
		"process.selinuxLabel":    func(s *specs.Spec) { s.Process.SelinuxLabel = "label" },
		"linux.mountLabel":        func(s *specs.Spec) { s.Linux.MountLabel = "label" },
	} {
		t.Run(name, func(t *testing.T) { newBundle(t, args("/bin/echo", "ran"), e).run().refused(name) })
	}
}

// What changes nothing for a container without a terminal and without exec is taken.
func TestD34HarmlessFields(t *testing.T) {
	b := newBundle(t, args("/bin/echo", "ran"))
	b.spec.Process.ConsoleSize = &specs.Box{Height: 24, Width: 80}
	b.spec.Process.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0", Final: "0"}
	b.spec.Annotations = map[string]string{"org.opencontainers.image.os": "linux", "x": strings.Repeat("y", 100000)}
	b.run().prints("ran\n")
}

func TestOCIVersion(t *testing.T) {
	for _, v := range []string{"1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.1.0", "1.2.1", "1.3.0"} {
		b := newBundle(t, args("/bin/echo", "ran"))
		b.spec.Version = v
		b.run().prints("ran\n")
	}
	for _, v := range []string{"", "2.0.0", "0.9.0", "1", "new"} {
		b := newBundle(t, args("/bin/echo", "ran"))
		b.spec.Version = v
		b.run().refused("ociVersion")
	}
}
