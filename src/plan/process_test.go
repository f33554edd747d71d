// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestRlimitNumbers(t *testing.T) {
	want := map[string]int{
		"AS": unix.RLIMIT_AS, "CORE": unix.RLIMIT_CORE, "CPU": unix.RLIMIT_CPU, "DATA": unix.RLIMIT_DATA, "FSIZE": unix.RLIMIT_FSIZE,
		"LOCKS": unix.RLIMIT_LOCKS, "MEMLOCK": unix.RLIMIT_MEMLOCK, "MSGQUEUE": unix.RLIMIT_MSGQUEUE, "NICE": unix.RLIMIT_NICE,
		"NOFILE": unix.RLIMIT_NOFILE, "NPROC": unix.RLIMIT_NPROC, "RSS": unix.RLIMIT_RSS, "RTPRIO": unix.RLIMIT_RTPRIO,
		"RTTIME": unix.RLIMIT_RTTIME, "SIGPENDING": unix.RLIMIT_SIGPENDING, "STACK": unix.RLIMIT_STACK,
	}
	if len(rlimitNumbers) != len(want) {
		t.Errorf("%d limits, want %d", len(rlimitNumbers), len(want))
	}
	for name, number := range want {
		got, err := rlimits([]specs.POSIXRlimit{{Type: "RLIMIT_" + name, Soft: 1 << 40, Hard: ^uint64(0)}})
		if want := (Rlimit{strings.ToLower(name), uint8(number), 1 << 40, ^uint64(0)}); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, want)
		}
		if text := got[0].text(); text != strings.ToLower(name)+"=1099511627776:unlimited" {
			t.Errorf("%s is printed as %s", name, text)
		}
	}
	if _, err := rlimits([]specs.POSIXRlimit{{Type: "RLIMIT_CPU"}, {Type: "RLIMIT_cpu"}}); err == nil || !strings.HasPrefix(err.Error(), "process.rlimits[1].type: ") {
		t.Errorf("unknown limit: %v", err)
	}
	if got, err := rlimits(nil); got != nil || err != nil {
		t.Errorf("no limits: %v %v", got, err)
	}
}

func TestMemoryPolicy(t *testing.T) {
	nodes := func(list ...int) []uint64 {
		w := make([]uint64, slices.Max(list)/64+1)
		for _, n := range list {
			w[n/64] |= 1 << (n % 64)
		}
		return w
	}
	for _, c := range []struct {
		in   specs.LinuxMemoryPolicy
		want MemoryPolicy
	}{
		{specs.LinuxMemoryPolicy{Mode: specs.MpolDefault}, MemoryPolicy{Mode: unix.MPOL_DEFAULT}},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolLocal}, MemoryPolicy{Mode: unix.MPOL_LOCAL}},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolPreferred, Nodes: "0"}, MemoryPolicy{unix.MPOL_PREFERRED, nodes(0), 1024}},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "31-32", Flags: []specs.MemoryPolicyFlagType{specs.MpolFStaticNodes}},
			MemoryPolicy{unix.MPOL_BIND | unix.MPOL_F_STATIC_NODES, nodes(31, 32), 1024}},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolInterleave, Nodes: "63,64", Flags: []specs.MemoryPolicyFlagType{specs.MpolFRelativeNodes}},
			MemoryPolicy{unix.MPOL_INTERLEAVE | unix.MPOL_F_RELATIVE_NODES, nodes(63, 64), 1024}},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolPreferredMany, Nodes: "95", Flags: []specs.MemoryPolicyFlagType{specs.MpolFNumaBalancing}},
			MemoryPolicy{unix.MPOL_PREFERRED_MANY | unix.MPOL_F_NUMA_BALANCING, nodes(95), 1024}},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolWeightedInterleave, Nodes: "1023"}, MemoryPolicy{unix.MPOL_WEIGHTED_INTERLEAVE, nodes(1023), 1024}},
	} {
		got, err := memoryPolicy(&c.in)
		if err != nil {
			t.Errorf("%+v: %v", c.in, err)
			continue
		}
		// How many words there are depends on the architecture's; those beyond the last node are empty.
		for len(got.Nodes) > len(c.want.Nodes) && got.Nodes[len(got.Nodes)-1] == 0 {
			t.Errorf("%s: %x: an empty word too many, which would be printed", c.in.Nodes, got.Nodes)
			got.Nodes = got.Nodes[:len(got.Nodes)-1]
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: %+v, want %+v", c.in, got, c.want)
		}
	}
	for _, c := range []struct {
		in    specs.LinuxMemoryPolicy
		where string
	}{
		{specs.LinuxMemoryPolicy{Mode: "MPOL_MAX"}, "linux.memoryPolicy.mode"},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0", Flags: []specs.MemoryPolicyFlagType{specs.MpolFStaticNodes, "MPOL_F_MOF"}}, "linux.memoryPolicy.flags[1]"},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "1024"}, "linux.memoryPolicy.nodes"},
		{specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "x"}, "linux.memoryPolicy.nodes"},
	} {
		if _, err := memoryPolicy(&c.in); err == nil || !strings.HasPrefix(err.Error(), c.where+": ") {
			t.Errorf("%+v: %v, want %s", c.in, err, c.where)
		}
	}
}

