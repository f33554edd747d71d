// SPDX-License-Identifier: LGPL-2.1-only

package netbridge

import (
	"strconv"
	"strings"
)

// An Addr is an IP address; the zero value is none.
type Addr struct {
	b    [16]byte // the first four bytes of an IPv4 address
	size uint8    // 4, 16, or 0 for none
}

// IsSet tells whether there is an address.
func (a Addr) IsSet() bool { return a.size != 0 }

// Is4 tells whether it is an IPv4 address.
func (a Addr) Is4() bool { return a.size == 4 }

// Bytes are those of the address in the order of the network, 4 or 16 of them.
func (a Addr) Bytes() []byte { return a.b[:a.size] }

// Bits is how many bits such an address has.
func (a Addr) Bits() int { return int(a.size) * 8 }

// AddrFrom is the address of 4 or 16 bytes.
func AddrFrom(b []byte) (a Addr, ok bool) {
	if len(b) != 4 && len(b) != 16 {
		return a, false
	}
	a.size = uint8(copy(a.b[:], b))
	return a, true
}

// ParseAddr reads an address: IPv4 in four decimal parts, IPv6 as in RFC 4291, without a zone.
func ParseAddr(s string) (a Addr, ok bool) {
	if len(s) > 45 {
		return a, false
	}
	if !strings.Contains(s, ":") {
		b, ok := parse4(s)
		if !ok {
			return a, false
		}
		return AddrFrom(b[:])
	}
	b, ok := parse6(s)
	if !ok {
		return a, false
	}
	return AddrFrom(b[:])
}

func parse4(s string) (b [4]byte, ok bool) {
	for i := range b {
		part, rest, more := strings.Cut(s, ".")
		if more != (i < 3) || len(part) > 1 && part[0] == '0' {
			return b, false
		}
		v, ok := digits(part, 255)
		if !ok {
			return b, false
		}
		b[i], s = byte(v), rest
	}
	return b, true
}

func parse6(s string) (b [16]byte, ok bool) {
	head, tail, gap := strings.Cut(s, "::")
	n, ok := groups(b[:], head)
	if !ok || !gap {
		return b, ok && n == 16
	}
	var end [16]byte
	m, ok := groups(end[:], tail)
	if !ok || n+m > 14 {
		return b, false
	}
	copy(b[16-m:], end[:m])
	return b, true
}

// groups reads groups of four hexadecimal digits, the last two perhaps as an IPv4 address, and tells how many bytes they are.
func groups(b []byte, s string) (n int, ok bool) {
	for more := s != ""; more; {
		var part string
		part, s, more = strings.Cut(s, ":")
		if !more && strings.Contains(part, ".") {
			v4, ok := parse4(part)
			if !ok || n+4 > len(b) {
				return 0, false
			}
			return n + copy(b[n:], v4[:]), true
		}
		v, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 || part[0] == '+' || n+2 > len(b) {
			return 0, false
		}
		b[n], b[n+1] = byte(v>>8), byte(v)
		n += 2
	}
	return n, true
}

// digits reads a decimal number.
func digits(s string, most uint32) (uint32, bool) {
	v := uint64(0)
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' || i == 10 {
			return 0, false
		}
		v = v*10 + uint64(s[i]-'0')
	}
	return uint32(v), s != "" && v <= uint64(most)
}

// String is the address as RFC 5952 has it.
func (a Addr) String() string {
	if a.size == 0 {
		return ""
	}
	out := make([]byte, 0, 45)
	if a.Is4() {
		for i, c := range a.b[:4] {
			if i > 0 {
				out = append(out, '.')
			}
			out = strconv.AppendUint(out, uint64(c), 10)
		}
		return string(out)
	}
	start, length := a.longestGap()
	for i := 0; i < 8; i++ {
		if length > 1 && i == start {
			out = append(out, "::"...)
			i += length - 1
			continue
		}
		if len(out) > 0 && out[len(out)-1] != ':' {
			out = append(out, ':')
		}
		out = strconv.AppendUint(out, uint64(a.group(i)), 16)
	}
	return string(out)
}

func (a Addr) group(i int) uint16 { return uint16(a.b[2*i])<<8 | uint16(a.b[2*i+1]) }

// longestGap is the longest run of groups that are zero.
func (a Addr) longestGap() (start, length int) {
	run := 0
	for i := range 8 {
		if a.group(i) != 0 {
			run = 0
			continue
		}
		if run++; run > length {
			start, length = i-run+1, run
		}
	}
	return start, length
}

// A Prefix is an address and how many bits of it are the network's.
type Prefix struct {
	Addr Addr
	Bits uint8
}

// ParsePrefix reads ADDRESS/BITS, for IPv4 ADDRESS/NETMASK as well; an address alone is one of /32 or /128.
func ParsePrefix(s string) (p Prefix, ok bool) {
	text, bits, given := strings.Cut(s, "/")
	if p.Addr, ok = ParseAddr(text); !ok {
		return p, false
	}
	p.Bits = uint8(p.Addr.Bits())
	switch {
	case !given:
		return p, true
	case p.Addr.Is4() && strings.Contains(bits, "."):
		p.Bits, ok = maskBits(bits)
		return p, ok
	}
	v, ok := digits(bits, uint32(p.Bits))
	p.Bits = uint8(v)
	return p, ok
}

func maskBits(s string) (bits uint8, ok bool) {
	b, ok := parse4(s)
	if !ok {
		return 0, false
	}
	m := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	for ; m&(1<<31) != 0; m <<= 1 {
		bits++
	}
	return bits, m == 0
}

// String is ADDRESS/BITS.
func (p Prefix) String() string { return p.Addr.String() + "/" + strconv.Itoa(int(p.Bits)) }

// Network is the prefix without what is not the network's.
func (p Prefix) Network() Prefix {
	for i := int(p.Bits); i < p.Addr.Bits(); i++ {
		p.Addr.b[i/8] &^= 1 << (7 - i%8)
	}
	return p
}

// Contains tells whether an address lies in the prefix' network.
func (p Prefix) Contains(a Addr) bool {
	if a.size != p.Addr.size || a.size == 0 {
		return false
	}
	for i := 0; i < int(p.Bits); i++ {
		if bit := byte(1) << (7 - i%8); (a.b[i/8]^p.Addr.b[i/8])&bit != 0 {
			return false
		}
	}
	return true
}
