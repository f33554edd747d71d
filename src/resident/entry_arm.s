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

// rawsys is func(nr, a, b, c, d, e uintptr) int: see sys. Arguments and result are on the stack.
TEXT rawsys<>(SB),NOSPLIT|NOFRAME,$0
	MOVW	4(R13), R7
	MOVW	8(R13), R0
	MOVW	12(R13), R1
	MOVW	16(R13), R2
	MOVW	20(R13), R3
	MOVW	24(R13), R4
	MOVW	$0, R5
	SWI	$0
	MOVW	R0, 28(R13)
	RET

DATA ·rawsysAt(SB)/4, $rawsys<>(SB)
GLOBL ·rawsysAt(SB),RODATA|NOPTR,$4
