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
#define SYS_exit_group	252
#define SYS_seccomp	354

#define SYSCALL		INT $0x80

// The program (see the package comment). Position independent, without data, on the stack that the kernel made:
//	 0(SP) ours: struct pollfd, later the report
//	16(SP) argc; 20(SP) argv[0]; 24(SP) argv[1] ... nil; envp ... nil
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	SUBL	$16, SP

	// 0. The number of ErrorFD; the others follow.
	MOVL	$const_firstAt, SI
	MOVL	0(SI), BP

	// 1. fcntl(ErrorFD, F_SETFD, FD_CLOEXEC)
	MOVL	$SYS_fcntl, AX
	MOVL	BP, BX
	MOVL	$2, CX
	MOVL	$1, DX
	SYSCALL
	MOVL	$const_ExitReentered, BX
	TESTL	AX, AX
	JNE	exit
	MOVL	$const_joinedAt, SI
	CMPL	0(SI), $0
	JNE	join

life:	// 2. fcntl(LifeFD, F_SETFD, FD_CLOEXEC). Without a life line there is no 3 and no 4.
	MOVL	$SYS_fcntl, AX
	LEAL	1(BP), BX
	MOVL	$2, CX
	MOVL	$1, DX
	SYSCALL
	TESTL	AX, AX
	JLT	filter

	// 3. prctl(PR_SET_PDEATHSIG, SIGKILL)
	MOVL	$SYS_prctl, AX
	MOVL	$1, BX
	MOVL	$9, CX
	SYSCALL

	// 4. poll({LifeFD, 0, 0}, 1, 0). Where the call is refused (RLIMIT_NOFILE 0) revents stays 0.
	LEAL	1(BP), AX
	MOVL	AX, 0(SP)
	MOVL	$0, 4(SP)
	MOVL	$SYS_poll, AX
	MOVL	SP, BX
	MOVL	$1, CX
	MOVL	$0, DX
	SYSCALL
	MOVL	$const_ExitOrphaned, BX
	TESTB	$0x18, 6(SP)			// POLLERR | POLLHUP
	JNE	exit

filter:	// 5. seccomp(SECCOMP_SET_MODE_FILTER, flags, &program)
	MOVL	$const_filterAt, SI
	CMPL	0(SI), $const_noFilter
	JEQ	exec
	MOVL	$SYS_seccomp, AX
	MOVL	$1, BX
	MOVL	4(SI), CX
	LEAL	8(SI), DX
	SYSCALL
	MOVL	$const_ReportFilter, DI
	TESTL	AX, AX
	JLT	failed
	CMPL	0(SI), $const_withListener
	JNE	exec

	// write(ErrorFD, {ReportListener, descriptor}, 8), read(ErrorFD, ours, 1)
	MOVL	$const_ReportListener, 0(SP)
	MOVL	AX, 4(SP)
	MOVL	$SYS_write, AX
	MOVL	BP, BX
	MOVL	SP, CX
	MOVL	$8, DX
	SYSCALL
	MOVL	$SYS_read, AX
	MOVL	BP, BX
	MOVL	SP, CX
	MOVL	$1, DX
	SYSCALL
	MOVL	$const_ExitOrphaned, BX
	CMPL	AX, $1
	JNE	exit

exec:	// 6. execve(argv[0], &argv[1], envp)
	MOVL	$SYS_execve, AX
	MOVL	16(SP), SI
	MOVL	20(SP), BX
	LEAL	24(SP), CX
	LEAL	24(SP)(SI*4), DX
	SYSCALL

	MOVL	$const_ReportExec, DI

failed:	// 7. write(ErrorFD, {ReportExec or ReportFilter, errno}, 8)
	NEGL	AX
	MOVL	DI, 0(SP)
	MOVL	AX, 4(SP)
	MOVL	$SYS_write, AX
	MOVL	BP, BX
	MOVL	SP, CX
	MOVL	$8, DX
	SYSCALL
	MOVL	$const_ExitNoExec, BX

exit:	// exit_group(BX)
	MOVL	$SYS_exit_group, AX
	SYSCALL
	UNDEF

join:	// a. clone(CLONE_PARENT, 0, 0, 0, 0)
	MOVL	$SYS_clone, AX
	MOVL	$0x8000, BX
	XORL	CX, CX
	XORL	DX, DX
	XORL	SI, SI
	XORL	DI, DI
	SYSCALL
	TESTL	AX, AX
	JEQ	born

	// write(ErrorFD, {ReportBorn, pid or -errno}, 8)
	MOVL	$const_ReportBorn, 0(SP)
	MOVL	AX, 4(SP)
	MOVL	$SYS_write, AX
	MOVL	BP, BX
	MOVL	SP, CX
	MOVL	$8, DX
	SYSCALL
	MOVL	$0, BX
	JMP	exit

born:	// b. read(ErrorFD, ours, 1)
	MOVL	$SYS_read, AX
	MOVL	BP, BX
	MOVL	SP, CX
	MOVL	$1, DX
	SYSCALL
	MOVL	$const_ExitOrphaned, BX
	CMPL	AX, $1
	JNE	exit

	// c. setsid(), ioctl(TerminalFD, TIOCSCTTY, 0), close(TerminalFD)
	MOVL	$SYS_setsid, AX
	SYSCALL
	MOVL	$SYS_ioctl, AX
	LEAL	2(BP), BX
	MOVL	$0x540e, CX
	MOVL	$0, DX
	SYSCALL
	MOVL	$SYS_close, AX
	LEAL	2(BP), BX
	SYSCALL
	JMP	life
	UNDEF
	LONG	$0x4a41414a			// endMark
	LONG	$0x4c49494c

DATA ·codeStart(SB)/4, $code<>(SB)
GLOBL ·codeStart(SB),RODATA|NOPTR,$4
