// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// refuseLater refuses by name what this runtime does not honour yet, and what it never will. Nothing that a container was
// promised is silently left out.
func refuseLater(s *specs.Spec) error {
	p, l := s.Process, s.Linux
	switch {
	case p.Terminal:
		return refuse("process.terminal", "consoles are not offered by this version: set it to false")
	case p.ApparmorProfile != "":
		return refuse("process.apparmorProfile", "OpenWrt has no AppArmor")
	case p.SelinuxLabel != "":
		return refuse("process.selinuxLabel", "SELinux labels are not supported")
	case l.MountLabel != "":
		return refuse("linux.mountLabel", "SELinux labels are not supported")
	case l.Seccomp != nil:
		return refuse("linux.seccomp", "system call filters are not offered by this version")
	case l.IntelRdt != nil:
		return refuse("linux.intelRdt", "resource directors are not supported")
	case l.CgroupsPath != "":
		return refuse("linux.cgroupsPath", "control groups are not offered by this version")
	}
	if h := s.Hooks; h != nil {
		for _, k := range [...]struct {
			name string
			list []specs.Hook
		}{{"prestart", h.Prestart}, {"createRuntime", h.CreateRuntime}, {"createContainer", h.CreateContainer}, //nolint:staticcheck // prestart is deprecated, not gone
			{"startContainer", h.StartContainer}, {"poststart", h.Poststart}, {"poststop", h.Poststop}} {
			if len(k.list) > 0 {
				return refuse("hooks."+k.name, "hooks are not offered by this version")
			}
		}
	}
	return refuseResources(l.Resources)
}

// refuseResources lets through what asks for nothing, such as the empty objects that Docker writes, and the rule that every generated configuration carries: all devices but
// the default ones denied.
func refuseResources(r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	const later = "limits are not offered by this version"
	at := func(name string) error { return refuse("linux.resources."+name, later) }
	switch {
	case r.Memory != nil && *r.Memory != (specs.LinuxMemory{}):
		return at("memory")
	case r.CPU != nil && *r.CPU != (specs.LinuxCPU{}):
		return at("cpu")
	case r.Pids != nil && r.Pids.Limit != nil:
		return at("pids")
	case r.BlockIO != nil && !emptyBlockIO(r.BlockIO):
		return at("blockIO")
	case len(r.HugepageLimits) > 0:
		return at("hugepageLimits")
	case r.Network != nil && (r.Network.ClassID != nil || len(r.Network.Priorities) > 0):
		return refuse("linux.resources.network", "net_cls and net_prio belong to cgroup v1")
	case len(r.Rdma) > 0:
		return at("rdma")
	case len(r.Unified) > 0:
		return at("unified")
	}
	for i, d := range r.Devices {
		if d.Allow || d.Type != "" && d.Type != "a" || !allAccess(d.Access) || d.Major != nil && *d.Major != -1 || d.Minor != nil && *d.Minor != -1 {
			return refuse("linux.resources.devices["+itoa(i)+"]", "only the rule that denies all is honoured by this version")
		}
	}
	return nil
}

func emptyBlockIO(b *specs.LinuxBlockIO) bool {
	return b.Weight == nil && b.LeafWeight == nil && len(b.WeightDevice)+len(b.ThrottleReadBpsDevice)+len(b.ThrottleWriteBpsDevice)+
		len(b.ThrottleReadIOPSDevice)+len(b.ThrottleWriteIOPSDevice) == 0
}

func allAccess(a string) bool {
	return a == "" || strings.Contains(a, "r") && strings.Contains(a, "w") && strings.Contains(a, "m")
}

// denyDevices: with the rule that denies all devices, the root is mounted nodev, if /dev is a file system of its own. Nodes in
// the image are then dead, and new ones need CAP_MKNOD.
func (b *builder) denyDevices(s *specs.Spec, ujail bool) bool {
	if s.Linux.Resources == nil || len(s.Linux.Resources.Devices) == 0 {
		return false
	}
	if c := s.Process.Capabilities; c != nil {
		for _, name := range c.Bounding {
			if name == "CAP_MKNOD" {
				b.note("linux.resources.devices: nodes that the container makes itself are not denied, as it has CAP_MKNOD")
			}
		}
	}
	if ujail {
		return true
	}
	for i := range s.Mounts {
		if cleanPath(s.Mounts[i].Destination) == "/dev" {
			return true
		}
	}
	b.note("linux.resources.devices: nodes that the image holds are not denied, as /dev is not a file system of its own")
	return false
}

// Refused lists what config.json may hold and a start is refused for, by JSON path.
func Refused() []string {
	return []string{"hooks", "process.terminal", "process.apparmorProfile", "process.selinuxLabel", "linux.mountLabel", "linux.seccomp",
		"linux.intelRdt", "linux.cgroupsPath", "linux.resources.memory", "linux.resources.cpu", "linux.resources.pids", "linux.resources.blockIO",
		"linux.resources.hugepageLimits", "linux.resources.network", "linux.resources.rdma", "linux.resources.unified",
		"linux.resources.devices (all but the rule that denies everything)", "mounts[].options (remount with options of the file system)"}
}

// Ignored lists what config.json may hold without an effect.
func Ignored() []string {
	return []string{"annotations", "process.consoleSize (there is no terminal)", "process.commandLine (Windows)",
		"process.execCPUAffinity (it is for exec)",
		"with a joined mount namespace: root, mounts, linux.devices, linux.maskedPaths, linux.readonlyPaths, linux.rootfsPropagation",
		"with a joined user namespace: linux.uidMappings, linux.gidMappings", "solaris", "windows", "vm", "zos", "freebsd"}
}
