// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"strings"
	"testing"

	"gojail/src/netbridge"
)

func config(t testing.TB, text string) netbridge.Config {
	t.Helper()
	c, err := netbridge.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sample(t testing.TB) *Net {
	return &Net{Name: "web", Hostname: "www", PID: 77, lock: -1, Ports: []netbridge.Port{{Source: "lan", Proto: "tcp", From: "80"}},
		Links: []Link{{config(t, "interface=lan ipaddr=10.0.0.2/24 dns=10.0.0.1"), "vweb-1", "br-lan"}, {config(t, "bridge=br-x ifname=eth1 proto=dhcp"), "", "br-x"},
			{config(t, "bridge=br-y ifname=eth2 proto=dhcp peerdns=0"), "", ""}}}
}

func TestState(t *testing.T) {
	n := sample(t)
	got, err := decode(n.encode())
	if err != nil || got.encode() != n.encode() || got.Links[0].Host != "vweb-1" || got.Links[1].On != "br-x" || got.PID != 77 {
		t.Errorf("%v: %+v", err, got)
	}
	for _, text := range []string{"pid x\n", "pid -1\n", "link a b\n", "network bridge=b\nlink ../x y\n", "network nothing\n", "port x\n", "what\n"} {
		if _, err := decode(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func lease(t *testing.T, pairs ...string) (Lease, error) {
	t.Helper()
	return LeaseFrom(func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	})
}

func TestLease(t *testing.T) {
	l, err := lease(t, "interface", "eth0", "ip", "192.0.2.9", "subnet", "255.255.255.0", "mask", "24", "router", "192.0.2.1 192.0.2.2", "dns", "192.0.2.53 x 192.0.2.54",
		"domain", "lan.example", "staticroutes", "10.0.0.0/8 192.0.2.3 0.0.0.0/0 192.0.2.1 x y")
	if err != nil || l.text() != "interface=eth0\nip=192.0.2.9\nmask=24\nrouter=192.0.2.1\ndns=192.0.2.53 192.0.2.54\ndomain=lan.example\n"+
		"staticroutes=10.0.0.0/8 192.0.2.3 0.0.0.0/0 192.0.2.1\n" {
		t.Errorf("%v: %q", err, l.text())
	}
	if l, err = lease(t, "interface", "eth0", "ip", "192.0.2.9", "subnet", "255.255.255.0", "domain", "x; rm -rf /"); err != nil || l.Address.Bits != 24 || l.Domain != "" {
		t.Errorf("%v: %+v", err, l)
	}
	for _, pairs := range [][]string{{"interface", "eth0", "ip", "fd00::1", "mask", "64"}, {"interface", "../x", "ip", "192.0.2.9", "mask", "24"},
		{"interface", "eth0", "ip", "192.0.2.9", "mask", "33"}, {"interface", "eth0", "mask", "24"}} {
		if l, err := lease(t, pairs...); err == nil {
			t.Errorf("%v: %+v", pairs, l)
		}
	}
}

// Name servers of the configuration come first, those of leases that are wanted after them, three in all.
func TestFiles(t *testing.T) {
	n := sample(t)
	one, _ := lease(t, "interface", "eth1", "ip", "10.1.0.9", "mask", "24", "dns", "10.1.0.1 10.1.0.2 10.1.0.3", "domain", "one")
	two, _ := lease(t, "interface", "eth2", "ip", "10.2.0.9", "mask", "24", "dns", "10.2.0.1", "domain", "two")
	if got := n.resolvConf([]Lease{two, one}); got != "search one\nnameserver 10.0.0.1\nnameserver 10.1.0.1\nnameserver 10.1.0.2\n" {
		t.Errorf("%q", got)
	}
	other := func(name, text string) *Net { return &Net{Name: name, Links: []Link{{Config: config(t, text)}}} }
	all := []*Net{n, other("db", "interface=lan ipaddr=10.0.0.7/24"), other("far", "bridge=br-z ipaddr=10.0.0.8/24"), other("a b", "interface=lan ipaddr=10.0.0.9/24")}
	if got := n.hosts(all); !strings.HasSuffix(got, "\n10.0.0.2\twww\n10.0.0.7\tdb\n") {
		t.Errorf("%q", got)
	}
	n.Links = n.Links[1:]
	if got := n.hosts(nil); !strings.HasSuffix(got, "127.0.1.1\twww\n") {
		t.Errorf("%q", got)
	}
}

func TestClash(t *testing.T) {
	one := func(name, text string) *Net { return &Net{Name: name, Links: []Link{{Config: config(t, text)}}} }
	a := one("a", "bridge=b ipaddr=10.0.0.2/24 ip6addr=fd00::2/64")
	for _, c := range []struct {
		other *Net
		want  string
	}{
		{one("x", "bridge=b ipaddr=10.0.0.2/8"), "address 10.0.0.2"},
		{one("x", "bridge=b ip6addr=fd00::2/128"), "address fd00::2"},
		{one("x", "bridge=c ipaddr=10.0.0.2/24"), ""},
		{one("x", "bridge=b vlan=3 ipaddr=10.0.0.2/24"), ""},
		{one("x", "bridge=b ipaddr=10.0.0.3/24"), ""},
		{one("x", "bridge=b macaddr="+netbridge.StableMAC("a", "eth0").String()), "macaddr=" + netbridge.StableMAC("a", "eth0").String()},
	} {
		if got := a.Links[0].clash(a, c.other); got != c.want {
			t.Errorf("%s: %q, want %q", c.other.Links[0].Text(), got, c.want)
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add(sample(f).encode())
	f.Fuzz(func(t *testing.T, text string) {
		n, err := decode(text)
		if err != nil {
			return
		}
		if again, err := decode(n.encode()); err != nil || again.encode() != n.encode() {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// What a DHCP server sends reaches no file but as addresses, and as a name that is one.
func FuzzLease(f *testing.F) {
	f.Add("192.0.2.9", "24", "192.0.2.1", "192.0.2.53", "lan", "10.0.0.0/8 192.0.2.3")
	f.Fuzz(func(t *testing.T, ip, mask, router, dns, domain, routes string) {
		l, err := lease(t, "interface", "eth0", "ip", ip, "mask", mask, "router", router, "dns", dns, "domain", domain, "staticroutes", routes)
		if err != nil {
			return
		}
		var lines []string
		for line := range strings.Lines(l.text()) {
			k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			lines = append(lines, k, v)
		}
		if again, err := lease(t, lines...); err != nil || again.text() != l.text() {
			t.Errorf("%q, then %q %v", l.text(), again.text(), err)
		}
	})
}
