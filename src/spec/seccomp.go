// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func (d *decoder) seccomp(s *specs.LinuxSeccomp) {
	var byName *uint
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "defaultAction":
			s.DefaultAction = specs.LinuxSeccompAction(d.str())
		case "defaultErrnoRet":
			s.DefaultErrnoRet = ref(uint(d.uint32()))
		case "architectures":
			s.Architectures = names[specs.Arch](d)
		case "flags":
			s.Flags = names[specs.LinuxSeccompFlag](d)
		case "listenerPath":
			s.ListenerPath = d.str()
		case "listenerMetadata":
			s.ListenerMetadata = d.str()
		case "syscalls":
			s.Syscalls = list(d, (*decoder).syscall)
		case "defaultErrno":
			byName = d.errnoName()
		case "archMap":
			if found := d.archMap(); found != nil {
				s.Architectures = found
			}
		default:
			d.skip()
		}
	}
	if byName != nil {
		s.DefaultErrnoRet = byName
	}
	if d.target != nil {
		s.Syscalls = slices.DeleteFunc(s.Syscalls, func(r specs.LinuxSyscall) bool { return r.Names == nil })
		if d.err == nil && d.has(&o, "archMap") && d.has(&o, "architectures") {
			d.fail("has both architectures and archMap")
		}
	}
	d.close(&o, "defaultAction")
}

func (d *decoder) syscall(s *specs.LinuxSyscall) {
	var byName *uint
	counts := true
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "names":
			if s.Names = d.strs(); len(s.Names) == 0 {
				d.fail("must name a system call")
			}
		case "action":
			s.Action = specs.LinuxSeccompAction(d.str())
		case "errnoRet":
			s.ErrnoRet = ref(uint(d.uint32()))
		case "args":
			s.Args = list(d, (*decoder).seccompArg)
		case "errno":
			byName = d.errnoName()
		case "includes":
			counts = d.condition(true) && counts
		case "excludes":
			counts = d.condition(false) && counts
		default:
			d.skip()
		}
	}
	if byName != nil {
		s.ErrnoRet = byName
	}
	d.close(&o, "names", "action")
	if !counts {
		s.Names = nil // seccomp takes it out
	}
}

func (d *decoder) seccompArg(a *specs.LinuxSeccompArg) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "index":
			a.Index = uint(d.uint32())
		case "value":
			a.Value = d.uint64()
		case "valueTwo":
			a.ValueTwo = d.uint64()
		case "op":
			a.Op = specs.LinuxSeccompOperator(d.str())
		default:
			d.skip()
		}
	}
	d.close(&o, "index", "value", "op")
}
