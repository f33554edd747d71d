// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// MaxNode is the highest NUMA node accepted; no kernel can be built for more.
const MaxNode = 1023

const noMountNamespace = "a container without a mount namespace of its own would mount over, mask and pivot away the host's filesystems"

func (c *checker) linux(path place, l *specs.Linux) {
	c.userMappings(path, l)
	c.sysctl(path.at("sysctl"), l)
	c.namespaces(path.at("namespaces"), l.Namespaces)
	if find(l, specs.MountNamespace) == nil {
		c.add(path.at("namespaces"), "must contain a mount namespace: "+noMountNamespace)
	}
	c.devices(path.at("devices"), l.Devices)
	c.netDevices(path.at("netDevices"), l)
	switch l.RootfsPropagation {
	case "", "shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable":
	default:
		c.add(path.at("rootfsPropagation"), "must be [r]shared, [r]slave, [r]private or [r]unbindable, not "+quote(l.RootfsPropagation))
	}
	for i, p := range l.MaskedPaths {
		c.absolute(path.entry("maskedPaths", i), p)
	}
	for i, p := range l.ReadonlyPaths {
		c.absolute(path.entry("readonlyPaths", i), p)
	}
	if l.MemoryPolicy != nil {
		c.memoryPolicy(path.at("memoryPolicy"), l.MemoryPolicy)
	}
	if p, here := l.Personality, path.at("personality"); p != nil {
		if p.Domain != specs.PerLinux && p.Domain != specs.PerLinux32 {
			c.add(here.at("domain"), "must be LINUX or LINUX32, not "+quote(p.Domain))
		}
		if len(p.Flags) > 0 {
			c.add(here.at("flags"), "must be empty: the specification defines no flag")
		}
	}
	c.timeOffsets(path.at("timeOffsets"), l)
}

// find returns the container's namespace of a type, nil if it has none and
// stays in the caller's.
func find(l *specs.Linux, t specs.LinuxNamespaceType) *specs.LinuxNamespace {
	for i := range l.Namespaces {
		if l.Namespaces[i].Type == t {
			return &l.Namespaces[i]
		}
	}
	return nil
}

func (c *checker) namespaces(path place, list []specs.LinuxNamespace) {
	known := [...]specs.LinuxNamespaceType{
		specs.PIDNamespace, specs.NetworkNamespace, specs.MountNamespace, specs.IPCNamespace,
		specs.UTSNamespace, specs.UserNamespace, specs.CgroupNamespace, specs.TimeNamespace,
	}
	var seen [len(known)]bool
	for i := range list {
		ns, here := &list[i], path.item(i)
		unknown := true
		for k, t := range known {
			if t != ns.Type {
				continue
			}
			unknown = false
			if seen[k] {
				c.add(here.at("type"), "there are two namespaces of type "+string(t))
			}
			seen[k] = true
		}
		if unknown {
			c.add(here.at("type"), "unknown namespace "+quote(ns.Type))
		}
		if ns.Path != "" {
			c.absolute(here.at("path"), ns.Path)
		}
	}
}

func (c *checker) timeOffsets(path place, l *specs.Linux) {
	if len(l.TimeOffsets) == 0 {
		return
	}
	if ns := find(l, specs.TimeNamespace); ns == nil {
		c.add(path, "needs a time namespace: the host's clocks cannot be shifted")
	} else if ns.Path != "" {
		c.add(path, "is only for a new time namespace: the clocks of one that is joined are set already")
	}
	for _, clock := range sortedKeys(l.TimeOffsets) {
		here := path.at(clock)
		if clock != "monotonic" && clock != "boottime" {
			c.add(here, "unknown clock; a time namespace has monotonic and boottime")
		}
		if l.TimeOffsets[clock].Nanosecs >= 1e9 {
			c.add(here.at("nanosecs"), "must be less than 1000000000")
		}
	}
}

// memoryPolicy checks what set_mempolicy(2) takes.
func (c *checker) memoryPolicy(path place, p *specs.LinuxMemoryPolicy) {
	fixed, relative, balancing := false, false, false
	for i, f := range p.Flags {
		switch f {
		case specs.MpolFStaticNodes:
			fixed = true
		case specs.MpolFRelativeNodes:
			relative = true
		case specs.MpolFNumaBalancing:
			balancing = true
		default:
			c.add(path.entry("flags", i), "unknown flag "+quote(f))
		}
	}
	const both = "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other"
	if fixed && relative {
		c.add(path.at("flags"), both)
	}
	c.list(path.at("nodes"), p.Nodes, MaxNode)
	none := strings.Trim(p.Nodes, " ") == ""
	switch p.Mode {
	case specs.MpolDefault, specs.MpolLocal:
		if !none {
			c.add(path.at("nodes"), "must be empty for "+string(p.Mode))
		}
	case specs.MpolBind, specs.MpolInterleave, specs.MpolWeightedInterleave, specs.MpolPreferredMany:
		if none {
			c.add(path.at("nodes"), "must name a node for "+string(p.Mode))
		}
	case specs.MpolPreferred:
	default:
		c.add(path.at("mode"), "unknown mode "+quote(p.Mode))
		return
	}
	if (fixed || relative) && none && p.Mode != specs.MpolDefault {
		c.add(path.at("flags"), "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes")
	}
	if balancing && p.Mode != specs.MpolBind && p.Mode != specs.MpolPreferredMany {
		c.add(path.at("flags"), "MPOL_F_NUMA_BALANCING is only for MPOL_BIND and MPOL_PREFERRED_MANY")
	}
}

// list checks a list of CPUs or nodes.
func (c *checker) list(path place, value string, most int) {
	if _, err := ParseList(value, most); err != nil {
		c.add(path, err.Error())
	}
}

func between(v, most int64) string {
	return "must be between 0 and " + strconv.FormatInt(most, 10) + ", not " + strconv.FormatInt(v, 10)
}
