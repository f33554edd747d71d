// SPDX-License-Identifier: LGPL-2.1-only

//go:build mips || mipsle

#include "textflag.h"

#ifdef GOARCH_mips
#define GO_ENTRY _rt0_mips_linux
#else
#define GO_ENTRY _rt0_mipsle_linux
#endif

// See entry_amd64.s. The argument is passed on the stack, above the word for a return address.
TEXT jail_entry(SB),NOSPLIT|NOFRAME,$0
	MOVW	R29, R4
	ADDU	$-16, R29
	MOVW	R4, 4(R29)
	MOVW	$0, g
	MOVW	·entryFn(SB), R22	// the closure context
	MOVW	(R22), R1
	JAL	(R1)
	ADDU	$16, R29
	JMP	GO_ENTRY(SB)

// rawsys is func(nr, a, b, c, d, e uintptr) int: see sys. Arguments and result are on the stack, as are the kernel's fifth and sixth; R7 tells of an error.
TEXT rawsys<>(SB),NOSPLIT|NOFRAME,$0
	MOVW	4(R29), R2
	MOVW	8(R29), R4
	MOVW	12(R29), R5
	MOVW	16(R29), R6
	MOVW	20(R29), R7
	MOVW	24(R29), R8
	ADDU	$-24, R29
	MOVW	R8, 16(R29)
	MOVW	R0, 20(R29)
	SYSCALL
	ADDU	$24, R29
	BEQ	R7, done
	SUBU	R2, R0, R2
done:	MOVW	R2, 28(R29)
	RET

DATA ·rawsysAt(SB)/4, $rawsys<>(SB)
GLOBL ·rawsysAt(SB),RODATA|NOPTR,$4
