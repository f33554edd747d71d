// SPDX-License-Identifier: LGPL-2.1-only

package netbridge

import "strconv"

// A MAC is the hardware address of an Ethernet device.
type MAC [6]byte

// ParseMAC reads six bytes with colons between them: of one device, neither multicast nor all zero.
func ParseMAC(s string) (m MAC, ok bool) {
	if len(s) != 17 {
		return m, false
	}
	for i := range m {
		if i > 0 && s[3*i-1] != ':' {
			return m, false
		}
		v, err := strconv.ParseUint(s[3*i:3*i+2], 16, 8)
		if err != nil || s[3*i] == '+' {
			return m, false
		}
		m[i] = byte(v)
	}
	return m, m[0]&1 == 0 && m != MAC{}
}

// String is six bytes with colons between them.
func (m MAC) String() string {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, 17)
	for i, c := range m {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, hex[c>>4], hex[c&15])
	}
	return string(out)
}

// hash is FNV-1a of a container's name, its interface's and a number that tells apart what would be the same.
func hash(container, ifname string, salt byte) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range [...]string{container, "\x00", ifname, string(rune(salt))} {
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return h
}

// StableMAC is the address that an interface of a container has unless it is given one: always the same, and locally administered.
func StableMAC(container, ifname string) MAC {
	m := macOf(hash(container, ifname, 0))
	m[0] = m[0]&0xfc | 2
	return m
}

// HostMAC is that of the host's end of a pair. It is a high one: a bridge takes the lowest of its ports' for its own.
func HostMAC(container, ifname string) MAC {
	m := macOf(hash(container, ifname, 1))
	m[0] = 0xfe
	return m
}

func macOf(h uint64) (m MAC) {
	h ^= h >> 48 // all bits count
	for i := range m {
		m[i] = byte(h >> (8 * i))
	}
	return m
}

// HostLink is the name of the host's end of a pair, at most 15 characters: "v", of the container's name what fits, and a hash of both
// names. try is 0, or higher where somebody else has a device of that name.
func HostLink(container, ifname string, try int) string {
	out := make([]byte, 1, 15)
	out[0] = 'v'
	for i := 0; i < len(container) && len(out) < 6; i++ {
		if c := container[i]; c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
			out = append(out, c)
		}
	}
	h := hash(container, ifname, byte(2+try))
	out = append(out, '-')
	for i := 0; i < 8; i++ {
		out = append(out, "0123456789abcdef"[(h^h>>32)>>(4*i)&15])
	}
	return string(out)
}

// Alias is what stands with the host's end of a pair (ifalias) so that everybody sees whose it is.
func Alias(container, ifname string) string { return "gojail " + ifname + " " + container }
