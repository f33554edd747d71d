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

// rawsys is func(nr, a, b, c, d, e uintptr) int: see sys. ABIInternal: arguments and result are in registers.
TEXT rawsys<>(SB),NOSPLIT|NOFRAME,$0
	MOV	A0, A7
	MOV	A1, A0
	MOV	A2, A1
	MOV	A3, A2
	MOV	A4, A3
	MOV	A5, A4
	MOV	X0, A5
	ECALL
	RET

DATA ·rawsysAt(SB)/8, $rawsys<>(SB)
GLOBL ·rawsysAt(SB),RODATA|NOPTR,$8
