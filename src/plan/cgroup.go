// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/cgroup"
)

// A Cgroup is the container's control group. The supervisor makes it before the clone, which puts the child there, and removes it at the
// end.
type Cgroup struct {
	Path     string // below the root of the hierarchy
	Own      bool   // it lies below /containers/NAME, which is nobody else's
	Settings []cgroup.Setting
	Devices  []cgroup.Rule // nil: all devices are allowed
	// Required: something is asked for that only the control group can give. Without it a container runs where there is no cgroup v2.
	Required bool
	// DevicesMayFail: a kernel without device programs does not keep the container from running.
	DevicesMayFail bool
}

// cgroup plans linux.cgroupsPath and linux.resources.
func (b *builder) cgroup(s *specs.Spec, name string) error {
	path, err := cgroup.Path(s.Linux.CgroupsPath, name)
	if err != nil {
		return refusedLimit("linux.", err)
	}
	c := &Cgroup{Path: path, Own: !strings.HasPrefix(s.Linux.CgroupsPath, "/")}
	if r := s.Linux.Resources; r != nil {
		if c.Settings, err = cgroup.FromSpec(r); err == nil {
			c.Devices, err = cgroup.Rules(r.Devices, s.Linux.Devices)
		}
		if err != nil {
			return refusedLimit("linux.resources.", err)
		}
		c.DevicesMayFail = cgroup.DenyAll(r.Devices)
	}
	if err := c.memoryPercent(s.Annotations[annotationMemory]); err != nil {
		return err
	}
	c.Required = len(c.Settings) > 0 || len(c.Devices) > 0 && !c.DevicesMayFail
	b.plan.Outside.Cgroup = c
	return nil
}

// annotationMemory is OpenWrt's way to limit memory: a share of the machine's, in the place of linux.resources.memory.limit.
const annotationMemory = "org.openwrt.cgroup.memory.pct"

func (c *Cgroup) memoryPercent(text string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(text, "%"), 10, 8)
	if err != nil || n < 1 || n > 100 {
		return refuse("annotations["+annotationMemory+"]", quoted(text)+" is no percentage, a whole number from 1 to 100")
	}
	list := []cgroup.Setting{{File: "memory.max", Percent: int(n), Where: "memory.limit (" + annotationMemory + ")"}}
	for _, s := range c.Settings {
		if s.Where != "memory.limit" {
			list = append(list, s)
		}
	}
	c.Settings = list
	return nil
}

func refusedLimit(below string, err error) error {
	var e *cgroup.Error
	if errors.As(err, &e) {
		return refuse(below+e.Where, e.Reason)
	}
	return err
}

// denyDevices: where the rules only deny everything, the root is mounted nodev, if /dev is a file system of its own: nodes in the image are
// dead then on a kernel without device programs too. What the container makes itself needs CAP_MKNOD.
func (b *builder) denyDevices(s *specs.Spec, ujail bool) bool {
	if s.Linux.Resources == nil || !cgroup.DenyAll(s.Linux.Resources.Devices) {
		return false
	}
	return ujail || slices.ContainsFunc(s.Mounts, func(m specs.Mount) bool { return cleanPath(m.Destination) == "/dev" })
}

// text is how the plan prints it.
func (c *Cgroup) text(line func(...string)) {
	end := " (if there is cgroup v2)"
	if c.Required {
		end = ""
	}
	line("outside: control group ", c.Path, end)
	for _, s := range c.Settings {
		var n notes
		n.add(s.MayMiss, "if it exists")
		if s.Else != nil {
			n.add(true, "else "+s.Else.File+" to "+s.Else.Value)
		}
		value := s.Value
		if s.Percent > 0 {
			value = strconv.Itoa(s.Percent) + "% of the machine's memory"
		}
		line("outside: set ", s.File, " to ", value, n.detail())
	}
	if len(c.Devices) == 0 {
		return
	}
	end = ""
	if c.DevicesMayFail {
		end = " (if the kernel can)"
	}
	for _, r := range cgroup.Own(c.Devices) {
		line("outside: devices: ", r.String(), end)
	}
	line("outside: devices: allow the default devices", end)
}
