// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// SysctlPath turns the name of a kernel parameter into its path below
// /proc/sys, net.ipv4.ip_forward into net/ipv4/ip_forward. Both of sysctl(8)'s
// spellings are understood: the separator that comes first separates, the other
// one stands for itself or, after dots, for a dot
// (net.ipv4.conf.eth0/100.rp_filter is net/ipv4/conf/eth0.100/rp_filter).
// It reports false for what would lead elsewhere: empty parts, "." and "..".
func SysctlPath(name string) (string, bool) {
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '.' {
		b := []byte(name)
		for i, c := range b {
			switch c {
			case '.':
				b[i] = '/'
			case '/':
				b[i] = '.'
			}
		}
		name = string(b)
	}
	for rest := name; ; {
		part, tail, more := strings.Cut(rest, "/")
		if part == "" || part == "." || part == ".." {
			return "", false
		}
		if !more {
			return name, true
		}
		rest = tail
	}
}

// sysctl allows the parameters that a namespace of the container has for
// itself; everything else under /proc/sys is the host's.
func (c *checker) sysctl(path place, l *specs.Linux) {
	if len(l.Sysctl) == 0 {
		return
	}
	seen := make(map[string]string, len(l.Sysctl))
	for _, name := range sortedKeys(l.Sysctl) {
		here := path.at(name)
		file, ok := SysctlPath(name)
		if !ok {
			c.add(here, "is no name of a kernel parameter")
			continue
		}
		if other, ok := seen[file]; ok {
			first := path.at(other)
			c.add(here, "is the same parameter as "+first.String())
			continue
		}
		seen[file] = name
		if file == "kernel/hostname" {
			c.add(here, "is refused: it conflicts with the member hostname, which sets the same")
			continue
		}
		owner := sysctlOwner(file)
		if owner == "" {
			c.add(here, "belongs to no namespace: it would change the whole host")
		} else if find(l, owner) == nil {
			needs := "needs a "
			if owner == specs.IPCNamespace {
				needs = "needs an "
			}
			c.add(here, needs+string(owner)+" namespace: without one it would change the host's")
		}
	}
}

// sysctlOwner returns the type of namespace that has a parameter for itself.
func sysctlOwner(file string) specs.LinuxNamespaceType {
	has := func(prefix string) bool { return strings.HasPrefix(file, prefix) }
	switch {
	case has("kernel/shm"), has("kernel/msg"), file == "kernel/sem", has("fs/mqueue/"):
		return specs.IPCNamespace
	case has("net/"):
		return specs.NetworkNamespace
	case has("user/"):
		return specs.UserNamespace
	case file == "kernel/domainname":
		return specs.UTSNamespace
	}
	return ""
}
