// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"syscall"
	"time"

	"gojail/src/kernel"
	"gojail/src/netbridge"
	"gojail/src/plan"
)

// joinLimit is how long netifd may take to make a device a port of its bridge.
const joinLimit = 3 * time.Second

// Up makes all interfaces in the network namespace of a descriptor, which stays the caller's; pid is a process in it. On error what was
// made is left to Down.
func (n *Net) Up(netns, pid int) error {
	host, err := kernel.OpenNetlink()
	if err != nil {
		return err
	}
	defer host.Close()
	in, err := kernel.OpenNetlinkIn(netns)
	if err != nil {
		return err
	}
	defer in.Close()
	n.PID = pid
	u := upper{n, host, in, netns}
	for i := range n.Links {
		if err := u.up(i); err != nil {
			return &plan.Error{Where: where(i), Reason: err.Error()}
		}
	}
	if err := n.save(); err != nil {
		return err
	}
	return n.publish()
}

// farIndex is where the indices begin of container's ends whose other end netifd gets: it looks for the device of that index on the host, as if
// it were what the other one stands on, and none must be there.
const farIndex = 1 << 30

// upper makes interfaces.
type upper struct {
	*Net
	host, in *kernel.Netlink // sockets
	netns    int
}

func (u *upper) up(i int) error {
	l := &u.Links[i]
	on, err := u.base(l)
	if err != nil {
		return err
	}
	l.On = on.Name
	mtu := l.MTU
	if mtu == 0 {
		mtu = on.MTU
	}
	name, tagged := l.Name, l.VLAN != 0 && !on.VLANFiltering
	if tagged {
		name = "trunk" + string(rune('a'+i))
	}
	inner := kernel.NewLink{Name: name, MAC: l.mac(u.Net), MTU: mtu}
	if l.Type == netbridge.MACVLAN {
		inner.Kind, inner.Lower, inner.NetNS = netbridge.MACVLAN, on.Index, u.netns
		if err := u.host.AddLink(&inner); err != nil {
			return err
		}
	} else if err := u.pair(l, &inner, farIndex+int32(i), on); err != nil {
		return err
	}
	dev, err := u.in.Link(name)
	if err != nil {
		return err
	}
	if tagged {
		if err := u.in.SetUp(dev.Index, name); err != nil {
			return err
		}
		if err := u.in.AddLink(&kernel.NewLink{Kind: "vlan", Name: l.Name, MAC: inner.MAC, Lower: dev.Index, VLAN: l.VLAN}); err != nil {
			return err
		}
		if dev, err = u.in.Link(l.Name); err != nil {
			return err
		}
	}
	return u.configure(l, i, dev.Index)
}

// base is the device that an interface is to be connected to.
func (u *upper) base(l *Link) (on kernel.Link, err error) {
	name := l.Bridge
	if name == "" {
		if name, err = deviceOf(l.Interface); err != nil {
			return on, err
		}
	}
	for stop := time.Now().Add(netifdLimit); ; time.Sleep(10 * time.Millisecond) {
		on, err = u.host.Link(name)
		if l.Interface == "" || kernel.ErrnoOf(err) != syscall.ENODEV || time.Now().After(stop) {
			break
		}
	}
	if err != nil {
		return on, err
	}
	if l.Type == netbridge.Veth && on.Kind != "bridge" {
		return on, &plan.Error{Reason: name + " is no bridge (use type=macvlan, or give the interface a bridge)"}
	}
	return on, nil
}

// pair makes a pair of devices, and the host's end a port of the bridge.
//
// It is made from inside: only the device that a request is for can have its index chosen.
func (u *upper) pair(l *Link, inner *kernel.NewLink, index int32, on kernel.Link) error {
	home, err := kernel.OpenNamespace("/proc/self/ns/net")
	if err != nil {
		return err
	}
	defer kernel.Close(home)
	if inner.Kind = netbridge.Veth; l.Interface != "" {
		inner.Index = index
	}
	alias := netbridge.Alias(u.Name, l.Name)
	for try := 0; ; try++ {
		name := netbridge.HostLink(u.Name, l.Name, try)
		inner.Peer = &kernel.NewLink{Name: name, MAC: netbridge.HostMAC(u.Name, l.Name), MTU: inner.MTU, NetNS: home}
		err := u.in.AddLink(inner)
		if err == nil {
			l.Host = name
			break
		}
		there, absent := u.host.Link(name)
		switch {
		case kernel.ErrnoOf(err) != syscall.EEXIST || absent != nil || try == tries:
			return err
		case there.Kind == "veth" && there.Alias == alias: // of this container's last life
			if err := u.host.DeleteLink(there.Index, name); err != nil && kernel.ErrnoOf(err) != syscall.ENODEV {
				return err
			}
			try--
		}
	}
	if err := u.save(); err != nil { // from here on Down finds it
		return err
	}
	outer, err := u.host.Link(l.Host)
	if err != nil {
		return err
	}
	if err := u.host.MakePort(outer.Index, l.Host, alias); err != nil {
		return err
	}
	return join(u.host, l, outer.Index, on)
}

// join makes the host's end a port of the bridge, or has netifd do it.
func join(host *kernel.Netlink, l *Link, index int32, on kernel.Link) error {
	if l.Interface != "" {
		// What others have made netifd takes when it is up.
		if err := host.SetUp(index, l.Host); err != nil {
			return err
		}
		if err := addDevice(l.Interface, l.Host, l.VLAN, on.VLANFiltering); err != nil {
			return err
		}
		if err := joined(host, index, l.Host, on); err != nil {
			return err
		}
	} else if err := host.SetMaster(index, l.Host, on.Index); err != nil {
		return err
	}
	if l.VLAN != 0 && on.VLANFiltering && l.Interface == "" {
		if err := host.SetPortVLAN(index, l.Host, l.VLAN); err != nil {
			return err
		}
	}
	return host.SetUp(index, l.Host)
}

