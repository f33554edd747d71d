// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"math/rand/v2"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// machines are all there are.
func machines() map[string][]arch {
	return map[string][]arch{"amd64": amd64(), "386": i386(), "arm": arm(), "arm64": arm64(), "mips": mips(), "mipsle": mipsle(),
		"mips64": mips64(), "mips64le": mips64le(), "riscv64": riscv64(), "loong64": loong64()}
}

// values are those where comparisons go wrong.
var values = []uint64{0, 1, 2, 5, 16, 0x7f, 0x7fffffff, 0x80000000, 0x80000001, 0xffffff9c, 0xffffffff, 0x100000000, 0x100000005, 0x7fffffff00000005,
	0x8000000000000000, 0xffffffff00000000, 0xffffffff80000000, 0xffffffffffffff9c, 0xfffffffffffffffe, 0xffffffffffffffff}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func randomValue(r *rand.Rand) uint64 {
	switch r.IntN(4) {
	case 0:
		return r.Uint64() >> r.IntN(64)
	default:
		return pick(r, values)
	}
}

// randomProfile makes a profile that mentions some calls often, and in several ways.
func randomProfile(r *rand.Rand, machine []arch) *specs.LinuxSeccomp {
	list := strings.Fields(names)
	popular := []string{pick(r, list), pick(r, list), "socket", "bind", "socketcall", "shmget", "ipc", "semop", "execve", "no_such_call"}
	action := func() (specs.LinuxSeccompAction, *uint) {
		a := specs.LinuxSeccompAction(pick(r, Actions()))
		if a == "SCMP_ACT_ERRNO" || a == "SCMP_ACT_TRACE" {
			if n := uint(r.IntN(3)); n > 0 {
				return a, &n
			}
		}
		return a, nil
	}
	p := &specs.LinuxSeccomp{ListenerPath: "/listener"}
	p.DefaultAction, p.DefaultErrnoRet = action()
	for _, a := range machine {
		if r.IntN(2) == 0 {
			p.Architectures = append(p.Architectures, specs.Arch(a.name))
		}
	}
	for n := r.IntN(25); n > 0; n-- {
		var s specs.LinuxSyscall
		s.Action, s.ErrnoRet = action()
		for i := 1 + r.IntN(1<<r.IntN(6)); i > 0; i-- {
			if r.IntN(3) == 0 {
				s.Names = append(s.Names, pick(r, popular))
			} else {
				s.Names = append(s.Names, pick(r, list))
			}
		}
		if r.IntN(3) > 0 {
			for i := r.IntN(4); i > 0; i-- {
				a := specs.LinuxSeccompArg{Index: uint(r.IntN(6)), Value: randomValue(r), Op: specs.LinuxSeccompOperator(pick(r, Operators()))}
				if a.Op == "SCMP_CMP_MASKED_EQ" {
					a.ValueTwo = randomValue(r)
					if r.IntN(4) > 0 {
						a.ValueTwo &= a.Value
					}
				}
				s.Args = append(s.Args, a)
			}
		}
		p.Syscalls = append(p.Syscalls, s)
	}
	return p
}

// randomArgs are near those that the profile speaks of.
func randomArgs(r *rand.Rand, p *specs.LinuxSeccomp) (args [6]uint64) {
	for i := range args {
		args[i] = randomValue(r)
	}
	for tries := 0; tries < 3 && len(p.Syscalls) > 0; tries++ {
		for _, a := range pick(r, p.Syscalls).Args {
			v := a.Value
			if a.Op == "SCMP_CMP_MASKED_EQ" {
				v = a.ValueTwo | r.Uint64()&^a.Value
			}
			switch r.IntN(8) {
			case 0:
				v++
			case 1:
				v--
			case 2:
				v ^= 1 << r.IntN(64)
			case 3:
				v &= 0xffffffff
			case 4:
				v |= 0xffffffff << 32
			}
			args[a.Index] = v
		}
	}
	if r.IntN(4) == 0 {
		args[0] = uint64(r.IntN(30))
	}
	return args
}

// everyCall calls f with each number that any architecture of the machine has, those around, and some that none has.
func everyCall(machine []arch, f func(token, number uint32)) {
	foreign := []uint32{0, 0x40000003, 0xc000003e, 0x40000028, 0x1234}
	for _, token := range foreign {
		f(token, 1)
	}
	for i := range machine {
		a := &machine[i]
		for n := range uint32(700) {
			f(a.token, a.base+n)
		}
		for n := range uint32(10) {
			f(a.token, armPrivate+n)
			f(a.token, -n)
			f(a.token, x32Bit-5+n)
			f(a.token, n)
		}
	}
}

// agrees compares a filter with what the profile says, for every call, each with several sets of arguments. It returns the longest way
// through the filter.
func agrees(t *testing.T, r *rand.Rand, p *specs.LinuxSeccomp, machine []arch, times int) (longest int) {
	t.Helper()
	f, err := compile(p, Options{}, machine)
	if err != nil {
		t.Fatalf("%v: %+v", err, p)
	}
	acceptable(t, f.Program)
	ref, big := newReference(p, machine), machine[0].big
	everyCall(machine, func(token, number uint32) {
		for range times {
			d := data{number: number, arch: token, args: randomArgs(r, p)}
			got, steps, err := run(f.Program, d.bytes(big), big)
			if err != nil {
				t.Fatal(err)
			}
			if want := ref.verdict(&d); got != want {
				t.Fatalf("%s: %+v: %#x, want %#x\n%+v", machine[0].name, d, got, want, p)
			}
			longest = max(longest, steps)
		}
	})
	return longest
}

func TestRandomProfiles(t *testing.T) {
	profiles := 20
	if testing.Short() {
		profiles = 2
	}
	for name, machine := range machines() {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(len(name))))
			for range profiles {
				agrees(t, r, randomProfile(r, machine), machine, 3)
			}
		})
	}
}
