// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import (
	"strconv"
	"strings"

	"gojail/src/config"
	"gojail/src/netbridge"
)

// What the runtime can make of networks. A container whose network it cannot make is refused, and never left without.
const (
	offeredNetworks = " none host bridge container "
	offeredZones    = false
)

// network writes the sections network and port into the annotations that the runtime makes networks of.
func (g *generator) network() {
	if !g.own && !g.c.Has("network") && len(g.c.Networks) == 0 { // somebody's bundle has its own
		return
	}
	kind, _, _ := strings.Cut(g.c.Network(), ":")
	switch {
	case !strings.Contains(offeredNetworks, " "+kind+" "):
		g.refuse("network", kind, "is not offered yet: the container would have no network (there are none, host, bridge and container:NAME)")
		return
	case kind == "bridge" && len(g.c.Networks) == 0:
		g.refuse("network", kind, "needs a section network that says which bridge")
		return
	}
	if kind == "container" {
		g.annotate(netbridge.ShareAnnotation, "container:"+g.c.NetworkOf.ID)
		return
	}
	found := map[string]string{}
	put := func(s *config.Section, prefix string, i int, text string) {
		key := prefix + strconv.Itoa(i)
		g.annotate(key, text)
		found[key] = text
		if _, err := netbridge.FromAnnotations(found); err != nil {
			g.errs = append(g.errs, s.Error("", "", strings.TrimPrefix(err.Error(), key+": ")))
		}
	}
	for i, s := range g.c.Networks {
		if s.Has("zone") && !offeredZones {
			g.errs = append(g.errs, s.Error("zone", s.Text("zone"), "is not offered yet: a port of a bridge is in the zone of the bridge's interface"))
		}
		put(s, netbridge.Annotation, i, interfaceText(s))
	}
	for i, s := range g.c.Ports {
		text := optionText(s, "src", "proto", "src_dport", "dest_port")
		put(s, netbridge.PortAnnotation, i, strings.Replace(text, "proto=tcpudp", "proto=tcp,udp", 1))
	}
}

// optionText has the options that are given or have a default, as NAME=VALUE words, lists with commas.
func optionText(s *config.Section, options ...string) string {
	var list []string
	for _, o := range options {
		v := strings.Join(s.List(o), ",")
		if o == "defaultroute" || o == "peerdns" {
			v = "1"
			if !s.Bool(o) {
				v = "0"
			}
		}
		if v != "" {
			list = append(list, o+"="+v)
		}
	}
	return strings.Join(list, " ")
}

func interfaceText(s *config.Section) string {
	text := optionText(s, "type", "interface", "bridge", "ifname", "proto")
	var addresses []string
	for _, a := range s.List("ipaddr") {
		if !strings.Contains(a, "/") {
			a += "/" + strconv.Itoa(config.MaskBits(s.Text("netmask")))
		}
		addresses = append(addresses, a)
	}
	if addresses != nil {
		text += " ipaddr=" + strings.Join(addresses, ",")
	}
	return text + " " + optionText(s, "gateway", "ip6addr", "ip6gw", "dns", "metric", "defaultroute", "peerdns", "hostname", "macaddr", "vlan", "mtu", "zone")
}
