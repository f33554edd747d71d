// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func uintp(v uint) *uint { return &v }

// one is a profile of a single rule.
func one(name string, action specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{name}, Action: action, Args: args}}}
}

// verdictFor compiles a profile and asks it about a call.
func verdictFor(t *testing.T, p *specs.LinuxSeccomp, machine []arch, d data) uint32 {
	t.Helper()
	f, err := compile(p, Options{}, machine)
	if err != nil {
		t.Fatal(err)
	}
	acceptable(t, f.Program)
	v, _, err := run(f.Program, d.bytes(machine[0].big), machine[0].big)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestActions(t *testing.T) {
	for _, c := range []struct {
		action specs.LinuxSeccompAction
		ret    *uint
		want   uint32
	}{
		{"SCMP_ACT_KILL", nil, 0x00000000}, {"SCMP_ACT_KILL_THREAD", nil, 0x00000000}, {"SCMP_ACT_KILL_PROCESS", nil, 0x80000000},
		{"SCMP_ACT_TRAP", nil, 0x00030000}, {"SCMP_ACT_ERRNO", nil, 0x00050001}, {"SCMP_ACT_ERRNO", uintp(38), 0x00050026},
		{"SCMP_ACT_ERRNO", uintp(0), 0x00050000}, {"SCMP_ACT_ERRNO", uintp(4095), 0x00050fff}, {"SCMP_ACT_TRACE", nil, 0x7ff00001},
		{"SCMP_ACT_TRACE", uintp(65535), 0x7ff0ffff}, {"SCMP_ACT_LOG", nil, 0x7ffc0000}, {"SCMP_ACT_ALLOW", nil, 0x7fff0000},
		{"SCMP_ACT_NOTIFY", nil, 0x7fc00000},
	} {
		rule := &specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_TRACE", DefaultErrnoRet: uintp(7), ListenerPath: "/l",
			Syscalls: []specs.LinuxSyscall{{Names: []string{"getpid"}, Action: c.action, ErrnoRet: c.ret}}}
		if got := verdictFor(t, rule, amd64(), data{arch: x8664, number: 39}); got != c.want {
			t.Errorf("a rule with %s: %#x, want %#x", c.action, got, c.want)
		}
		fallback := &specs.LinuxSeccomp{DefaultAction: c.action, DefaultErrnoRet: c.ret, ListenerPath: "/l"}
		if got := verdictFor(t, fallback, amd64(), data{arch: x8664, number: 39}); got != c.want {
			t.Errorf("%s by default: %#x, want %#x", c.action, got, c.want)
		}
	}
}

// D14: the C program returned errno 0 for SCMP_ACT_ERRNO by default, so that what was denied seemed to succeed, and ignored defaultErrnoRet.
func TestD14DefaultErrno(t *testing.T) {
	for want, ret := range map[uint32]*uint{0x50001: nil, 0x50026: uintp(38)} {
		if got := verdictFor(t, &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: ret}, amd64(), data{arch: x8664, number: 83}); got != want {
			t.Errorf("%#x, want %#x", got, want)
		}
	}
}

// D15: one rule with hundreds of calls blocked a hundred of them in the C program, whose jumps overflowed.
func TestD15HundredsOfCalls(t *testing.T) {
	for name, machine := range machines() {
		var calls []string
		for at, call := range newIndex() {
			if _, ok := machine[0].number(at); ok {
				calls = append(calls, call)
			}
		}
		for i := range calls { // and with each call having a verdict of its own, so that nothing can be merged
			p := &specs.LinuxSeccomp{DefaultAction: specs.ActKillProcess}
			if i > 0 {
				for j, call := range calls {
					p.Syscalls = append(p.Syscalls, specs.LinuxSyscall{Names: []string{call}, Action: specs.ActErrno, ErrnoRet: uintp(uint(j + 1))})
				}
			} else {
				p.Syscalls = []specs.LinuxSyscall{{Names: calls, Action: specs.ActAllow}}
			}
			longest := agrees(t, rand.New(rand.NewPCG(5, 5)), p, machine, 1)
			if longest > 28 {
				t.Errorf("%s: %d instructions for a call", name, longest)
			}
			if i == 1 {
				break
			}
		}
	}
}

