// SPDX-License-Identifier: LGPL-2.1-only

//go:build libseccomp

package seccomp

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	library "github.com/seccomp/libseccomp-golang"
)

// libraryArchs are those that libseccomp 2.5 and we know.
var libraryArchs = map[string]library.ScmpArch{
	"SCMP_ARCH_X86_64": library.ArchAMD64, "SCMP_ARCH_X86": library.ArchX86, "SCMP_ARCH_X32": library.ArchX32, "SCMP_ARCH_ARM": library.ArchARM,
	"SCMP_ARCH_AARCH64": library.ArchARM64, "SCMP_ARCH_MIPS": library.ArchMIPS, "SCMP_ARCH_MIPSEL": library.ArchMIPSEL,
	"SCMP_ARCH_MIPS64": library.ArchMIPS64, "SCMP_ARCH_MIPSEL64": library.ArchMIPSEL64, "SCMP_ARCH_MIPS64N32": library.ArchMIPS64N32,
	"SCMP_ARCH_MIPSEL64N32": library.ArchMIPSEL64N32, "SCMP_ARCH_RISCV64": library.ArchRISCV64,
}

func libraryAction(name specs.LinuxSeccompAction, ret *uint) library.ScmpAction {
	code := int16(1)
	if ret != nil {
		code = int16(*ret)
	}
	switch name {
	case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD":
		return library.ActKillThread
	case "SCMP_ACT_KILL_PROCESS":
		return library.ActKillProcess
	case "SCMP_ACT_TRAP":
		return library.ActTrap
	case "SCMP_ACT_ERRNO":
		return library.ActErrno.SetReturnCode(code)
	case "SCMP_ACT_TRACE":
		return library.ActTrace.SetReturnCode(code)
	case "SCMP_ACT_ALLOW":
		return library.ActAllow
	case "SCMP_ACT_LOG":
		return library.ActLog
	}
	return library.ActNotify
}

// libraryFilter is what runc makes of a profile. What runc would refuse, because libseccomp finds that there is such a rule already, is
// taken out of the profile.
func libraryFilter(t *testing.T, p *specs.LinuxSeccomp, machine []arch) []Insn {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatalf("%v: %+v", err, p)
		}
	}
	fallback := libraryAction(p.DefaultAction, p.DefaultErrnoRet)
	filter, err := library.NewFilter(fallback)
	must(err)
	defer filter.Release()
	own, err := library.GetNativeArch()
	must(err)
	if libraryArchs[machine[0].name] != own {
		must(filter.RemoveArch(own))
		must(filter.AddArch(libraryArchs[machine[0].name]))
	}
	for _, m := range machine[1:] {
		if slices.Contains(p.Architectures, specs.Arch(m.name)) {
			must(filter.AddArch(libraryArchs[m.name]))
		}
	}
	ops := map[specs.LinuxSeccompOperator]library.ScmpCompareOp{"SCMP_CMP_NE": library.CompareNotEqual, "SCMP_CMP_LT": library.CompareLess,
		"SCMP_CMP_LE": library.CompareLessOrEqual, "SCMP_CMP_EQ": library.CompareEqual, "SCMP_CMP_GE": library.CompareGreaterEqual,
		"SCMP_CMP_GT": library.CompareGreater, "SCMP_CMP_MASKED_EQ": library.CompareMaskedEqual}
	for i := range p.Syscalls {
		s := &p.Syscalls[i]
		action := libraryAction(s.Action, s.ErrnoRet)
		if action == fallback {
			continue
		}
		var conditions []library.ScmpCondition
		for _, a := range s.Args {
			c, err := library.MakeCondition(a.Index, ops[a.Op], a.Value, a.ValueTwo)
			must(err)
			conditions = append(conditions, c)
		}
		s.Names = slices.DeleteFunc(s.Names, func(name string) bool {
			number, err := library.GetSyscallFromName(name)
			must(err)
			switch {
			case len(conditions) == 0:
				err = filter.AddRule(number, action)
			case len(newArgs(s.Args)) < len(s.Args):
				for i := range conditions {
					if err == nil {
						err = filter.AddRuleConditional(number, action, conditions[i:i+1])
					}
				}
			default:
				err = filter.AddRuleConditional(number, action, conditions)
			}
			if err == syscall.EEXIST {
				return true
			}
			must(err)
			return false
		})
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	must(err)
	defer file.Close()
	must(filter.ExportBPF(file))
	b, err := os.ReadFile(file.Name())
	must(err)
	program := make([]Insn, 0, len(b)/8)
	order := binary.ByteOrder(binary.LittleEndian)
	if machine[0].big {
		order = binary.BigEndian
	}
	for ; len(b) > 0; b = b[8:] {
		program = append(program, Insn{order.Uint16(b), b[2], b[3], order.Uint32(b[4:])})
	}
	return program
}

// newArgs has the indices of arguments.
func newArgs(args []specs.LinuxSeccompArg) map[uint]bool {
	m := map[uint]bool{}
	for _, a := range args {
		m[a.Index] = true
	}
	return m
}

