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
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// dockerProfile is the format of Docker and podman: what applies depends on the machine and on capabilities.
type dockerProfile struct {
	DefaultAction   specs.LinuxSeccompAction
	DefaultErrnoRet *uint
	ArchMap         []struct {
		Architecture     specs.Arch
		SubArchitectures []specs.Arch
	}
	Syscalls []struct {
		specs.LinuxSyscall
		Includes, Excludes struct {
			Caps, Arches []string
			MinKernel    string
		}
	}
}

// common is containers-common's profile as podman would put it into a config.json.
func common(t *testing.T, goarch string, machine []arch, caps ...string) *specs.LinuxSeccomp {
	t.Helper()
	const file = "/usr/share/containers/seccomp.json"
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no " + file + " (Debian: golang-github-containers-common)")
	} else if err != nil {
		t.Fatal(err)
	}
	var d dockerProfile
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	p := &specs.LinuxSeccomp{DefaultAction: d.DefaultAction, DefaultErrnoRet: d.DefaultErrnoRet}
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
		case slices.ContainsFunc(ex.Caps, held) || !(len(in.Caps) == 0 || slices.ContainsFunc(in.Caps, held)):
		default:
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
				// Architectures, the number, two comparisons for each level at most (long jumps), and arguments.
				bound := 2 + len(machine) + 2*bits.Len(uint(2*calls)) + 20
				t.Logf("%d instructions, %d calls with rules; the longest way has %d", len(f.Program), calls, longest)
				if longest > bound {
					t.Errorf("the longest way has %d instructions, more than %d", longest, bound)
				}
			})
		}
	}
}
