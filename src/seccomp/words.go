// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// What a filter returns (linux/seccomp.h). Read as a signed number, the lower one is the stricter.
const (
	killProcess = 0x80000000
	killThread  = 0x00000000
	trap        = 0x00030000
	errno       = 0x00050000
	notify      = 0x7fc00000
	trace       = 0x7ff00000
	log         = 0x7ffc0000
	allow       = 0x7fff0000
)

// stricter returns the action that lets less happen.
func stricter(a, b uint32) uint32 { return uint32(min(int32(a), int32(b))) }

// word is a name of the profile and what it stands for.
type word struct {
	name  string
	value uint32
}

var actions = [...]word{
	{string(specs.ActAllow), allow},
	{string(specs.ActErrno), errno},
	{string(specs.ActKill), killThread},
	{string(specs.ActKillProcess), killProcess},
	{string(specs.ActKillThread), killThread},
	{string(specs.ActLog), log},
	{string(specs.ActNotify), notify},
	{string(specs.ActTrace), trace},
	{string(specs.ActTrap), trap},
}

// The comparisons a program makes; the other operators are one of these, denied.
const (
	equal = iota
	atLeast
	above
	denied = 0x10
	masked = 0x20 // value is the mask, and valueTwo what has to be left
)

var operators = [...]word{
	{string(specs.OpEqualTo), equal},
	{string(specs.OpGreaterEqual), atLeast},
	{string(specs.OpGreaterThan), above},
	{string(specs.OpLessEqual), above | denied},
	{string(specs.OpLessThan), atLeast | denied},
	{string(specs.OpMaskedEqual), equal | masked},
	{string(specs.OpNotEqual), equal | denied},
}

// Flags of seccomp(2).
const (
	flagNewListener  = 1 << 3
	flagTSyncESRCH   = 1 << 4
	flagTSync        = 1 << 0
	flagWaitKillable = 1 << 5
)

var flags = [...]word{
	{string(specs.LinuxSeccompFlagLog), 1 << 1},
	{string(specs.LinuxSeccompFlagSpecAllow), 1 << 2},
	{"SECCOMP_FILTER_FLAG_TSYNC", flagTSync},
	{string(specs.LinuxSeccompFlagWaitKillableRecv), flagWaitKillable},
}

func find(list []word, name string) (uint32, bool) {
	for i := range list {
		if list[i].name == name {
			return list[i].value, true
		}
	}
	return 0, false
}

func namesOf(list []word) []string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].name
	}
	return names
}

// Actions are the names of actions that a profile may use, in alphabetical order.
func Actions() []string { return namesOf(actions[:]) }

// Operators are those of operators.
func Operators() []string { return namesOf(operators[:]) }

// Flags are those of flags.
func Flags() []string { return namesOf(flags[:]) }

// Architectures are those of architectures. Of those that are not this machine's a filter has nothing.
func Architectures() []string {
	list := strings.Fields(architectures)
	for i := range list {
		list[i] = "SCMP_ARCH_" + list[i]
	}
	return list
}

// isArchitecture tells whether the specification has an architecture of that name.
func isArchitecture(name string) bool {
	short, found := strings.CutPrefix(name, "SCMP_ARCH_")
	if !found {
		return false
	}
	for known := range strings.FieldsSeq(architectures) {
		if known == short {
			return true
		}
	}
	return false
}

const architectures = "AARCH64 ARM LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PARISC PARISC64 PPC PPC64 PPC64LE " +
	"RISCV64 S390 S390X SH SHEB X32 X86 X86_64"