// comparable tells whether both have to come to the same verdict, or to one of several. They differ on purpose where the package's comment
// says so, and where several rules compare one argument: libseccomp 2.5.4 does not go on to the next rule where a nested comparison has
// decided (with `>= 16` and `< 4294967296` for one call, 4294967296 is found by neither).
func (ref *reference) comparable(d *data) (same, oneOf bool, verdicts []uint32) {
	for _, r := range ref.archs[d.arch] {
		if d.number < r.from || d.number > r.to {
			continue
		}
		fits := func(list []referenceRule, wide bool) bool {
			for _, one := range list {
				for _, a := range one.args {
					v, m := a.Value, ^uint64(0)
					if a.Op == "SCMP_CMP_MASKED_EQ" {
						v, m = a.ValueTwo, a.Value
					}
					if m == 0 || v&^m != 0 || !wide && v>>32 != 0 || !wide && m>>32 != 0 && a.Op == "SCMP_CMP_MASKED_EQ" || r.from == x32Bit && d.args[a.Index]>>32 != 0 {
						return false
					}
				}
			}
			return true
		}
		own := r.calls[d.number]
		if !fits(own, !r.narrow && r.from != x32Bit) {
			return false, false, nil
		}
		verdicts = []uint32{ref.fallback}
		if r.gates[d.number] != nil {
			for _, behind := range r.gates[d.number] {
				for _, one := range behind {
					if len(one.args) > 0 {
						return false, false, nil
					}
				}
			}
			if d.args[0] > 0xffff || len(own) > 0 {
				return false, false, nil
			}
			return true, false, nil
		}
		used, hit := map[uint]bool{}, map[uint32]bool{}
		for _, one := range own {
			if len(one.args) == 0 {
				return true, false, nil
			}
		}
		for _, one := range own {
			for _, a := range one.args {
				if used[a.Index] {
					return false, false, nil
				}
				used[a.Index] = true
			}
			if v, found := first([]referenceRule{one}, d, r.narrow); found {
				hit[v] = true
				verdicts = append(verdicts, v)
			}
		}
		return len(hit) <= 1, len(hit) > 1, verdicts
	}
	return true, false, nil
}

// everywhere tells whether all architectures of the filter have the call. A rule with conditions for one that is missing can make
// libseccomp 2.5.4 forget to load the number, and compare all others with something else.
func everywhere(name string, machine []arch, p *specs.LinuxSeccomp) bool {
	at := newIndex().find(name)
	for i := range machine {
		if i > 0 && !slices.Contains(p.Architectures, specs.Arch(machine[i].name)) {
			continue
		}
		if _, ok := machine[i].number(at); !ok {
			return false
		}
	}
	return true
}

// strange tells whether the call is of an architecture that the filter has not.
func (ref *reference) strange(d *data) bool {
	for _, r := range ref.archs[d.arch] {
		if d.number >= r.from && d.number <= r.to {
			return false
		}
	}
	return true
}

func verdictsOf(p *specs.LinuxSeccomp) []uint32 {
	list := []uint32{killThread, killProcess, verdictOf(p.DefaultAction, p.DefaultErrnoRet)}
	for _, s := range p.Syscalls {
		list = append(list, verdictOf(s.Action, s.ErrnoRet))
	}
	return list
}

func TestLibseccomp(t *testing.T) {
	if err := library.SetAPI(6); err != nil {
		t.Fatal(err)
	}
	major, minor, micro := library.GetLibraryVersion()
	t.Logf("libseccomp %d.%d.%d", major, minor, micro)
	known := func(name string) bool {
		_, err := library.GetSyscallFromName(name)
		return err == nil
	}
	for name, machine := range machines() {
		if libraryArchs[machine[0].name] == library.ArchInvalid {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(2, uint64(len(name))))
			same, oneOf, apart, long := 0, 0, 0, 0
			for range 100 {
				p := randomProfile(r, machine)
				for i := range p.Syscalls {
					s := &p.Syscalls[i]
					s.Names = slices.DeleteFunc(s.Names, func(name string) bool { return !known(name) || !everywhere(name, machine, p) })
					s.Names = append(s.Names, "read")
				}
				if p.DefaultAction == "SCMP_ACT_NOTIFY" {
					p.DefaultAction = "SCMP_ACT_LOG"
				}
				theirs := libraryFilter(t, p, machine)
				if len(theirs) > maxSkip { // over long jumps libseccomp 2.5.4 can lose its way
					long++
					continue
				}
				ours, err := compile(p, Options{}, machine)
				if err != nil {
					t.Fatal(err)
				}
				ref, big, verdicts := newReference(p, machine), machine[0].big, verdictsOf(p)
				everyCall(machine, func(token, number uint32) {
					for range 3 {
						d := data{number: number, arch: token, args: randomArgs(r, p)}
						if r.IntN(3) == 0 {
							for i := range d.args {
								d.args[i] &= 0xffffffff
							}
						}
						got, _, err := run(ours.Program, d.bytes(big), big)
						if err != nil {
							t.Fatal(err)
						}
						want, _, err := run(theirs, d.bytes(big), big)
						if err != nil {
							t.Fatal(err)
						}
						if big && !slices.Contains(verdicts, want) {
							want = bits.ReverseBytes32(want) // libseccomp 2.5.4 forgets that
						}
						if got == killProcess && want == killThread && ref.strange(&d) {
							want = killProcess
						}
						must, among, several := ref.comparable(&d)
						switch {
						case must && got != want:
							t.Fatalf("%+v: %#x, libseccomp has %#x\n%+v", d, got, want, p)
						case must:
							same++
						case among && (!slices.Contains(several, got) || !slices.Contains(several, want)):
							t.Fatalf("%+v: %#x, libseccomp has %#x, of %#x\n%+v", d, got, want, several, p)
						case among:
							oneOf++
						default:
							apart++
						}
					}
				})
			}
			t.Logf("%d verdicts are the same, %d are one of several, %d are not comparable, %d filters are too long", same, oneOf, apart, long)
			if same < 20*apart || long > 80 {
				t.Error("hardly anything was compared")
			}
		})
	}
}

