// SPDX-License-Identifier: LGPL-2.1-only

package spec

import specs "github.com/opencontainers/runtime-spec/specs-go"

func (d *decoder) process(p *specs.Process) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "terminal":
			p.Terminal = d.boolean()
		case "consoleSize":
			p.ConsoleSize = one(d, (*decoder).box)
		case "user":
			d.user(&p.User)
		case "args":
			if p.Args = d.strs(); len(p.Args) == 0 {
				d.fail("must name a program")
			}
		case "env":
			p.Env = d.strs()
		case "cwd":
			p.Cwd = d.str()
		case "capabilities":
			p.Capabilities = one(d, (*decoder).capabilities)
		case "rlimits":
			p.Rlimits = list(d, (*decoder).rlimit)
		case "noNewPrivileges":
			p.NoNewPrivileges = d.boolean()
		case "apparmorProfile":
			p.ApparmorProfile = d.str()
		case "oomScoreAdj":
			p.OOMScoreAdj = ref(int(d.int32()))
		case "scheduler":
			p.Scheduler = one(d, (*decoder).scheduler)
		case "selinuxLabel":
			p.SelinuxLabel = d.str()
		case "ioPriority":
			p.IOPriority = one(d, (*decoder).ioPriority)
		case "execCPUAffinity":
			p.ExecCPUAffinity = one(d, (*decoder).cpuAffinity)
		default:
			d.skip()
		}
	}
	d.close(&o, "cwd", "args")
}

func (d *decoder) box(b *specs.Box) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "height":
			b.Height = uint(d.uint32())
		case "width":
			b.Width = uint(d.uint32())
		default:
			d.skip()
		}
	}
	d.close(&o, "height", "width")
}

func (d *decoder) user(u *specs.User) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "uid":
			u.UID = d.uint32()
		case "gid":
			u.GID = d.uint32()
		case "umask":
			u.Umask = ref(d.uint32())
		case "additionalGids":
			u.AdditionalGids = []uint32{}
			for a := d.array(); d.element(&a); {
				u.AdditionalGids = append(u.AdditionalGids, d.uint32())
			}
		default:
			d.skip()
		}
	}
	d.close(&o, "uid", "gid")
}

func (d *decoder) capabilities(c *specs.LinuxCapabilities) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "bounding":
			c.Bounding = d.strs()
		case "effective":
			c.Effective = d.strs()
		case "inheritable":
			c.Inheritable = d.strs()
		case "permitted":
			c.Permitted = d.strs()
		case "ambient":
			c.Ambient = d.strs()
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) rlimit(r *specs.POSIXRlimit) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "type":
			r.Type = d.str()
		case "soft":
			r.Soft = d.uint64()
		case "hard":
			r.Hard = d.uint64()
		default:
			d.skip()
		}
	}
	d.close(&o, "type", "soft", "hard")
}

func (d *decoder) scheduler(s *specs.Scheduler) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "policy":
			s.Policy = specs.LinuxSchedulerPolicy(d.str())
		case "nice":
			s.Nice = d.int32()
		case "priority":
			s.Priority = d.int32()
		case "flags":
			s.Flags = names[specs.LinuxSchedulerFlag](d)
		case "runtime":
			s.Runtime = d.uint64()
		case "deadline":
			s.Deadline = d.uint64()
		case "period":
			s.Period = d.uint64()
		default:
			d.skip()
		}
	}
	d.close(&o, "policy")
}

func (d *decoder) ioPriority(p *specs.LinuxIOPriority) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "class":
			p.Class = specs.IOPriorityClass(d.str())
		case "priority":
			p.Priority = int(d.int32())
		default:
			d.skip()
		}
	}
	d.close(&o, "class", "priority")
}

func (d *decoder) cpuAffinity(a *specs.CPUAffinity) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "initial":
			a.Initial = d.str()
		case "final":
			a.Final = d.str()
		default:
			d.skip()
		}
	}
	d.close(&o)
}
