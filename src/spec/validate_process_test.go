// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"math/bits"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestValidateProcess(t *testing.T) {
	const unchanged = `must not be 4294967295, which the kernel takes for "unchanged"`
	for _, c := range []struct {
		name   string
		change func(p *specs.Process)
		want   string // lines
	}{
		{"nothing", func(p *specs.Process) {}, ""},
		{"args", func(p *specs.Process) { p.Args = nil }, "args: must name a program"},
		{"empty args[0]", func(p *specs.Process) { p.Args = []string{"", "a"} }, "args[0]: must name a program, not be empty"},
		{"empty argument", func(p *specs.Process) { p.Args = []string{"a", ""} }, ""},
		{"cwd", func(p *specs.Process) { p.Cwd = "tmp" }, `cwd: must be an absolute path, not "tmp"`},
		{"env", func(p *specs.Process) { p.Env = []string{"A=", "B=c=d", "A=2", "PATH", "=x", ""} },
			"env[3]: must be NAME=value, not \"PATH\"\nenv[4]: must have a name before the '='\nenv[5]: must be NAME=value, not \"\""},
		{"long env", func(p *specs.Process) { p.Env = []string{strings.Repeat("x", 70)} },
			`env[0]: must be NAME=value, not "` + strings.Repeat("x", 64) + `"...`},
		{"user", func(p *specs.Process) {
			p.User = specs.User{UID: 4294967295, GID: 4294967295, Umask: ref(uint32(0o1000)), AdditionalGids: []uint32{1, 4294967295}}
		}, "user.uid: " + unchanged + "\nuser.gid: " + unchanged + "\nuser.umask: must be between 0 and 511 (octal 777), not 512\n" +
			"user.additionalGids[1]: " + unchanged},
		{"umask", func(p *specs.Process) { p.User.Umask = ref(uint32(0o777)) }, ""},
		{"groups", func(p *specs.Process) { p.User.AdditionalGids = make([]uint32, 65536) }, ""},
		{"too many groups", func(p *specs.Process) { p.User.AdditionalGids = make([]uint32, 65537) },
			"user.additionalGids: has 65537 entries, the kernel takes at most 65536"},
		{"console", func(p *specs.Process) { p.ConsoleSize = &specs.Box{Height: 65536} }, ""},
		{"console of a terminal", func(p *specs.Process) { p.Terminal, p.ConsoleSize = true, &specs.Box{Height: 65536} },
			"consoleSize: a terminal has at most 65535 rows and columns"},
		{"rlimits", func(p *specs.Process) {
			p.Rlimits = []specs.POSIXRlimit{
				{Type: "RLIMIT_NOFILE", Soft: 1, Hard: 2}, {Type: "RLIMIT_NOFILE"}, {Type: "NOFILE"}, {Type: "RLIMIT_X"}, {Type: ""},
				{Type: "RLIMIT_AS", Soft: 2, Hard: 1}, {Type: "RLIMIT_STACK", Soft: 1<<64 - 1, Hard: 1<<64 - 1},
			}
		}, `rlimits[1].type: RLIMIT_NOFILE is limited twice
rlimits[2].type: unknown resource "NOFILE"
rlimits[3].type: unknown resource "RLIMIT_X"
rlimits[4].type: unknown resource ""
rlimits[5].soft: must not exceed the hard limit of RLIMIT_AS`},
		{"oomScoreAdj", func(p *specs.Process) { p.OOMScoreAdj = ref(-1000) }, ""},
		{"oomScoreAdj low", func(p *specs.Process) { p.OOMScoreAdj = ref(-1001) }, "oomScoreAdj: must be between -1000 and 1000, not -1001"},
		{"oomScoreAdj high", func(p *specs.Process) { p.OOMScoreAdj = ref(1001) }, "oomScoreAdj: must be between -1000 and 1000, not 1001"},
		{"ioPriority", func(p *specs.Process) { p.IOPriority = &specs.LinuxIOPriority{Class: "IOPRIO_CLASS_IDLE", Priority: 7} }, ""},
		{"bad ioPriority", func(p *specs.Process) { p.IOPriority = &specs.LinuxIOPriority{Class: "RT", Priority: 8} },
			"ioPriority.class: must be IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE, not \"RT\"\nioPriority.priority: must be between 0 and 7, not 8"},
		{"affinity", func(p *specs.Process) { p.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0-3,7", Final: ""} }, ""},
		{"bad affinity", func(p *specs.Process) { p.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0-8192", Final: "a"} },
			`execCPUAffinity.initial: must be a list of numbers up to 8191 such as "0-3,7", not "0-8192"
execCPUAffinity.final: must be a list of numbers up to 8191 such as "0-3,7", not "a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &specs.Process{Args: []string{"sh"}, Cwd: "/"}
			c.change(p)
			got := ""
			if err := ValidateProcess(p); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
		want := c.want
		if want != "" {
			want = "process." + strings.ReplaceAll(want, "\n", "\nprocess.")
		}
		change{c.name + " in a container", func(s *specs.Spec) { without(s, "user"); c.change(s.Process) }, want}.run(t)
	}
	if err := ValidateProcess(nil); err == nil {
		t.Error("no process at all is accepted")
	}
}

func TestValidateScheduler(t *testing.T) {
	for _, c := range []struct {
		name string
		s    specs.Scheduler
		want string // lines
	}{
		{"other", specs.Scheduler{Policy: "SCHED_OTHER", Nice: -20}, ""},
		{"batch", specs.Scheduler{Policy: "SCHED_BATCH", Nice: 19, Flags: []specs.LinuxSchedulerFlag{"SCHED_FLAG_RESET_ON_FORK"}}, ""},
		{"idle", specs.Scheduler{Policy: "SCHED_IDLE"}, ""},
		{"fifo", specs.Scheduler{Policy: "SCHED_FIFO", Priority: 1}, ""},
		{"rr", specs.Scheduler{Policy: "SCHED_RR", Priority: 99}, ""},
		{"deadline", specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 1024, Deadline: 1024, Period: 1024}, ""},
		{"deadline without a period", specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 2000, Deadline: 3000}, ""},
		{"unknown", specs.Scheduler{Policy: "FIFO", Nice: 100}, `.policy: unknown policy "FIFO"`},
		{"iso", specs.Scheduler{Policy: "SCHED_ISO"}, ".policy: SCHED_ISO is reserved, Linux does not implement it"},
		{"flag", specs.Scheduler{Policy: "SCHED_OTHER", Flags: []specs.LinuxSchedulerFlag{"SCHED_FLAG_RECLAIM", "x"}}, `.flags[1]: unknown flag "x"`},
		{"not nice", specs.Scheduler{Policy: "SCHED_OTHER", Nice: 20}, ".nice: must be between -20 and 19, not 20"},
		{"nice fifo", specs.Scheduler{Policy: "SCHED_FIFO", Nice: 1, Priority: 1}, ".nice: is only for SCHED_OTHER and SCHED_BATCH"},
		{"no priority", specs.Scheduler{Policy: "SCHED_FIFO"}, ".priority: must be between 1 and 99 for SCHED_FIFO, not 0"},
		{"high priority", specs.Scheduler{Policy: "SCHED_RR", Priority: 100}, ".priority: must be between 1 and 99 for SCHED_RR, not 100"},
		{"priority of other", specs.Scheduler{Policy: "SCHED_OTHER", Priority: 1}, ".priority: is only for SCHED_FIFO and SCHED_RR"},
		{"deadline of other", specs.Scheduler{Policy: "SCHED_RR", Priority: 1, Period: 1}, ": runtime, deadline and period are only for SCHED_DEADLINE"},
		{"no deadline", specs.Scheduler{Policy: "SCHED_DEADLINE"}, `.runtime: must be at least 1024 nanoseconds for SCHED_DEADLINE
process.scheduler.deadline: must be between 1 and 9223372036854775807 nanoseconds for SCHED_DEADLINE`},
		{"long runtime", specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 5000, Deadline: 4000, Period: 5000}, ".runtime: must not exceed the deadline"},
		{"long deadline", specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 2000, Deadline: 4000, Period: 3000}, ".deadline: must not exceed the period"},
		{"endless", specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 2000, Deadline: 1 << 63, Period: 1 << 63},
			`.deadline: must be between 1 and 9223372036854775807 nanoseconds for SCHED_DEADLINE
process.scheduler.period: must be at most 9223372036854775807 nanoseconds`},
	} {
		if c.want != "" {
			c.want = "process.scheduler" + c.want
		}
		change{c.name, func(s *specs.Spec) { s.Process.Scheduler = &c.s }, c.want}.run(t)
	}
}

func TestParseList(t *testing.T) {
	for in, want := range map[string][]int{
		"": nil, "  ": nil, "0": {0}, "7": {7}, "0-3,7": {0, 1, 2, 3, 7}, "3,1,3-3": {1, 3}, " 1 , 2-3 ": {1, 2, 3},
		"31-33,63,64,127": {31, 32, 33, 63, 64, 127}, "128": {128},
	} {
		words, err := ParseList(in, 128)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		var got []int
		for n := range len(words) * bits.UintSize {
			if words[n/bits.UintSize]>>(n%bits.UintSize)&1 == 1 {
				got = append(got, n)
			}
		}
		if len(words) > 0 && words[len(words)-1] == 0 || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %x", in, got, words)
		}
	}
	for _, in := range []string{
		"129", "0-129", "3-1", "-1", "1-", "-", ",", "1,", ",1", "1,,2", "a", "1-2-3", "0x1", "+1", "1 2", "1 - 2", "99999999999999999999", "0-3:1/2", "all", "1_0",
	} {
		want := `must be a list of numbers up to 128 such as "0-3,7", not "` + in + `"`
		if words, err := ParseList(in, 128); err == nil || err.Error() != want || words != nil {
			t.Errorf("%q: %v %v", in, words, err)
		}
	}
	want := "has 65537 bytes, at most 65536 are accepted"
	if _, err := ParseList(strings.Repeat(" ", 65536)+"1", 1); err == nil || err.Error() != want {
		t.Error(err)
	}
}
