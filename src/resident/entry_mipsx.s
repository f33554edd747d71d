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
