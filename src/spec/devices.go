// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The kernel's dev_t has 12 bits for the major number and 20 for the minor.
const (
	maxMajor = 1<<12 - 1
	maxMinor = 1<<20 - 1
)

// modeBits are the type, the special and the permission bits of a file mode.
// The type is in what older engines write; it is not used.
const modeBits = 0o170000 | 0o7777

func (c *checker) devices(at place, list []specs.LinuxDevice) {
	if len(list) == 0 {
		return
	}
	seen := make(map[string]int, len(list))
	for i := range list {
		v, here := &list[i], at.item(i)
		name := path.Clean(v.Path)
		switch first, ok := seen[name]; {
		case name == "/" || name[0] != '/' || strings.Contains(v.Path+"/", "/../"):
			c.add(here.at("path"), "must be an absolute path without \"..\", not "+quote(v.Path))
		case ok:
			other := at.item(first)
			c.add(here.at("path"), quote(v.Path)+" is created by "+other.String()+" already")
		default:
			seen[name] = i
		}
		switch v.Type {
		case "c", "u", "b":
			if v.Major < 0 || v.Major > maxMajor {
				c.add(here.at("major"), between(v.Major, maxMajor))
			}
			if v.Minor < 0 || v.Minor > maxMinor {
				c.add(here.at("minor"), between(v.Minor, maxMinor))
			}
		case "p":
		default:
			c.add(here.at("type"), "must be c, u, b or p, not "+quote(v.Type))
		}
		if v.FileMode != nil && *v.FileMode&^modeBits != 0 {
			c.add(here.at("fileMode"), "must be a file mode, at most 4095 (octal 7777)")
		}
		if v.UID != nil {
			c.id(here.at("uid"), *v.UID)
		}
		if v.GID != nil {
			c.id(here.at("gid"), *v.GID)
		}
	}
}

// netDevices checks the names on both sides; the target may be a template that
// ends in a number of the kernel's choice (config-linux.md, "eth%d").
func (c *checker) netDevices(path place, l *specs.Linux) {
	if len(l.NetDevices) == 0 {
		return
	}
	if find(l, specs.NetworkNamespace) == nil {
		c.add(path, "needs a network namespace to move the devices to")
	}
	targets := make(map[string]string, len(l.NetDevices))
	for _, name := range sortedKeys(l.NetDevices) {
		device := path.at(name)
		here := device
		if !deviceName(name) {
			c.add(here, badDeviceName)
		}
		target := l.NetDevices[name].Name
		if target == "" {
			target = name
		} else {
			here = device.at("name")
			if !deviceName(target) {
				c.add(here, badDeviceName)
			}
			if i := strings.IndexByte(target, '%'); i >= 0 {
				if target[i:] != "%d" {
					c.add(here, "'%' may only be part of a %d at the end")
				}
				continue
			}
		}
		if other, ok := targets[target]; ok {
			first := path.at(other)
			c.add(here, quote(target)+" is the name of "+first.String()+" already")
			continue
		}
		targets[target] = name
	}
}

const badDeviceName = "is no name for a network device: 1 to 15 bytes without '/', ':' and white space, not '.' or '..'"

// deviceName does what dev_valid_name does in the kernel, which reads bytes as
// Latin-1, and refuses control characters besides.
func deviceName(s string) bool {
	if s == "" || len(s) > 15 || s == "." || s == ".." {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == '/' || c == ':' || c == 0x7f || c == 0xa0 {
			return false
		}
	}
	return true
}

// sortedKeys makes the order of refusals independent of the map's.
func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
