// SPDX-License-Identifier: LGPL-2.1-only

package resident

import "unsafe"

// All that the resident writes to is in one page of memory, which costs no more than that: mem has room for it, wherever a page begins in it.
type memory struct {
	sys  uintptr // rawsysAt
	boot booted
	r    running
}

const page = 4096

var (
	mem [2 * page]byte
	_   [page - unsafe.Sizeof(memory{})]byte // it fits
)

//go:nosplit
//go:norace
//go:nocheckptr
func the() *memory {
	return (*memory)(unsafe.Add(unsafe.Pointer(&mem), -uintptr(unsafe.Pointer(&mem))&(page-1)))
}

//go:nosplit
//go:norace
func boot() *booted { return &the().boot }

//go:nosplit
//go:norace
func r() *running { return &the().r }
