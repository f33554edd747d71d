// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// call data: struct seccomp_data.
type data struct {
	number, arch uint32
	pointer      uint64
	args         [6]uint64
}

// bytes is the structure as the kernel has it.
func (d *data) bytes(big bool) *[64]byte {
	var b [64]byte
	order := binary.ByteOrder(binary.LittleEndian)
	if big {
		order = binary.BigEndian
	}
	order.PutUint32(b[0:], d.number)
	order.PutUint32(b[4:], d.arch)
	order.PutUint64(b[8:], d.pointer)
	for i, a := range d.args {
		order.PutUint64(b[16+8*i:], a)
	}
	return &b
}

// run interprets a program as the kernel does (Documentation/networking/filter.rst), and counts the instructions that it took. It knows
// more instructions than the compiler uses: other programs run on it too.
func run(program []Insn, data *[64]byte, big bool) (verdict uint32, steps int, err error) {
	var acc, index uint32
	var memory [16]uint32
	for pc := 0; pc < len(program); pc++ {
		in := program[pc]
		steps++
		operand := in.K
		if in.Code&8 != 0 {
			operand = index
		}
		jump := func(holds bool) {
			if holds {
				pc += int(in.JT)
			} else {
				pc += int(in.JF)
			}
		}
		switch in.Code {
		case 0x20:
			if in.K%4 != 0 || in.K > 60 {
				return 0, steps, fmt.Errorf("%d: load at %d", pc, in.K)
			}
			if big {
				acc = binary.BigEndian.Uint32(data[in.K:])
			} else {
				acc = binary.LittleEndian.Uint32(data[in.K:])
			}
		case 0x54, 0x5c:
			acc &= operand
		case 0x44, 0x4c:
			acc |= operand
		case 0x00:
			acc = in.K
		case 0x01:
			index = in.K
		case 0x02:
			memory[in.K] = acc
		case 0x60:
			acc = memory[in.K]
		case 0x07:
			index = acc
		case 0x87:
			acc = index
		case 0x05:
			pc += int(in.K)
		case 0x15, 0x1d:
			jump(acc == operand)
		case 0x25, 0x2d:
			jump(acc > operand)
		case 0x35, 0x3d:
			jump(acc >= operand)
		case 0x45, 0x4d:
			jump(acc&operand != 0)
		case 0x06:
			return in.K, steps, nil
		default:
			return 0, steps, fmt.Errorf("%d: unknown instruction %#x", pc, in.Code)
		}
	}
	return 0, steps, fmt.Errorf("ran off the end")
}

// acceptable is what the kernel asks of a filter (bpf_check_classic, seccomp_check_filter): a length, jumps within it, a return at the
// end, no instruction that nothing leads to.
func acceptable(t *testing.T, program []Insn) {
	t.Helper()
	if n := len(program); n == 0 || n > MaxInsns {
		t.Fatalf("%d instructions", n)
	}
	reached := make([]bool, len(program)+1)
	reached[0] = true
	for pc, in := range program {
		if !reached[pc] {
			t.Errorf("nothing leads to instruction %d", pc)
		}
		mark := func(to int) {
			if to >= len(program) {
				t.Fatalf("instruction %d jumps to %d of %d", pc, to, len(program))
			}
			reached[to] = true
		}
		switch in.Code {
		case opLoad:
			if in.K%4 != 0 || in.K > 60 {
				t.Errorf("instruction %d loads %d", pc, in.K)
			}
			mark(pc + 1)
		case opAnd:
			mark(pc + 1)
		case opJump:
			mark(pc + 1 + int(in.K))
		case opEqual, opAbove, opAtLeast:
			mark(pc + 1 + int(in.JT))
			mark(pc + 1 + int(in.JF))
		case opReturn:
		default:
			t.Errorf("instruction %d is %#x", pc, in.Code)
		}
	}
	if program[len(program)-1].Code != opReturn {
		t.Error("no return at the end")
	}
}
