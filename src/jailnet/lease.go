// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"strings"

	"gojail/src/kernel"
	"gojail/src/netbridge"
)

// A Lease is what DHCP has given to an interface.
type Lease struct {
	Name    string // of the interface
	Address netbridge.Prefix
	Gateway netbridge.Addr
	DNS     []netbridge.Addr
	Domain  string
	Routes  []LeaseRoute
}

// A LeaseRoute is a classless static route (RFC 3442).
type LeaseRoute struct {
	To  netbridge.Prefix
	Via netbridge.Addr // 0.0.0.0: on the link
}

const (
	leasePrefix = "lease."
	maxLease    = 8 << 10
)

func loadLease(container, ifname string) (Lease, error) {
	b, err := kernel.ReadFile(File(container, leasePrefix+ifname), maxLease)
	if err != nil {
		return Lease{}, err
	}
	get := func(name string) string {
		for line := range strings.Lines(string(b)) {
			if k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "="); k == name {
				return v
			}
		}
		return ""
	}
	return LeaseFrom(get)
}

// LeaseFrom reads a lease as udhcpc has it in the environment of its script. What is malformed was sent by somebody in the network: it is
// left out, and without an address there is no lease.
func LeaseFrom(get func(name string) string) (l Lease, err error) {
	l.Name = get("interface")
	bits := get("mask")
	if bits == "" {
		bits = get("subnet")
	}
	var ok bool
	if l.Address, ok = netbridge.ParsePrefix(get("ip") + "/" + bits); !ok || !l.Address.Addr.Is4() || !netbridge.LinkName(l.Name) {
		return Lease{}, errLease
	}
	first, _, _ := strings.Cut(get("router"), " ")
	l.Gateway, _ = netbridge.ParseAddr(first)
	for s := range strings.FieldsSeq(get("dns")) {
		if a, ok := netbridge.ParseAddr(s); ok && len(l.DNS) < maxServers {
			l.DNS = append(l.DNS, a)
		}
	}
	if d := get("domain"); validDomain(d) {
		l.Domain = d
	}
	list := strings.Fields(get("staticroutes"))
	for i := 0; i+1 < len(list) && len(l.Routes) < 64; i += 2 {
		to, ok1 := netbridge.ParsePrefix(list[i])
		via, ok2 := netbridge.ParseAddr(list[i+1])
		if ok1 && ok2 && to.Addr.Is4() && via.Is4() {
			l.Routes = append(l.Routes, LeaseRoute{to, via})
		}
	}
	return l, nil
}

type leaseError string

func (e leaseError) Error() string { return string(e) }

const errLease = leaseError("no usable address in the lease")

func validDomain(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) < 254 && s[0] != '-' && s[0] != '.'
}

// text is the lease as LeaseFrom reads it.
func (l *Lease) text() string {
	var dns, routes []string
	for _, a := range l.DNS {
		dns = append(dns, a.String())
	}
	for _, r := range l.Routes {
		routes = append(routes, r.To.String(), r.Via.String())
	}
	address, bits, _ := strings.Cut(l.Address.String(), "/")
	return "interface=" + l.Name + "\nip=" + address + "\nmask=" + bits + "\nrouter=" + l.Gateway.String() + "\ndns=" + strings.Join(dns, " ") +
		"\ndomain=" + l.Domain + "\nstaticroutes=" + strings.Join(routes, " ") + "\n"
}

// Apply is the script of udhcpc, which runs in the container's network namespace. dir is the container's directory, event what udhcpc calls
// it with, and get gives a variable of its environment.
func Apply(dir, event string, get func(string) string) error {
	container, ok := strings.CutPrefix(dir, Dir+"/")
	if !ok || strings.Contains(container, "/") {
		return errState
	}
	ifname := get("interface")
	n, err := load(container)
	if err != nil {
		return err
	}
	i := 0
	for ; i < len(n.Links) && (n.Links[i].Name != ifname || n.Links[i].Proto != netbridge.DHCP); i++ {
	}
	if i == len(n.Links) {
		return errState
	}
	net, err := kernel.OpenNetlink()
	if err != nil {
		return err
	}
	defer net.Close()
	dev, err := net.Link(ifname)
	if err != nil {
		return err
	}
	file := File(container, leasePrefix+ifname)
	switch event {
	case "bound", "renew":
		l, err := LeaseFrom(get)
		if err != nil {
			return err
		}
		if err := l.put(net, &n.Links[i], i, dev.Index); err != nil {
			return err
		}
		old, _ := loadLease(container, ifname)
		if err := kernel.Replace(n.dir(), leasePrefix+ifname, []byte(l.text()), 0o644); err != nil {
			return err
		}
		if old.Address != l.Address {
			if err := n.publish(); err != nil {
				return err
			}
		}
	case "deconfig":
		if err := clear(net, dev.Index, ifname, nil); err != nil {
			return err
		}
		if kernel.Exists(file) {
			_ = kernel.Unlink(file)
			n.withdraw()
			if err := n.publish(); err != nil {
				return err
			}
		}
		if err := net.SetUp(dev.Index, ifname); err != nil {
			return err
		}
	default: // leasefail, nak: udhcpc tries again
		return nil
	}
	if err := n.writeFiles(); err != nil {
		return err
	}
	top, err := lockTop()
	if err != nil {
		return err
	}
	defer unlockTop(top)
	return writeHosts()
}

// put gives the interface what the lease has, in the place of what the last one had.
func (l *Lease) put(net *kernel.Netlink, link *Link, i int, index int32) error {
	if err := clear(net, index, link.Name, l.Address.Addr.Bytes()); err != nil {
		return err
	}
	a := kernel.Address{Index: index, IP: l.Address.Addr.Bytes(), Bits: l.Address.Bits}
	if err := net.AddAddress(&a, link.Name); err != nil {
		return err
	}
	add := func(r kernel.Route) {
		r.Index, r.DHCP, r.Metric = index, true, metricOf(link, i, true)
		_ = net.AddRoute(&r, link.Name) // one that makes no sense is the network's fault
	}
	if len(l.Routes) == 0 && l.Gateway.IsSet() && !link.NoDefaultRoute {
		add(kernel.Route{Gateway: l.Gateway.Bytes(), OnLink: !l.Address.Contains(l.Gateway)})
	}
	for _, r := range l.Routes {
		route := kernel.Route{To: r.To.Addr.Bytes(), Bits: r.To.Bits}
		if r.To.Bits == 0 {
			if link.NoDefaultRoute {
				continue
			}
			route.To = nil
		}
		if r.Via.String() != "0.0.0.0" {
			route.Gateway, route.OnLink = r.Via.Bytes(), !l.Address.Contains(r.Via)
		}
		if route.To != nil || route.Gateway != nil {
			add(route)
		}
	}
	return nil
}

// clear takes the IPv4 addresses but one from an interface, and the routes that came by DHCP.
func clear(net *kernel.Netlink, index int32, name string, keep []byte) error {
	routes, err := net.Routes(index)
	if err != nil {
		return err
	}
	for i := range routes {
		if routes[i].DHCP {
			_ = net.DeleteRoute(&routes[i], name)
		}
	}
	list, err := net.Addresses()
	if err != nil {
		return err
	}
	for i := range list {
		if a := &list[i]; a.Index == index && len(a.IP) == 4 && string(a.IP) != string(keep) {
			_ = net.DeleteAddress(a, name)
		}
	}
	return nil
}
