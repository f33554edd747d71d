// SPDX-License-Identifier: LGPL-2.1-only

#include "go_asm.h"
#include "textflag.h"

#define SYS_fcntl	25
#define SYS_ioctl	29
#define SYS_close	57
#define SYS_read	63
#define SYS_write	64
#define SYS_ppoll	73
#define SYS_exit_group	94
#define SYS_setsid	157
#define SYS_prctl	167
#define SYS_clone	220
#define SYS_execve	221
#define SYS_seccomp	277

// The program (see the package comment). Position independent, without data, on the stack that the kernel made:
//	 0(RSP) ours: struct pollfd, later the report
//	16(RSP) ours: struct timespec
//	32(RSP) argc; 40(RSP) argv[0]; 48(RSP) argv[1] ... nil; envp ... nil
// Every constant fits an instruction: one that does not would go to a pool behind the end mark.
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	SUB	$32, RSP

	// 0. The number of ErrorFD; the others follow.
	MOVD	$const_loadAddress, R20
	ADD	$const_firstOffset, R20
	MOVWU	0(R20), R22

	// 1. fcntl(ErrorFD, F_SETFD, FD_CLOEXEC)
	MOVD	$SYS_fcntl, R8
	MOVD	R22, R0
	MOVD	$2, R1
	MOVD	$1, R2
	SVC
	MOVD	$const_ExitReentered, R19
	CBNZ	R0, exit
	MOVD	$const_loadAddress, R20
	ADD	$const_joinedOffset, R20
	MOVWU	0(R20), R21
	CBNZ	R21, join

life:	// 2. fcntl(LifeFD, F_SETFD, FD_CLOEXEC). Without a life line there is no 3 and no 4.
	MOVD	$SYS_fcntl, R8
	ADD	$1, R22, R0
	MOVD	$2, R1
	MOVD	$1, R2
	SVC
	TBNZ	$63, R0, filter

	// 3. prctl(PR_SET_PDEATHSIG, SIGKILL)
	MOVD	$SYS_prctl, R8
	MOVD	$1, R0
	MOVD	$9, R1
	SVC

	// 4. ppoll({LifeFD, 0, 0}, 1, {0, 0}, nil, 0). Where the call is refused (RLIMIT_NOFILE 0) revents stays 0.
	ADD	$1, R22, R0
	MOVD	R0, 0(RSP)
	MOVD	ZR, 16(RSP)
	MOVD	ZR, 24(RSP)
	MOVD	$SYS_ppoll, R8
	MOVD	RSP, R0
	MOVD	$1, R1
	ADD	$16, RSP, R2
	MOVD	$0, R3
	MOVD	$0, R4
	SVC
	MOVD	$const_ExitOrphaned, R19
	MOVBU	6(RSP), R0
	TST	$0x18, R0			// POLLERR | POLLHUP
	BNE	exit

filter:	// 5. seccomp(SECCOMP_SET_MODE_FILTER, flags, &program)
	MOVD	$const_loadAddress, R20
	ADD	$const_filterOffset, R20
	MOVWU	0(R20), R21
	CMP	$const_noFilter, R21
	BEQ	exec
	MOVD	$SYS_seccomp, R8
	MOVD	$1, R0
	MOVWU	4(R20), R1
	ADD	$8, R20, R2
	SVC
	MOVW	$const_ReportFilter, R23
	TBNZ	$63, R0, failed
	CMP	$const_withListener, R21
	BNE	exec

	// write(ErrorFD, {ReportListener, descriptor}, 8), read(ErrorFD, ours, 1)
	MOVW	$const_ReportListener, R1
	MOVW	R1, 0(RSP)
	MOVW	R0, 4(RSP)
	MOVD	$SYS_write, R8
	MOVD	R22, R0
	MOVD	RSP, R1
	MOVD	$8, R2
	SVC
	MOVD	$SYS_read, R8
	MOVD	R22, R0
	MOVD	RSP, R1
	MOVD	$1, R2
	SVC
	MOVD	$const_ExitOrphaned, R19
	CMP	$1, R0
	BNE	exit

exec:	// 6. execve(argv[0], &argv[1], envp)
	MOVD	$SYS_execve, R8
	MOVD	32(RSP), R3
	MOVD	40(RSP), R0
	ADD	$48, RSP, R1
	ADD	R3<<3, R1, R2
	SVC

	MOVW	$const_ReportExec, R23

failed:	// 7. write(ErrorFD, {ReportExec or ReportFilter, errno}, 8)
	NEG	R0, R0
	MOVW	R23, 0(RSP)
	MOVW	R0, 4(RSP)
	MOVD	$SYS_write, R8
	MOVD	R22, R0
	MOVD	RSP, R1
	MOVD	$8, R2
	SVC
	MOVD	$const_ExitNoExec, R19

exit:	// exit_group(R19)
	MOVD	R19, R0
	MOVD	$SYS_exit_group, R8
	SVC
	UNDEF

join:	// a. clone(CLONE_PARENT, 0, 0, 0, 0)
	MOVD	$SYS_clone, R8
	MOVD	$0x8000, R0
	MOVD	$0, R1
	MOVD	$0, R2
	MOVD	$0, R3
	MOVD	$0, R4
	SVC
	CBZ	R0, born

	// write(ErrorFD, {ReportBorn, pid or -errno}, 8)
	MOVW	$const_ReportBorn, R1
	MOVW	R1, 0(RSP)
	MOVW	R0, 4(RSP)
	MOVD	$SYS_write, R8
	MOVD	R22, R0
	MOVD	RSP, R1
	MOVD	$8, R2
	SVC
	MOVD	$0, R19
	B	exit

born:	// b. read(ErrorFD, ours, 1)
	MOVD	$SYS_read, R8
	MOVD	R22, R0
	MOVD	RSP, R1
	MOVD	$1, R2
	SVC
	MOVD	$const_ExitOrphaned, R19
	CMP	$1, R0
	BNE	exit

	// c. setsid(), ioctl(TerminalFD, TIOCSCTTY, 0), close(TerminalFD)
	MOVD	$SYS_setsid, R8
	SVC
	MOVD	$SYS_ioctl, R8
	ADD	$2, R22, R0
	MOVD	$0x540e, R1
	MOVD	$0, R2
	SVC
	MOVD	$SYS_close, R8
	ADD	$2, R22, R0
	SVC
	B	life
	UNDEF
	WORD	$0x4a41414a			// endMark
	WORD	$0x4c49494c

DATA ·codeStart(SB)/8, $code<>(SB)
GLOBL ·codeStart(SB),RODATA|NOPTR,$8