// D16: the C program compared the lower 32 bits only.
func TestD16WholeArguments(t *testing.T) {
	const high = 1 << 32
	for _, c := range []struct {
		op         specs.LinuxSeccompOperator
		value, two uint64
		hits       []uint64
		misses     []uint64
	}{
		{"SCMP_CMP_EQ", 5, 0, []uint64{5}, []uint64{4, 6, high + 5, 5 << 32}},
		{"SCMP_CMP_EQ", high + 5, 0, []uint64{high + 5}, []uint64{5, high, 2*high + 5}},
		{"SCMP_CMP_NE", 5, 0, []uint64{4, 6, high + 5}, []uint64{5}},
		{"SCMP_CMP_NE", high + 5, 0, []uint64{5, high}, []uint64{high + 5}},
		{"SCMP_CMP_GT", 5, 0, []uint64{6, high, high + 1, high + 5}, []uint64{0, 5}},
		{"SCMP_CMP_GT", high + 5, 0, []uint64{high + 6, 2 * high}, []uint64{6, high, high + 5}},
		{"SCMP_CMP_GE", high + 5, 0, []uint64{high + 5, 2 * high}, []uint64{6, high + 4}},
		{"SCMP_CMP_LT", high + 5, 0, []uint64{6, high + 4}, []uint64{high + 5, 2 * high}},
		{"SCMP_CMP_LT", 0, 0, nil, []uint64{0, 1, high}},
		{"SCMP_CMP_LE", high + 5, 0, []uint64{6, high + 5}, []uint64{high + 6, 2 * high}},
		{"SCMP_CMP_LE", ^uint64(0), 0, []uint64{0, ^uint64(0)}, nil},
		{"SCMP_CMP_MASKED_EQ", high | 1, 1, []uint64{1, 3, 2*high + 1}, []uint64{0, high + 1, 2}},
		{"SCMP_CMP_MASKED_EQ", 5 * high, high, []uint64{high, high + 7, 3 * high}, []uint64{7, 4 * high, 5 * high}},
		{"SCMP_CMP_MASKED_EQ", 1, 2, nil, []uint64{0, 1, 2, 3}}, // bits that the mask takes away
		{"SCMP_CMP_MASKED_EQ", 0, 0, []uint64{0, 1, ^uint64(0)}, nil},
	} {
		p := one("getpid", "SCMP_ACT_TRAP", specs.LinuxSeccompArg{Index: 3, Value: c.value, ValueTwo: c.two, Op: c.op})
		for _, machine := range [][]arch{amd64(), arm64(), mips64(), mips64le(), riscv64(), loong64()} {
			number, _ := machine[0].number(newIndex().find("getpid"))
			for i, args := range [][]uint64{c.hits, c.misses} {
				for _, a := range args {
					got := verdictFor(t, p, machine, data{arch: machine[0].token, number: number, args: [6]uint64{3: a}})
					if want := []uint32{trap, allow}[i]; got != want {
						t.Errorf("%s: %#x %s %#x %#x: %#x, want %#x", machine[0].name, a, c.op, c.value, c.two, got, want)
					}
				}
			}
		}
	}
}

