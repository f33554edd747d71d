// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// decodeSeccomp reads the specification's form.
func decodeSeccomp(b []byte) (*specs.LinuxSeccomp, error) { return decode(b, (*decoder).seccomp) }

// having holds these capabilities.
func having(list ...string) func(string) bool {
	return func(c string) bool { return slices.Contains(list, c) }
}

const conditionalProfile = `{"comment": "x", "defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS", "defaultErrnoRet": 38,
	"archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}, {"architecture": "SCMP_ARCH_MIPS", "x": 1}],
	"syscalls": [
		{"names": ["plain"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7, "includes": {}, "excludes": {"caps": []}},
		{"names": ["admin"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
		{"excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}, "errno": "EPERM", "names": ["neither"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7},
		{"names": ["both"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}},
		{"names": ["x86"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x86"]}},
		{"names": ["mips and admin"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["mipsel", "mips"], "caps": ["CAP_SYS_ADMIN"]},
			"excludes": {"caps": ["CAP_PERFMON"]}},
		{"names": ["not mips"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["mips", "mipsel"]}},
		{"names": ["new"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
		{"names": ["old"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "5.15"}}
	]}`

func TestConditionalProfile(t *testing.T) {
	for _, c := range []struct {
		target Target
		names  string
		archs  string
		errno  uint
	}{
		{Target{"amd64", having()}, "plain neither x86 not mips new", "SCMP_ARCH_X86_64 SCMP_ARCH_X86", 38},
		{Target{"amd64", having("CAP_BPF")}, "plain x86 not mips new", "SCMP_ARCH_X86_64 SCMP_ARCH_X86", 38},
		{Target{"386", having("CAP_SYS_ADMIN")}, "plain admin x86 not mips new", "", 38},
		{Target{"mips", having("CAP_SYS_ADMIN")}, "plain admin mips and admin new", "SCMP_ARCH_MIPS", 89},
		{Target{"mips", nil}, "plain admin both new", "SCMP_ARCH_MIPS", 89},
		{Target{"mipsle", having()}, "plain neither new", "", 89},
		{Target{"riscv64", having("CAP_BPF", "CAP_SYS_ADMIN")}, "plain admin both not mips new", "", 38},
	} {
		p, err := DecodeSeccomp([]byte(conditionalProfile), c.target)
		if err != nil {
			t.Fatal(err)
		}
		var names, archs []string
		for _, s := range p.Syscalls {
			names = append(names, s.Names...)
			if want := map[string]uint{"plain": 7, "neither": 1}[s.Names[0]]; want > 0 && *s.ErrnoRet != want {
				t.Errorf("%s: errno %d, want %d", s.Names[0], *s.ErrnoRet, want)
			}
		}
		for _, a := range p.Architectures {
			archs = append(archs, string(a))
		}
		if strings.Join(names, " ") != c.names || strings.Join(archs, " ") != c.archs || *p.DefaultErrnoRet != c.errno {
			t.Errorf("%s: %q, %q, errno %d, want %q, %q, errno %d", c.target.Arch, names, archs, *p.DefaultErrnoRet, c.names, c.archs, c.errno)
		}
	}
}

func TestConditionalProfileRefusals(t *testing.T) {
	for in, want := range map[string]string{
		`"defaultErrno": "ENOWAY"`:           `defaultErrno: unknown error "ENOWAY" (give its number as errnoRet)`,
		`"architectures": [], "archMap": []`: "has both architectures and archMap",
		`"archMap": [{}]`:                    "archMap[0].architecture: is required",
		`"archMap": {}`:                      "archMap: must be an array, not an object",
		`"syscalls": [{"names":["a"],"action":"b","includes":{"cap":[]}}]`:        "syscalls[0].includes.cap: unknown condition",
		`"syscalls": [{"names":["a"],"action":"b","excludes":[]}]`:                "syscalls[0].excludes: must be an object, not an array",
		`"syscalls": [{"names":["a"],"action":"b","includes":{"minKernel":"5"}}]`: `syscalls[0].includes.minKernel: must be a version such as 4.8, not "5"`,
		`"syscalls": [{"names":["a"],"action":"b","excludes":{"minKernel":"5.16"}}]`: "syscalls[0].excludes.minKernel: is later than 5.15: " +
			"such conditions are not offered",
		`"syscalls": [{"action":"b","excludes":{"caps":[]}}]`: "syscalls[0].names: is required",
	} {
		_, err := DecodeSeccomp([]byte(`{"defaultAction": "SCMP_ACT_ALLOW", `+in+"}"), Target{Arch: "arm"})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

// In a config.json, where the specification has no such members, they are passed over like others that it does not have.
func TestConditionalProfileInBundle(t *testing.T) {
	p, err := decodeSeccomp([]byte(conditionalProfile))
	if err != nil || len(p.Syscalls) != 9 || *p.DefaultErrnoRet != 38 || p.Architectures != nil {
		t.Errorf("%v: %+v", err, p)
	}
}

// Every errno that can be named has the number of this machine's headers: a MIPS has others.
func TestErrnoNames(t *testing.T) {
	for name, want := range map[string][2]uint{"EPERM": {1, 1}, "EACCES": {13, 13}, "EINVAL": {22, 22}, "ERANGE": {34, 34}, "ENOSYS": {38, 89},
		"EPROTONOSUPPORT": {93, 120}, "EOPNOTSUPP": {95, 122}, "ENOTSUP": {95, 122}, "EAFNOSUPPORT": {97, 124}} {
		for i, arch := range []string{"loong64", "mips64le"} {
			p, err := DecodeSeccomp([]byte(`{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "`+name+`"}`), Target{Arch: arch})
			if err != nil || *p.DefaultErrnoRet != want[i] {
				t.Errorf("%s on %s: %v, %v", name, arch, p, err)
			}
		}
	}
}

// conditional checks that what is read as a conditional profile is one of the specification, with at most as many rules.
func conditional(t *testing.T, b []byte) {
	p, err := DecodeSeccomp(b, Target{Arch: "mipsle", Holds: having("CAP_SYS_ADMIN")})
	if err != nil {
		return
	}
	plain, err := decodeSeccomp(b)
	if err != nil || len(plain.Syscalls) < len(p.Syscalls) {
		t.Errorf("%v: %+v, %+v", err, p, plain)
	}
	again, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeSeccomp(again); err != nil {
		t.Error(err)
	}
}
