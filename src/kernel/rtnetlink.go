// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// Netlink is a socket of rtnetlink(7). It acts in the network namespace that it was opened in, whoever uses it. It is for one goroutine at
// a time.
type Netlink struct{ r *rtnl }

// OpenNetlink opens one in the network namespace of the calling thread; Close closes it.
func OpenNetlink() (*Netlink, error) {
	r, err := openRTNL()
	if err != nil {
		return nil, err
	}
	return &Netlink{r}, nil
}

// OpenNetlinkIn opens one in the network namespace of a descriptor, which stays the caller's.
func OpenNetlinkIn(netns int) (n *Netlink, err error) {
	err = onThread(func() error {
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			return fail("join a network namespace", "", err)
		}
		n, err = OpenNetlink()
		return err
	})
	return n, err
}

// Close closes the socket; of nil it is none.
func (n *Netlink) Close() {
	if n != nil {
		Close(n.r.fd)
	}
}

// do sends a request that is only acknowledged.
func (n *Netlink) do(op, on string, req []byte) error {
	remark, err := n.r.exchange(req, nil)
	return netlinkError(op, on, err, remark)
}

// netlinkError says of a failed request what the kernel says of it.
func netlinkError(op, on string, err error, remark string) error {
	if err == nil {
		return nil
	}
	hint := ""
	switch {
	case remark != "":
		hint = "the kernel says: " + remark
	case err == unix.EPERM:
		hint = "it needs CAP_NET_ADMIN"
	case err == unix.EOPNOTSUPP:
		hint = "this kernel was built without it, or its module is not there"
	}
	return explain(fail(op, on, err), hint)
}

// A Link is a network device.
type Link struct {
	Index   int32
	Name    string
	Kind    string // "veth", "bridge", "macvlan", "vlan"; "" for what is no virtual device
	Alias   string // what somebody has noted about it
	MAC     [6]byte
	MTU     uint32
	Up      bool  // set up
	Running bool  // and connected
	Master  int32 // the bridge that it is a port of; 0 for none
	Lower   int32 // the device that it stands on, or the other end of a pair
	Away    bool  // Lower is of another network namespace

	VLANFiltering bool // of a bridge
	Counters      Counters
}

// Counters are what a network device has counted.
type Counters struct{ RxPackets, TxPackets, RxBytes, TxBytes, RxErrors, TxErrors, RxDropped, TxDropped uint64 }

// parseDevice reads the body of an RTM_NEWLINK.
func parseDevice(b []byte) (l Link, ok bool) {
	if len(b) < nlLink {
		return l, false
	}
	flags := native.Uint32(b[8:])
	l.Index, l.Up, l.Running = int32(native.Uint32(b[4:])), flags&unix.IFF_UP != 0, flags&unix.IFF_LOWER_UP != 0
	for b = b[nlLink:]; ; {
		kind, value, rest, more := nextAttr(b)
		if !more {
			return l, l.Index > 0
		}
		b = rest
		switch kind {
		case unix.IFLA_IFNAME:
			l.Name = parseText(value, maxLinkName)
		case unix.IFLA_IFALIAS:
			l.Alias = parseText(value, maxAlias)
		case unix.IFLA_ADDRESS:
			copy(l.MAC[:], value)
		case unix.IFLA_MTU:
			l.MTU = parse32(value)
		case unix.IFLA_MASTER:
			l.Master = int32(parse32(value))
		case unix.IFLA_LINK:
			l.Lower = int32(parse32(value))
		case unix.IFLA_LINK_NETNSID:
			l.Away = true
		case unix.IFLA_LINKINFO:
			l.parseInfo(value)
		case unix.IFLA_STATS64:
			l.Counters = parseCounters(value)
		}
	}
}

const maxAlias = 255

func (l *Link) parseInfo(b []byte) {
	for {
		kind, value, rest, ok := nextAttr(b)
		if !ok {
			return
		}
		b = rest
		switch kind {
		case unix.IFLA_INFO_KIND:
			l.Kind = parseText(value, maxLinkName)
		case unix.IFLA_INFO_DATA:
			for l.Kind == "bridge" {
				kind, v, rest, ok := nextAttr(value)
				if !ok {
					break
				}
				if value = rest; kind == unix.IFLA_BR_VLAN_FILTERING && len(v) > 0 {
					l.VLANFiltering = v[0] != 0
				}
			}
		}
	}
}

func parseCounters(b []byte) (c Counters) {
	for i, v := range [...]*uint64{&c.RxPackets, &c.TxPackets, &c.RxBytes, &c.TxBytes, &c.RxErrors, &c.TxErrors, &c.RxDropped, &c.TxDropped} {
		if len(b) >= 8*i+8 {
			*v = native.Uint64(b[8*i:])
		}
	}
	return c
}

// parseText reads a text that ends with a zero byte, or with the attribute.
func parseText(b []byte, most int) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b[:min(len(b), most)])
}

func parse32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return native.Uint32(b)
}

// Link finds a device by its name. ENODEV: there is none.
func (n *Netlink) Link(name string) (Link, error) {
	if !linkName(name) {
		return Link{}, netlinkError("find network device", name, unix.ENODEV, "")
	}
	return n.ask("find network device", name, addAttrString(linkRequest(unix.RTM_GETLINK, unix.NLM_F_ACK, 0), unix.IFLA_IFNAME, name))
}

// LinkAt finds a device by its index. ENODEV: there is none.
func (n *Netlink) LinkAt(index int32) (Link, error) {
	return n.ask("find a network device", "", linkRequest(unix.RTM_GETLINK, unix.NLM_F_ACK, index))
}

func (n *Netlink) ask(op, on string, req []byte) (l Link, err error) {
	found := false
	remark, err := n.r.exchange(req, func(m nlMessage) {
		if m.kind == unix.RTM_NEWLINK && !found {
			l, found = parseDevice(m.body)
		}
	})
	if err == nil && !found {
		err = unix.EBADMSG
	}
	return l, netlinkError(op, on, err, remark)
}

// maxDevices is how many devices are listed.
const maxDevices = 1 << 14

// Links lists the devices.
func (n *Netlink) Links() (list []Link, err error) {
	err = n.dump("list network devices", linkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP, 0), func() { list = nil }, func(m nlMessage) {
		if l, ok := parseDevice(m.body); ok && m.kind == unix.RTM_NEWLINK && len(list) < maxDevices {
			list = append(list, l)
		}
	})
	return list, err
}

// dump asks for a list, again if it has changed meanwhile: begin is called each time.
func (n *Netlink) dump(op string, req []byte, begin func(), each func(nlMessage)) (err error) {
	var remark string
	for range dumpTries {
		begin()
		if remark, err = n.r.exchange(req, each); err != unix.EAGAIN {
			break
		}
	}
	return netlinkError(op, "", err, remark)
}
