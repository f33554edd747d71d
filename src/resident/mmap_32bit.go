// SPDX-License-Identifier: LGPL-2.1-only

//go:build 386 || arm || mips || mipsle

package resident

import "golang.org/x/sys/unix"

const sysMmap = unix.SYS_MMAP2
