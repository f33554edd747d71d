// SPDX-License-Identifier: LGPL-2.1-only

#include "textflag.h"

// See entry_amd64.s. The argument is passed on the stack; g lives in thread-local storage, which nothing reads yet.
TEXT jail_entry(SB),NOSPLIT|NOFRAME,$0
	MOVL	SP, AX
	SUBL	$16, SP
	MOVL	AX, 0(SP)
	MOVL	·entryFn(SB), DX	// the closure context
	MOVL	(DX), CX
	CALL	CX
	ADDL	$16, SP
	JMP	_rt0_386_linux(SB)

// rawsys is func(nr, a, b, c, d, e uintptr) int: see sys. Arguments and result are on the stack.
TEXT rawsys<>(SB),NOSPLIT|NOFRAME,$0
	MOVL	4(SP), AX
	MOVL	8(SP), BX
	MOVL	12(SP), CX
	MOVL	16(SP), DX
	MOVL	20(SP), SI
	MOVL	24(SP), DI
	INT	$0x80
	MOVL	AX, 28(SP)
	RET

DATA ·rawsysAt(SB)/4, $rawsys<>(SB)
GLOBL ·rawsysAt(SB),RODATA|NOPTR,$4