// Arguments of a 32-bit architecture have 32 bits: the upper half of a register may hold anything.
func TestNarrowArguments(t *testing.T) {
	for _, c := range []struct {
		op         specs.LinuxSeccompOperator
		value, two uint64
		arg        uint64
		want       bool
	}{
		{"SCMP_CMP_EQ", 5, 0, 5, true},
		{"SCMP_CMP_EQ", 5, 0, 1<<32 + 5, true},
		{"SCMP_CMP_EQ", 1<<64 - 100, 0, 1<<32 - 100, true}, // AT_FDCWD, written with 64 bits
		{"SCMP_CMP_EQ", 1<<64 - 100, 0, 1<<64 - 100, true},
		{"SCMP_CMP_EQ", 1<<32 - 100, 0, 1<<64 - 100, true},
		{"SCMP_CMP_EQ", 1<<32 + 5, 0, 5, false}, // no argument has that value
		{"SCMP_CMP_NE", 1<<32 + 5, 0, 5, true},
		{"SCMP_CMP_LT", 1 << 32, 0, 1<<32 - 1, true},
		{"SCMP_CMP_GE", 1 << 32, 0, 1<<32 - 1, false},
		{"SCMP_CMP_GT", 1<<64 - 5, 0, 1<<32 - 4, true},
		{"SCMP_CMP_MASKED_EQ", 1<<64 - 16, 1<<64 - 16, 1<<32 - 1, true},
		{"SCMP_CMP_MASKED_EQ", 1 << 32, 0, 1 << 32, true},
		{"SCMP_CMP_MASKED_EQ", 1 << 32, 1 << 32, 1 << 32, false},
	} {
		p := one("getpid", "SCMP_ACT_TRAP", specs.LinuxSeccompArg{Value: c.value, ValueTwo: c.two, Op: c.op})
		for _, machine := range [][]arch{i386(), arm(), mips(), mipsle()} {
			number, _ := machine[0].number(newIndex().find("getpid"))
			got := verdictFor(t, p, machine, data{arch: machine[0].token, number: number, args: [6]uint64{c.arg}})
			if (got == trap) != c.want {
				t.Errorf("%s: %#x %s %#x %#x: %#x", machine[0].name, c.arg, c.op, c.value, c.two, got)
			}
		}
	}
}

func TestWhichRuleWins(t *testing.T) {
	arg := func(index uint, v uint64) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: index, Value: v, Op: specs.OpEqualTo}
	}
	rule := func(action specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) specs.LinuxSyscall {
		return specs.LinuxSyscall{Names: []string{"getpid", "getpid"}, Action: action, Args: args}
	}
	for name, c := range map[string]struct {
		rules []specs.LinuxSyscall
		want  uint32
	}{
		"without conditions, after":        {[]specs.LinuxSyscall{rule(specs.ActTrap, arg(0, 1)), rule(specs.ActLog)}, log},
		"without conditions, before":       {[]specs.LinuxSyscall{rule(specs.ActLog), rule(specs.ActTrap, arg(0, 1))}, log},
		"the first":                        {[]specs.LinuxSyscall{rule(specs.ActLog), rule(specs.ActTrap)}, log},
		"the first that holds":             {[]specs.LinuxSyscall{rule(specs.ActTrap, arg(0, 2)), rule(specs.ActLog, arg(0, 1)), rule(specs.ActTrap, arg(1, 2))}, log},
		"the default action says nothing":  {[]specs.LinuxSyscall{rule(specs.ActAllow), rule(specs.ActTrap, arg(0, 1))}, trap},
		"all conditions":                   {[]specs.LinuxSyscall{rule(specs.ActTrap, arg(0, 1), arg(1, 3)), rule(specs.ActLog, arg(0, 1), arg(1, 2))}, log},
		"conditions about one argument":    {[]specs.LinuxSyscall{rule(specs.ActTrap, arg(0, 1), arg(0, 3))}, trap},
		"none":                             {[]specs.LinuxSyscall{rule(specs.ActTrap, arg(0, 7))}, allow},
		"no condition that could be false": {[]specs.LinuxSyscall{rule(specs.ActTrap, specs.LinuxSeccompArg{Op: specs.OpMaskedEqual})}, trap},
	} {
		p := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: c.rules}
		if got := verdictFor(t, p, amd64(), data{arch: x8664, number: 39, args: [6]uint64{1, 2}}); got != c.want {
			t.Errorf("%s: %#x, want %#x", name, got, c.want)
		}
	}
}

