// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/netbridge"
	"gojail/src/spec"
)

// refuseLater refuses by name what this runtime does not honour yet, and what it never will. Nothing that a container was
// promised is silently left out.
func refuseLater(s *specs.Spec) error {
	l := s.Linux
	if err := refuseProcess(s.Process); err != nil {
		return err
	}
	switch {
	case l.MountLabel != "":
		return refuse("linux.mountLabel", "SELinux labels are not supported")
	case l.IntelRdt != nil:
		return refuse("linux.intelRdt", "resource directors are not supported")
	}
	return nil
}

func refuseProcess(p *specs.Process) error {
	switch {
	case p.ApparmorProfile != "":
		return refuse("process.apparmorProfile", "OpenWrt has no AppArmor")
	case p.SelinuxLabel != "":
		return refuse("process.selinuxLabel", "SELinux labels are not supported")
	}
	return nil
}

// Refused lists what config.json may hold and a start is refused for, by JSON path.
func Refused() []string {
	return []string{"hooks.createContainer (with a joined mount namespace)", "hooks.startContainer (with a listener for seccomp)", "process.apparmorProfile", "process.selinuxLabel", "linux.mountLabel",
		"linux.intelRdt", "linux.resources.memory.kernel", "linux.resources.memory.kernelTCP", "linux.resources.memory.swappiness",
		"linux.resources.memory.disableOOMKiller", "linux.resources.cpu.realtimeRuntime", "linux.resources.cpu.realtimePeriod",
		"linux.resources.blockIO.leafWeight", "linux.resources.network", "mounts[].options (remount with options of the file system)"}
}

// Ignored lists what config.json may hold without an effect.
func Ignored() []string {
	return []string{"annotations (but " + failUnknown + ", " + LogAnnotation + ", " + IDMapAnnotation + ", " + annotationMemory + ", " + annotationMDWE + ", " + annotationLandlock + "ro, rx, rw, " + netbridge.Annotation + "N, " + netbridge.PortAnnotation + "N, " + netbridge.ShareAnnotation + ", org.openwrt.network.*, " + spec.ImageAnnotation + ", " + spec.OverlayAnnotation + ", " + spec.SecretAnnotation + ")", "process.consoleSize (without process.terminal)", "process.commandLine (Windows)",
		"process.execCPUAffinity (it is for exec)",
		"linux.resources.memory.checkBeforeUpdate (it is for update)", "linux.resources.memory.useHierarchy (cgroup v2 has no other way)",
		"with a joined mount namespace: root, mounts, linux.devices, linux.maskedPaths, linux.readonlyPaths, linux.rootfsPropagation",
		"with a joined user namespace: linux.uidMappings, linux.gidMappings", "solaris", "windows", "vm", "zos", "freebsd"}
}
