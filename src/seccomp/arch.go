// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"runtime"
	"strings"
)

// An arch is a set of system calls: a machine has its own, and perhaps those of 32-bit programs.
type arch struct {
	name    string // in a profile
	token   uint32 // AUDIT_ARCH_* of linux/audit.h, as x8664
	base    uint32 // what is added to numbers
	numbers *[count]uint16
	narrow  bool // arguments have 32 bits; the upper half may hold their sign, or anything
	big     bool // the upper half of an argument comes first
}

// The machines. Each has its own architecture first. The linker leaves out the tables of the others.
func amd64() []arch {
	return []arch{
		{name: "SCMP_ARCH_X86_64", token: x8664, numbers: &amd64Numbers},
		{name: "SCMP_ARCH_X86", token: 0x40000003, numbers: &i386Numbers, narrow: true},
		{name: "SCMP_ARCH_X32", token: x8664, base: x32Bit, numbers: &x32Numbers},
	}
}
func i386() []arch {
	return []arch{{name: "SCMP_ARCH_X86", token: 0x40000003, numbers: &i386Numbers, narrow: true}}
}
func arm() []arch {
	return []arch{{name: "SCMP_ARCH_ARM", token: 0x40000028, numbers: &armNumbers, narrow: true}}
}
func arm64() []arch {
	return []arch{
		{name: "SCMP_ARCH_AARCH64", token: 0xc00000b7, numbers: &arm64Numbers},
		{name: "SCMP_ARCH_ARM", token: 0x40000028, numbers: &armNumbers, narrow: true},
	}
}
func mips() []arch {
	return []arch{{name: "SCMP_ARCH_MIPS", token: 0x8, base: 4000, numbers: &mipsNumbers, narrow: true, big: true}}
}
func mipsle() []arch {
	return []arch{{name: "SCMP_ARCH_MIPSEL", token: 0x40000008, base: 4000, numbers: &mipsNumbers, narrow: true}}
}
func mips64() []arch {
	return append([]arch{
		{name: "SCMP_ARCH_MIPS64", token: 0x80000008, base: 5000, numbers: &mips64Numbers, big: true},
		{name: "SCMP_ARCH_MIPS64N32", token: 0xa0000008, base: 6000, numbers: &mipsN32Numbers, narrow: true, big: true},
	}, mips()...)
}
func mips64le() []arch {
	return append([]arch{
		{name: "SCMP_ARCH_MIPSEL64", token: 0xc0000008, base: 5000, numbers: &mips64Numbers},
		{name: "SCMP_ARCH_MIPSEL64N32", token: 0xe0000008, base: 6000, numbers: &mipsN32Numbers, narrow: true},
	}, mipsle()...)
}
func riscv64() []arch {
	return []arch{{name: "SCMP_ARCH_RISCV64", token: 0xc00000f3, numbers: &riscv64Numbers}}
}
func loong64() []arch {
	return []arch{{name: "SCMP_ARCH_LOONGARCH64", token: 0xc0000102, numbers: &loong64Numbers}}
}

func native() []arch {
	switch runtime.GOARCH {
	case "amd64":
		return amd64()
	case "386":
		return i386()
	case "arm":
		return arm()
	case "arm64":
		return arm64()
	case "mips":
		return mips()
	case "mipsle":
		return mipsle()
	case "mips64":
		return mips64()
	case "mips64le":
		return mips64le()
	case "riscv64":
		return riscv64()
	case "loong64":
		return loong64()
	}
	panic("seccomp: no system calls of " + runtime.GOARCH)
}

const (
	x8664 = 0xc000003e
	// x32Bit marks the calls of x32 programs, which else have amd64's architecture.
	x32Bit = 1 << 30
	// missing is the number of a call that an architecture does not have.
	missing = 0xffff
	// Numbers from private on are those that arm has from armPrivate on (cacheflush, set_tls ...).
	private    = 0xff00
	armPrivate = 0xf0000
)

// number is that of the system call with this place in the list of names.
func (a *arch) number(name int) (uint32, bool) {
	switch n := uint32(a.numbers[name]); {
	case n == missing:
		return 0, false
	case n >= private:
		return n - private + armPrivate, true
	default:
		return n + a.base, true
	}
}

// index is the list of names.
type index []string

func newIndex() index {
	list := make(index, 0, count)
	for name := range strings.FieldsSeq(names) {
		list = append(list, name)
	}
	return list
}

// find returns the place of a name, or -1.
func (list index) find(name string) int {
	low, high := 0, len(list)
	for low < high {
		switch middle := (low + high) / 2; strings.Compare(list[middle], name) {
		case 0:
			return middle
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return -1
}
