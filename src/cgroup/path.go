// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

import "strings"

// Containers is the group that has those of containers, and nobody else's.
const Containers = "/containers"

// Path is the container's cgroup, below the root of the hierarchy, with a slash in front: linux.cgroupsPath as it is if it is absolute, below
// /containers/NAME if not, and /containers/NAME/NAME, where procd has it, if there is none (config-linux.md, "Cgroups Path").
func Path(cgroupsPath, name string) (string, error) {
	p := cgroupsPath
	switch {
	case p == "":
		p = Containers + "/" + name + "/" + name
	case p[0] != '/':
		if strings.Contains(p, ":") {
			return "", &Error{"cgroupsPath", "slice:prefix:name is for systemd, which OpenWrt does not have: give a path"}
		}
		p = Containers + "/" + name + "/" + p
	}
	clean := ""
	for part := range strings.SplitSeq(p, "/") {
		switch {
		case part == "" || part == ".":
		case part == "..":
			return "", &Error{"cgroupsPath", "must not contain \"..\""}
		case len(part) > 255 || strings.ContainsRune(part, '\n') || strings.ContainsRune(part, 0):
			return "", &Error{"cgroupsPath", "must consist of names that a directory can have"}
		default:
			clean += "/" + part
		}
	}
	if clean == "" {
		return "", &Error{"cgroupsPath", "is the root of all control groups, which cannot be limited or removed"}
	}
	return clean, nil
}
