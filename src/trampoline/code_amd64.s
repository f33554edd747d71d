// SPDX-License-Identifier: LGPL-2.1-only

#include "go_asm.h"
#include "textflag.h"

#define SYS_read	0
#define SYS_write	1
#define SYS_close	3
#define SYS_poll	7
#define SYS_ioctl	16
#define SYS_clone	56
#define SYS_execve	59
#define SYS_fcntl	72
#define SYS_setsid	112
#define SYS_prctl	157
#define SYS_exit_group	231
#define SYS_seccomp	317

// The program (see the package comment). Position independent, without data, on the stack that the kernel made:
//	 0(SP) ours: struct pollfd, later the report
//	16(SP) argc; 24(SP) argv[0]; 32(SP) argv[1] ... nil; envp ... nil
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	SUBQ	$16, SP

	// 0. The number of ErrorFD; the others follow.
	MOVL	$const_firstAt, BX
	MOVL	0(BX), R13

	// 1. fcntl(ErrorFD, F_SETFD, FD_CLOEXEC)
	MOVL	$SYS_fcntl, AX
	MOVL	R13, DI
	MOVL	$2, SI
	MOVL	$1, DX
	SYSCALL
	MOVL	$const_ExitReentered, DI
	TESTQ	AX, AX
	JNE	exit
	MOVL	$const_joinedAt, BX
	CMPL	0(BX), $0
	JNE	join

life:	// 2. fcntl(LifeFD, F_SETFD, FD_CLOEXEC). Without a life line there is no 3 and no 4.
	MOVL	$SYS_fcntl, AX
	LEAL	1(R13), DI
	MOVL	$2, SI
	MOVL	$1, DX
	SYSCALL
	TESTQ	AX, AX
	JLT	filter

	// 3. prctl(PR_SET_PDEATHSIG, SIGKILL)
	MOVL	$SYS_prctl, AX
	MOVL	$1, DI
	MOVL	$9, SI
	SYSCALL

	// 4. poll({LifeFD, 0, 0}, 1, 0). Where the call is refused (RLIMIT_NOFILE 0) revents stays 0.
	LEAL	1(R13), AX
	MOVQ	AX, 0(SP)
	MOVL	$SYS_poll, AX
	MOVQ	SP, DI
	MOVL	$1, SI
	MOVL	$0, DX
	SYSCALL
	MOVL	$const_ExitOrphaned, DI
	TESTB	$0x18, 6(SP)			// POLLERR | POLLHUP
	JNE	exit

filter:	// 5. seccomp(SECCOMP_SET_MODE_FILTER, flags, &program)
	MOVL	$const_filterAt, BX
	CMPL	0(BX), $const_noFilter
	JEQ	exec
	MOVL	$SYS_seccomp, AX
	MOVL	$1, DI
	MOVL	4(BX), SI
	LEAQ	8(BX), DX
	SYSCALL
	MOVL	$const_ReportFilter, R12
	TESTQ	AX, AX
	JLT	failed
	CMPL	0(BX), $const_withListener
	JNE	exec

	// write(ErrorFD, {ReportListener, descriptor}, 8), read(ErrorFD, ours, 1)
	MOVL	$const_ReportListener, 0(SP)
	MOVL	AX, 4(SP)
	MOVL	$SYS_write, AX
	MOVL	R13, DI
	MOVQ	SP, SI
	MOVL	$8, DX
	SYSCALL
	MOVL	$SYS_read, AX
	MOVL	R13, DI
	MOVQ	SP, SI
	MOVL	$1, DX
	SYSCALL
	MOVL	$const_ExitOrphaned, DI
	CMPQ	AX, $1
	JNE	exit

exec:	// 6. execve(argv[0], &argv[1], envp)
	MOVL	$SYS_execve, AX
	MOVQ	16(SP), CX
	MOVQ	24(SP), DI
	LEAQ	32(SP), SI
	LEAQ	32(SP)(CX*8), DX
	SYSCALL

	MOVL	$const_ReportExec, R12

failed:	// 7. write(ErrorFD, {ReportExec or ReportFilter, errno}, 8)
	NEGL	AX
	MOVL	R12, 0(SP)
	MOVL	AX, 4(SP)
	MOVL	$SYS_write, AX
	MOVL	R13, DI
	MOVQ	SP, SI
	MOVL	$8, DX
	SYSCALL
	MOVL	$const_ExitNoExec, DI

exit:	// exit_group(DI)
	MOVL	$SYS_exit_group, AX
	SYSCALL
	UNDEF

join:	// a. clone(CLONE_PARENT, 0, 0, 0, 0)
	MOVL	$SYS_clone, AX
	MOVL	$0x8000, DI
	XORL	SI, SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	SYSCALL
	TESTQ	AX, AX
	JEQ	born

	// write(ErrorFD, {ReportBorn, pid or -errno}, 8)
	MOVL	$const_ReportBorn, 0(SP)
	MOVL	AX, 4(SP)
	MOVL	$SYS_write, AX
	MOVL	R13, DI
	MOVQ	SP, SI
	MOVL	$8, DX
	SYSCALL
	MOVL	$0, DI
	JMP	exit

born:	// b. read(ErrorFD, ours, 1)
	MOVL	$SYS_read, AX
	MOVL	R13, DI
	MOVQ	SP, SI
	MOVL	$1, DX
	SYSCALL
	MOVL	$const_ExitOrphaned, DI
	CMPQ	AX, $1
	JNE	exit

	// c. setsid(), ioctl(TerminalFD, TIOCSCTTY, 0), close(TerminalFD)
	MOVL	$SYS_setsid, AX
	SYSCALL
	MOVL	$SYS_ioctl, AX
	LEAL	2(R13), DI
	MOVL	$0x540e, SI
	MOVL	$0, DX
	SYSCALL
	MOVL	$SYS_close, AX
	LEAL	2(R13), DI
	SYSCALL
	JMP	life
	UNDEF
	LONG	$0x4a41414a			// endMark
	LONG	$0x4c49494c

DATA ·codeStart(SB)/8, $code<>(SB)
GLOBL ·codeStart(SB),RODATA|NOPTR,$8
