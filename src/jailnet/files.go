// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"slices"
	"strings"

	"gojail/src/kernel"
	"gojail/src/netbridge"
)

// Files that the container sees, in its directory.
const (
	ResolvConf = "resolv.conf"
	Hosts      = "hosts"
)

// File is the path of one of them.
func File(container, name string) string { return Dir + "/" + container + "/" + name }

// writeFiles writes what the container sees, in place: it has these very files, by bind mounts.
func (n *Net) writeFiles() error {
	var leases []Lease
	for i := range n.Links {
		if l, err := loadLease(n.Name, n.Links[i].Name); err == nil {
			leases = append(leases, l)
		}
	}
	return kernel.WriteFile(File(n.Name, ResolvConf), []byte(n.resolvConf(leases)), 0o644)
}

// writeHosts writes the hosts files of all containers that live: each has the names of those that it shares a bridge with. Dir is locked.
func writeHosts() error {
	names, err := kernel.ReadNames(Dir, maxNames)
	if err != nil {
		return err
	}
	slices.Sort(names)
	var all []*Net
	for _, name := range names {
		if n, err := load(name); err == nil && alive(name) {
			all = append(all, n)
		}
	}
	for _, n := range all {
		text := n.hosts(all)
		file := File(n.Name, Hosts)
		if old, err := kernel.ReadFile(file, maxHosts); err == nil && string(old) == text {
			continue
		}
		if err := kernel.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const maxHosts = 1 << 20

// maxServers is how many name servers a C library asks (resolv.conf(5)).
const maxServers = 3

func (n *Net) resolvConf(leases []Lease) string {
	var b strings.Builder
	for _, l := range leases {
		if link := n.link(l.Name); link != nil && !link.NoPeerDNS && l.Domain != "" {
			b.WriteString("search " + l.Domain + "\n")
			break
		}
	}
	left := maxServers
	server := func(a string) {
		if left > 0 {
			b.WriteString("nameserver " + a + "\n")
			left--
		}
	}
	for i := range n.Links {
		for _, a := range n.Links[i].DNS {
			server(a.String())
		}
	}
	for _, l := range leases {
		if link := n.link(l.Name); link == nil || link.NoPeerDNS {
			continue
		}
		for _, a := range l.DNS {
			server(a.String())
		}
	}
	return b.String()
}

func (n *Net) hosts(all []*Net) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	own := false
	if n.Hostname != "" {
		for i := range n.Links {
			for _, a := range n.addresses(&n.Links[i]) {
				b.WriteString(a.String() + "\t" + n.Hostname + "\n")
				own = true
			}
		}
		if !own { // until there is an address
			b.WriteString("127.0.1.1\t" + n.Hostname + "\n")
		}
	}
	for _, other := range all {
		if other.Name == n.Name || !validDomain(other.Name) {
			continue
		}
		for i := range other.Links {
			o := &other.Links[i]
			if !slices.ContainsFunc(n.Links, func(l Link) bool { return l.Interface == o.Interface && l.Bridge == o.Bridge && l.VLAN == o.VLAN }) {
				continue
			}
			for _, a := range other.addresses(o) {
				b.WriteString(a.String() + "\t" + other.Name + "\n")
			}
		}
	}
	return b.String()
}

// addresses are those that an interface was given, and that of its lease.
func (n *Net) addresses(l *Link) (list []netbridge.Addr) {
	for _, p := range l.Addresses {
		list = append(list, p.Addr)
	}
	if lease, err := loadLease(n.Name, l.Name); err == nil {
		list = append(list, lease.Address.Addr)
	}
	return list
}

func (n *Net) link(ifname string) *Link {
	for i := range n.Links {
		if n.Links[i].Name == ifname {
			return &n.Links[i]
		}
	}
	return nil
}

// removeFiles removes the container's directory.
func (n *Net) removeFiles() {
	names, err := kernel.ReadNames(n.dir(), maxNames)
	if err != nil {
		return
	}
	for _, name := range names {
		_ = kernel.Unlink(n.dir() + "/" + name)
	}
	_ = kernel.Rmdir(n.dir())
}
