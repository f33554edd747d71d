// SPDX-License-Identifier: LGPL-2.1-only

// Package trampoline holds the program that stands between us and the payload: a static ELF executable of a few hundred
// bytes. The child executes it from a sealed memfd and it executes the payload, so that at no time a payload runs while
// /proc/self/exe names our own file, which it could then open and overwrite (CVE-2019-5736).
//
// The package makes bytes and does nothing with them: writing them to a memfd, sealing and executing it belong to spawn.
//
// What the program does, in this order (code_*.s, one file for each architecture, the same numbers in each):
//
//  1. Sets close-on-exec on ErrorFD, or ends with ExitReentered. A payload "#!/proc/self/exe" comes back here, and
//     finds no such descriptor because the exec before closed it.
//  2. Sets close-on-exec on LifeFD. Where that is missing the payload may outlive its parent: the next step is then 5.
//  3. Asks for SIGKILL when its parent dies. This is late because every change of credentials takes that wish back.
//  4. Ends with ExitOrphaned if the other end of LifeFD is closed: the parent died before step 3.
//  5. Loads the seccomp filter that the image carries, if it does. Where somebody listens to the filter, it writes {ReportListener, the
//     listener's descriptor} to ErrorFD and reads a byte from it, or ends with ExitOrphaned where there is none. All that comes after is
//     subject to the filter.
//  6. Executes argv[0] with the arguments argv[1], argv[2], ... and its own environment.
//  7. If step 5 or 6 fails writes {ReportFilter or ReportExec, errno} to ErrorFD and ends with ExitNoExec.
//
// What it writes are two uint32 in the byte order of the machine.
//
// It is reached with execve: argv[0] is the path of the payload, argv[1] the payload's own argv[0].
//
// The joined image is for a process that has joined a pid namespace which others live in. Only its children are members of that, and
// a child that was still our own program could be opened by them until it has executed this one. So, after step 1, this one forks:
//
//	a. Makes a process with the same parent (CLONE_PARENT), writes {ReportBorn, its pid or the negative errno} to ErrorFD and ends.
//	b. The new one reads a byte from ErrorFD, or ends with ExitOrphaned where there is none.
//	c. It makes a session, with the terminal TerminalFD if that is there, closes TerminalFD and goes on with step 2.
package trampoline

import (
	"errors"
	"runtime"
	"unsafe"
)

// The descriptors that the program expects, see Shift.
const (
	// ErrorFD is the child's end of the error channel. End of file on the other end means that the payload runs.
	ErrorFD = 3
	// LifeFD is an end of a socket or pipe whose other end is held by the supervisor alone, with whom the payload dies. Optional.
	LifeFD = 4
	// TerminalFD becomes the controlling terminal with the joined image, which makes the session. Optional.
	TerminalFD = 5
)

// The exit statuses of the program itself.
const (
	ExitReentered = 126 // a payload executed the program again
	ExitNoExec    = 127 // the payload could not be executed; the report on ErrorFD says why
	ExitOrphaned  = 137 // the supervisor is dead: as if its SIGKILL had come in time
)

// The first word of what the program writes. The child's interpreter puts the number of the failed instruction there.
const (
	ReportExec     = 0xffffffff
	ReportFilter   = 0xfffffffe
	ReportListener = 0xfffffffd
	ReportBorn     = 0xfffffffc // of the joined image
)

const (
	loadAddress = 0x400000 // above every vm.mmap_min_addr
	pageAlign   = 0x10000  // the largest page size of any target
	maxCode     = 1024

	// endMark follows the last instruction. Both of its words read the same in either byte order.
	endMark = "JAAJLIIL"
)

// codeStart is the address of the machine code, a data word that code_*.s fills in: the address of a Go function value
// would be the one of a wrapper.
var codeStart uintptr

// elfHeader is Elf32_Ehdr or Elf64_Ehdr of the machine that this package is built for, see elf(5).
type elfHeader struct {
	ident                              [16]byte
	kind, machine                      uint16
	version                            uint32
	entry, programHeaders, sections    uintptr
	flags                              uint32
	size, programHeaderSize, programs  uint16
	sectionSize, sectionNumber, strtab uint16
}

