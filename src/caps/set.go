// SPDX-License-Identifier: LGPL-2.1-only

package caps

// Set is a set of capabilities: bit n stands for capability n, as in the
// CapEff line of /proc/PID/status. The low and high 32 bits are the two words
// capset(2) takes.
type Set uint64

// Of returns the set that holds exactly the given capabilities.
func Of(list ...Cap) Set {
	var s Set
	for _, c := range list {
		s |= 1 << (c & 63)
	}
	return s
}

// Has tells whether c is in the set.
func (s Set) Has(c Cap) bool { return c < 64 && s&(1<<c) != 0 }

// With returns the set and c.
func (s Set) With(c Cap) Set { return s | Of(c) }

// Without returns the set less c.
func (s Set) Without(c Cap) Set { return s &^ Of(c) }

// String lists the OCI names in the order of their numbers, joined by commas:
// "all" for exactly All, "none" for the empty set, CAP_<number> for bits above
// Last.
func (s Set) String() string {
	switch s {
	case 0:
		return "none"
	case All:
		return "all"
	}
	var b []byte
	for c := Cap(0); c < 64; c++ {
		if !s.Has(c) {
			continue
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = append(b, c.String()...)
	}
	return string(b)
}
