// SPDX-License-Identifier: LGPL-2.1-only

//go:build !386 && !arm && !mips && !mipsle

package resident

// programHeader is Elf64_Phdr, as far as it is of interest (elf(5)).
type programHeader struct {
	kind, flags                           uint32
	offset, address, physical, file, size uintptr
}
