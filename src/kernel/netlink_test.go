// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sent is a message as exchange would send it.
func sent(b []byte, seq uint32) []byte {
	native.PutUint32(b, uint32(len(b)))
	native.PutUint32(b[8:], seq)
	return b
}

func TestMessages(t *testing.T) {
	a := sent(addAttrString(linkRequest(unix.RTM_GETLINK, unix.NLM_F_ACK, 7), unix.IFLA_IFNAME, "eth0"), 3)
	b := sent(newMessage(unix.RTM_GETADDR, unix.NLM_F_DUMP, nlAddress), 4)
	m, rest, ok := nextMessage(slices.Concat(a, b))
	if !ok || m.kind != unix.RTM_GETLINK || m.flags != unix.NLM_F_ACK|unix.NLM_F_REQUEST || m.seq != 3 || !bytes.Equal(rest, b) {
		t.Fatalf("first: %+v %v", m, ok)
	}
	if l, ok := parseLink(m.body); !ok || l.index != 7 || l.up {
		t.Errorf("link: %+v %v", l, ok)
	}
	if name := parseName(m.body); name != "eth0" {
		t.Errorf("name: %q", name)
	}
	m, rest, ok = nextMessage(rest)
	if !ok || m.kind != unix.RTM_GETADDR || m.seq != 4 || len(m.body) != nlAddress || len(rest) != 0 {
		t.Errorf("second: %+v %v", m, ok)
	}
	long := sent(slices.Clone(b), 1)
	native.PutUint32(long, uint32(len(b)+1))
	short := sent(slices.Clone(b), 1)
	native.PutUint32(short, nlHeader-1)
	huge := sent(slices.Clone(b), 1)
	native.PutUint32(huge, 1<<32-1)
	for name, b := range map[string][]byte{"empty": nil, "a stump": b[:nlHeader-1], "too long": long, "too short": short, "huge": huge} {
		if m, _, ok := nextMessage(b); ok {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestAttributes(t *testing.T) {
	var b []byte
	b = addAttr(b, 1, []byte("abcde"))
	b = addAttr32(b, 2|0x8000, 77)
	b = addAttr(b, 3, nil)
	var kinds []uint16
	var values []string
	for {
		kind, value, rest, ok := nextAttr(b)
		if !ok {
			break
		}
		kinds, values, b = append(kinds, kind), append(values, string(value)), rest
	}
	if !slices.Equal(kinds, []uint16{1, 2, 3}) || values[0] != "abcde" || len(values[1]) != 4 || values[2] != "" || len(b) != 0 {
		t.Errorf("%v %q %q", kinds, values, b)
	}
	for _, b := range [][]byte{{}, {4, 0, 1}, {3, 0, 1, 0}, {0, 0, 0, 0}, {0xff, 0xff, 1, 0, 9}} {
		if kind, value, _, ok := nextAttr(b); ok {
			t.Errorf("% x: %d %q", b, kind, value)
		}
	}
}

// ack is the body of an NLMSG_ERROR as the kernel makes it.
func ack(errno int32, echoed uint32, text string) []byte {
	b := native.AppendUint32(nil, uint32(-errno))
	b = native.AppendUint32(b, echoed)
	b = append(b, make([]byte, nlHeader-4)...)
	if echoed > nlHeader {
		b = append(b, make([]byte, echoed-nlHeader)...)
	}
	if text != "" {
		b = addAttr32(b, unix.NLMSGERR_ATTR_MSG+1, 12)
		b = addAttrString(b, unix.NLMSGERR_ATTR_MSG, text)
	}
	return b
}

// cutOff is a refusal that ends where the request should be echoed.
func cutOff(echoed uint32) []byte {
	b := ack(22, 0, "")
	native.PutUint32(b[4:], echoed)
	return b
}

func TestParseAck(t *testing.T) {
	const capped = unix.NLM_F_ACK_TLVS | unix.NLM_F_CAPPED
	long := strings.Repeat("x", 2*maxRemark)
	for name, c := range map[string]struct {
		flags  uint16
		body   []byte
		errno  Errno
		remark string
	}{
		"success":               {0, ack(0, 0, ""), 0, ""},
		"done":                  {0, []byte{0, 0, 0, 0}, 0, ""},
		"plain":                 {0, ack(19, 0, ""), unix.ENODEV, ""},
		"with text":             {capped, ack(22, 32, "")[:20], unix.EINVAL, ""},
		"capped, with text":     {capped, append(ack(22, 16, "")[:20], addAttrString(nil, 1, "no way")...), unix.EINVAL, "no way"},
		"echoed, with text":     {unix.NLM_F_ACK_TLVS, ack(22, 32, "not so"), unix.EINVAL, "not so"},
		"text without flag":     {0, ack(22, 32, "not so"), unix.EINVAL, ""},
		"text of odd bytes":     {unix.NLM_F_ACK_TLVS, ack(22, 16, "a\x1b[2Jb"), unix.EINVAL, "a"},
		"long text":             {unix.NLM_F_ACK_TLVS, ack(22, 16, long), unix.EINVAL, long[:maxRemark]},
		"echo beyond the end":   {unix.NLM_F_ACK_TLVS, cutOff(1 << 31), unix.EINVAL, ""},
		"echo near the maximum": {unix.NLM_F_ACK_TLVS, cutOff(1<<32 - 1), unix.EINVAL, ""},
		"empty":                 {0, nil, unix.EBADMSG, ""},
		"positive":              {0, []byte{1, 1, 1, 1}, unix.EBADMSG, ""},
		"no errno":              {0, ack(4096, 0, ""), unix.EBADMSG, ""},
	} {
		if errno, remark := parseAck(nlMessage{flags: c.flags, body: c.body}); errno != c.errno || remark != c.remark {
			t.Errorf("%s: %d %q, want %d %q", name, errno, remark, c.errno, c.remark)
		}
	}
}

// addressBody is the body of an RTM_NEWADDR.
func addressBody(family, flags, scope byte, index uint32, attrs []byte) []byte {
	return append(native.AppendUint32([]byte{family, 24, flags, scope}, index), attrs...)
}

func TestParseAddress(t *testing.T) {
	const permanent = unix.IFA_F_PERMANENT
	ip := addAttr(nil, unix.IFA_LOCAL, []byte{192, 0, 2, 1})
	more := addAttrString(slices.Clone(ip), unix.IFA_LABEL, "eth0:1")
	more = addAttr32(more, unix.IFA_FLAGS, permanent|unix.IFA_F_NOPREFIXROUTE|unix.IFA_F_TENTATIVE)
	kept := addAttr32(slices.Clone(ip), unix.IFA_FLAGS, unix.IFA_F_NOPREFIXROUTE)
	for name, c := range map[string]struct {
		body, want []byte
	}{
		"plain":              {addressBody(unix.AF_INET, permanent, 0, 5, ip), ip},
		"flags and label":    {addressBody(unix.AF_INET6, 0, 0, 5, more), kept},
		"flags attribute":    {addressBody(unix.AF_INET, permanent, 0, 5, addAttr32(slices.Clone(ip), unix.IFA_FLAGS, 0)), nil},
		"other device":       {addressBody(unix.AF_INET, permanent, 0, 6, ip), nil},
		"not permanent":      {addressBody(unix.AF_INET, 0, 0, 5, ip), nil},
		"of link scope":      {addressBody(unix.AF_INET, permanent, unix.RT_SCOPE_LINK, 5, ip), nil},
		"of another family":  {addressBody(unix.AF_BRIDGE, permanent, 0, 5, ip), nil},
		"too long a value":   {addressBody(unix.AF_INET, permanent, 0, 5, addAttr(nil, unix.IFA_LOCAL, make([]byte, 17))), nil},
		"without an address": {addressBody(unix.AF_INET, permanent, 0, 5, nil), nil},
		"stump":              {addressBody(unix.AF_INET, permanent, 0, 5, nil)[:7], nil},
	} {
		a, ok := parseAddress(c.body, 5)
		if ok != (c.want != nil) || ok && (!bytes.Equal(a.attrs, c.want) || a.family != c.body[0] || a.prefix != 24) {
			t.Errorf("%s: %v % x, want % x", name, ok, a.attrs, c.want)
		}
	}
}

func FuzzNetlink(f *testing.F) {
	f.Add(sent(addAttrString(linkRequest(unix.RTM_NEWLINK, 0, 7), unix.IFLA_IFNAME, "eth0"), 3))
	address := newMessage(unix.RTM_NEWADDR, unix.NLM_F_MULTI, 0)
	f.Add(sent(append(address, addressBody(unix.AF_INET, unix.IFA_F_PERMANENT, 0, 7, addAttr32(nil, unix.IFA_LOCAL, 1))...), 1))
	refusal := newMessage(unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, 0)
	f.Add(sent(append(refusal, ack(22, 32, "no way")...), 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		for n := len(b); ; {
			m, rest, ok := nextMessage(b)
			if !ok {
				return
			}
			if len(rest)+len(m.body)+nlHeader > n || len(rest) >= len(b) {
				t.Fatalf("%d bytes became %d and %d", len(b), len(m.body), len(rest))
			}
			b = rest
			if name := parseName(m.body); len(name) > maxLinkName {
				t.Errorf("name of %d bytes", len(name))
			}
			l, _ := parseLink(m.body)
			if a, ok := parseAddress(m.body, l.index); ok && len(a.attrs) > len(m.body)+8 {
				t.Errorf("%d bytes of attributes from %d", len(a.attrs), len(m.body))
			}
			errno, remark := parseAck(m)
			if errno > 4095 || len(remark) > maxRemark || errno == 0 && remark != "" {
				t.Errorf("errno %d, remark %q", errno, remark)
			}
		}
	})
}
