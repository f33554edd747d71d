// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"bytes"
	"slices"

	"golang.org/x/sys/unix"
)

const (
	maxLinkName  = unix.IFNAMSIZ - 1
	maxAddresses = 1024 // that one device may keep
	maxAddrValue = 16   // bytes of an attribute of an address: that of an IPv6 address
	dumpTries    = 8
)

// link is a network device.
type link struct {
	index int32
	up    bool
}

// parseLink reads the body of an RTM_NEWLINK.
func parseLink(b []byte) (l link, ok bool) {
	if len(b) < nlLink {
		return l, false
	}
	return link{int32(native.Uint32(b[4:])), native.Uint32(b[8:])&unix.IFF_UP != 0}, true
}

// parseName reads a device's name from the body of an RTM_NEWLINK, "" if there is none.
func parseName(b []byte) string {
	if len(b) < nlLink {
		return ""
	}
	for b = b[nlLink:]; ; {
		kind, value, rest, ok := nextAttr(b)
		if !ok {
			return ""
		}
		if kind == unix.IFLA_IFNAME {
			name, _, _ := bytes.Cut(value, []byte{0})
			return string(name[:min(len(name), maxLinkName)])
		}
		b = rest
	}
}

// linkRequest is a message about the device of an index, 0 for none.
func linkRequest(kind, flags uint16, index int32) []byte {
	b := newMessage(kind, flags, nlLink)
	native.PutUint32(b[nlHeader+4:], uint32(index))
	return b
}

// find asks for a device by index or, if that is 0, by name.
func (r *rtnl) find(index int32, name string) (l link, actual, remark string, err error) {
	const skipStatistics = 8 // RTEXT_FILTER_SKIP_STATS
	req := linkRequest(unix.RTM_GETLINK, unix.NLM_F_ACK, index)
	if index == 0 {
		req = addAttrString(req, unix.IFLA_IFNAME, name)
	}
	req = addAttr32(req, unix.IFLA_EXT_MASK, skipStatistics)
	found := false
	remark, err = r.exchange(req, func(m nlMessage) {
		if m.kind == unix.RTM_NEWLINK && !found {
			l, found = parseLink(m.body)
			actual = parseName(m.body)
		}
	})
	if err == nil && !found {
		err = unix.EBADMSG
	}
	return l, actual, remark, err
}

// setUp sets a device up.
func (r *rtnl) setUp(index int32) (remark string, err error) {
	req := linkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK, index)
	native.PutUint32(req[nlHeader+8:], unix.IFF_UP)
	native.PutUint32(req[nlHeader+12:], unix.IFF_UP)
	return r.exchange(req, nil)
}

// move moves a device into another network namespace, under a name and an index that must be free there. When it fails the device
// may be there all the same: the kernel renames it last.
func (r *rtnl) move(index int32, netns int, name string, newIndex int32) (remark string, err error) {
	req := linkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK, index)
	req = addAttr32(req, unix.IFLA_NET_NS_FD, uint32(netns))
	req = addAttrString(req, unix.IFLA_IFNAME, name)
	req = addAttr32(req, unix.IFLA_NEW_IFINDEX, uint32(newIndex))
	return r.exchange(req, nil)
}

// address is what of an address can be given to a device again: its attributes, without those that depend on the device.
type address struct {
	family, prefix uint8
	attrs          []byte
}

// keptFlags are the flags of an address that its owner chose. The others say what became of it.
const keptFlags = unix.IFA_F_NODAD | unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR | unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_MCAUTOJOIN

// parseAddress reads the body of an RTM_NEWADDR. ok: it is a permanent address of global scope that belongs to the device.
func parseAddress(b []byte, index int32) (a address, ok bool) {
	if len(b) < nlAddress || int32(native.Uint32(b[4:])) != index {
		return a, false
	}
	a.family, a.prefix = b[0], b[1]
	flags, scope := uint32(b[2]), b[3]
	for b = b[nlAddress:]; ; {
		kind, value, rest, more := nextAttr(b)
		if !more {
			break
		}
		switch b = rest; kind {
		case unix.IFA_ADDRESS, unix.IFA_LOCAL, unix.IFA_BROADCAST, unix.IFA_RT_PRIORITY:
			if len(value) > maxAddrValue {
				return a, false
			}
			a.attrs = addAttr(a.attrs, kind, value)
		case unix.IFA_FLAGS:
			if len(value) >= 4 {
				flags = native.Uint32(value)
			}
		}
	}
	if flags&unix.IFA_F_PERMANENT == 0 || scope != unix.RT_SCOPE_UNIVERSE {
		return a, false
	}
	if a.family != unix.AF_INET && a.family != unix.AF_INET6 {
		return a, false
	}
	if flags &= keptFlags; flags != 0 {
		a.attrs = addAttr32(a.attrs, unix.IFA_FLAGS, flags)
	}
	return a, len(a.attrs) > 0
}

// addresses lists what parseAddress takes of a device's addresses, in the order in which adding them gives the same order again.
func (r *rtnl) addresses(index int32) (list []address, err error) {
	for range dumpTries {
		list = list[:0]
		v4, tooMany := 0, false
		req := newMessage(unix.RTM_GETADDR, unix.NLM_F_DUMP, nlAddress)
		native.PutUint32(req[nlHeader+4:], uint32(index))
		_, err = r.exchange(req, func(m nlMessage) {
			a, ok := parseAddress(m.body, index)
			switch {
			case m.kind != unix.RTM_NEWADDR || !ok:
			case len(list) == maxAddresses:
				tooMany = true
			case a.family == unix.AF_INET: // a primary address before its secondary ones
				list = slices.Insert(list, v4, a)
				v4++
			default: // the kernel lists the newest first
				list = slices.Insert(list, v4, a)
			}
		})
		if tooMany {
			return nil, unix.E2BIG
		}
		if err != unix.EAGAIN {
			return list, err
		}
	}
	return nil, err
}

// addAddress gives a device an address.
func (r *rtnl) addAddress(index int32, a address) (remark string, err error) {
	req := newMessage(unix.RTM_NEWADDR, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_REPLACE, nlAddress)
	req[nlHeader], req[nlHeader+1] = a.family, a.prefix
	native.PutUint32(req[nlHeader+4:], uint32(index))
	return r.exchange(append(req, a.attrs...), nil)
}
