// SPDX-License-Identifier: LGPL-2.1-only

//go:build amd64 || arm64 || loong64 || riscv64

package trampoline

// programHeader is Elf64_Phdr, see elf(5).
type programHeader struct {
	kind, flags                                     uint32
	offset, address, physical, fileSize, memorySize uintptr
	align                                           uintptr
}
