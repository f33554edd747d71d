// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import "slices"

// Instructions of classic BPF (linux/filter.h) that a filter uses.
const (
	opLoad    = 0x20 // accumulator = 32-bit word of struct seccomp_data at K
	opAnd     = 0x54 // accumulator &= K
	opJump    = 0x05 // skip K instructions
	opEqual   = 0x15 // skip JT instructions if accumulator == K, else JF
	opAbove   = 0x25 // the same for accumulator > K
	opAtLeast = 0x35 // the same for accumulator >= K
	opReturn  = 0x06 // the verdict is K
)

// Places in struct seccomp_data (linux/seccomp.h). Arguments have eight bytes each.
const (
	offNumber    = 0
	offArch      = 4
	offArguments = 16
)

// An assembler builds a program from its end: jumps go forward only, and so their targets are known when they are made.
type assembler struct {
	reversed []Insn
	returns  []target // of each verdict the last that was put
}

// A label is a place: how many instructions there are from it to the end.
type label int

// A target is where to go on: at a label, or, if there is none, with a verdict.
type target struct {
	verdict uint32
	label
}

func verdict(action uint32) target { return target{action, 0} }

func (a *assembler) put(in Insn) target {
	a.reversed = append(a.reversed, in)
	return target{0, label(len(a.reversed))}
}

// distance is how many instructions one that is put now has to skip to reach a place.
func (a *assembler) distance(to target) int { return len(a.reversed) - int(to.label) }

// maxSkip is how far a conditional jump reaches.
const maxSkip = 255

// near returns a label within the reach of a conditional jump that leads to the target.
func (a *assembler) near(to target) target {
	switch {
	case to.label == 0:
		for i := range a.returns {
			r := &a.returns[i]
			if r.verdict == to.verdict {
				if a.distance(*r) > maxSkip {
					r.label = a.put(Insn{Code: opReturn, K: to.verdict}).label
				}
				return target{0, r.label}
			}
		}
		at := a.put(Insn{Code: opReturn, K: to.verdict})
		a.returns = append(a.returns, target{to.verdict, at.label})
		return at
	case a.distance(to) > maxSkip:
		return a.put(Insn{Code: opJump, K: uint32(a.distance(to))})
	}
	return to
}

// branch goes to one of two places.
func (a *assembler) branch(code uint16, k uint32, yes, no target) target {
	far := func(to target) bool { return to.label == 0 || a.distance(to) > maxSkip }
	for far(yes) || far(no) { // what one needs may put the other out of reach
		yes, no = a.near(yes), a.near(no)
	}
	return a.put(Insn{Code: code, K: k, JT: uint8(a.distance(yes)), JF: uint8(a.distance(no))})
}

// load loads a word for what was put last.
func (a *assembler) load(offset uint32) target { return a.put(Insn{Code: opLoad, K: offset}) }

// program is what has been put, from its start.
func (a *assembler) program() []Insn {
	slices.Reverse(a.reversed)
	return a.reversed
}

// compare goes to one of two places, which differ, by an argument. The condition is one that fixed has seen.
func (a *assembler) compare(c *condition, m *arch, yes, no target) target {
	if c.op&denied != 0 {
		yes, no = no, yes
	}
	lowAt := uint32(offArguments + 8*uint32(c.argument))
	highAt := lowAt + 4
	if m.big {
		lowAt, highAt = highAt, lowAt
	}
	halves := [...]struct{ at, mask, value uint32 }{{lowAt, uint32(c.mask), uint32(c.value)}, {highAt, uint32(c.mask >> 32), uint32(c.value >> 32)}}
	kind := c.op &^ (denied | masked)
	if kind == equal {
		for _, half := range halves {
			if half.mask == 0 {
				continue
			}
			a.branch(opEqual, half.value, yes, no)
			if half.mask != ^uint32(0) {
				a.put(Insn{Code: opAnd, K: half.mask})
			}
			yes = a.load(half.at)
		}
		return yes
	}
	code := uint16(opAtLeast)
	if kind == above {
		code = opAbove
	}
	a.branch(code, halves[0].value, yes, no)
	low := a.load(lowAt)
	if m.narrow {
		return low
	}
	a.branch(opAbove, halves[1].value, yes, a.branch(opEqual, halves[1].value, low, no))
	return a.load(highAt)
}