func TestScheduling(t *testing.T) {
	plan := func(p specs.Process) ([]Op, error) {
		b := builder{plan: &Plan{}}
		err := b.scheduling(&p)
		return b.plan.Ops, err
	}
	policies := map[specs.LinuxSchedulerPolicy]uint32{
		specs.SchedOther: unix.SCHED_NORMAL, specs.SchedFIFO: 1, specs.SchedRR: 2, specs.SchedBatch: 3, specs.SchedIdle: 5, specs.SchedDeadline: unix.SCHED_DEADLINE,
	}
	for name, number := range policies {
		ops, err := plan(specs.Process{Scheduler: &specs.Scheduler{Policy: name, Nice: -20, Priority: 99, Runtime: 1, Deadline: 2, Period: 1 << 40}})
		want := []Op{Scheduler{Policy: number, Nice: -20, Priority: 99, Runtime: 1, Deadline: 2, Period: 1 << 40}}
		if err != nil || !slices.Equal(ops, want) {
			t.Errorf("%s: %+v %v, want %+v", name, ops, err, want)
		}
	}
	flags := map[specs.LinuxSchedulerFlag]uint64{
		specs.SchedFlagResetOnFork: unix.SCHED_FLAG_RESET_ON_FORK, specs.SchedFlagReclaim: unix.SCHED_FLAG_RECLAIM, specs.SchedFlagDLOverrun: unix.SCHED_FLAG_DL_OVERRUN,
		specs.SchedFlagKeepPolicy: unix.SCHED_FLAG_KEEP_POLICY, specs.SchedFlagKeepParams: unix.SCHED_FLAG_KEEP_PARAMS,
		specs.SchedFlagUtilClampMin: unix.SCHED_FLAG_UTIL_CLAMP_MIN, specs.SchedFlagUtilClampMax: unix.SCHED_FLAG_UTIL_CLAMP_MAX,
	}
	for name, bit := range flags {
		ops, err := plan(specs.Process{Scheduler: &specs.Scheduler{Policy: specs.SchedOther, Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagResetOnFork, name}}})
		if want := []Op{Scheduler{Flags: 1 | bit}}; err != nil || !slices.Equal(ops, want) {
			t.Errorf("%s: %+v %v", name, ops, err)
		}
	}
	classes := map[specs.IOPriorityClass]uint8{specs.IOPRIO_CLASS_RT: 1, specs.IOPRIO_CLASS_BE: 2, specs.IOPRIO_CLASS_IDLE: 3}
	for name, number := range classes {
		ops, err := plan(specs.Process{IOPriority: &specs.LinuxIOPriority{Class: name, Priority: 7}})
		if want := []Op{IOPriority{number, 7}}; err != nil || !slices.Equal(ops, want) {
			t.Errorf("%s: %+v %v", name, ops, err)
		}
	}
	for where, p := range map[string]specs.Process{
		"process.scheduler.policy":   {Scheduler: &specs.Scheduler{Policy: specs.SchedISO}},
		"process.scheduler.flags[1]": {Scheduler: &specs.Scheduler{Policy: specs.SchedOther, Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagReclaim, "SCHED_FLAG_X"}}},
		"process.ioPriority.class":   {IOPriority: &specs.LinuxIOPriority{Class: "IOPRIO_CLASS_NONE"}},
	} {
		if _, err := plan(p); err == nil || !strings.HasPrefix(err.Error(), where+": ") {
			t.Errorf("%s: %v", where, err)
		}
	}
	if ops, err := plan(specs.Process{}); len(ops) != 0 || err != nil {
		t.Errorf("nothing: %v %v", ops, err)
	}
}

