// SPDX-License-Identifier: LGPL-2.1-only

//go:build !386 && !arm && !mips && !mipsle

package program

import (
	"golang.org/x/sys/unix"
)

// fstatfs fills scratch; f_type is its first word, of which the low half comes first: all of these are little-endian.
func (c *compiler) fstatfs(fd reg) { c.call(unix.SYS_FSTATFS, fd.arg(), c.scratch) }
