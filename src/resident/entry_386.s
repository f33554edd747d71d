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
