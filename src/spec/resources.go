// SPDX-License-Identifier: LGPL-2.1-only

package spec

import specs "github.com/opencontainers/runtime-spec/specs-go"

func (d *decoder) resources(r *specs.LinuxResources) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "devices":
			r.Devices = list(d, (*decoder).deviceRule)
		case "memory":
			r.Memory = one(d, (*decoder).memory)
		case "cpu":
			r.CPU = one(d, (*decoder).cpu)
		case "pids":
			r.Pids = one(d, (*decoder).pids)
		case "blockIO":
			r.BlockIO = one(d, (*decoder).blockIO)
		case "hugepageLimits":
			r.HugepageLimits = list(d, (*decoder).hugepageLimit)
		case "network":
			r.Network = one(d, (*decoder).network)
		case "rdma":
			r.Rdma = table(d, (*decoder).rdma)
		case "unified":
			r.Unified = d.strTable()
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) deviceRule(r *specs.LinuxDeviceCgroup) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "allow":
			r.Allow = d.boolean()
		case "type":
			r.Type = d.str()
		case "major":
			r.Major = ref(d.int64())
		case "minor":
			r.Minor = ref(d.int64())
		case "access":
			r.Access = d.str()
		default:
			d.skip()
		}
	}
	d.close(&o, "allow")
}

func (d *decoder) memory(m *specs.LinuxMemory) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "limit":
			m.Limit = ref(d.int64())
		case "reservation":
			m.Reservation = ref(d.int64())
		case "swap":
			m.Swap = ref(d.int64())
		case "kernel":
			// Deprecated, but refusing or ignoring it is not decided here.
			m.Kernel = ref(d.int64()) //nolint:staticcheck
		case "kernelTCP":
			m.KernelTCP = ref(d.int64())
		case "swappiness":
			m.Swappiness = ref(d.uint64())
		case "disableOOMKiller":
			m.DisableOOMKiller = ref(d.boolean())
		case "useHierarchy":
			m.UseHierarchy = ref(d.boolean())
		case "checkBeforeUpdate":
			m.CheckBeforeUpdate = ref(d.boolean())
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) cpu(c *specs.LinuxCPU) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "shares":
			c.Shares = ref(d.uint64())
		case "quota":
			c.Quota = ref(d.int64())
		case "burst":
			c.Burst = ref(d.uint64())
		case "period":
			c.Period = ref(d.uint64())
		case "realtimeRuntime":
			c.RealtimeRuntime = ref(d.int64())
		case "realtimePeriod":
			c.RealtimePeriod = ref(d.uint64())
		case "cpus":
			c.Cpus = d.str()
		case "mems":
			c.Mems = d.str()
		case "idle":
			c.Idle = ref(d.int64())
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) pids(p *specs.LinuxPids) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "limit":
			p.Limit = ref(d.int64())
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) hugepageLimit(h *specs.LinuxHugepageLimit) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "pageSize":
			h.Pagesize = d.str()
		case "limit":
			h.Limit = d.uint64()
		default:
			d.skip()
		}
	}
	d.close(&o, "pageSize", "limit")
}

func (d *decoder) network(n *specs.LinuxNetwork) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "classID":
			n.ClassID = ref(d.uint32())
		case "priorities":
			n.Priorities = list(d, (*decoder).interfacePriority)
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) interfacePriority(p *specs.LinuxInterfacePriority) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "name":
			p.Name = d.str()
		case "priority":
			p.Priority = d.uint32()
		default:
			d.skip()
		}
	}
	d.close(&o, "name", "priority")
}

func (d *decoder) rdma(r *specs.LinuxRdma) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "hcaHandles":
			r.HcaHandles = ref(d.uint32())
		case "hcaObjects":
			r.HcaObjects = ref(d.uint32())
		default:
			d.skip()
		}
	}
	d.close(&o)
}
