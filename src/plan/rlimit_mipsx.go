// SPDX-License-Identifier: LGPL-2.1-only

//go:build mips || mipsle

package plan

// Numbers of setrlimit(2) that MIPS has in another order.
const (
	rlimitNOFILE  = 5
	rlimitAS      = 6
	rlimitRSS     = 7
	rlimitNPROC   = 8
	rlimitMEMLOCK = 9
)
