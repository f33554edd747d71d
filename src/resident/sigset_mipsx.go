// SPDX-License-Identifier: LGPL-2.1-only

//go:build mips || mipsle

package resident

const sigsetSize = 16 // bytes of a kernel signal set