// Every number is libseccomp's, but for names that it is too old to know.
func TestLibseccompNumbers(t *testing.T) {
	newer := map[string]bool{}
	for name, machine := range machines() {
		for i := range machine {
			m := &machine[i]
			token := libraryArchs[m.name]
			if token == library.ArchInvalid {
				continue
			}
			matched := 0
			for at, call := range strings.Fields(names) {
				number, ok := m.number(at)
				if !ok {
					continue
				}
				theirs, err := library.ScmpSyscall(number).GetNameByArch(token)
				switch {
				case err != nil:
					newer[call] = true
				case theirs != call:
					t.Errorf("%s: %s: %d is %s, libseccomp has %s", name, m.name, number, call, theirs)
				default:
					matched++
				}
			}
			if matched < 300 {
				t.Errorf("%s: %s: only %d calls", name, m.name, matched)
			}
			// and the other way round
			for n := range uint32(1000) {
				theirs, err := library.ScmpSyscall(m.base + n).GetNameByArch(token)
				if err != nil {
					continue
				}
				at := newIndex().find(theirs)
				if at < 0 {
					t.Errorf("%s: no %s", m.name, theirs)
				} else if number, ok := m.number(at); !ok || number != m.base+n {
					t.Errorf("%s: %s is %d, libseccomp has %d", m.name, theirs, number, m.base+n)
				}
			}
		}
	}
	if len(newer) > 40 {
		t.Errorf("%d names are unknown to libseccomp: %v", len(newer), newer)
	}
}

// containers-common's profile means the same to both, and so does the one that is shipped.
func TestLibseccompContainersCommon(t *testing.T) {
	for goarch, machine := range machines() {
		sameAsLibrary(t, goarch, machine, common(t, goarch, machine, "CAP_AUDIT_WRITE"))
	}
}

func TestLibseccompDefaultProfile(t *testing.T) {
	for goarch, machine := range machines() {
		sameAsLibrary(t, goarch, machine, decoded(t, defaultProfile(t), goarch, "CAP_NET_RAW"))
		sameAsLibrary(t, goarch, machine, decoded(t, defaultProfile(t), goarch, "CAP_SYS_ADMIN", "CAP_AUDIT_WRITE"))
	}
}

func sameAsLibrary(t *testing.T, goarch string, machine []arch, p *specs.LinuxSeccomp) {
	t.Helper()
	if err := library.SetAPI(6); err != nil {
		t.Fatal(err)
	}
	if libraryArchs[machine[0].name] == library.ArchInvalid {
		return
	}
	for i := range p.Syscalls {
		p.Syscalls[i].Names = slices.DeleteFunc(p.Syscalls[i].Names, func(name string) bool {
			_, err := library.GetSyscallFromName(name)
			return err != nil
		})
	}
	theirs := libraryFilter(t, p, machine)
	p.Syscalls = slices.DeleteFunc(p.Syscalls, func(r specs.LinuxSyscall) bool { return len(r.Names) == 0 })
	ours, err := compile(p, Options{}, machine)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d instructions, libseccomp has %d", goarch, len(ours.Program), len(theirs))
	r, ref, big := rand.New(rand.NewPCG(4, 4)), newReference(p, machine), machine[0].big
	everyCall(machine, func(token, number uint32) {
		d := data{number: number, arch: token, args: randomArgs(r, p)}
		got, _, err := run(ours.Program, d.bytes(big), big)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := run(theirs, d.bytes(big), big)
		if err != nil {
			t.Fatal(err)
		}
		if must, _, _ := ref.comparable(&d); must && !ref.strange(&d) && got != want && got != bits.ReverseBytes32(want) {
			t.Errorf("%s: %+v: %#x, libseccomp has %#x", goarch, d, got, want)
		}
	})
}
