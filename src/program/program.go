// SPDX-License-Identifier: LGPL-2.1-only

// Package program translates a plan into what the child runs between clone and exec: a flat list of instructions over sixteen
// registers and a block of data, and the loop that interprets them. Translating is ordinary Go; the loop is nosplit, allocates
// nothing and makes raw system calls only, because the process it runs in is a fork of a multi-threaded Go program that has no
// working runtime. Being single-threaded, that process can join user and time namespaces, which a Go thread cannot.
package program

import (
	"syscall"
	"unsafe"
)

// A Program is built by Build and run by Run, once, in a fork of the process that built it.
type Program struct {
	insns []Insn
	data  []byte
	fixes []int    // offsets in data of words that hold an offset in data and must become addresses
	first []uint32 // for each op of the plan, its first instruction
	paths []string // for SyncMake
}

// An Insn is one step, mostly a system call.
type Insn struct {
	kind  uint8
	out   uint8     // register that takes the result, or noReg
	retry uint8     // how often EAGAIN and EINTR are answered by trying again
	argk  [6]uint8  // argReg: the argument is a register's number; argPtr: an offset in data (only until link); else a plain value
	vital bool      // never caught: the supervisor is gone
	skip  uint16    // how many instructions to pass over after a tolerated error, or when a test holds
	catch uint16    // 0, or how many instructions on to go after any other error; it too makes out ^0
	may   [2]uint64 // errnos that are tolerated; out becomes ^0
	nr    uintptr
	arg   [6]uintptr
}

const (
	kindCall  = iota // out = nr(arg...)
	kindMove         // out = arg0
	kindStore        // uint32 at arg0 = arg1
	kindWord         // word at arg0 = arg1
	kindIf           // skip if arg0 & arg1 == arg2
	kindIfMem        // skip if uint32 at arg0 & arg1 == arg2
	kindFail         // fail with errno arg0
)

const (
	argValue = iota
	argReg
	argPtr
)

const noReg = 0xff

// Code is what Run needs, as addresses. The program must stay alive.
type Code struct {
	Insns unsafe.Pointer
	Data  unsafe.Pointer
	Len   int // instructions
}

// Code gives the program's.
func (p *Program) Code() Code {
	return Code{unsafe.Pointer(&p.insns[0]), unsafe.Pointer(&p.data[0]), len(p.insns)}
}

// Parts are the instructions and the data of a program that is not linked yet, for a process that has other memory than ours: it gets
// them one behind the other, then LinkAt for the address where the data is there.
func (p *Program) Parts() (insns, data []byte) { return bytesOf(p.insns), p.data }

// Op is the index of the plan's op that an instruction belongs to; those before the first op are its too.
func (p *Program) Op(insn int) int {
	op := 0
	for i, at := range p.first {
		if int(at) <= insn {
			op = i
		}
	}
	return op
}

// Path is the container path that a SyncMake is about, and whether it is a directory's.
func (p *Program) Path(n uint32) (path string, dir, ok bool) {
	if int(n/2) >= len(p.paths) {
		return "", false, false
	}
	return p.paths[n/2], n&1 == 1, true
}

// Len is the number of instructions.
func (p *Program) Len() int { return len(p.insns) }

// Run interprets the program in the child: one thread, no stack growth, no allocation. It returns only on failure, with the
// number of the instruction and its errno.
//
//go:nosplit
//go:norace
//go:nocheckptr
func Run(code Code) (int, syscall.Errno) {
	var reg [16]uintptr
	var a [6]uintptr
	for i := 0; i < code.Len; i++ {
		in := (*Insn)(unsafe.Add(code.Insns, uintptr(i)*unsafe.Sizeof(Insn{})))
		for j := range a {
			a[j] = in.arg[j]
			if in.argk[j] == argReg {
				a[j] = reg[a[j]&15]
			}
		}
		switch in.kind {
		case kindCall:
			r, _, e := syscall.RawSyscall6(in.nr, a[0], a[1], a[2], a[3], a[4], a[5])
			for k := in.retry; k > 0 && (e == syscall.EAGAIN || e == syscall.EINTR); k-- {
				r, _, e = syscall.RawSyscall6(in.nr, a[0], a[1], a[2], a[3], a[4], a[5])
			}
			if e != 0 {
				switch {
				case e < 128 && in.may[e>>6&1]>>(e&63)&1 != 0:
					i += int(in.skip)
				case in.catch != 0:
					i += int(in.catch) - 1
				default:
					return i, e
				}
				r = ^uintptr(0)
			}
			if in.out != noReg {
				reg[in.out&15] = r
			}
		case kindMove:
			reg[in.out&15] = a[0]
		case kindStore:
			*(*uint32)(unsafe.Add(code.Data, a[0]-uintptr(code.Data))) = uint32(a[1])
		case kindWord:
			*(*uintptr)(unsafe.Add(code.Data, a[0]-uintptr(code.Data))) = a[1]
		case kindIf:
			if a[0]&a[1] == a[2] {
				i += int(in.skip)
			}
		case kindIfMem:
			if uintptr(*(*uint32)(unsafe.Add(code.Data, a[0]-uintptr(code.Data))))&a[1] == a[2] {
				i += int(in.skip)
			}
		case kindFail:
			if in.catch == 0 {
				return i, syscall.Errno(a[0])
			}
			i += int(in.catch) - 1
		}
	}
	return code.Len - 1, syscall.ENOEXEC // a program ends in an exec
}
