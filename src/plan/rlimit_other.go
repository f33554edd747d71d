// SPDX-License-Identifier: LGPL-2.1-only

//go:build !mips && !mipsle

package plan

// Numbers of setrlimit(2) that MIPS has in another order.
const (
	rlimitRSS     = 5
	rlimitNPROC   = 6
	rlimitNOFILE  = 7
	rlimitMEMLOCK = 8
	rlimitAS      = 9
)
