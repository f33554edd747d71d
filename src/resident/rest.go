// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// span is a part of the program in memory that is as it is in the file.
type span struct{ at, size uintptr }

// Entries of the auxiliary vector: see getauxval(3). Segments: see elf(5).
const (
	atPhdr  = 3
	atPhent = 4
	atPhnum = 5
	atPage  = 6
	ptLoad  = 1
	pfWrite = 2
)

const maxSpans = 3

// findSpans finds the segments of the program: code, constants, and of the variables those that have a value from the start, but for the
// page where the others begin. The resident changes none of them (TestInitialValuesStay).
//
//go:nosplit
//go:norace
//go:nocheckptr
func findSpans(stack *uintptr) {
	word := func(i uintptr) uintptr {
		return *(*uintptr)(unsafe.Add(unsafe.Pointer(stack), i*unsafe.Sizeof(uintptr(0))))
	}
	i := *stack + 2
	for word(i) != 0 {
		i++
	}
	var header unsafe.Pointer
	var size, count, whole uintptr
	for i++; word(i) != 0; i += 2 {
		switch word(i) {
		case atPhdr:
			header = *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(stack), (i+1)*unsafe.Sizeof(uintptr(0))))
		case atPhent:
			size = word(i + 1)
		case atPhnum:
			count = word(i + 1)
		case atPage:
			whole = word(i+1) - 1
		}
	}
	if header == nil {
		return
	}
	s := &r().spans[0]
	for n := 0; count > 0 && n < maxSpans; count-- {
		p := (*programHeader)(header)
		if p.kind == ptLoad {
			s.at, s.size = p.address, p.file
			if p.flags&pfWrite != 0 {
				s.size = (p.address+p.file)&^whole - p.address
			}
			s = (*span)(unsafe.Add(unsafe.Pointer(s), unsafe.Sizeof(*s)))
			n++
		}
		header = unsafe.Add(header, size)
	}
}

// rest gives back what the start and the last worker's have mapped of the program: one that sleeps needs a few pages of it. They are in
// the kernel's cache, and come back when they are needed.
//
//go:nosplit
//go:norace
//go:nocheckptr
func rest() {
	if r().rested || r().worker != 0 || !r().started {
		return
	}
	r().rested = true
	for i := range &r().spans {
		sys(unix.SYS_MADVISE, r().spans[i].at, r().spans[i].size, unix.MADV_DONTNEED, 0, 0)
	}
}
