// SPDX-License-Identifier: LGPL-2.1-only

//go:build 386 || arm

package program

import (
	"golang.org/x/sys/unix"
)

// 32-bit ids: the plain calls take 16-bit ones here.
const (
	sysSetgroups = unix.SYS_SETGROUPS32
	sysSetresuid = unix.SYS_SETRESUID32
	sysSetresgid = unix.SYS_SETRESGID32
)
