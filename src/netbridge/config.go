// SPDX-License-Identifier: LGPL-2.1-only

// Package netbridge says what network a container is to have, as its config.json carries it: in annotations, each a line of NAME=VALUE
// words. It is pure: package jailnet does what it says.
//
//	org.openwrt.gojail.network.0   type=veth interface=lan ifname=eth0 proto=static ipaddr=192.168.1.20/24 gateway=192.168.1.1
//	org.openwrt.gojail.network.1   bridge=br-iot ifname=eth1 proto=dhcp defaultroute=0
//
// The names are those of a network section in /etc/config/container; lists have commas. No value holds a blank.
package netbridge

import (
	"strconv"
	"strings"
)

// Annotation with a number behind it, from 0 on, has one interface of the container.
const Annotation = "org.openwrt.gojail.network."

// Limits of what a container may ask for.
const (
	MaxNetworks  = 16
	maxAddresses = 32 // of one interface, and so many name servers
	maxText      = 4096
)

// Kinds of interfaces.
const (
	Veth    = "veth"    // one end of a pair whose other end is a port of a bridge
	MACVLAN = "macvlan" // on top of a device of the host
)

// How an interface gets its addresses.
const (
	Static = "static"
	DHCP   = "dhcp" // IPv4; IPv6 addresses come by the kernel's own autoconfiguration
	None   = "none"
)

// A Config is one interface of a container.
type Config struct {
	Type      string // Veth or MACVLAN
	Interface string // of netifd, whose bridge the host's end joins (for MACVLAN: whose device it stands on); or
	Bridge    string // that bridge or device itself
	Name      string // of the interface in the container
	Proto     string // Static, DHCP or None
	Addresses []Prefix
	Gateway   Addr // IPv4
	Gateway6  Addr
	DNS       []Addr
	Metric    uint32 // of the default routes
	// NoDefaultRoute: no default route by this interface. NoPeerDNS: name servers of the lease are not used.
	NoDefaultRoute, NoPeerDNS bool
	Hostname                  string // that DHCP sends, "" for the container's
	MAC                       MAC    // the zero value stands for one made of the names
	VLAN                      uint16 // 1 to 4094; 0 for none
	MTU                       uint32 // 68 to 65535; 0 for that of the bridge
	Zone                      string // of the firewall, for the host's end
}

// An Error says what is wrong with a word.
type Error struct{ Word, Reason string }

func (e *Error) Error() string {
	if e.Word == "" {
		return e.Reason
	}
	return e.Word + ": " + e.Reason
}

func wrong(word, reason string) error { return &Error{word, reason} }

// Parse reads what Text has written, or somebody's own.
func Parse(text string) (c Config, err error) {
	if len(text) > maxText {
		return c, wrong("", "is longer than "+strconv.Itoa(maxText)+" bytes")
	}
	seen := uint32(0)
	for word := range strings.FieldsSeq(text) {
		name, value, ok := strings.Cut(word, "=")
		i := index(name)
		switch {
		case !ok:
			return c, wrong(word, "has to be NAME=VALUE")
		case i < 0:
			return c, wrong(name, "no such option of a network (there are "+strings.Join(words[:], ", ")+")")
		case seen>>i&1 != 0:
			return c, wrong(name, "is there twice (lists have commas)")
		case value == "":
			return c, wrong(name, "is empty")
		}
		seen |= 1 << i
		if why := c.set(name, value); why != "" {
			return c, wrong(word, why)
		}
	}
	if c.Type == "" {
		c.Type = Veth
	}
	if c.Proto == "" {
		c.Proto = Static
		if len(c.Addresses) == 0 {
			c.Proto = None
		}
	}
	if c.Name == "" {
		c.Name = "eth0"
	}
	return c, c.Check()
}

var words = [...]string{"type", "interface", "bridge", "ifname", "proto", "ipaddr", "gateway", "ip6addr", "ip6gw", "dns", "metric", "defaultroute",
	"peerdns", "hostname", "macaddr", "vlan", "mtu", "zone"}

func index(name string) int {
	for i, w := range words {
		if w == name {
			return i
		}
	}
	return -1
}

// set takes one option. It tells what is wrong with the value, if anything.
func (c *Config) set(name, value string) (why string) {
	ok := true
	number := func(least, most uint32) (v uint32) {
		if v, ok = digits(value, most); !ok || v < least {
			why = "has to be a number from " + strconv.Itoa(int(least)) + " to " + strconv.FormatUint(uint64(most), 10)
		}
		return v
	}
	flag := func() bool {
		if value != "0" && value != "1" {
			why = "has to be 0 or 1"
		}
		return value == "1"
	}
	switch name {
	case "type":
		c.Type = value
	case "interface":
		c.Interface = value
	case "bridge":
		c.Bridge = value
	case "ifname":
		c.Name = value
	case "proto":
		c.Proto = value
	case "hostname":
		c.Hostname = value
	case "zone":
		c.Zone = value
	case "ipaddr", "ip6addr":
		for s := range strings.SplitSeq(value, ",") {
			p, ok := ParsePrefix(s)
			if !ok || p.Addr.Is4() != (name == "ipaddr") {
				return s + " is no address such as " + map[bool]string{true: "192.168.1.20/24", false: "fd00::20/64"}[name == "ipaddr"]
			}
			c.Addresses = append(c.Addresses, p)
		}
	case "gateway":
		if c.Gateway, ok = ParseAddr(value); !ok || !c.Gateway.Is4() {
			return "has to be an IPv4 address"
		}
	case "ip6gw":
		if c.Gateway6, ok = ParseAddr(value); !ok || c.Gateway6.Is4() {
			return "has to be an IPv6 address"
		}
	case "dns":
		for s := range strings.SplitSeq(value, ",") {
			a, ok := ParseAddr(s)
			if !ok {
				return s + " is no address"
			}
			c.DNS = append(c.DNS, a)
		}
	case "metric":
		c.Metric = number(0, 1<<32-1)
	case "defaultroute":
		c.NoDefaultRoute = !flag()
	case "peerdns":
		c.NoPeerDNS = !flag()
	case "macaddr":
		if c.MAC, ok = ParseMAC(value); !ok {
			return "has to be a MAC address of one device, such as 02:00:00:00:00:01"
		}
	case "vlan":
		c.VLAN = uint16(number(1, 4094))
	case "mtu":
		c.MTU = number(68, 65535)
	}
	return why
}
