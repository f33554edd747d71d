// SPDX-License-Identifier: LGPL-2.1-only

package inject

import (
	"encoding/binary"
	"runtime"
)

// A machine is what has to be known of an architecture to have a process make a system call: its general registers as NT_PRSTATUS has
// them (arch/*/include/uapi/asm/ptrace.h and elf.h), and two instructions.
type machine struct {
	words int // registers
	wide  bool
	// The places of the program counter, of the number of a system call and of its first three arguments.
	pc, number int
	args       [3]int
	// breakpoint stops the process with SIGTRAP and leaves the program counter back bytes behind its start. call makes a system call.
	breakpoint, call insn
	back             uint64
	seccomp          uint64 // number of seccomp(2)
	// Where instructions are not anywhere, an odd entry point stands for another mode: thumb, of arm. There are others that we do not know.
	anywhere            bool
	thumbBreak, thumbDo insn
}

// An insn is an instruction and how many bytes it has.
type insn struct {
	code uint32
	size int
}

// bytes are in the order of this machine. Short ones are those of little-endian machines.
func (i insn) bytes() []byte {
	if i.size == 4 {
		return binary.NativeEndian.AppendUint32(nil, i.code)
	}
	return binary.LittleEndian.AppendUint32(nil, i.code)[:i.size]
}

// The machines.
func amd64() machine {
	return machine{words: 27, wide: true, pc: 16, number: 10, args: [3]int{14, 13, 12}, breakpoint: insn{0xcc, 1}, back: 1,
		call: insn{0x050f, 2}, seccomp: 317, anywhere: true}
}
func i386() machine {
	return machine{words: 17, pc: 12, number: 6, args: [3]int{0, 1, 2}, breakpoint: insn{0xcc, 1}, back: 1, call: insn{0x80cd, 2},
		seccomp: 354, anywhere: true}
}
func arm() machine {
	return machine{words: 18, pc: 15, number: 7, args: [3]int{0, 1, 2}, breakpoint: insn{0xe7f001f0, 4}, call: insn{0xef000000, 4},
		seccomp: 383, thumbBreak: insn{0xde01, 2}, thumbDo: insn{0xdf00, 2}}
}
func arm64() machine {
	return machine{words: 34, wide: true, pc: 32, number: 8, args: [3]int{0, 1, 2}, breakpoint: insn{0xd4200000, 4}, call: insn{0xd4000001, 4},
		seccomp: 277}
}
func mips() machine {
	return machine{words: 45, pc: 40, number: 8, args: [3]int{10, 11, 12}, breakpoint: insn{0x0000000d, 4}, call: insn{0x0000000c, 4},
		seccomp: 4352}
}
func riscv64() machine {
	return machine{words: 32, wide: true, pc: 0, number: 17, args: [3]int{10, 11, 12}, breakpoint: insn{0x00100073, 4},
		call: insn{0x00000073, 4}, seccomp: 277}
}
func loong64() machine {
	return machine{words: 45, wide: true, pc: 33, number: 11, args: [3]int{4, 5, 6}, breakpoint: insn{0x002a0000, 4}, call: insn{0x002b0000, 4},
		seccomp: 277}
}

// machines are those whose programs run here, its own first.
func machines() []machine {
	switch runtime.GOARCH {
	case "amd64":
		return []machine{amd64(), i386()}
	case "386":
		return []machine{i386()}
	case "arm":
		return []machine{arm()}
	case "arm64":
		return []machine{arm64(), arm()}
	case "mips", "mipsle":
		return []machine{mips()}
	case "riscv64":
		return []machine{riscv64()}
	case "loong64":
		return []machine{loong64()}
	}
	return nil
}

// machineOf is the machine that has registers of that size.
func machineOf(size int) (machine, bool) {
	for _, m := range machines() {
		if m.size() == size {
			return m, true
		}
	}
	return machine{}, false
}

// wordSize is that of a register, in bytes.
func (m *machine) wordSize() int {
	if m.wide {
		return 8
	}
	return 4
}

// size is that of all registers.
func (m *machine) size() int { return m.words * m.wordSize() }

// set sets a register.
func (m *machine) set(registers []byte, which int, v uint64) {
	m.put(registers[which*m.wordSize():], v)
}

// put writes a word of the machine.
func (m *machine) put(b []byte, v uint64) {
	if m.wide {
		binary.NativeEndian.PutUint64(b, v)
	} else {
		binary.NativeEndian.PutUint32(b, uint32(v))
	}
}

// word reads one.
func (m *machine) word(b []byte) uint64 {
	if m.wide {
		return binary.NativeEndian.Uint64(b)
	}
	return uint64(binary.NativeEndian.Uint32(b))
}

// entry finds AT_ENTRY in an auxiliary vector (getauxval(3)).
func (m *machine) entry(auxv []byte) (addr uint64, ok bool) {
	const atEntry = 9
	for n := m.wordSize(); len(auxv) >= 2*n; auxv = auxv[2*n:] {
		if m.word(auxv) == atEntry {
			return m.word(auxv[n:]), true
		}
	}
	return 0, false
}
