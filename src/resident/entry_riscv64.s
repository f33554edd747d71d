// SPDX-License-Identifier: LGPL-2.1-only

#include "textflag.h"

// See entry_amd64.s.
TEXT jail_entry(SB),NOSPLIT|NOFRAME,$0
	MOV	X2, X10			// ABIInternal: the first argument
	ADD	$-32, X2		// 8(X2): where the function may spill it
	MOV	X0, g
	MOV	·entryFn(SB), X26	// the closure context
	MOV	(X26), X5
	JALR	X1, X5
	ADD	$32, X2
	JMP	_rt0_riscv64_linux(SB)
