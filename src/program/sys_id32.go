// SPDX-License-Identifier: LGPL-2.1-only

//go:build !386 && !arm

package program

import (
	"golang.org/x/sys/unix"
)

const (
	sysSetgroups = unix.SYS_SETGROUPS
	sysSetresuid = unix.SYS_SETRESUID
	sysSetresgid = unix.SYS_SETRESGID
)
