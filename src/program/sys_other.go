// SPDX-License-Identifier: LGPL-2.1-only

//go:build !mips && !mipsle

package program

const sigsetSize = 8
