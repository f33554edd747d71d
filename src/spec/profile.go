// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A Target is whom a conditional seccomp profile is asked about.
type Target struct {
	Arch string // as GOARCH has it
	// Holds tells whether a capability (CAP_SYS_ADMIN) is in the bounding set; nil: all are.
	Holds func(capability string) bool
}

// DecodeSeccomp reads a file that holds only a seccomp object, as ujail's -S takes it, and resolves what is conditional in it. Names of
// system calls are not checked.
//
// That is the form of containers-common and moby: linux.seccomp of the specification, where rules may have
//   - includes and excludes, by caps, arches and minKernel: a rule counts if all that it includes is there, and nothing that it excludes,
//   - errno, and the profile defaultErrno, by name: numbers differ between architectures. A name wins over a number.
//
// and the profile may have, in the place of architectures, archMap: for each architecture those of the programs that it runs as well.
// Every kernel that gojail runs on counts as one of minKernel's; a rule for later ones only is refused.
func DecodeSeccomp(b []byte, t Target) (*specs.LinuxSeccomp, error) {
	return decode(b, func(d *decoder, s *specs.LinuxSeccomp) {
		d.target = &t
		d.seccomp(s)
	})
}

// A machine has a name in Go, one in conditions (libseccomp's), and one in profiles.
type machine struct{ arch, condition, profile string }

var machines = [...]machine{
	{"amd64", "amd64", "X86_64"}, {"386", "x86", "X86"}, {"arm", "arm", "ARM"}, {"arm64", "arm64", "AARCH64"},
	{"mips", "mips", "MIPS"}, {"mipsle", "mipsel", "MIPSEL"}, {"mips64", "mips64", "MIPS64"}, {"mips64le", "mipsel64", "MIPSEL64"},
	{"riscv64", "riscv64", "RISCV64"}, {"loong64", "loongarch64", "LOONGARCH64"},
}

func (t *Target) machine() machine {
	for _, m := range machines {
		if m.arch == t.Arch {
			return m
		}
	}
	return machine{}
}

// archMap reads which architectures a profile is for.
func (d *decoder) archMap() (found []specs.Arch) {
	if d.target == nil {
		d.skip()
		return nil
	}
	for a := d.array(); d.element(&a); {
		if name, more := d.subArchitectures(); string(name) == "SCMP_ARCH_"+d.target.machine().profile {
			found = append([]specs.Arch{name}, more...)
		}
	}
	return found
}

func (d *decoder) subArchitectures() (name specs.Arch, more []specs.Arch) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "architecture":
			name = specs.Arch(d.str())
		case "subArchitectures":
			more = names[specs.Arch](d)
		default:
			d.skip()
		}
	}
	d.close(&o, "architecture")
	return name, more
}

// condition reads what a rule includes, or excludes, and tells whether the rule counts.
func (d *decoder) condition(includes bool) bool {
	if d.target == nil {
		d.skip()
		return true
	}
	some, all := false, true
	is := func(there bool) { some, all = some || there, all && there }
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "caps":
			for _, c := range d.strs() {
				is(d.target.Holds == nil || d.target.Holds(c))
			}
		case "arches":
			if list := d.strs(); len(list) > 0 {
				m := d.target.machine()
				is(slices.Contains(list, m.condition) || slices.Contains(list, m.arch))
			}
		case "minKernel":
			d.minKernel()
			is(true)
		default: // one that is not known must not let anything pass
			d.fail("unknown condition")
		}
	}
	d.close(&o)
	return includes && all || !includes && !some
}

// The oldest kernel that gojail runs on.
const kernelMajor, kernelMinor = 5, 15

func (d *decoder) minKernel() {
	text := d.str()
	major, minor, _ := strings.Cut(text, ".")
	a, err := strconv.ParseUint(major, 10, 16)
	b, err2 := strconv.ParseUint(minor, 10, 16)
	switch {
	case err != nil || err2 != nil:
		d.fail("must be a version such as 4.8, not " + quote(text))
	case a > kernelMajor || a == kernelMajor && b > kernelMinor:
		d.fail("is later than " + strconv.Itoa(kernelMajor) + "." + strconv.Itoa(kernelMinor) + ": such conditions are not offered")
	}
}

// lowErrnos are those from 1 on that are the same everywhere (asm-generic/errno-base.h).
const lowErrnos = "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV " +
	"ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE"

// highErrnos are those of the others that a profile may want: as most architectures number them, and as MIPS does.
var highErrnos = [...]struct {
	name       string
	most, mips uint8
}{
	{"ENOSYS", 38, 89}, {"EPROTONOSUPPORT", 93, 120}, {"EOPNOTSUPP", 95, 122}, {"ENOTSUP", 95, 122}, {"EAFNOSUPPORT", 97, 124},
}

// errnoName reads the name of an errno.
func (d *decoder) errnoName() *uint {
	if d.target == nil {
		d.skip()
		return nil
	}
	name := d.str()
	number := uint(1)
	for low := range strings.FieldsSeq(lowErrnos) {
		if low == name {
			return &number
		}
		number++
	}
	for _, e := range highErrnos {
		if e.name != name {
			continue
		}
		number = uint(e.most)
		if strings.HasPrefix(d.target.Arch, "mips") {
			number = uint(e.mips)
		}
		return &number
	}
	d.fail("unknown error " + quote(name) + " (give its number as errnoRet)")
	return nil
}
