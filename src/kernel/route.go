// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"slices"

	"golang.org/x/sys/unix"
)

// An Address is one of a network device.
type Address struct {
	Index int32
	IP    []byte // 4 or 16 bytes
	Bits  uint8  // of the network
	Fixed bool   // no lifetime: it was given by somebody, or is the kernel's own
	Local bool   // of the link alone, as fe80::
}

// AddAddress gives a device an address, or changes that; it can be used at once, without a look whether somebody else has it.
func (n *Netlink) AddAddress(a *Address, name string) error {
	req := a.request(unix.RTM_NEWADDR, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	if len(a.IP) == 4 && a.Bits < 31 {
		broadcast := slices.Clone(a.IP)
		for i := int(a.Bits); i < 32; i++ {
			broadcast[i/8] |= 1 << (7 - i%8)
		}
		req = addAttr(req, unix.IFA_BROADCAST, broadcast)
	}
	if len(a.IP) == 16 {
		req = addAttr32(req, unix.IFA_FLAGS, unix.IFA_F_NODAD)
	}
	remark, err := n.r.exchange(req, nil)
	if err == unix.EACCES && len(a.IP) == 16 {
		remark = "IPv6 is disabled there: see net.ipv6.conf.default.disable_ipv6"
	}
	return netlinkError("add an address to network device", name, err, remark)
}

// DeleteAddress takes an address away. EADDRNOTAVAIL: the device has none such.
func (n *Netlink) DeleteAddress(a *Address, name string) error {
	return n.do("take an address from network device", name, a.request(unix.RTM_DELADDR, unix.NLM_F_ACK))
}

func (a *Address) request(kind, flags uint16) []byte {
	req := newMessage(kind, flags, nlAddress)
	req[nlHeader], req[nlHeader+1] = familyOf(a.IP), a.Bits
	native.PutUint32(req[nlHeader+4:], uint32(a.Index))
	return addAttr(addAttr(req, unix.IFA_LOCAL, a.IP), unix.IFA_ADDRESS, a.IP)
}

func familyOf(ip []byte) byte {
	if len(ip) == 4 {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// Addresses lists those of all devices.
func (n *Netlink) Addresses() (list []Address, err error) {
	err = n.dump("list addresses", newMessage(unix.RTM_GETADDR, unix.NLM_F_DUMP, nlAddress), func() { list = nil }, func(m nlMessage) {
		if a, ok := parseAnyAddress(m.body); ok && m.kind == unix.RTM_NEWADDR && len(list) < maxDevices {
			list = append(list, a)
		}
	})
	return list, err
}

// parseAnyAddress reads the body of an RTM_NEWADDR.
func parseAnyAddress(b []byte) (a Address, ok bool) {
	if len(b) < nlAddress {
		return a, false
	}
	family, flags := b[0], uint32(b[2])
	a.Bits, a.Local, a.Index = b[1], b[3] != unix.RT_SCOPE_UNIVERSE, int32(native.Uint32(b[4:]))
	for b = b[nlAddress:]; ; {
		kind, value, rest, more := nextAttr(b)
		if !more {
			break
		}
		switch b = rest; {
		case kind == unix.IFA_LOCAL, kind == unix.IFA_ADDRESS && a.IP == nil:
			a.IP = slices.Clone(value)
		case kind == unix.IFA_FLAGS:
			flags = parse32(value)
		}
	}
	a.Fixed = flags&unix.IFA_F_PERMANENT != 0
	ok = family == unix.AF_INET && len(a.IP) == 4 || family == unix.AF_INET6 && len(a.IP) == 16
	return a, ok && int(a.Bits) <= 8*len(a.IP)
}

// A Route is one of the main table.
type Route struct {
	Index   int32 // of the device
	To      []byte
	Bits    uint8  // of To; nil and 0: the default route of Gateway's family
	Gateway []byte // nil: on the link
	OnLink  bool   // the gateway is on the link, whatever the addresses say
	Metric  uint32
	DHCP    bool // it has come by DHCP (RTPROT_DHCP), else from somebody's configuration (RTPROT_STATIC)
}

const (
	nlRoute   = 12 // struct rtmsg
	maxRoutes = 1 << 12
)

// AddRoute adds a route. EEXIST: there is one to the same place with the same metric.
func (n *Netlink) AddRoute(r *Route, name string) error {
	return n.do("add a route by network device", name, r.request(unix.RTM_NEWROUTE, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL))
}

// DeleteRoute removes a route. ESRCH: there is none such.
func (n *Netlink) DeleteRoute(r *Route, name string) error {
	return n.do("remove a route by network device", name, r.request(unix.RTM_DELROUTE, unix.NLM_F_ACK))
}

func (r *Route) request(kind, flags uint16) []byte {
	req := newMessage(kind, flags, nlRoute)
	family := familyOf(r.Gateway)
	if r.To != nil {
		family = familyOf(r.To)
	}
	m := req[nlHeader:]
	m[0], m[1], m[4], m[5], m[6], m[7] = family, r.Bits, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST
	if r.DHCP {
		m[5] = unix.RTPROT_DHCP
	}
	if r.Gateway == nil && family == unix.AF_INET {
		m[6] = unix.RT_SCOPE_LINK
	}
	if r.OnLink {
		native.PutUint32(m[8:], unix.RTNH_F_ONLINK)
	}
	if r.To != nil {
		req = addAttr(req, unix.RTA_DST, r.To)
	}
	if r.Gateway != nil {
		req = addAttr(req, unix.RTA_GATEWAY, r.Gateway)
	}
	req = addAttr32(req, unix.RTA_OIF, uint32(r.Index))
	if r.Metric != 0 {
		req = addAttr32(req, unix.RTA_PRIORITY, r.Metric)
	}
	return req
}

// Routes lists those of the main table that somebody has configured, or that have come by DHCP, by one device.
func (n *Netlink) Routes(index int32) (list []Route, err error) {
	err = n.dump("list routes", newMessage(unix.RTM_GETROUTE, unix.NLM_F_DUMP, nlRoute), func() { list = nil }, func(m nlMessage) {
		if r, ok := parseRoute(m.body); ok && m.kind == unix.RTM_NEWROUTE && r.Index == index && len(list) < maxRoutes {
			list = append(list, r)
		}
	})
	return list, err
}

// parseRoute reads the body of an RTM_NEWROUTE.
func parseRoute(b []byte) (r Route, ok bool) {
	if len(b) < nlRoute {
		return r, false
	}
	family, table, origin := b[0], b[4], b[5]
	r.Bits, r.DHCP, r.OnLink = b[1], origin == unix.RTPROT_DHCP, native.Uint32(b[8:])&unix.RTNH_F_ONLINK != 0
	if table != unix.RT_TABLE_MAIN || origin != unix.RTPROT_STATIC && origin != unix.RTPROT_DHCP {
		return r, false
	}
	size := 4
	if family == unix.AF_INET6 {
		size = 16
	}
	for b = b[nlRoute:]; ; {
		kind, value, rest, more := nextAttr(b)
		if !more {
			return r, (family == unix.AF_INET || family == unix.AF_INET6) && int(r.Bits) <= 8*size && (r.To != nil || r.Bits == 0)
		}
		switch b = rest; {
		case kind == unix.RTA_DST && len(value) == size:
			r.To = slices.Clone(value)
		case kind == unix.RTA_GATEWAY && len(value) == size:
			r.Gateway = slices.Clone(value)
		case kind == unix.RTA_OIF:
			r.Index = int32(parse32(value))
		case kind == unix.RTA_PRIORITY:
			r.Metric = parse32(value)
		}
	}
}