// headers is everything in the image before the code. The structs have the layout and byte order of the file because it
// is for this machine.
type headers struct {
	elf         elfHeader
	load, stack programHeader
	filter      filterHeader
	joined      uintptr // not 0: the image is the joined one
	first       uintptr // number of ErrorFD
}

const (
	joinedOffset = unsafe.Offsetof(headers{}.joined)
	joinedAt     = loadAddress + joinedOffset
	firstOffset  = unsafe.Offsetof(headers{}.first)
	firstAt      = loadAddress + firstOffset
)

// Image returns the ELF executable, the joined one if that is wanted. It is complete and needs no other file, no writable memory and no
// executable stack. The bytes are the caller's. The error is for a build whose assembler or linker has laid the code out in an unknown
// way; no input and no kernel makes Image fail.
func Image(joined bool) ([]byte, error) {
	code, err := machineCode()
	if err != nil {
		return nil, err
	}
	const start = unsafe.Sizeof(headers{})
	size := start + uintptr(len(code))
	machine, order, flags := target()
	h := headers{
		elf: elfHeader{
			ident:             [16]byte{0x7f, 'E', 'L', 'F', byte(unsafe.Sizeof(uintptr(0)) / 4), order, 1},
			kind:              2, // ET_EXEC
			machine:           machine,
			version:           1,
			entry:             loadAddress + start,
			programHeaders:    unsafe.Offsetof(headers{}.load),
			flags:             flags,
			size:              uint16(unsafe.Sizeof(elfHeader{})),
			programHeaderSize: uint16(unsafe.Sizeof(programHeader{})),
			programs:          2,
		},
		load: programHeader{ // PT_LOAD, r-x
			kind: 1, flags: 5, address: loadAddress, physical: loadAddress, fileSize: size, memorySize: size, align: pageAlign,
		},
		stack: programHeader{kind: 0x6474e551, flags: 6, align: 16}, // PT_GNU_STACK, rw-
	}
	h.first = ErrorFD
	if joined {
		h.joined = ^uintptr(0)
	}
	b := make([]byte, 0, size)
	b = append(b, (*[start]byte)(unsafe.Pointer(&h))[:]...)
	return append(b, code...), nil
}

// Shift has the image expect its descriptors n higher: those from ErrorFD to there are the payload's then.
func Shift(image []byte, n int) {
	(*headers)(unsafe.Pointer(&image[0])).first = uintptr(ErrorFD + n)
}

// machineCode is the code in our own text segment, from its start to the end mark. It does not ask where the linker has
// put any other symbol.
func machineCode() ([]byte, error) {
	if codeStart == 0 {
		return nil, errors.New("trampoline: find the code: none for " + runtime.GOARCH)
	}
	// Not a conversion of codeStart itself, which vet takes for arithmetic on a Go pointer.
	start := *(**byte)(unsafe.Pointer(&codeStart))
	matched := 0
	for n := 0; n < maxCode; n++ {
		c := *(*byte)(unsafe.Add(unsafe.Pointer(start), n))
		switch {
		case c == endMark[matched]:
			matched++
		case c == endMark[0]:
			matched = 1
		default:
			matched = 0
		}
		if matched == len(endMark) {
			return unsafe.Slice(start, n+1-len(endMark)), nil
		}
	}
	return nil, errors.New("trampoline: find the code: no end mark behind it: this build is broken")
}

// target returns what the kernel wants to see in an executable for this machine: e_machine, EI_DATA and e_flags.
func target() (machine uint16, order byte, flags uint32) {
	const little, big = 1, 2
	switch runtime.GOARCH {
	case "386":
		return 3, little, 0
	case "amd64":
		return 62, little, 0
	case "arm":
		return 40, little, 0x05000000 // EABI version 5
	case "arm64":
		return 183, little, 0
	case "loong64":
		return 258, little, 0x43 // object ABI 1, double float
	case "mips":
		return 8, big, 0x50001004 // MIPS32, o32, CPIC
	case "mipsle":
		return 8, little, 0x50001004
	case "riscv64":
		return 243, little, 0x5 // compressed instructions, double float
	}
	return 0, 0, 0
}
