// SPDX-License-Identifier: LGPL-2.1-only

package config

import (
	"math/bits"
	"strconv"
	"strings"
)

// checkNet is check for what networks and ports have.
func checkNet(kind, v string) string {
	no := func(ok bool, reason string) string {
		if ok {
			return ""
		}
		return reason
	}
	switch kind {
	case "ifname":
		return no(len(v) <= 15 && v != "." && v != ".." && onlyBytes(v, func(c byte) bool { return c > ' ' && c < 0x7f && c != '/' && c != ':' }), "must be the name of an interface, at most 15 letters")
	case "mac":
		return no(validMAC(v), "must be a MAC address such as 02:00:00:00:00:01, of one device")
	case "ip4":
		return no(validIP4(v), "must be an IPv4 address")
	case "netmask":
		return no(MaskBits(v) >= 0, "must be a netmask such as 255.255.255.0")
	case "ip6":
		return no(validIP6(v), "must be an IPv6 address")
	case "ip":
		return no(validIP4(v) || validIP6(v), "must be an IP address")
	case "ip4prefix":
		ip, bits, has := strings.Cut(v, "/")
		return no(validIP4(ip) && (!has || upTo(bits, 32)), "must be an IPv4 address such as 192.168.1.20/24")
	case "ip6prefix":
		ip, bits, has := strings.Cut(v, "/")
		return no(validIP6(ip) && has && upTo(bits, 128), "must be an IPv6 address such as fd00::2/64")
	case "portrange":
		low, high, two := strings.Cut(v, "-")
		if !two {
			high = low
		}
		a, err := strconv.ParseUint(low, 10, 16)
		b, err2 := strconv.ParseUint(high, 10, 16)
		return no(err == nil && err2 == nil && a > 0 && a <= b && plainNumber(low) && plainNumber(high), "must be a port such as 80, or ports such as 8000-8010")
	case "hostport":
		proto, port, _ := strings.Cut(v, "/")
		n, err := strconv.ParseUint(port, 10, 16)
		return no((proto == "tcp" || proto == "udp") && err == nil && n > 0 && plainNumber(port), "must be tcp/PORT or udp/PORT")
	}
	panic("config: no kind " + kind)
}

func upTo(v string, most uint64) bool {
	n, err := strconv.ParseUint(v, 10, 8)
	return err == nil && n <= most && plainNumber(v)
}

func validIP4(v string) bool {
	n := 0
	for part := range strings.SplitSeq(v, ".") {
		if n++; !upTo(part, 255) {
			return false
		}
	}
	return n == 4
}

// MaskBits is how many bits a netmask has, -1 if it is none.
func MaskBits(v string) int {
	if !validIP4(v) {
		return -1
	}
	mask := uint32(0)
	for part := range strings.SplitSeq(v, ".") {
		n, _ := strconv.ParseUint(part, 10, 8)
		mask = mask<<8 | uint32(n)
	}
	if ones := bits.LeadingZeros32(^mask); mask<<ones == 0 {
		return ones
	}
	return -1
}

// validIP6 takes all forms of RFC 4291 but zones.
func validIP6(v string) bool {
	head, tail, short := strings.Cut(v, "::")
	if strings.Contains(tail, "::") || strings.HasPrefix(tail, ":") {
		return false
	}
	a, ok := words6(head, !short)
	b, ok2 := words6(tail, short)
	return ok && ok2 && (!short && a == 8 || short && a+b < 8)
}

// words6 counts the groups of four digits; last allows an IPv4 address as the two last ones.
func words6(v string, last bool) (n int, ok bool) {
	if v == "" {
		return 0, true
	}
	parts := strings.Split(v, ":")
	for i, p := range parts {
		if last && i == len(parts)-1 && strings.Contains(p, ".") {
			return n + 2, validIP4(p)
		}
		if _, err := strconv.ParseUint(p, 16, 16); err != nil || len(p) > 4 {
			return 0, false
		}
		n++
	}
	return n, true
}

// validMAC wants an address of one device: neither a group's nor none.
func validMAC(v string) bool {
	parts := strings.Split(v, ":")
	sum := uint64(0)
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 16, 8)
		if err != nil || len(p) != 2 || i == 0 && n&1 != 0 {
			return false
		}
		sum |= n
	}
	return len(parts) == 6 && sum != 0
}
