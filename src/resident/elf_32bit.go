// SPDX-License-Identifier: LGPL-2.1-only

//go:build 386 || arm || mips || mipsle

package resident

// programHeader is Elf32_Phdr, as far as it is of interest (elf(5)).
type programHeader struct {
	kind, offset                  uint32
	address, physical, file, size uintptr
	flags                         uint32
}
