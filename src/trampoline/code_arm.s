// SPDX-License-Identifier: LGPL-2.1-only

#include "go_asm.h"
#include "textflag.h"

#define SYS_read	3
#define SYS_write	4
#define SYS_close	6
#define SYS_execve	11
#define SYS_ioctl	54
#define SYS_fcntl	55
#define SYS_setsid	66
#define SYS_clone	120
#define SYS_poll	168
#define SYS_prctl	172
#define SYS_exit_group	248
#define SYS_seccomp	383

// The program (see the package comment). Position independent, without data, on the stack that the kernel made:
//	 0(R13) ours: struct pollfd, later the report
//	16(R13) argc; 20(R13) argv[0]; 24(R13) argv[1] ... nil; envp ... nil
// Every constant fits an instruction: one that does not would go to a pool behind the end mark.
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	SUB	$16, R13

	// 0. The number of ErrorFD; the others follow.
	MOVW	$const_loadAddress, R5
	ADD	$const_firstOffset, R5
	MOVW	0(R5), R8

	// 1. fcntl(ErrorFD, F_SETFD, FD_CLOEXEC)
	MOVW	$SYS_fcntl, R7
	MOVW	R8, R0
	MOVW	$2, R1
	MOVW	$1, R2
	SWI	$0
	MOVW	$const_ExitReentered, R4
	CMP	$0, R0
	BNE	exit
	MOVW	$const_loadAddress, R5
	ADD	$const_joinedOffset, R5
	MOVW	0(R5), R6
	CMP	$0, R6
	BNE	join

life:	// 2. fcntl(LifeFD, F_SETFD, FD_CLOEXEC). Without a life line there is no 3 and no 4.
	MOVW	$SYS_fcntl, R7
	ADD	$1, R8, R0
	MOVW	$2, R1
	MOVW	$1, R2
	SWI	$0
	CMP	$0, R0
	BLT	filter

	// 3. prctl(PR_SET_PDEATHSIG, SIGKILL)
	MOVW	$SYS_prctl, R7
	MOVW	$1, R0
	MOVW	$9, R1
	SWI	$0

	// 4. poll({LifeFD, 0, 0}, 1, 0). Where the call is refused (RLIMIT_NOFILE 0) revents stays 0.
	ADD	$1, R8, R0
	MOVW	$0, R2
	MOVW	R0, 0(R13)
	MOVW	R2, 4(R13)
	MOVW	$SYS_poll, R7
	MOVW	R13, R0
	MOVW	$1, R1
	SWI	$0
	MOVW	$const_ExitOrphaned, R4
	MOVBU	6(R13), R0
	TST	$0x18, R0			// POLLERR | POLLHUP
	BNE	exit

filter:	// 5. seccomp(SECCOMP_SET_MODE_FILTER, flags, &program)
	MOVW	$const_loadAddress, R5
	ADD	$const_filterOffset, R5
	MOVW	0(R5), R6
	CMP	$const_noFilter, R6
	BEQ	exec
	MOVW	$(SYS_seccomp-0x7f), R7		// in two steps: it does not fit an instruction
	ADD	$0x7f, R7
	MOVW	$1, R0
	MOVW	4(R5), R1
	ADD	$8, R5, R2
	SWI	$0
	MOVW	$const_ReportFilter, R9
	CMP	$0, R0
	BLT	failed
	CMP	$const_withListener, R6
	BNE	exec

	// write(ErrorFD, {ReportListener, descriptor}, 8), read(ErrorFD, ours, 1)
	MOVW	$const_ReportListener, R1
	MOVW	R1, 0(R13)
	MOVW	R0, 4(R13)
	MOVW	$SYS_write, R7
	MOVW	R8, R0
	MOVW	R13, R1
	MOVW	$8, R2
	SWI	$0
	MOVW	$SYS_read, R7
	MOVW	R8, R0
	MOVW	R13, R1
	MOVW	$1, R2
	SWI	$0
	MOVW	$const_ExitOrphaned, R4
	CMP	$1, R0
	BNE	exit

exec:	// 6. execve(argv[0], &argv[1], envp)
	MOVW	$SYS_execve, R7
	MOVW	16(R13), R3
	MOVW	20(R13), R0
	ADD	$24, R13, R1
	ADD	R3<<2, R1, R2
	SWI	$0

	MOVW	$const_ReportExec, R9

failed:	// 7. write(ErrorFD, {ReportExec or ReportFilter, errno}, 8)
	RSB	$0, R0
	MOVW	R9, 0(R13)
	MOVW	R0, 4(R13)
	MOVW	$SYS_write, R7
	MOVW	R8, R0
	MOVW	R13, R1
	MOVW	$8, R2
	SWI	$0
	MOVW	$const_ExitNoExec, R4

exit:	// exit_group(R4)
	MOVW	R4, R0
	MOVW	$SYS_exit_group, R7
	SWI	$0
	UNDEF

join:	// a. clone(CLONE_PARENT, 0, 0, 0, 0)
	MOVW	$SYS_clone, R7
	MOVW	$0x8000, R0
	MOVW	$0, R1
	MOVW	$0, R2
	MOVW	$0, R3
	MOVW	$0, R4
	SWI	$0
	CMP	$0, R0
	BEQ	born

	// write(ErrorFD, {ReportBorn, pid or -errno}, 8)
	MOVW	$const_ReportBorn, R1
	MOVW	R1, 0(R13)
	MOVW	R0, 4(R13)
	MOVW	$SYS_write, R7
	MOVW	R8, R0
	MOVW	R13, R1
	MOVW	$8, R2
	SWI	$0
	MOVW	$0, R4
	B	exit

born:	// b. read(ErrorFD, ours, 1)
	MOVW	$SYS_read, R7
	MOVW	R8, R0
	MOVW	R13, R1
	MOVW	$1, R2
	SWI	$0
	MOVW	$const_ExitOrphaned, R4
	CMP	$1, R0
	BNE	exit

	// c. setsid(), ioctl(TerminalFD, TIOCSCTTY, 0), close(TerminalFD)
	MOVW	$SYS_setsid, R7
	SWI	$0
	MOVW	$SYS_ioctl, R7
	ADD	$2, R8, R0
	MOVW	$0x5400, R1			// in two steps: it does not fit an instruction
	ORR	$0x0e, R1
	MOVW	$0, R2
	SWI	$0
	MOVW	$SYS_close, R7
	ADD	$2, R8, R0
	SWI	$0
	B	life
	UNDEF
	WORD	$0x4a41414a			// endMark
	WORD	$0x4c49494c

DATA ·codeStart(SB)/4, $code<>(SB)
GLOBL ·codeStart(SB),RODATA|NOPTR,$4
