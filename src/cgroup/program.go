// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

// An Insn is an instruction of the kernel's eBPF machine (Documentation/bpf/standardization/instruction-set.rst).
type Insn struct {
	Code     uint8
	Dst, Src uint8 // registers
	Off      int16 // of a jump: instructions to skip
	Imm      int32
}

// The instructions of a device program.
const (
	load32     = 0x61 // dst = *(u32 *)(src + off)
	copyReg    = 0xbf // dst = src
	setImm     = 0xb7 // dst = imm
	andImm     = 0x57 // dst &= imm
	shiftRight = 0x77 // dst >>= imm
	jumpEqual  = 0x15 // if dst == imm
	jumpOther  = 0x55 // if dst != imm
	leave      = 0x95 // return r0
)

// Registers: r1 is the context, struct bpf_cgroup_dev_ctx: access << 16 | type, major, minor.
const (
	rResult = iota
	rContext
	rType
	rAccess // what has been asked for and nothing was said of yet
	rMajor
	rMinor
	rScratch
)

// The kernel's types of devices (BPF_DEVCG_DEV_*).
const (
	blockDevice = 1
	charDevice  = 2
)

// Program is the program that the rules make, of type BPF_PROG_TYPE_CGROUP_DEVICE. It looks at them from the last to the first, as
// the last word counts, for each kind of access by itself: one that is allowed is settled, one that is denied ends it. What no rule
// speaks of is denied.
func Program(rules []Rule) []Insn {
	prog := []Insn{
		{Code: load32, Dst: rAccess, Src: rContext, Off: 0},
		{Code: copyReg, Dst: rType, Src: rAccess},
		{Code: andImm, Dst: rType, Imm: 0xffff},
		{Code: shiftRight, Dst: rAccess, Imm: 16},
		{Code: load32, Dst: rMajor, Src: rContext, Off: 4},
		{Code: load32, Dst: rMinor, Src: rContext, Off: 8},
	}
	for i := len(rules) - 1; i >= 0; i-- {
		prog = append(prog, rules[i].insns()...)
	}
	return append(prog, Insn{Code: setImm, Dst: rResult, Imm: 0}, Insn{Code: leave})
}

func (r Rule) insns() []Insn {
	var then []Insn
	if r.Allow {
		then = []Insn{
			{Code: andImm, Dst: rAccess, Imm: int32(All &^ r.Access)},
			{Code: jumpOther, Dst: rAccess, Imm: 0, Off: 2},
			{Code: setImm, Dst: rResult, Imm: 1},
			{Code: leave},
		}
	} else {
		then = []Insn{
			{Code: copyReg, Dst: rScratch, Src: rAccess},
			{Code: andImm, Dst: rScratch, Imm: int32(r.Access)},
			{Code: jumpEqual, Dst: rScratch, Imm: 0, Off: 2},
			{Code: setImm, Dst: rResult, Imm: 0},
			{Code: leave},
		}
	}
	var tests []Insn
	switch r.Type {
	case 'b':
		tests = append(tests, Insn{Code: jumpOther, Dst: rType, Imm: blockDevice})
	case 'c':
		tests = append(tests, Insn{Code: jumpOther, Dst: rType, Imm: charDevice})
	}
	if r.Major >= 0 {
		tests = append(tests, Insn{Code: jumpOther, Dst: rMajor, Imm: int32(r.Major)})
	}
	if r.Minor >= 0 {
		tests = append(tests, Insn{Code: jumpOther, Dst: rMinor, Imm: int32(r.Minor)})
	}
	for i := range tests {
		tests[i].Off = int16(len(tests) - i - 1 + len(then))
	}
	return append(tests, then...)
}

// Encode is the program in the kernel's form (struct bpf_insn) for a machine of that byte order, which has the registers' halves of
// a byte in that order as well.
func Encode(prog []Insn, bigEndian bool) []byte {
	b := make([]byte, 0, 8*len(prog))
	for _, i := range prog {
		off, imm := uint16(i.Off), uint32(i.Imm)
		if bigEndian {
			b = append(b, i.Code, i.Dst<<4|i.Src, byte(off>>8), byte(off), byte(imm>>24), byte(imm>>16), byte(imm>>8), byte(imm))
		} else {
			b = append(b, i.Code, i.Src<<4|i.Dst, byte(off), byte(off>>8), byte(imm), byte(imm>>8), byte(imm>>16), byte(imm>>24))
		}
	}
	return b
}
