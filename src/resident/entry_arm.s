// SPDX-License-Identifier: LGPL-2.1-only

#include "textflag.h"

// See entry_amd64.s. The argument is passed on the stack, above the word for a return address.
TEXT jail_entry(SB),NOSPLIT|NOFRAME,$0
	MOVW	R13, R0
	SUB	$16, R13
	MOVW	R0, 4(R13)
	MOVW	$0, g
	MOVW	·entryFn(SB), R7	// the closure context
	MOVW	(R7), R1
	BL	(R1)
	ADD	$16, R13
	B	_rt0_arm_linux(SB)
