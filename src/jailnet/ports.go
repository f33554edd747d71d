// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"slices"
	"strconv"
	"strings"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/netbridge"
	"gojail/src/plan"
	"gojail/src/uci"
)

// Ports are published as data of a service of procd's, container.NAME, which firewall4 reads: nothing is written into /etc/config, and with
// the service the ports are gone. For each of the router's networks in the port's zone there is a redirect of what is for the router itself,
// and one rule for nat, so that the answers of a container on the client's own bridge come back by the router. firewall4 resolves the
// names of networks each time it is loaded.

const (
	firewallConfig = "/etc/config/firewall"
	maxFirewall    = 1 << 20
)

// A zone is one of the firewall's.
type zone struct {
	name     string
	networks []string
}

// readZones reads the firewall's configuration.
func readZones() ([]zone, error) {
	text, err := kernel.ReadFile(firewallConfig, maxFirewall)
	if err != nil {
		return nil, err
	}
	return zonesIn(text)
}

func zonesIn(text []byte) (list []zone, err error) {
	p, err := uci.Parse("firewall", text)
	if err != nil {
		return nil, err
	}
	for _, s := range p.Sections {
		name := s.Option("name")
		if s.Type != "zone" || name == nil || len(name.Values) == 0 {
			continue
		}
		z := zone{name: name.Values[0].Text}
		if o := s.Option("network"); o != nil {
			for _, v := range o.Values {
				z.networks = append(z.networks, strings.Fields(v.Text)...)
			}
		}
		list = append(list, z)
	}
	return list, nil
}

// zoneNamed finds a zone.
func zoneNamed(zones []zone, name string) (*zone, error) {
	var known []string
	for i := range zones {
		if zones[i].name == name {
			return &zones[i], nil
		}
		known = append(known, zones[i].name)
	}
	return nil, &plan.Error{Reason: "there is no such zone in " + firewallConfig + " (there are " + strings.Join(known, ", ") + ")"}
}

// zoneOf is the zone that a network is in, "" for none.
func zoneOf(zones []zone, network string) string {
	for _, z := range zones {
		if network != "" && slices.Contains(z.networks, network) {
			return z.name
		}
	}
	return ""
}

// A target is an address of the container's that a port leads to, and the zone that it is in, if that is known.
type target struct {
	netbridge.Prefix
	zone string
}

// targets are the first addresses of each family.
func (n *Net) targets(zones []zone) (list []target) {
	var have [2]bool
	add := func(l *Link, p netbridge.Prefix) {
		family := len(p.Addr.Bytes()) / 16
		if !have[family] {
			have[family] = true
			list = append(list, target{p, zoneOf(zones, l.Interface)})
		}
	}
	for i := range n.Links {
		l := &n.Links[i]
		for _, p := range l.Addresses {
			add(l, p)
		}
		if lease, err := loadLease(n.Name, l.Name); err == nil {
			add(l, lease.Address)
		}
	}
	return list
}

func (n *Net) service() string { return "container." + n.Name }

// publish tells the firewall of the container's ports, if it has addresses already.
func (n *Net) publish() error {
	if len(n.Ports) == 0 {
		return nil
	}
	zones, err := readZones()
	if err != nil {
		return portError(0, "", err)
	}
	to := n.targets(zones)
	args, err := n.firewall(zones, to)
	if err != nil || len(to) == 0 {
		return err
	}
	if err := callAt("service", "add", args, nil); err != nil {
		return portError(0, "", &plan.Error{Reason: "the firewall gets ports from procd, which does not take them: " + err.Error()})
	}
	return reloadFirewall()
}

// firewall is what procd is told.
func (n *Net) firewall(zones []zone, to []target) (*blob.Builder, error) {
	var w blob.Builder
	w.AddString("name", n.service())
	w.OpenTable("instances")
	w.Close()
	w.OpenTable("data")
	w.OpenArray("firewall")
	for i := range n.Ports {
		z, err := zoneNamed(zones, n.Ports[i].Source)
		if err != nil {
			return nil, portError(i, "src="+n.Ports[i].Source, err)
		}
		for _, t := range to {
			rules(&w, &n.Ports[i], t, z)
		}
	}
	w.Close()
	w.Close()
	return &w, nil
}

func portError(i int, word string, err error) error {
	where := "annotations." + netbridge.PortAnnotation + strconv.Itoa(i)
	if word != "" {
		where += ": " + word
	}
	return &plan.Error{Where: where, Reason: err.Error()}
}

// rules are those of one port to one address.
func rules(w *blob.Builder, p *netbridge.Port, t target, from *zone) {
	family := "ipv6"
	if t.Addr.Is4() {
		family = "ipv4"
	}
	port := p.To
	if port == "" {
		port = p.From
	}
	rule := func(words ...string) {
		w.OpenTable("")
		for i := 0; i+1 < len(words); i += 2 {
			if words[i+1] != "" {
				w.AddString(words[i], words[i+1])
			}
		}
		w.AddString("proto", strings.ReplaceAll(p.Proto, ",", " "))
		w.AddString("family", family)
		w.AddString("dest_ip", t.Addr.String())
		w.AddString("dest_port", port)
		w.Close()
	}
	for _, network := range from.networks {
		rule("type", "redirect", "target", "DNAT", "src", from.name, "src_dip", network, "src_dport", p.From, "dest", t.zone, "reflection", "0")
	}
	if t.zone == "" || t.zone == from.name {
		rule("type", "nat", "target", "MASQUERADE", "src", from.name, "src_ip", t.Network().String())
	}
}

// withdraw takes the ports back.
func (n *Net) withdraw() {
	if len(n.Ports) == 0 {
		return
	}
	var w blob.Builder
	w.AddString("name", n.service())
	if callAt("service", "delete", &w, nil) == nil {
		_ = reloadFirewall()
	}
}

// reloadFirewall has procd run what waits for a change of the firewall's configuration.
func reloadFirewall() error {
	var w blob.Builder
	w.AddString("type", "config.change")
	w.OpenTable("data")
	w.AddString("package", "firewall")
	w.Close()
	return callAt("service", "event", &w, nil)
}
