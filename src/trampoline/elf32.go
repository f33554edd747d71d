// SPDX-License-Identifier: LGPL-2.1-only

//go:build 386 || arm || mips || mipsle

package trampoline

// programHeader is Elf32_Phdr, see elf(5).
type programHeader struct {
	kind                                            uint32
	offset, address, physical, fileSize, memorySize uintptr
	flags                                           uint32
	align                                           uintptr
}