func TestArchitectures(t *testing.T) {
	getpid := one("getpid", specs.ActTrap)
	everything := one("getpid", specs.ActTrap)
	for _, name := range strings.Fields(architectures) {
		everything.Architectures = append(everything.Architectures, specs.Arch("SCMP_ARCH_"+name))
	}
	for _, c := range []struct {
		machine       []arch
		token, number uint32
		alone, all    uint32
	}{
		{amd64(), x8664, 39, trap, trap}, {amd64(), x8664, 40, allow, allow},
		{amd64(), 0x40000003, 20, killProcess, trap}, {amd64(), 0x40000003, 39, killProcess, allow}, // 386
		{amd64(), x8664, x32Bit + 39, killProcess, trap}, {amd64(), x8664, x32Bit + 40, killProcess, allow},
		{amd64(), x8664, 1<<32 - 1, allow, allow}, {amd64(), 0x40000028, 20, killProcess, killProcess},
		{i386(), 0x40000003, 20, trap, trap}, {i386(), x8664, 39, killProcess, killProcess},
		{arm64(), 0xc00000b7, 172, trap, trap}, {arm64(), 0x40000028, 20, killProcess, trap},
		{arm(), 0x40000028, 20, trap, trap}, {riscv64(), 0xc00000f3, 172, trap, trap}, {loong64(), 0xc0000102, 172, trap, trap},
		{mips(), 8, 4020, trap, trap}, {mips(), 0x40000008, 4020, killProcess, killProcess}, {mipsle(), 0x40000008, 4020, trap, trap},
		{mips64(), 0x80000008, 5038, trap, trap}, {mips64(), 8, 4020, killProcess, trap}, {mips64(), 0xa0000008, 6038, killProcess, trap},
		{mips64le(), 0xc0000008, 5038, trap, trap}, {mips64le(), 0xe0000008, 6038, killProcess, trap},
	} {
		d := data{arch: c.token, number: c.number}
		if got := verdictFor(t, getpid, c.machine, d); got != c.alone {
			t.Errorf("%s: call %d of %#x: %#x, want %#x", c.machine[0].name, c.number, c.token, got, c.alone)
		}
		if got := verdictFor(t, everything, c.machine, d); got != c.all {
			t.Errorf("%s with all architectures: call %d of %#x: %#x, want %#x", c.machine[0].name, c.number, c.token, got, c.all)
		}
	}
	for _, list := range [][]string{Architectures(), Actions(), Operators(), Flags()} {
		if len(list) < 4 || !slices.IsSorted(list) {
			t.Error(list)
		}
	}
	for _, machine := range machines() {
		for i := range machine {
			if !isArchitecture(machine[i].name) {
				t.Errorf("%s is not known", machine[i].name)
			}
		}
	}
}

// Behind socketcall and ipc there are other calls, whose arguments cannot be seen.
func TestGates(t *testing.T) {
	condition := specs.LinuxSeccompArg{Index: 0, Value: 40, Op: specs.OpEqualTo}
	rules := func(fallback specs.LinuxSeccompAction, list ...specs.LinuxSyscall) *specs.LinuxSeccomp {
		return &specs.LinuxSeccomp{DefaultAction: fallback, Syscalls: list}
	}
	rule := func(name string, action specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) specs.LinuxSyscall {
		return specs.LinuxSyscall{Names: []string{name}, Action: action, Args: args}
	}
	for _, c := range []struct {
		name string
		p    *specs.LinuxSeccomp
		gate string
		arg  uint64
		want uint32
	}{
		{"allowed", rules(specs.ActKill, rule("socket", specs.ActAllow)), "socketcall", 1, allow},
		{"not allowed", rules(specs.ActKill, rule("socket", specs.ActAllow)), "socketcall", 2, killThread},
		{"allowed sometimes", rules(specs.ActKill, rule("socket", specs.ActAllow, condition)), "socketcall", 1, killThread},
		{"refused sometimes", rules(specs.ActAllow, rule("socket", specs.ActErrno, condition)), "socketcall", 1, errno | 1},
		{"the gate is allowed", rules(specs.ActKill, rule("socketcall", specs.ActAllow)), "socketcall", 1, allow},
		{"the gate is allowed, and a call not", rules(specs.ActKill, rule("socket", specs.ActErrno), rule("socketcall", specs.ActAllow)), "socketcall", 1, allow},
		{"the gate has conditions", rules(specs.ActKill, rule("socket", specs.ActTrap), rule("socketcall", specs.ActAllow,
			specs.LinuxSeccompArg{Index: 0, Value: 3, Op: specs.OpEqualTo})), "socketcall", 3, allow},
		{"no direct call", rules(specs.ActKill, rule("send", specs.ActAllow)), "socketcall", 9, allow},
		{"ipc", rules(specs.ActKill, rule("semop", specs.ActAllow)), "ipc", 1, allow},
		{"a version of ipc", rules(specs.ActKill, rule("shmat", specs.ActAllow)), "ipc", 1<<16 | 21, allow},
		{"another ipc", rules(specs.ActKill, rule("shmat", specs.ActAllow)), "ipc", 22, killThread},
	} {
		for _, machine := range [][]arch{i386(), mips(), mipsle()} {
			number, _ := machine[0].number(newIndex().find(c.gate))
			if got := verdictFor(t, c.p, machine, data{arch: machine[0].token, number: number, args: [6]uint64{c.arg}}); got != c.want {
				t.Errorf("%s: %s: %#x, want %#x", machine[0].name, c.name, got, c.want)
			}
		}
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		flags  []specs.LinuxSeccompFlag
		action specs.LinuxSeccompAction
		want   uint32
	}{
		{nil, specs.ActErrno, 0},
		{[]specs.LinuxSeccompFlag{"SECCOMP_FILTER_FLAG_TSYNC", specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow}, specs.ActErrno, 7},
		{[]specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv}, specs.ActErrno, 0},
		{[]specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv}, specs.ActNotify, 0x28},
		{[]specs.LinuxSeccompFlag{"SECCOMP_FILTER_FLAG_TSYNC"}, specs.ActNotify, 0x19},
	} {
		p := one("getpid", c.action)
		p.Flags, p.ListenerPath = c.flags, "/l"
		if f, err := Compile(p, Options{}); err != nil || f.Flags != c.want || f.Notifies != (c.action == specs.ActNotify) {
			t.Errorf("%s %s: %v %+v", c.flags, c.action, err, f)
		}
	}
}

