// SPDX-License-Identifier: LGPL-2.1-only

//go:build mips || mipsle

#include "go_asm.h"
#include "textflag.h"

#define SYS_read	4003
#define SYS_write	4004
#define SYS_close	4006
#define SYS_execve	4011
#define SYS_ioctl	4054
#define SYS_fcntl	4055
#define SYS_setsid	4066
#define SYS_clone	4120
#define SYS_poll	4188
#define SYS_prctl	4192
#define SYS_exit_group	4246
#define SYS_seccomp	4352

// The program (see the package comment). Position independent, without data, on the stack that the kernel made:
//	 0(R29) ours: struct pollfd, later the report
//	16(R29) argc; 20(R29) argv[0]; 24(R29) argv[1] ... nil; envp ... nil
// A system call returns its value or errno in R2, and in R7 whether it failed.
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	ADDU	$-16, R29

	// 0. The number of ErrorFD; the others follow.
	MOVW	$const_loadAddress, R17
	ADDU	$const_firstOffset, R17
	MOVW	0(R17), R19

	// 1. fcntl(ErrorFD, F_SETFD, FD_CLOEXEC)
	MOVW	$SYS_fcntl, R2
	MOVW	R19, R4
	MOVW	$2, R5
	MOVW	$1, R6
	SYSCALL
	MOVW	$const_ExitReentered, R16
	BNE	R7, exit
	MOVW	$const_loadAddress, R17
	ADDU	$const_joinedOffset, R17
	MOVW	0(R17), R18
	BNE	R18, join

life:	// 2. fcntl(LifeFD, F_SETFD, FD_CLOEXEC). Without a life line there is no 3 and no 4.
	MOVW	$SYS_fcntl, R2
	ADDU	$1, R19, R4
	MOVW	$2, R5
	MOVW	$1, R6
	SYSCALL
	BNE	R7, filter

	// 3. prctl(PR_SET_PDEATHSIG, SIGKILL)
	MOVW	$SYS_prctl, R2
	MOVW	$1, R4
	MOVW	$9, R5
	SYSCALL

	// 4. poll({LifeFD, 0, 0}, 1, 0). Where the call is refused (RLIMIT_NOFILE 0) revents stays 0.
	ADDU	$1, R19, R4
	MOVW	R4, 0(R29)
	MOVW	R0, 4(R29)
	MOVW	$SYS_poll, R2
	MOVW	R29, R4
	MOVW	$1, R5
	MOVW	$0, R6
	SYSCALL
	MOVW	$const_ExitOrphaned, R16
	MOVHU	6(R29), R8
	AND	$0x18, R8			// POLLERR | POLLHUP
	BNE	R8, exit

filter:	// 5. seccomp(SECCOMP_SET_MODE_FILTER, flags, &program)
	MOVW	$const_loadAddress, R17
	ADDU	$const_filterOffset, R17
	MOVW	0(R17), R18
	BEQ	R18, exec			// noFilter
	MOVW	$SYS_seccomp, R2
	MOVW	$1, R4
	MOVW	4(R17), R5
	ADDU	$8, R17, R6
	SYSCALL
	MOVW	$const_ReportFilter, R20
	BNE	R7, failed
	MOVW	$const_withListener, R8
	BNE	R8, R18, exec

	// write(ErrorFD, {ReportListener, descriptor}, 8), read(ErrorFD, ours, 1)
	MOVW	$const_ReportListener, R8
	MOVW	R8, 0(R29)
	MOVW	R2, 4(R29)
	MOVW	$SYS_write, R2
	MOVW	R19, R4
	MOVW	R29, R5
	MOVW	$8, R6
	SYSCALL
	MOVW	$SYS_read, R2
	MOVW	R19, R4
	MOVW	R29, R5
	MOVW	$1, R6
	SYSCALL
	MOVW	$const_ExitOrphaned, R16
	BNE	R7, exit
	MOVW	$1, R8
	BNE	R2, R8, exit

exec:	// 6. execve(argv[0], &argv[1], envp)
	MOVW	$SYS_execve, R2
	MOVW	16(R29), R8
	MOVW	20(R29), R4
	ADDU	$24, R29, R5
	SLL	$2, R8
	ADDU	R8, R5, R6
	SYSCALL

	MOVW	$const_ReportExec, R20

failed:	// 7. write(ErrorFD, {ReportExec or ReportFilter, errno}, 8)
	MOVW	R20, 0(R29)
	MOVW	R2, 4(R29)
	MOVW	$SYS_write, R2
	MOVW	R19, R4
	MOVW	R29, R5
	MOVW	$8, R6
	SYSCALL
	MOVW	$const_ExitNoExec, R16

exit:	// exit_group(R16)
	MOVW	R16, R4
	MOVW	$SYS_exit_group, R2
	SYSCALL
	UNDEF

join:	// a. clone(CLONE_PARENT, 0, 0, 0): the fifth argument is not looked at
	MOVW	$SYS_clone, R2
	MOVW	$0x8000, R4
	MOVW	$0, R5
	MOVW	$0, R6
	MOVW	$0, R7
	SYSCALL
	BNE	R7, none
	BEQ	R2, born
	JMP	report

none:	SUBU	R2, R0, R2
report:	// write(ErrorFD, {ReportBorn, pid or -errno}, 8)
	MOVW	$const_ReportBorn, R8
	MOVW	R8, 0(R29)
	MOVW	R2, 4(R29)
	MOVW	$SYS_write, R2
	MOVW	R19, R4
	MOVW	R29, R5
	MOVW	$8, R6
	SYSCALL
	MOVW	$0, R16
	JMP	exit

born:	// b. read(ErrorFD, ours, 1)
	MOVW	$SYS_read, R2
	MOVW	R19, R4
	MOVW	R29, R5
	MOVW	$1, R6
	SYSCALL
	MOVW	$const_ExitOrphaned, R16
	BNE	R7, exit
	MOVW	$1, R8
	BNE	R2, R8, exit

	// c. setsid(), ioctl(TerminalFD, TIOCSCTTY, 0), close(TerminalFD)
	MOVW	$SYS_setsid, R2
	SYSCALL
	MOVW	$SYS_ioctl, R2
	ADDU	$2, R19, R4
	MOVW	$0x5480, R5
	MOVW	$0, R6
	SYSCALL
	MOVW	$SYS_close, R2
	ADDU	$2, R19, R4
	SYSCALL
	JMP	life
	UNDEF
	WORD	$0x4a41414a			// endMark
	WORD	$0x4c49494c

DATA ·codeStart(SB)/4, $code<>(SB)
GLOBL ·codeStart(SB),RODATA|NOPTR,$4
