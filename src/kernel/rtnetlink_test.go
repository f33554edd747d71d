// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func got[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// shown is what ip tells as JSON.
func shown[T any](t *testing.T, args ...string) (list []T) {
	t.Helper()
	out := run(t, append([]string{"ip", "-j", "-d"}, args...)...)
	if strings.TrimSpace(out) == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
	return list
}

// A pair with one end in another namespace, the other in a bridge, as ip sees it.
func TestLinks(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	other := newWorld(t, unix.CLONE_NEWNET, "")
	netns := other.namespace(t, "net")
	n := got[*Netlink](t)(OpenNetlink())
	defer n.Close()
	must(t, n.AddLink(&NewLink{Kind: "bridge", Name: "br0"}))
	bridge := got[Link](t)(n.Link("br0"))
	pair := &NewLink{Kind: "veth", Name: "host", MAC: [6]byte{0xfe, 1}, MTU: 1400,
		Peer: &NewLink{Name: "eth0", MAC: [6]byte{2, 0, 0, 0, 0, 9}, MTU: 1400, NetNS: netns}}
	must(t, n.AddLink(pair))
	if err := n.AddLink(pair); ErrnoOf(err) != unix.EEXIST {
		t.Errorf("twice: %v", err)
	}
	host := got[Link](t)(n.Link("host"))
	must(t, n.MakePort(host.Index, "host", "gojail eth0 web"))
	must(t, n.SetMaster(host.Index, "host", bridge.Index))
	must(t, n.SetUp(bridge.Index, "br0"))
	must(t, n.SetUp(host.Index, "host"))
	in := got[*Netlink](t)(OpenNetlinkIn(netns))
	defer in.Close()
	eth0 := got[Link](t)(in.Link("eth0"))
	must(t, in.SetUp(eth0.Index, "eth0"))

	host = got[Link](t)(n.LinkAt(host.Index))
	if host.Kind != "veth" || host.Alias != "gojail eth0 web" || host.Master != bridge.Index || !host.Up || !host.Running || !host.Away ||
		host.Lower != eth0.Index || host.MTU != 1400 || host.MAC != [6]byte{0xfe, 1} {
		t.Errorf("%+v", host)
	}
	list := shown[struct {
		Name   string `json:"ifname"`
		Master string `json:"master"`
		MTU    uint32 `json:"mtu"`
		MAC    string `json:"address"`
		Alias  string `json:"ifalias"`
	}](t, "link", "show", "host")
	if len(list) != 1 || list[0].Master != "br0" || list[0].MTU != 1400 || list[0].MAC != "fe:01:00:00:00:00" || list[0].Alias != "gojail eth0 web" {
		t.Errorf("%+v", list)
	}
	all := got[[]Link](t)(n.Links())
	var names []string
	for _, l := range all {
		names = append(names, l.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"br0", "host", "lo"}) {
		t.Error(names)
	}
	must(t, n.SetMaster(host.Index, "host", 0))
	must(t, n.DeleteLink(host.Index, "host"))
	for _, name := range []string{"host", "", "a/b", "0123456789abcdef"} {
		if _, err := n.Link(name); ErrnoOf(err) != unix.ENODEV {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := in.Link("eth0"); ErrnoOf(err) != unix.ENODEV {
		t.Errorf("the other end: %v", err)
	}
}

func TestMACVLAN(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	other := newWorld(t, unix.CLONE_NEWNET, "")
	n := got[*Netlink](t)(OpenNetlink())
	defer n.Close()
	must(t, n.AddLink(&NewLink{Kind: "bridge", Name: "br0"}))
	bridge := got[Link](t)(n.Link("br0"))
	must(t, n.AddLink(&NewLink{Kind: "macvlan", Name: "eth0", Lower: bridge.Index, NetNS: other.namespace(t, "net"), MAC: [6]byte{2, 1}}))
	in := got[*Netlink](t)(OpenNetlinkIn(other.namespace(t, "net")))
	defer in.Close()
	if l := got[Link](t)(in.Link("eth0")); l.Kind != "macvlan" || l.Lower != bridge.Index || !l.Away {
		t.Errorf("%+v", l)
	}
}

func TestAddressesAndRoutes(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	n := got[*Netlink](t)(OpenNetlink())
	defer n.Close()
	must(t, n.AddLink(&NewLink{Kind: "bridge", Name: "br0"}))
	l := got[Link](t)(n.Link("br0"))
	must(t, n.SetUp(l.Index, "br0"))
	var addresses []Address
	for _, text := range []string{"192.0.2.9/27", "198.51.100.1/31", "fd00::9/64"} {
		p := netip.MustParsePrefix(text)
		a := Address{Index: l.Index, IP: p.Addr().AsSlice(), Bits: uint8(p.Bits())}
		addresses = append(addresses, a)
		for range 2 {
			must(t, n.AddAddress(&a, "br0"))
		}
	}
	look := func() (s string) {
		for _, d := range shown[device](t, "addr", "show", "br0") {
			s += d.global()
		}
		return s
	}
	if text := look(); !strings.Contains(text, "192.0.2.9/27 brd 192.0.2.31") || !strings.Contains(text, "198.51.100.1/31") || !strings.Contains(text, "fd00::9/64 nodad") {
		t.Error(text)
	}
	found := 0
	for _, a := range got[[]Address](t)(n.Addresses()) {
		if a.Index == l.Index && !a.Local {
			found++
			if !a.Fixed || !slices.ContainsFunc(addresses, func(w Address) bool { return slices.Equal(a.IP, w.IP) && a.Bits == w.Bits }) {
				t.Errorf("%+v", a)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d addresses", found)
	}
	ip := func(s string) []byte { return netip.MustParseAddr(s).AsSlice() }
	routes := []Route{
		{Index: l.Index, Gateway: ip("192.0.2.1")},
		{Index: l.Index, Gateway: ip("203.0.113.1"), OnLink: true, Metric: 7, DHCP: true},
		{Index: l.Index, Gateway: ip("fd00::1"), Metric: 100},
		{Index: l.Index, To: ip("10.9.0.0"), Bits: 16, Metric: 3},
		{Index: l.Index, To: ip("fd09::"), Bits: 48, Gateway: ip("fd00::2"), Metric: 4},
	}
	for i := range routes {
		must(t, n.AddRoute(&routes[i], "br0"))
		if err := n.AddRoute(&routes[i], "br0"); ErrnoOf(err) != unix.EEXIST {
			t.Errorf("%d twice: %v", i, err)
		}
	}
	text := run(t, "ip", "route") + run(t, "ip", "-6", "route")
	for _, want := range []string{"default via 192.0.2.1 dev br0 proto static", "default via 203.0.113.1 dev br0 proto dhcp metric 7 onlink", "10.9.0.0/16 dev br0 proto static scope link metric 3",
		"default via fd00::1 dev br0 proto static metric 100", "fd09::/48 via fd00::2 dev br0 proto static metric 4"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	list := got[[]Route](t)(n.Routes(l.Index))
	if len(list) != len(routes) {
		t.Errorf("%+v", list)
	}
	for i := range list {
		if !slices.ContainsFunc(routes, func(w Route) bool {
			return slices.Equal(list[i].To, w.To) && slices.Equal(list[i].Gateway, w.Gateway) && list[i].Bits == w.Bits && list[i].Metric == w.Metric &&
				list[i].DHCP == w.DHCP && list[i].OnLink == w.OnLink
		}) {
			t.Errorf("%+v", list[i])
		}
		must(t, n.DeleteRoute(&list[i], "br0"))
	}
	for i := range addresses {
		must(t, n.DeleteAddress(&addresses[i], "br0"))
	}
	if text := look(); text != "" {
		t.Error(text)
	}
}

// The socket tells of new devices with the names that are watched, and of no others.
func TestWatchLinks(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	n := got[*Netlink](t)(OpenNetlink())
	defer n.Close()
	names := []string{"br0", "br-lan", "br-with-15-char", "abcd", "abc"}
	fd := got[int](t)(WatchLinks(names))
	defer Close(fd)
	woken := func() bool {
		p := []PollFD{{Fd: int32(fd), Events: Readable}}
		k, err := Poll(p, time.Now())
		must(t, err)
		Drain(fd)
		return k == 1
	}
	for _, c := range []struct {
		name string
		want bool
	}{{"br", false}, {"br0", true}, {"br00", false}, {"br-lan", true}, {"br-lan2", false}, {"br-with-15-char", true}, {"br-with-15-chaR", false}, {"abc", true}, {"abcd", true}, {"abce", false}} {
		must(t, n.AddLink(&NewLink{Kind: "bridge", Name: c.name}))
		if told := woken(); told != c.want {
			t.Errorf("%s is made: %v", c.name, told)
		}
		l := got[Link](t)(n.Link(c.name))
		must(t, n.SetUp(l.Index, c.name))
		must(t, n.MakePort(l.Index, c.name, "x"))
		if woken() {
			t.Errorf("%s is changed", c.name)
		}
		must(t, n.DeleteLink(l.Index, c.name))
		if woken() {
			t.Errorf("%s is removed", c.name)
		}
	}
}

func FuzzRTNetlink(f *testing.F) {
	f.Add([]byte{})
	f.Add(addAttrString(linkRequest(unix.RTM_NEWLINK, 0, 7), unix.IFLA_IFNAME, "eth0")[nlHeader:])
	f.Add(addAttr(linkRequest(unix.RTM_NEWLINK, 0, 7), unix.IFLA_LINKINFO, addAttr(addAttrString(nil, unix.IFLA_INFO_KIND, "bridge"), unix.IFLA_INFO_DATA, addAttr(nil, unix.IFLA_BR_VLAN_FILTERING, []byte{1})))[nlHeader:])
	f.Add((&Address{Index: 3, IP: []byte{1, 2, 3, 4}, Bits: 24}).request(unix.RTM_NEWADDR, 0)[nlHeader:])
	f.Add((&Route{Index: 3, To: []byte{1, 2, 3, 4}, Bits: 24, Gateway: []byte{1, 2, 3, 4}, Metric: 3}).request(unix.RTM_NEWROUTE, 0)[nlHeader:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, ok := parseDevice(b); ok && (l.Index <= 0 || len(l.Name) > maxLinkName || len(l.Alias) > maxAlias || len(l.Kind) > maxLinkName) {
			t.Errorf("%+v", l)
		}
		if a, ok := parseAnyAddress(b); ok {
			if again, ok := parseAnyAddress(a.request(unix.RTM_NEWADDR, 0)[nlHeader:]); !ok || !slices.Equal(again.IP, a.IP) || again.Bits != a.Bits {
				t.Errorf("%+v %+v", a, again)
			}
		}
		if r, ok := parseRoute(b); ok && (r.To != nil || r.Gateway != nil) {
			again, ok := parseRoute(r.request(unix.RTM_NEWROUTE, 0)[nlHeader:])
			if !ok || !slices.Equal(again.To, r.To) || !slices.Equal(again.Gateway, r.Gateway) || again.Metric != r.Metric || again.OnLink != r.OnLink {
				t.Errorf("%+v %+v", r, again)
			}
		}
	})
}
