// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"io/fs"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func (d *decoder) linux(l *specs.Linux) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "uidMappings":
			l.UIDMappings = list(d, (*decoder).idMapping)
		case "gidMappings":
			l.GIDMappings = list(d, (*decoder).idMapping)
		case "sysctl":
			l.Sysctl = d.strTable()
		case "resources":
			l.Resources = one(d, (*decoder).resources)
		case "cgroupsPath":
			l.CgroupsPath = d.str()
		case "namespaces":
			l.Namespaces = list(d, (*decoder).namespace)
		case "devices":
			l.Devices = list(d, (*decoder).device)
		case "netDevices":
			l.NetDevices = table(d, (*decoder).netDevice)
		case "seccomp":
			l.Seccomp = one(d, (*decoder).seccomp)
		case "rootfsPropagation":
			l.RootfsPropagation = d.str()
		case "maskedPaths":
			l.MaskedPaths = d.strs()
		case "readonlyPaths":
			l.ReadonlyPaths = d.strs()
		case "mountLabel":
			l.MountLabel = d.str()
		case "intelRdt":
			l.IntelRdt = one(d, (*decoder).intelRdt)
		case "memoryPolicy":
			l.MemoryPolicy = one(d, (*decoder).memoryPolicy)
		case "personality":
			l.Personality = one(d, (*decoder).personality)
		case "timeOffsets":
			l.TimeOffsets = table(d, (*decoder).timeOffset)
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) namespace(n *specs.LinuxNamespace) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "type":
			n.Type = specs.LinuxNamespaceType(d.str())
		case "path":
			n.Path = d.str()
		default:
			d.skip()
		}
	}
	d.close(&o, "type")
}

func (d *decoder) device(v *specs.LinuxDevice) {
	numbers := [...]string{"type", "path", "major", "minor"}
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "path":
			v.Path = d.str()
		case "type":
			v.Type = d.str()
		case "major":
			v.Major = d.int64()
		case "minor":
			v.Minor = d.int64()
		case "fileMode":
			v.FileMode = ref(fs.FileMode(d.uint32()))
		case "uid":
			v.UID = ref(d.uint32())
		case "gid":
			v.GID = ref(d.uint32())
		default:
			d.skip()
		}
	}
	if v.Type == "p" {
		d.close(&o, numbers[:2]...)
	} else {
		d.close(&o, numbers[:]...)
	}
}

func (d *decoder) netDevice(v *specs.LinuxNetDevice) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "name":
			v.Name = d.str()
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) intelRdt(r *specs.LinuxIntelRdt) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "closID":
			r.ClosID = d.str()
		case "schemata":
			r.Schemata = d.strs()
		case "l3CacheSchema":
			r.L3CacheSchema = d.str()
		case "memBwSchema":
			r.MemBwSchema = d.str()
		case "enableMonitoring":
			r.EnableMonitoring = d.boolean()
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) memoryPolicy(p *specs.LinuxMemoryPolicy) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "mode":
			p.Mode = specs.MemoryPolicyModeType(d.str())
		case "nodes":
			p.Nodes = d.str()
		case "flags":
			p.Flags = names[specs.MemoryPolicyFlagType](d)
		default:
			d.skip()
		}
	}
	d.close(&o, "mode")
}

func (d *decoder) personality(p *specs.LinuxPersonality) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "domain":
			p.Domain = specs.LinuxPersonalityDomain(d.str())
		case "flags":
			p.Flags = names[specs.LinuxPersonalityFlag](d)
		default:
			d.skip()
		}
	}
	d.close(&o, "domain")
}

func (d *decoder) timeOffset(t *specs.LinuxTimeOffset) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "secs":
			t.Secs = d.int64()
		case "nanosecs":
			t.Nanosecs = d.uint32()
		default:
			d.skip()
		}
	}
	d.close(&o)
}
