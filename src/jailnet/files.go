// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"strings"

	"gojail/src/kernel"
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
	if err := kernel.WriteFile(File(n.Name, ResolvConf), []byte(n.resolvConf(leases)), 0o644); err != nil {
		return err
	}
	return kernel.WriteFile(File(n.Name, Hosts), []byte(n.hosts(leases)), 0o644)
}

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

func (n *Net) hosts(leases []Lease) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	if n.Hostname == "" {
		return b.String()
	}
	own := false
	line := func(a string) { b.WriteString(a + "\t" + n.Hostname + "\n"); own = true }
	for i := range n.Links {
		for _, p := range n.Links[i].Addresses {
			line(p.Addr.String())
		}
	}
	for _, l := range leases {
		line(l.Address.Addr.String())
	}
	if !own { // until there is an address
		line("127.0.1.1")
	}
	return b.String()
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
