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
