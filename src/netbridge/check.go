// SPDX-License-Identifier: LGPL-2.1-only

package netbridge

import (
	"strconv"
	"strings"
)

// Check tells what of a configuration cannot be.
func (c *Config) Check() error {
	switch c.Type {
	case Veth, MACVLAN:
	default:
		return wrong("type="+c.Type, "has to be veth or macvlan")
	}
	switch c.Proto {
	case Static, DHCP, None:
	default:
		return wrong("proto="+c.Proto, "has to be static, dhcp or none")
	}
	switch {
	case c.Interface == "" && c.Bridge == "":
		return wrong("", "names neither interface nor bridge: what is it to be connected to?")
	case c.Interface != "" && c.Bridge != "":
		return wrong("bridge="+c.Bridge, "one of interface and bridge is enough")
	case c.Interface != "" && !plain(c.Interface, 64):
		return wrong("interface="+c.Interface, "cannot be the name of one of netifd's interfaces")
	case c.Bridge != "" && !LinkName(c.Bridge):
		return wrong("bridge="+c.Bridge, "cannot be the name of a network device: 1 to 15 characters without / : % and blanks")
	case !LinkName(c.Name) || c.Name == "lo":
		return wrong("ifname="+c.Name, "cannot be the name of an interface: 1 to 15 characters without / : % and blanks, not lo")
	case c.Hostname != "" && !plain(c.Hostname, 64):
		return wrong("hostname="+c.Hostname, "has to be letters, digits, - and .")
	case c.Zone != "" && !plain(c.Zone, 64):
		return wrong("zone="+c.Zone, "cannot be the name of a firewall zone")
	case c.VLAN != 0 && c.Type == MACVLAN:
		return wrong("vlan="+strconv.Itoa(int(c.VLAN)), "is for veth: name the device of that VLAN as bridge")
	case len(c.Addresses) > maxAddresses || len(c.DNS) > maxAddresses:
		return wrong("", "has more than "+strconv.Itoa(maxAddresses)+" addresses")
	case c.Proto == Static && len(c.Addresses) == 0:
		return wrong("proto=static", "needs ipaddr or ip6addr")
	case c.Proto == None && len(c.Addresses) > 0:
		return wrong("proto=none", "has no addresses: use proto=static")
	}
	return c.checkAddresses()
}

func (c *Config) checkAddresses() error {
	have4, have6 := c.Proto == DHCP, false
	for i, p := range c.Addresses {
		have4, have6 = have4 || p.Addr.Is4(), have6 || !p.Addr.Is4()
		switch b := p.Addr.Bytes(); {
		case p.Addr.Is4() && (b[0] == 0 || b[0] >= 224 || b[0] == 127), !p.Addr.Is4() && b[0] == 0xff:
			return wrong(p.Addr.String(), "cannot be the address of an interface")
		case p.Addr.Is4() && p.Bits < 31 && (p.host(0) || p.host(0xff)):
			return wrong(p.String(), "is the address of the network itself, or its broadcast address")
		case c.Proto == DHCP && p.Addr.Is4():
			return wrong("proto=dhcp", "gets its IPv4 address by DHCP: use proto=static for "+p.String())
		}
		for _, other := range c.Addresses[:i] {
			if other.Addr == p.Addr {
				return wrong(p.Addr.String(), "is there twice")
			}
		}
	}
	switch {
	case c.Gateway.IsSet() && !have4:
		return wrong("gateway="+c.Gateway.String(), "needs an ipaddr")
	case c.Gateway.IsSet() && c.Proto == DHCP:
		return wrong("gateway="+c.Gateway.String(), "comes by DHCP (defaultroute=0 does without)")
	case c.Gateway6.IsSet() && !have6:
		return wrong("ip6gw="+c.Gateway6.String(), "needs an ip6addr")
	}
	for _, p := range c.Addresses {
		if p.Addr == c.Gateway || p.Addr == c.Gateway6 {
			return wrong(p.Addr.String(), "is the gateway's address as well")
		}
	}
	return nil
}

// host tells whether all bytes of what is not the network's are as v has them.
func (p Prefix) host(v byte) bool {
	for i := int(p.Bits); i < p.Addr.Bits(); i++ {
		if bit := byte(1) << (7 - i%8); (p.Addr.b[i/8]^v)&bit != 0 {
			return false
		}
	}
	return true
}

// LinkName tells whether the kernel takes s as the name of a network device.
func LinkName(s string) bool {
	if s == "" || len(s) > 15 || s == "." || s == ".." {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`/:%,="\`, s[i]) >= 0 {
			return false
		}
	}
	return true
}

func plain(s string, most int) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= most && s[0] != '-'
}

// Text is the configuration as Parse reads it, without what is as it would be anyway.
func (c *Config) Text() string {
	var b strings.Builder
	add := func(when bool, name, value string) {
		if !when {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name + "=" + value)
	}
	var v4, v6, dns []string
	for _, p := range c.Addresses {
		if p.Addr.Is4() {
			v4 = append(v4, p.String())
		} else {
			v6 = append(v6, p.String())
		}
	}
	for _, a := range c.DNS {
		dns = append(dns, a.String())
	}
	add(true, "type", c.Type)
	add(c.Interface != "", "interface", c.Interface)
	add(c.Bridge != "", "bridge", c.Bridge)
	add(true, "ifname", c.Name)
	add(true, "proto", c.Proto)
	add(len(v4) > 0, "ipaddr", strings.Join(v4, ","))
	add(c.Gateway.IsSet(), "gateway", c.Gateway.String())
	add(len(v6) > 0, "ip6addr", strings.Join(v6, ","))
	add(c.Gateway6.IsSet(), "ip6gw", c.Gateway6.String())
	add(len(dns) > 0, "dns", strings.Join(dns, ","))
	add(c.Metric != 0, "metric", strconv.FormatUint(uint64(c.Metric), 10))
	add(c.NoDefaultRoute, "defaultroute", "0")
	add(c.NoPeerDNS, "peerdns", "0")
	add(c.Hostname != "", "hostname", c.Hostname)
	add(c.MAC != MAC{}, "macaddr", c.MAC.String())
	add(c.VLAN != 0, "vlan", strconv.Itoa(int(c.VLAN)))
	add(c.MTU != 0, "mtu", strconv.FormatUint(uint64(c.MTU), 10))
	add(c.Zone != "", "zone", c.Zone)
	return b.String()
}
