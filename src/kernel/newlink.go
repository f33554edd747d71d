// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import "golang.org/x/sys/unix"

// A NewLink is a network device to be made.
type NewLink struct {
	Kind  string // "veth", "macvlan", "vlan" or "bridge"
	Name  string
	MAC   [6]byte  // the zero value: the kernel's choice
	MTU   uint32   // 0: the kernel's choice
	Lower int32    // the device that a macvlan or vlan stands on, of the socket's namespace
	VLAN  uint16   // of a vlan
	Peer  *NewLink // the other end of a veth pair, with a name of its own
	// NetNS is a descriptor of the network namespace that it is made in; 0 for that of the socket.
	NetNS int
	Index int32 // 0: the first free one there; not of a peer
}

const macvlanBridge = 4 // MACVLAN_MODE_BRIDGE: those on one device reach each other

// AddLink makes a device, with a peer both. EEXIST: the name is taken. They are not up.
func (n *Netlink) AddLink(l *NewLink) error {
	req := linkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL, l.Index)
	req = l.attrs(req)
	info := addAttrString(nil, unix.IFLA_INFO_KIND, l.Kind)
	var data []byte
	switch {
	case l.Peer != nil:
		const vethInfoPeer = 1
		data = addAttr(nil, vethInfoPeer, l.Peer.attrs(make([]byte, nlLink)))
	case l.Kind == "vlan":
		data = addAttr(nil, unix.IFLA_VLAN_ID, native.AppendUint16(nil, l.VLAN))
	case l.Kind == "macvlan":
		data = addAttr32(nil, unix.IFLA_MACVLAN_MODE, macvlanBridge)
	}
	if data != nil {
		info = addAttr(info, unix.IFLA_INFO_DATA, data)
	}
	return n.do("make network device", l.Name, addAttr(req, unix.IFLA_LINKINFO, info))
}

func (l *NewLink) attrs(b []byte) []byte {
	b = addAttrString(b, unix.IFLA_IFNAME, l.Name)
	if l.MAC != [6]byte{} {
		b = addAttr(b, unix.IFLA_ADDRESS, l.MAC[:])
	}
	if l.MTU != 0 {
		b = addAttr32(b, unix.IFLA_MTU, l.MTU)
	}
	if l.Lower != 0 {
		b = addAttr32(b, unix.IFLA_LINK, uint32(l.Lower))
	}
	if l.NetNS != 0 {
		b = addAttr32(b, unix.IFLA_NET_NS_FD, uint32(l.NetNS))
	}
	return b
}

// SetUp sets a device up. name is for messages, here and below.
func (n *Netlink) SetUp(index int32, name string) error {
	remark, err := n.r.setUp(index)
	return netlinkError("set up network device", name, err, remark)
}

// SetDown sets a device down.
func (n *Netlink) SetDown(index int32, name string) error {
	req := linkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK, index)
	native.PutUint32(req[nlHeader+12:], unix.IFF_UP)
	return n.do("set down network device", name, req)
}

// MakePort prepares a device for being a port of a bridge: it notes whose it is (ifalias, at most 255 bytes), and has the kernel give it no
// address of IPv6 by itself.
func (n *Netlink) MakePort(index int32, name, alias string) error {
	const genModeNone = 1 // IN6_ADDR_GEN_MODE_NONE
	req := addAttr(linkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK, index), unix.IFLA_IFALIAS, []byte(alias[:min(len(alias), maxAlias)]))
	if err := n.do("note the owner of network device", name, req); err != nil {
		return err
	}
	inet6 := addAttr(nil, unix.AF_INET6, addAttr(nil, unix.IFLA_INET6_ADDR_GEN_MODE, []byte{genModeNone}))
	req = addAttr(linkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK, index), unix.IFLA_AF_SPEC, inet6)
	_ = n.do("", "", req) // a kernel without IPv6
	return nil
}

// SetMaster makes a device a port of a bridge, or with 0 of none.
func (n *Netlink) SetMaster(index int32, name string, master int32) error {
	op := "make a port of the bridge of network device"
	if master == 0 {
		op = "take out of its bridge network device"
	}
	return n.do(op, name, addAttr32(linkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK, index), unix.IFLA_MASTER, uint32(master)))
}

// DeleteLink removes a device, of a pair both ends. ENODEV: there is none.
func (n *Netlink) DeleteLink(index int32, name string) error {
	return n.do("remove network device", name, linkRequest(unix.RTM_DELLINK, unix.NLM_F_ACK, index))
}

// SetPortVLAN puts a port of a bridge that filters VLANs into one, without tags, and takes it out of the one that it was in by default.
func (n *Netlink) SetPortVLAN(index int32, name string, vlan uint16) error {
	const byDefault = 1 // vlan_default_pvid, unless somebody has changed it
	if err := n.portVLAN(unix.RTM_SETLINK, index, name, vlan); err != nil {
		return err
	}
	if vlan != byDefault {
		_ = n.portVLAN(unix.RTM_DELLINK, index, name, byDefault)
	}
	return nil
}

func (n *Netlink) portVLAN(kind uint16, index int32, name string, vlan uint16) error {
	const (
		bridgeVLANInfo = 2 // IFLA_BRIDGE_VLAN_INFO
		pvidUntagged   = 2 | 4
	)
	req := linkRequest(kind, unix.NLM_F_ACK, index)
	req[nlHeader] = unix.AF_BRIDGE
	info := native.AppendUint16(native.AppendUint16(nil, pvidUntagged), vlan)
	return n.do("set the VLAN of bridge port", name, addAttr(req, unix.IFLA_AF_SPEC, addAttr(nil, bridgeVLANInfo, info)))
}