// joined waits until netifd has made the device a port.
func joined(host *kernel.Netlink, index int32, name string, on kernel.Link) error {
	for stop := time.Now().Add(joinLimit); ; time.Sleep(2 * time.Millisecond) {
		l, err := host.LinkAt(index)
		switch {
		case err != nil:
			return err
		case l.Master == on.Index:
			return nil
		case time.Now().After(stop):
			return &plan.Error{Reason: "netifd has not made " + name + " a port of " + on.Name}
		}
	}
}

// configure gives an interface in the container its addresses and routes.
func (u *upper) configure(l *Link, i int, index int32) error {
	for _, p := range l.Addresses {
		if err := u.in.AddAddress(&kernel.Address{Index: index, IP: p.Addr.Bytes(), Bits: p.Bits}, l.Name); err != nil {
			return err
		}
	}
	if err := u.in.SetUp(index, l.Name); err != nil {
		return err
	}
	for _, gateway := range [...]netbridge.Addr{l.Gateway, l.Gateway6} {
		if !gateway.IsSet() || l.NoDefaultRoute {
			continue
		}
		r := kernel.Route{Index: index, Gateway: gateway.Bytes(), OnLink: !l.reaches(gateway), Metric: metricOf(l, i, gateway.Is4())}
		if err := u.in.AddRoute(&r, l.Name); err != nil {
			return err
		}
	}
	return nil
}

// metricOf is that of the default route by the i'th interface: without one of its own the first interface goes before the others.
func metricOf(l *Link, i int, v4 bool) uint32 {
	const v6 = 1024 // the kernel's default
	switch {
	case l.Metric != 0:
		return l.Metric
	case v4:
		return uint32(i)
	}
	return v6 + uint32(i)
}

// reaches tells whether an address is on the link by the interface's own.
func (l *Link) reaches(a netbridge.Addr) bool {
	if b := a.Bytes(); !a.Is4() && b[0] == 0xfe && b[1]&0xc0 == 0x80 {
		return true
	}
	for _, p := range l.Addresses {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Bridges are the bridges that ports of the container are to be in.
func (n *Net) Bridges() (names []string) {
	for i := range n.Links {
		if l := &n.Links[i]; l.Type == netbridge.Veth {
			names = append(names, l.On)
		}
	}
	return names
}

// Rejoin makes what is no port of its bridge any more one again: the bridge was made anew.
func (n *Net) Rejoin() error {
	host, err := kernel.OpenNetlink()
	if err != nil {
		return err
	}
	defer host.Close()
	for i := range n.Links {
		l := &n.Links[i]
		if l.Type != netbridge.Veth || l.Host == "" {
			continue
		}
		outer, err := host.Link(l.Host)
		if err != nil {
			return err
		}
		on, err := host.Link(l.On)
		if kernel.ErrnoOf(err) == syscall.ENODEV { // it comes when it comes
			continue
		}
		if err == nil && outer.Master != on.Index {
			err = join(host, l, outer.Index, on)
		}
		if err != nil {
			return &plan.Error{Where: where(i), Reason: err.Error()}
		}
	}
	return nil
}

// Down undoes what Up and Claim have done. It does not matter how far they have come.
func Down(name string) {
	n, err := load(name)
	if err != nil {
		n = &Net{Name: name, lock: -1}
	}
	n.undo()
	top, err := lockTop()
	if err != nil {
		return
	}
	n.removeFiles()
	_ = writeHosts()
	unlockTop(top)
}

// undo removes the host's ends, which takes the container's along, and the files.
func (n *Net) undo() {
	n.withdraw()
	host, err := kernel.OpenNetlink()
	if err != nil {
		return
	}
	defer host.Close()
	for i := range n.Links {
		l := &n.Links[i]
		if l.Host == "" {
			continue
		}
		if l.Interface != "" {
			removeDevice(l.Interface, l.Host)
		}
		if there, err := host.Link(l.Host); err == nil && there.Kind == "veth" && there.Alias == netbridge.Alias(n.Name, l.Name) {
			_ = host.DeleteLink(there.Index, l.Host)
		}
	}
	if n.lock >= 0 {
		n.removeFiles()
	}
}

// Connect makes the host's ends of a container that lives ports of their bridges again, and sets them up; Disconnect sets them down, as if the
// cable were pulled. Devices, addresses and routes stay.
func Connect(name string) error {
	n, err := Load(name)
	if err != nil {
		return err
	}
	if err := n.Rejoin(); err != nil {
		return err
	}
	return n.ends((*kernel.Netlink).SetUp)
}

// Disconnect is the opposite of Connect.
func Disconnect(name string) error {
	n, err := Load(name)
	if err != nil {
		return err
	}
	return n.ends((*kernel.Netlink).SetDown)
}

func (n *Net) ends(do func(h *kernel.Netlink, index int32, name string) error) error {
	host, err := kernel.OpenNetlink()
	if err != nil {
		return err
	}
	defer host.Close()
	for i := range n.Links {
		if l := &n.Links[i]; l.Host != "" {
			outer, err := host.Link(l.Host)
			if err == nil {
				err = do(host, outer.Index, l.Host)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
