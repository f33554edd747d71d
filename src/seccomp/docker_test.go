// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/spec"
)

// dockerProfile is the format of Docker and podman: what applies depends on the machine and on capabilities.
type dockerProfile struct {
	DefaultAction   specs.LinuxSeccompAction
	DefaultErrnoRet *uint
	DefaultErrno    string
	ArchMap         []struct {
		Architecture     specs.Arch
		SubArchitectures []specs.Arch
	}
	Syscalls []struct {
		specs.LinuxSyscall
		Errno              string
		Includes, Excludes struct {
			Caps, Arches []string
			MinKernel    string
		}
	}
}

// common is containers-common's profile as podman would put it into a config.json.
func common(t *testing.T, goarch string, machine []arch, caps ...string) *specs.LinuxSeccomp {
	t.Helper()
	b, err := os.ReadFile(commonFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no " + commonFile + " (Debian: golang-github-containers-common)")
	} else if err != nil {
		t.Fatal(err)
	}
	return resolved(t, b, goarch, machine, caps...)
}

const commonFile = "/usr/share/containers/seccomp.json"

// resolved is a profile of that format as podman resolves it.
func resolved(t *testing.T, b []byte, goarch string, machine []arch, caps ...string) *specs.LinuxSeccomp {
	t.Helper()
	var d dockerProfile
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if a, ok := map[string]string{"386": "x86", "mipsle": "mipsel", "mips64le": "mipsel64", "loong64": "loongarch64"}[goarch]; ok {
		goarch = a
	}
	number := func(name string, given *uint) *uint {
		numbers := map[string][2]uint{"EPERM": {1, 1}, "EINVAL": {22, 22}, "ENOSYS": {38, 89}, "EPROTONOSUPPORT": {93, 120}, "EAFNOSUPPORT": {97, 124}}
		if pair, ok := numbers[name]; !ok && name != "" {
			t.Fatal(name)
		} else if strings.HasPrefix(goarch, "mips") && ok {
			return &pair[1]
		} else if ok {
			return &pair[0]
		}
		return given
	}
	p := &specs.LinuxSeccomp{DefaultAction: d.DefaultAction, DefaultErrnoRet: number(d.DefaultErrno, d.DefaultErrnoRet)}
	for _, m := range d.ArchMap {
		if string(m.Architecture) == machine[0].name {
			p.Architectures = append([]specs.Arch{m.Architecture}, m.SubArchitectures...)
		}
	}
	held := func(c string) bool { return slices.Contains(caps, c) }
	for _, s := range d.Syscalls {
		switch in, ex := s.Includes, s.Excludes; {
		case in.MinKernel != "" || ex.MinKernel != "":
			t.Fatal("kernel versions are not looked at here")
		case slices.Contains(ex.Arches, goarch) || len(in.Arches) > 0 && !slices.Contains(in.Arches, goarch):
		case slices.ContainsFunc(ex.Caps, held) || slices.ContainsFunc(in.Caps, func(c string) bool { return !held(c) }):
		default:
			s.ErrnoRet = number(s.Errno, s.ErrnoRet)
			p.Syscalls = append(p.Syscalls, s.LinuxSyscall)
		}
	}
	if len(p.Syscalls) < 10 {
		t.Fatalf("only %d rules", len(p.Syscalls))
	}
	return p
}

// The cost of a call grows with the logarithm of the number of calls that have rules.
func TestContainersCommon(t *testing.T) {
	for goarch, machine := range machines() {
		for name, caps := range map[string][]string{"no capabilities": nil, "many": {"CAP_SYS_ADMIN", "CAP_AUDIT_WRITE", "CAP_SYS_CHROOT", "CAP_BPF"}} {
			t.Run(goarch+", "+name, func(t *testing.T) {
				p := common(t, goarch, machine, caps...)
				b, err := os.ReadFile(commonFile)
				if err != nil {
					t.Fatal(err)
				}
				if got := decoded(t, b, goarch, caps...); !sameProfile(t, got, p) {
					t.Errorf("read as %+v, want %+v", got, p)
				}
				logarithmic(t, p, machine)
			})
		}
	}
}

// logarithmic checks what a filter says, and how long it takes.
func logarithmic(t *testing.T, p *specs.LinuxSeccomp, machine []arch) {
	t.Helper()
	longest := agrees(t, rand.New(rand.NewPCG(3, 3)), p, machine, 2)
	f, err := compile(p, Options{}, machine)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for i := range machine {
		r, err := read(p, &Options{})
		if err != nil {
			t.Fatal(err)
		}
		calls = max(calls, len(r.section(&machine[i]).calls))
	}
	// Architectures, the number, two comparisons for each level at most (long jumps), and arguments: socketcall has twenty.
	bound := 2 + len(machine) + 2*bits.Len(uint(2*calls)) + 30
	t.Logf("%d instructions, %d calls with rules; the longest way has %d", len(f.Program), calls, longest)
	if longest > bound {
		t.Errorf("the longest way has %d instructions, more than %d", longest, bound)
	}
}

// decoded is the same, read by package spec.
func decoded(t *testing.T, b []byte, goarch string, caps ...string) *specs.LinuxSeccomp {
	t.Helper()
	p, err := spec.DecodeSeccomp(b, spec.Target{Arch: goarch, Holds: func(c string) bool { return slices.Contains(caps, c) }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sameProfile compares two as JSON, which does not tell an empty list from none.
func sameProfile(t *testing.T, a, b *specs.LinuxSeccomp) bool {
	t.Helper()
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return string(x) == string(y)
}