func TestRefusals(t *testing.T) {
	arg := func(a specs.LinuxSeccompArg) *specs.LinuxSeccomp {
		return one("getpid", specs.ActErrno, specs.LinuxSeccompArg{Op: "SCMP_CMP_EQ"}, a)
	}
	huge := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow}
	for i := range 1100 {
		huge.Syscalls = append(huge.Syscalls, one("getpid", specs.ActTrap, specs.LinuxSeccompArg{Value: uint64(i), Op: specs.OpEqualTo}).Syscalls...)
	}
	for _, c := range []struct {
		p    *specs.LinuxSeccomp
		want string
	}{
		{&specs.LinuxSeccomp{}, `x.defaultAction: unknown action ""`},
		{&specs.LinuxSeccomp{DefaultAction: "ALLOW"}, `x.defaultAction: unknown action "ALLOW"`},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, DefaultErrnoRet: uintp(1)}, "x.defaultErrnoRet: is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE"},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: uintp(4096)}, "x.defaultErrnoRet: must be between 0 and 4095, not 4096"},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActTrace, DefaultErrnoRet: uintp(65536)}, "x.defaultErrnoRet: must be between 0 and 65535, not 65536"},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Architectures: []specs.Arch{"SCMP_ARCH_ARM", "arm"}}, `x.architectures[1]: unknown architecture "arm"`},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Architectures: []specs.Arch{"SCMP_ARCH_"}}, `x.architectures[0]: unknown architecture "SCMP_ARCH_"`},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Flags: []specs.LinuxSeccompFlag{"LOG"}}, `x.flags[0]: unknown flag "LOG"`},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActNotify}, "x.listenerPath: is required: an action is SCMP_ACT_NOTIFY"},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, ListenerMetadata: "m"}, "x.listenerMetadata: is only for a profile with listenerPath"},
		{one("getpid", "SCMP_ACT_FLY"), `x.syscalls[0].action: unknown action "SCMP_ACT_FLY"`},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"getpid"}, Action: specs.ActKill, ErrnoRet: uintp(1)}}},
			"x.syscalls[0].errnoRet: is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE"},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Action: specs.ActKill}}}, "x.syscalls[0].names: must name a system call"},
		{arg(specs.LinuxSeccompArg{Op: "EQ"}), `x.syscalls[0].args[1].op: unknown operator "EQ"`},
		{arg(specs.LinuxSeccompArg{Op: specs.OpEqualTo, Index: 6}), "x.syscalls[0].args[1].index: must be between 0 and 5, not 6"},
		{one("no_such", specs.ActErrno), `x.syscalls[0].names[0]: unknown system call "no_such"`},
		{one("getpid", specs.LinuxSeccompAction(strings.Repeat("x", 1000))), `x.syscalls[0].action: unknown action "` + strings.Repeat("x", 64) + `"...`},
		{huge, "x.syscalls: a filter of 4430 instructions, and the kernel takes 4096 (fewer rules with args)"},
	} {
		_, err := compile(c.p, Options{Where: "x", RefuseUnknown: true}, amd64())
		if err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
		if _, isError := err.(*Error); !isError {
			t.Errorf("%T", err)
		}
	}
	if _, err := Compile(&specs.LinuxSeccomp{}, Options{}); err == nil || !strings.HasPrefix(err.Error(), "defaultAction: ") {
		t.Errorf("without a place: %v", err)
	}
}

