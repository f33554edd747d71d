// SPDX-License-Identifier: LGPL-2.1-only

package netbridge

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"interface=lan", "type=veth interface=lan ifname=eth0 proto=none"},
		{"interface=lan ipaddr=192.168.1.20/255.255.255.0", "type=veth interface=lan ifname=eth0 proto=static ipaddr=192.168.1.20/24"},
		{" bridge=br-x\tproto=dhcp  ifname=net1 hostname=web defaultroute=0 peerdns=1", "type=veth bridge=br-x ifname=net1 proto=dhcp defaultroute=0 hostname=web"},
		{"type=macvlan bridge=eth1 ip6addr=FD00:0::20/64 ip6gw=fe80::1 dns=1.1.1.1,::1 metric=7 mtu=1400 macaddr=02:00:00:00:00:0A zone=dmz",
			"type=macvlan bridge=eth1 ifname=eth0 proto=static ip6addr=fd00::20/64 ip6gw=fe80::1 dns=1.1.1.1,::1 metric=7 macaddr=02:00:00:00:00:0a mtu=1400 zone=dmz"},
		{"interface=lan vlan=4094 proto=dhcp ip6addr=fd00::2", "type=veth interface=lan ifname=eth0 proto=dhcp ip6addr=fd00::2/128 vlan=4094"},
		{"bridge=b ipaddr=10.0.0.1/31,10.0.0.4/32 gateway=10.0.0.0", "type=veth bridge=b ifname=eth0 proto=static ipaddr=10.0.0.1/31,10.0.0.4/32 gateway=10.0.0.0"},
	} {
		got, err := Parse(c.text)
		if err != nil || got.Text() != c.want {
			t.Errorf("%q:\n got %q %v\nwant %q", c.text, got.Text(), err, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range [][2]string{
		{"", "neither interface nor bridge"},
		{"lan", "lan: has to be NAME=VALUE"},
		{"interfce=lan", "interfce: no such option of a network (there are type, interface,"},
		{"interface=", "interface: is empty"},
		{"interface=lan interface=wan", "is there twice"},
		{"interface=lan bridge=br0", "one of interface and bridge"},
		{"interface=a/b", "cannot be the name of one of netifd's"},
		{"bridge=abcdefghijklmnop", "cannot be the name of a network device"},
		{"bridge=b ifname=lo", "cannot be the name of an interface"},
		{"bridge=b ifname=../x", "cannot be the name of an interface"},
		{"bridge=b type=tap", "type=tap: has to be veth or macvlan"},
		{"bridge=b proto=dhcpv6", "has to be static, dhcp or none"},
		{"bridge=b proto=static", "needs ipaddr or ip6addr"},
		{"bridge=b proto=none ipaddr=10.0.0.2/8", "use proto=static"},
		{"bridge=b proto=dhcp ipaddr=10.0.0.2/8", "use proto=static"},
		{"bridge=b proto=dhcp gateway=10.0.0.2", "comes by DHCP"},
		{"bridge=b ipaddr=10.0.0.2/33", "10.0.0.2/33 is no address such as 192.168.1.20/24"},
		{"bridge=b ipaddr=fd00::1/64", "is no address such as 192"},
		{"bridge=b ip6addr=10.0.0.2/24", "is no address such as fd00"},
		{"bridge=b ipaddr=10.0.0.2/255.0.255.0", "is no address"},
		{"bridge=b ipaddr=127.0.0.1/8", "cannot be the address"},
		{"bridge=b ipaddr=224.0.0.1/8", "cannot be the address"},
		{"bridge=b ip6addr=ff02::1/64", "cannot be the address"},
		{"bridge=b ipaddr=10.0.0.0/24", "the network itself"},
		{"bridge=b ipaddr=10.0.0.255/24", "its broadcast address"},
		{"bridge=b ipaddr=10.0.0.2/24,10.0.0.2/8", "10.0.0.2: is there twice"},
		{"bridge=b ipaddr=10.0.0.2/24 gateway=10.0.0.2", "the gateway's address as well"},
		{"bridge=b ip6addr=fd00::2/64 gateway=10.0.0.2", "needs an ipaddr"},
		{"bridge=b ipaddr=10.0.0.2/24 ip6gw=fd00::1", "needs an ip6addr"},
		{"bridge=b vlan=0", "vlan=0: has to be a number from 1 to 4094"},
		{"bridge=b vlan=4095", "from 1 to 4094"},
		{"type=macvlan bridge=b vlan=3", "is for veth"},
		{"bridge=b mtu=67", "from 68 to 65535"},
		{"bridge=b metric=4294967296", "from 0 to 4294967295"},
		{"bridge=b defaultroute=yes", "has to be 0 or 1"},
		{"bridge=b macaddr=01:00:00:00:00:00", "MAC address of one device"},
		{"bridge=b macaddr=+1:00:00:00:00:00", "MAC address of one device"},
		{"bridge=b dns=8.8.8", "8.8.8 is no address"},
		{"bridge=b hostname=-x", "letters, digits"},
		{"bridge=b zone=a*", "firewall zone"},
		{"bridge=b " + strings.Repeat("x", 5000), "longer than"},
	} {
		_, err := Parse(c[0])
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: %v, want %q", c[0], err, c[1])
		}
	}
}

func TestAnnotations(t *testing.T) {
	n, err := FromAnnotations(map[string]string{"x": "y", "org.openwrt.gojail.log": "1", "org.openwrt.gojail.network.1": "bridge=b ifname=eth1",
		"org.openwrt.gojail.network.0": "bridge=a", "org.openwrt.gojail.port.0": "src=lan src_dport=8080 dest_port=80 proto=tcp,udp"})
	if err != nil || len(n.Interfaces) != 2 || n.Interfaces[1].Bridge != "b" || len(n.Ports) != 1 || n.Empty() ||
		n.Ports[0].Text() != "src=lan proto=tcp,udp src_dport=8080 dest_port=80" {
		t.Fatalf("%+v %v", n, err)
	}
	if n, err = FromAnnotations(map[string]string{"org.openwrt.gojail.network": "container:db"}); err != nil || n.Share != "db" {
		t.Fatalf("%+v %v", n, err)
	}
	if n, err = FromAnnotations(nil); err != nil || !n.Empty() {
		t.Fatalf("%+v %v", n, err)
	}
	a := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m["org.openwrt.gojail."+pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, c := range []struct {
		m    map[string]string
		want string
	}{
		{a("network", "host"), "org.openwrt.gojail.network: has to be container:NAME"},
		{a("network", "container:../x"), "has to be container:NAME"},
		{a("network.1", "bridge=b"), "network.1: has to end with a number from 0 to 15, and the one before"},
		{a("network.x", "bridge=b"), "has to end with a number"},
		{a("network.00", "bridge=b"), "has to end with a number"},
		{a("port.1", "x"), "port.1: has to end with a number"},
		{a("network.0", "bridge=b", "network.1", "bridge=c"), "network.1: ifname=eth0 is there twice"},
		{a("network.0", "bridge=b vlan=x"), "network.0: vlan=x: has to be a number"},
		{a("network", "container:db", "network.0", "bridge=b"), "its own interfaces"},
		{a("port.0", "src=lan src_dport=80"), "port.0: a published port needs an interface"},
		{a("network.0", "bridge=b", "port.0", "src_dport=80"), "port.0: src: is required"},
		{a("network.0", "bridge=b", "port.0", "src=* src_dport=80"), "has to be one firewall zone"},
		{a("network.0", "bridge=b", "port.0", "src=lan src_dport=0"), "from 1 to 65535"},
		{a("network.0", "bridge=b", "port.0", "src=lan src_dport=90-80"), "from 1 to 65535"},
		{a("network.0", "bridge=b", "port.0", "src=lan src_dport=80-90 dest_port=1-5"), "as many as src_dport"},
		{a("network.0", "bridge=b", "port.0", "src=lan src_dport=80 proto=icmp"), "has to be tcp, udp"},
		{a("network.0", "bridge=b", "port.0", "src=lan src_dport=80 src=wan"), "src=wan: has to be NAME=VALUE, once each"},
		{a("network.0", "bridge=b", "port.0", "src=lan src_dport=80 name=a'b"), "name=a'b"},
	} {
		if _, err := FromAnnotations(c.m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.m, err, c.want)
		}
	}
}

func TestUpstreamAnnotations(t *testing.T) {
	a := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m["org.openwrt.network."+pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, c := range []struct {
		m    map[string]string
		want string
	}{
		{a("attach", "bridged:lan"), "type=veth interface=lan ifname=eth0 proto=dhcp"},
		{a("attach", "bridged:lan", "address", "10.0.0.2/24", "gateway", "10.0.0.1"), "type=veth interface=lan ifname=eth0 proto=static ipaddr=10.0.0.2/24 gateway=10.0.0.1"},
		{a("attach", "none"), ""}, {a("attach", "host"), ""}, {a("egress", ""), ""},
		{a("attach", "routed"), "!org.openwrt.network.attach: routed networks are not offered"},
		{a("attach", "lan"), "!org.openwrt.network.attach: has to be none, host"},
		{a("attach", "bridged:"), "!org.openwrt.network.attach: interface: is empty"},
		{a("attach", "bridged:lan", "host", "udp/53", "egress", "wan"), "!org.openwrt.network.egress: is not offered"},
		{a("backhaul", "stack"), "!org.openwrt.network.backhaul: is not offered"},
	} {
		n, err := FromAnnotations(c.m)
		got := ""
		switch {
		case err != nil:
			got = "!" + err.Error()
		case len(n.Interfaces) > 0:
			got = n.Interfaces[0].Text()
		}
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%v: %q, want %q", c.m, got, c.want)
		}
	}
	both := a("attach", "bridged:lan")
	both["org.openwrt.gojail.network.0"] = "bridge=b"
	if _, err := FromAnnotations(both); err == nil || !strings.Contains(err.Error(), "one of the two") {
		t.Error(err)
	}
}

// Names and addresses that are made of names are the same for ever.
func TestStableNames(t *testing.T) {
	if got := StableMAC("web", "eth0").String(); got != "46:a4:7c:46:d1:15" {
		t.Error(got)
	}
	if got := HostLink("web", "eth0", 0); got != "vweb-91d1610f" {
		t.Error(got)
	}
	links, macs := map[string]bool{}, map[MAC]bool{}
	for _, container := range []string{"a", "b", "web", "my-web-server-with-a-long-name", "my-web-server-with-a-long-nam", "."} {
		for _, ifname := range []string{"eth0", "eth1", "e"} {
			for try := range 3 {
				link := HostLink(container, ifname, try)
				if !LinkName(link) || links[link] {
					t.Errorf("%s %s: %q", container, ifname, link)
				}
				links[link] = true
			}
			for _, m := range []MAC{StableMAC(container, ifname), HostMAC(container, ifname)} {
				if again, ok := ParseMAC(m.String()); !ok || again != m || m[0]&3 != 2 || macs[m] {
					t.Errorf("%s %s: %v", container, ifname, m)
				}
				macs[m] = true
			}
		}
	}
}

func TestContains(t *testing.T) {
	for _, c := range []struct {
		prefix, addr string
		want         bool
	}{{"10.0.0.1/24", "10.0.0.254", true}, {"10.0.0.1/24", "10.0.1.1", false}, {"10.0.0.1/32", "10.0.0.1", true}, {"fd00::1/65", "fd00::7fff:1:1:1", true},
		{"fd00::1/65", "fd00::8000:0:0:1", false}, {"0.0.0.0/0", "::1", false}, {"::/0", "::1", true}} {
		p, _ := ParsePrefix(c.prefix)
		a, _ := ParseAddr(c.addr)
		if p.Contains(a) != c.want {
			t.Error(c)
		}
	}
}

// Addresses are read and written as net/netip does it.
func FuzzAddr(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "01.2.3.4", "1.2.3", "::", "::1", "1::", "fe80::1:0:0:2", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
		"1:2::3:4:5:6:7", "1::2::3", ":", ":::", "12345::", "1:2:3:4:5:6:7::", "0:0:1::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := ParseAddr(s)
		want, err := netip.ParseAddr(s)
		if ok != (err == nil && want.Zone() == "") {
			t.Fatalf("%q: %v, net/netip: %v", s, ok, err)
		}
		if !ok {
			return
		}
		if string(a.Bytes()) != string(want.AsSlice()) {
			t.Fatalf("%q: %v, net/netip: %v", s, a.Bytes(), want)
		}
		if again, ok := ParseAddr(a.String()); !ok || again != a || !want.Is4In6() && a.String() != want.String() {
			t.Fatalf("%q: written as %q, net/netip: %q", s, a.String(), want.String())
		}
	})
}

// What is read is written so that it is read as the same.
func FuzzParse(f *testing.F) {
	f.Add("interface=lan proto=static ipaddr=192.168.1.20/24,10.0.0.2/8 gateway=192.168.1.1 ip6addr=fd00::2/64 ip6gw=fe80::1 dns=1.1.1.1 metric=3 vlan=7", "src=lan src_dport=80")
	f.Add("type=macvlan bridge=eth0 ifname=x proto=dhcp hostname=h macaddr=02:00:00:00:00:01 mtu=1500 zone=z peerdns=0 defaultroute=0", "src=lan src_dport=1-2 dest_port=3-4 proto=udp name=x")
	f.Fuzz(func(t *testing.T, network, port string) {
		if c, err := Parse(network); err == nil {
			again, err := Parse(c.Text())
			if err != nil || again.Text() != c.Text() {
				t.Fatalf("%q: %q, again %q %v", network, c.Text(), again.Text(), err)
			}
		}
		if p, err := ParsePort(port); err == nil {
			if again, err := ParsePort(p.Text()); err != nil || again != p {
				t.Fatalf("%q: %q, again %v %v", port, p.Text(), again, err)
			}
		}
	})
}
