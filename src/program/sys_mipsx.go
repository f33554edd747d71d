// SPDX-License-Identifier: LGPL-2.1-only

//go:build mips || mipsle

package program

const sigsetSize = 16 // MIPS has 128 signals