// What has no effect is said.
func TestNotes(t *testing.T) {
	p := one("no_such", specs.ActErrno)
	p.Syscalls[0].Names = append(p.Syscalls[0].Names, "getpid", "no_such", "other\n")
	p.Syscalls = append(p.Syscalls, one("getpid", specs.ActErrno, specs.LinuxSeccompArg{Op: specs.OpEqualTo, Value: 1}, specs.LinuxSeccompArg{Op: specs.OpEqualTo}).Syscalls...)
	want := []string{"x.syscalls[1].args: several are about one argument: each is a rule of its own, as runc has it",
		`x.syscalls: unknown system calls are passed over: "no_such", "other\n"`}
	if f, err := Compile(p, Options{Where: "x"}); err != nil || !slices.Equal(f.Notes, want) {
		t.Errorf("%v %q", err, f.Notes)
	}
	many := one("getpid", specs.ActErrno)
	for i := range 100 {
		many.Syscalls[0].Names = append(many.Syscalls[0].Names, fmt.Sprint("no", i))
	}
	if f, err := Compile(many, Options{}); err != nil || len(f.Notes) != 1 || !strings.HasSuffix(f.Notes[0], `, "no15", 84 more`) {
		t.Errorf("%v %q", err, f.Notes)
	}
}

func TestForbids(t *testing.T) {
	five := specs.LinuxSeccompArg{Value: 5, Op: specs.OpEqualTo}
	for _, c := range []struct {
		p                 *specs.LinuxSeccomp
		forbids, notified bool
	}{
		{one("getpid", specs.ActErrno), true, false}, {one("getpid", specs.ActKill), true, false}, {one("getpid", specs.ActKillProcess), true, false},
		{one("getpid", specs.ActTrap), true, false}, {one("getpid", specs.ActLog), false, false}, {one("getpid", specs.ActTrace), false, false},
		{one("getpid", specs.ActNotify), false, true}, {one("getppid", specs.ActErrno), false, false}, {one("getpid", specs.ActErrno, five), false, false},
		{one("getpid", specs.ActNotify, five), false, true}, {&specs.LinuxSeccomp{DefaultAction: specs.ActErrno}, true, false},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActNotify}, false, true},
		{&specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: one("getpid", specs.ActAllow, five).Syscalls}, false, false},
	} {
		c.p.ListenerPath = "/l"
		f, err := Compile(c.p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Forbids("getpid") != c.forbids || f.Notified("getpid") != c.notified || !f.Forbids("no_such") || f.Notified("no_such") {
			t.Errorf("%+v: forbidden %v, notified %v", c.p, f.Forbids("getpid"), f.Notified("getpid"))
		}
	}
	if f, err := compile(one("getpid", specs.ActErrno), Options{}, riscv64()); err != nil || !f.Forbids("open") {
		t.Error("a call that there is not happens")
	}
}

// A profile without rules is a filter of its default action.
func TestNoRules(t *testing.T) {
	f, err := compile(&specs.LinuxSeccomp{DefaultAction: specs.ActErrno}, Options{}, riscv64())
	if err != nil || len(f.Program) != 4 {
		t.Errorf("%v %+v", err, f)
	}
}
