// SPDX-License-Identifier: LGPL-2.1-only

#include "textflag.h"

// jail_entry is the ELF entry point (-ldflags '-E jail_entry'). Before any Go runtime exists it calls the nosplit Go
// function in ·entryFn, func(stack *uintptr), with what the kernel has put on the stack: argc, argv, envp, auxv. When that
// returns the stack is again as the kernel left it, Go's own entry runs, and this is an ordinary Go program.
//
// The call goes through the function value because CALL ·enter(SB) would reach the ABI0 wrapper, whose prologue reads g.
// The function grows the kernel's stack downwards, which has room for far more than the 800 bytes of a nosplit chain.
TEXT jail_entry(SB),NOSPLIT|NOFRAME,$0
	MOVQ	SP, AX			// ABIInternal: the first argument
	SUBQ	$16, SP			// 0(SP): where the function may spill it
	XORL	R14, R14		// ABIInternal: g, of which there is none
	XORPS	X15, X15		// ABIInternal: the zero register
	MOVQ	·entryFn(SB), DX	// the closure context
	MOVQ	(DX), CX
	CALL	CX
	ADDQ	$16, SP
	JMP	_rt0_amd64_linux(SB)

// rawsys is func(nr, a, b, c, d, e uintptr) int: see sys. ABIInternal: arguments and result are in registers.
TEXT rawsys<>(SB),NOSPLIT|NOFRAME,$0
	MOVQ	SI, R10			// d
	MOVQ	CX, DX			// b, for a moment
	MOVQ	BX, SI			// a, for a moment
	XCHGQ	DI, DX			// DI: b, DX: c
	XCHGQ	DI, SI			// DI: a, SI: b
	XORL	R9, R9
	SYSCALL
	RET

DATA ·rawsysAt(SB)/8, $rawsys<>(SB)
GLOBL ·rawsysAt(SB),RODATA|NOPTR,$8
