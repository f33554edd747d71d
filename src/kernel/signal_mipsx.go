// SPDX-License-Identifier: LGPL-2.1-only

//go:build mips || mipsle

package kernel

const sigsetBits = 127
