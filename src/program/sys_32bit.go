// SPDX-License-Identifier: LGPL-2.1-only

//go:build 386 || arm || mips || mipsle

package program

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// fstatfs fills scratch; f_type is its first word.
func (c *compiler) fstatfs(fd reg) {
	c.call(unix.SYS_FSTATFS64, fd.arg(), num(unsafe.Sizeof(unix.Statfs_t{})), c.scratch)
}
