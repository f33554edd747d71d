// SPDX-License-Identifier: LGPL-2.1-only

#include "textflag.h"

// See entry_amd64.s.
TEXT jail_entry(SB),NOSPLIT|NOFRAME,$0
	MOVV	R3, R4			// ABIInternal: the first argument
	ADDV	$-32, R3		// 8(R3): where the function may spill it
	MOVV	R0, g
	MOVV	·entryFn(SB), R29	// the closure context
	MOVV	(R29), R19
	JAL	(R19)
	ADDV	$32, R3
	JMP	_rt0_loong64_linux(SB)

// rawsys is func(nr, a, b, c, d, e uintptr) int: see sys. ABIInternal: arguments and result are in registers.
TEXT rawsys<>(SB),NOSPLIT|NOFRAME,$0
	MOVV	R4, R11
	MOVV	R5, R4
	MOVV	R6, R5
	MOVV	R7, R6
	MOVV	R8, R7
	MOVV	R9, R8
	MOVV	R0, R9
	SYSCALL
	RET

DATA ·rawsysAt(SB)/8, $rawsys<>(SB)
GLOBL ·rawsysAt(SB),RODATA|NOPTR,$8
