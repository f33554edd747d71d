// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"syscall"
	"unsafe"
)

// What instructions are built from: arguments are plain values, registers or places in the data block.
type (
	arg struct {
		v    uintptr
		kind uint8
	}
	reg uint8
)

func num[T ~int | ~uint32 | ~uint8 | ~uintptr | ~int32](v T) arg { return arg{uintptr(v), argValue} }
func (r reg) arg() arg                                           { return arg{uintptr(r), argReg} }

// at is the place off bytes after a place.
func (a arg) at(off uintptr) arg { return arg{a.v + off, a.kind} }

var none arg

//go:noinline
func (p *Program) insn(kind uint8, nr uintptr, args ...arg) *Insn {
	in := Insn{kind: kind, out: noReg, nr: nr}
	for i, a := range args {
		in.arg[i], in.argk[i] = a.v, a.kind
	}
	p.insns = append(p.insns, in)
	return &p.insns[len(p.insns)-1]
}

// The pointer that insn's users get is good until the next instruction is added.

//go:noinline
func (p *Program) call(nr uintptr, args ...arg) *Insn { return p.insn(kindCall, nr, args...) }
func (p *Program) fail(e syscall.Errno)               { p.insn(kindFail, 0, num(uintptr(e))) }
func (p *Program) move(r reg, v arg)                  { p.insn(kindMove, 0, v).into(r) }

// skipIf adds a test of a register whose distance a later land fills in.
func (p *Program) skipIf(r reg, mask, value uintptr) int {
	p.insn(kindIf, 0, r.arg(), num(mask), num(value))
	return p.here() - 1
}

// skipIfMem tests a uint32 in memory.
func (p *Program) skipIfMem(place arg, mask, value uintptr) int {
	p.insn(kindIfMem, 0, place, num(mask), num(value))
	return p.here() - 1
}

// jump is a test that always holds.
func (p *Program) jump() int {
	p.insn(kindIf, 0, none, none, none)
	return p.here() - 1
}

func (p *Program) here() int { return len(p.insns) }

// land makes the tests, or tolerated errors, of these instructions go on here.
//
//go:noinline
func (p *Program) land(from ...int) {
	for _, i := range from {
		p.insns[i].skip = uint16(p.here() - i - 1)
		if int(p.insns[i].skip) != p.here()-i-1 {
			panic("program: skip too far")
		}
	}
}

// expect fails with e unless v is value.
func (p *Program) expect(place arg, mask, value uintptr, e syscall.Errno) {
	at := p.skipIfMem(place, mask, value)
	p.fail(e)
	p.land(at)
}

// tolerate makes whatever fails from instruction start on go on here, but for errors that are tolerated already, and
// where the supervisor is needed.
func (p *Program) tolerate(start int) {
	for i := start; i < p.here(); i++ {
		if p.insns[i].vital {
			continue
		}
		p.insns[i].catch = uint16(p.here() - i)
		if int(p.insns[i].catch) != p.here()-i {
			panic("program: skip too far")
		}
	}
}

func (p *Program) isVital(start int) {
	for i := range p.insns[start:] {
		p.insns[start+i].vital = true
	}
}

func (in *Insn) into(r reg) *Insn { in.out = uint8(r); return in }

func (in *Insn) tries(n uint8) *Insn { in.retry = n; return in }

//go:noinline
func (in *Insn) mayFail(errnos ...syscall.Errno) *Insn {
	for _, e := range errnos {
		in.may[e>>6&1] |= 1 << (e & 63)
	}
	return in
}

// str, bytes, words32 and words64 put constants into the data block.
//
//go:noinline
func (p *Program) str(s string) arg {
	at := uintptr(len(p.data))
	p.data = append(append(p.data, s...), 0)
	return arg{at, argPtr}
}

//go:noinline
func (p *Program) bytes(b []byte) arg {
	p.data = append(p.data, zeros[:-len(p.data)&7]...)
	at := uintptr(len(p.data))
	p.data = append(p.data, b...)
	return arg{at, argPtr}
}

var zeros [256]byte

func (p *Program) room(n int) arg          { return p.bytes(zeros[:n]) }
func (p *Program) words32(v ...uint32) arg { return p.bytes(bytesOf(v)) }

//go:noinline
func (p *Program) words64(v ...uint64) arg { return p.bytes(bytesOf(v)) }
func (p *Program) longs(v ...uintptr) arg  { return p.bytes(bytesOf(v)) }

func bytesOf[T any](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// vec is a null-terminated array of strings.
func (p *Program) vec(ss []string) arg {
	words := make([]uintptr, len(ss)+1)
	for i, s := range ss {
		words[i] = p.str(s).v
	}
	v := p.longs(words...)
	for i := range ss {
		p.fixes = append(p.fixes, int(v.v)+i*int(unsafe.Sizeof(uintptr(0))))
	}
	return v
}

// link makes the program run in a fork of this process. The data block does not move after it.
func (p *Program) link() {
	if len(p.data) == 0 {
		p.data = make([]byte, 1)
	}
	p.LinkAt(uintptr(unsafe.Pointer(&p.data[0])))
}

// LinkAt turns offsets into addresses: base is where the data is when the program runs.
func (p *Program) LinkAt(base uintptr) {
	for _, at := range p.fixes {
		*(*uintptr)(unsafe.Pointer(&p.data[at])) += base
	}
	for i := range p.insns {
		in := &p.insns[i]
		for j := range in.arg {
			if in.argk[j] == argPtr {
				in.arg[j], in.argk[j] = in.arg[j]+base, argValue
			}
		}
	}
}