func TestExecPath(t *testing.T) {
	for _, c := range []struct {
		arg  string
		env  []string
		want []string
	}{
		{"/bin/sh", []string{"PATH=/a"}, nil},
		{"./sh", []string{"PATH=/a"}, nil},
		{"sh", []string{"PATHS=/x", "PATH=/a:/b", "PATH=/c"}, []string{"/a", "/b"}},
		{"sh", []string{"PATH=:/a::"}, []string{".", "/a", ".", "."}},
		{"sh", []string{"PATH="}, strings.Split(defaultPath, ":")},
		{"sh", nil, strings.Split(defaultPath, ":")},
	} {
		b := builder{plan: &Plan{}}
		if err := b.exec([]string{c.arg, "x"}, c.env, 0o27); err != nil {
			t.Errorf("%s with %q: %v", c.arg, c.env, err)
			continue
		}
		want := Exec{Args: []string{c.arg, "x"}, Env: c.env, Path: c.want, Umask: 0o27}
		if got := b.plan.Ops[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %q: %+v, want %+v", c.arg, c.env, got, want)
		}
	}
}

// What is longer than the kernel takes is refused before it costs time and room.
func TestTooLong(t *testing.T) {
	long := strings.Repeat("/a", 2048)
	for _, op := range []Op{Mount{Target: long}, Bind{Target: long}, Mask{long}, ReadOnly{Path: long}, Mkdir{long}, Device{Path: long}, Chdir{long}} {
		b := builder{plan: &Plan{Ops: []Op{op}}}
		if err := b.exec([]string{"/x"}, nil, 0); err == nil || len(err.Error()) > 200 {
			t.Errorf("%T: %v", op, err)
		}
	}
	b := builder{plan: &Plan{Ops: []Op{Sync{}, Mount{Target: long}}, mounts: []int{1}}}
	if err := b.exec([]string{"/x"}, nil, 0); err == nil || err.Error() != "mounts[0]: the path in the container is longer than 4095 bytes" {
		t.Errorf("of a mount: %v", err)
	}
	b = builder{plan: &Plan{Ops: []Op{Mount{Target: long[:4094]}}}}
	if err := b.exec([]string{"x"}, []string{"PATH=" + strings.Repeat(":", maxPathDirs-1)}, 0); err != nil {
		t.Error(err)
	}
	if err := b.exec([]string{"x"}, []string{"PATH=" + strings.Repeat(":", maxPathDirs)}, 0); err == nil || !strings.HasPrefix(err.Error(), "PATH: ") {
		t.Errorf("a long PATH: %v", err)
	}
}

func TestQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"": `""`, "a": "a", "a=b/c:d": "a=b/c:d", "a b": `"a b"`, `a"b`: `"a\"b"`, "it's": `"it's"`, `\`: `"\\"`, "\n": `"\n"`, "\x1b[2J": `"\x1b[2J"`,
		"ü": "ü", "\u202e": `"\u202e"`, "\xff": `"\xff"`, "\u00a0": `"\u00a0"`,
	} {
		if got := quoted(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"": "", `a "b" \c`: `a "b" \c`, "a\nb \"c\" \\d": `a\nb "c" \d`, "\x1b[2J": `\x1b[2J`, "\xff": `\xff`, "ü": "ü",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestMessage(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"a: wrong\nb: wrong":      "a: wrong; b: wrong",
		"\x1b[2J\xff":             `\x1b[2J\xff`,
		strings.Repeat("x", 1000): strings.Repeat("x", 1000),
	} {
		if got := Message(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	got := Message("exec /" + strings.Repeat("ü", 1<<20) + ": no such file")
	if len(got) > 1000 || !strings.HasPrefix(got, "exec /ü") || !strings.HasSuffix(got, "ü: no such file") || !strings.Contains(got, "ü ... ü") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
