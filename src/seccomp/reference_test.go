// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// reference answers what a profile says about a call, straight from the profile, without a program: the package's comment in other
// words.
type reference struct {
	fallback uint32
	archs    map[uint32][]*referenceArch // by token
}

type referenceArch struct {
	from, to uint32 // the numbers that are its own; to is included
	narrow   bool
	calls    map[uint32][]referenceRule // by number
	gates    map[uint32]map[uint32][]referenceRule
	masks    map[uint32]uint32 // of the first argument of a gate
}

type referenceRule struct {
	action uint32
	args   []specs.LinuxSeccompArg
}

func verdictOf(name specs.LinuxSeccompAction, ret *uint) uint32 {
	value := map[specs.LinuxSeccompAction]uint32{
		"SCMP_ACT_KILL": 0, "SCMP_ACT_KILL_THREAD": 0, "SCMP_ACT_KILL_PROCESS": 1 << 31, "SCMP_ACT_TRAP": 0x30000,
		"SCMP_ACT_ERRNO": 0x50000, "SCMP_ACT_NOTIFY": 0x7fc00000, "SCMP_ACT_TRACE": 0x7ff00000, "SCMP_ACT_LOG": 0x7ffc0000,
		"SCMP_ACT_ALLOW": 0x7fff0000,
	}[name]
	if name == "SCMP_ACT_ERRNO" || name == "SCMP_ACT_TRACE" {
		if ret == nil {
			return value + 1
		}
		return value + uint32(*ret)
	}
	return value
}

func newReference(p *specs.LinuxSeccomp, machine []arch) *reference {
	ref := &reference{fallback: verdictOf(p.DefaultAction, p.DefaultErrnoRet), archs: map[uint32][]*referenceArch{}}
	byName := map[string][]referenceRule{}
	for _, s := range p.Syscalls {
		action := verdictOf(s.Action, s.ErrnoRet)
		if action == ref.fallback {
			continue
		}
		used := map[uint]int{}
		for _, a := range s.Args {
			used[a.Index]++
		}
		apart := false
		for _, n := range used {
			apart = apart || n > 1
		}
		for _, name := range s.Names {
			if !apart {
				byName[name] = append(byName[name], referenceRule{action, s.Args})
				continue
			}
			for i := range s.Args {
				byName[name] = append(byName[name], referenceRule{action, s.Args[i : i+1]})
			}
		}
	}
	list := strings.Fields(names)
	gatesTo := map[string]map[string]uint32{"socketcall": {}, "ipc": {}}
	for i, name := range strings.Fields("socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown " +
		"setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg") {
		gatesTo["socketcall"][name] = uint32(i + 1)
	}
	for i, name := range strings.Fields("semop semget semctl semtimedop . . . . . . msgsnd msgrcv msgget msgctl . . . . . . shmat shmdt shmget shmctl") {
		gatesTo["ipc"][name] = uint32(i + 1)
	}
	for i := range machine {
		m := &machine[i]
		listed := i == 0
		for _, a := range p.Architectures {
			listed = listed || string(a) == m.name
		}
		if !listed {
			continue
		}
		r := &referenceArch{to: 1<<32 - 1, narrow: m.narrow, calls: map[uint32][]referenceRule{},
			gates: map[uint32]map[uint32][]referenceRule{}, masks: map[uint32]uint32{}}
		switch m.name {
		case "SCMP_ARCH_X86_64":
			r.to = 1<<30 - 1
		case "SCMP_ARCH_X32":
			r.from = 1 << 30
		}
		for name, rules := range byName {
			for at, one := range list {
				if number, ok := m.number(at); ok && one == name {
					r.calls[number] = rules
				}
			}
		}
		for at, one := range list {
			number, ok := m.number(at)
			if gatesTo[one] == nil || !ok {
				continue
			}
			r.gates[number], r.masks[number] = map[uint32][]referenceRule{}, 0xffffffff
			if one == "ipc" {
				r.masks[number] = 0xffff
			}
			for name, n := range gatesTo[one] {
				r.gates[number][n] = byName[name]
			}
		}
		ref.archs[m.token] = append(ref.archs[m.token], r)
	}
	return ref
}

func (ref *reference) verdict(d *data) uint32 {
	if d.arch == x8664 && d.number == 1<<32-1 && ref.archs[d.arch] != nil {
		return ref.fallback
	}
	for _, r := range ref.archs[d.arch] {
		if d.number < r.from || d.number > r.to {
			continue
		}
		own := r.calls[d.number]
		if v, found := first(own, d, r.narrow); found {
			return v
		}
		behind := r.gates[d.number][uint32(d.args[0])&r.masks[d.number]]
		strictest, decided := int32(ref.fallback), false
		for _, one := range behind {
			if len(one.args) == 0 && !decided {
				strictest, decided = int32(one.action), true
			}
		}
		for _, one := range behind {
			if !decided && int32(one.action) < strictest {
				strictest = int32(one.action)
			}
		}
		return uint32(strictest)
	}
	return killProcess
}

// first is the verdict of the rule that counts.
func first(list []referenceRule, d *data, narrow bool) (uint32, bool) {
	for _, one := range list {
		if len(one.args) == 0 {
			return one.action, true
		}
	}
	for _, one := range list {
		all := true
		for _, a := range one.args {
			all = all && holds(a, d.args[a.Index], narrow)
		}
		if all {
			return one.action, true
		}
	}
	return 0, false
}

func holds(a specs.LinuxSeccompArg, arg uint64, narrow bool) bool {
	value, mask := a.Value, uint64(1<<64-1)
	if a.Op == "SCMP_CMP_MASKED_EQ" {
		value, mask = a.ValueTwo, a.Value
	}
	huge := false
	if narrow {
		arg &= 0xffffffff
		// the sign-extended form of a 32-bit value stands for it
		if value>>32 == mask>>32 && mask>>32 != 0 && value&mask&(1<<31) != 0 {
			value &= 0xffffffff
		}
		huge = value>>32 != 0
	}
	switch a.Op {
	case "SCMP_CMP_MASKED_EQ":
		return !huge && arg&mask == value
	case "SCMP_CMP_EQ":
		return !huge && arg == value
	case "SCMP_CMP_NE":
		return huge || arg != value
	case "SCMP_CMP_LT":
		return huge || arg < value
	case "SCMP_CMP_LE":
		return huge || arg <= value
	case "SCMP_CMP_GE":
		return !huge && arg >= value
	case "SCMP_CMP_GT":
		return !huge && arg > value
	}
	panic(a.Op)
}
