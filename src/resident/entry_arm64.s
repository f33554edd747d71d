// SPDX-License-Identifier: LGPL-2.1-only

#include "textflag.h"

// See entry_amd64.s.
TEXT jail_entry(SB),NOSPLIT|NOFRAME,$0
	MOVD	RSP, R0			// ABIInternal: the first argument
	SUB	$32, RSP		// 8(RSP): where the function may spill it
	MOVD	$0, g
	MOVD	·entryFn(SB), R26	// the closure context
	MOVD	(R26), R1
	CALL	(R1)
	ADD	$32, RSP
	JMP	_rt0_arm64_linux(SB)

// rawsys is func(nr, a, b, c, d, e uintptr) int: see sys. ABIInternal: arguments and result are in registers.
TEXT rawsys<>(SB),NOSPLIT|NOFRAME,$0
	MOVD	R0, R8
	MOVD	R1, R0
	MOVD	R2, R1
	MOVD	R3, R2
	MOVD	R4, R3
	MOVD	R5, R4
	MOVD	ZR, R5
	SVC
	RET

DATA ·rawsysAt(SB)/8, $rawsys<>(SB)
GLOBL ·rawsysAt(SB),RODATA|NOPTR,$8
