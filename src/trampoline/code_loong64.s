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
//	 0(R3) ours: struct pollfd, later the report
//	16(R3) ours: struct timespec
//	32(R3) argc; 40(R3) argv[0]; 48(R3) argv[1] ... nil; envp ... nil
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	ADDV	$-32, R3

	// 0. The number of ErrorFD; the others follow.
	MOVV	$const_loadAddress, R24
	ADDV	$const_firstOffset, R24
	MOVWU	0(R24), R26

	// 1. fcntl(ErrorFD, F_SETFD, FD_CLOEXEC)
	MOVV	$SYS_fcntl, R11
	MOVV	R26, R4
	MOVV	$2, R5
	MOVV	$1, R6
	SYSCALL
	MOVV	$const_ExitReentered, R23
	BNE	R4, exit
	MOVV	$const_loadAddress, R24
	ADDV	$const_joinedOffset, R24
	MOVWU	0(R24), R25
	BNE	R25, join

life:	// 2. fcntl(LifeFD, F_SETFD, FD_CLOEXEC). Without a life line there is no 3 and no 4.
	MOVV	$SYS_fcntl, R11
	ADDV	$1, R26, R4
	MOVV	$2, R5
	MOVV	$1, R6
	SYSCALL
	BLT	R4, R0, filter

	// 3. prctl(PR_SET_PDEATHSIG, SIGKILL)
	MOVV	$SYS_prctl, R11
	MOVV	$1, R4
	MOVV	$9, R5
	SYSCALL

	// 4. ppoll({LifeFD, 0, 0}, 1, {0, 0}, nil, 0). Where the call is refused (RLIMIT_NOFILE 0) revents stays 0.
	ADDV	$1, R26, R4
	MOVV	R4, 0(R3)
	MOVV	R0, 16(R3)
	MOVV	R0, 24(R3)
	MOVV	$SYS_ppoll, R11
	MOVV	R3, R4
	MOVV	$1, R5
	ADDV	$16, R3, R6
	MOVV	$0, R7
	MOVV	$0, R8
	SYSCALL
	MOVV	$const_ExitOrphaned, R23
	MOVBU	6(R3), R4
	AND	$0x18, R4			// POLLERR | POLLHUP
	BNE	R4, exit

filter:	// 5. seccomp(SECCOMP_SET_MODE_FILTER, flags, &program)
	MOVV	$const_loadAddress, R24
	ADDV	$const_filterOffset, R24
	MOVWU	0(R24), R25
	BEQ	R25, exec			// noFilter
	MOVV	$SYS_seccomp, R11
	MOVV	$1, R4
	MOVWU	4(R24), R5
	ADDV	$8, R24, R6
	SYSCALL
	MOVV	$-2, R27			// ReportFilter, the low word
	BLTZ	R4, failed
	MOVV	$const_withListener, R5
	BNE	R5, R25, exec

	// write(ErrorFD, {ReportListener, descriptor}, 8), read(ErrorFD, ours, 1)
	MOVV	$-3, R5				// ReportListener, the low word
	MOVW	R5, 0(R3)
	MOVW	R4, 4(R3)
	MOVV	$SYS_write, R11
	MOVV	R26, R4
	MOVV	R3, R5
	MOVV	$8, R6
	SYSCALL
	MOVV	$SYS_read, R11
	MOVV	R26, R4
	MOVV	R3, R5
	MOVV	$1, R6
	SYSCALL
	MOVV	$const_ExitOrphaned, R23
	MOVV	$1, R5
	BNE	R4, R5, exit

exec:	// 6. execve(argv[0], &argv[1], envp)
	MOVV	$SYS_execve, R11
	MOVV	32(R3), R7
	MOVV	40(R3), R4
	ADDV	$48, R3, R5
	SLLV	$3, R7
	ADDV	R7, R5, R6
	SYSCALL

	MOVV	$-1, R27			// ReportExec, the low word

failed:	// 7. write(ErrorFD, {ReportExec or ReportFilter, errno}, 8)
	SUBV	R4, R0, R4
	MOVW	R27, 0(R3)
	MOVW	R4, 4(R3)
	MOVV	$SYS_write, R11
	MOVV	R26, R4
	MOVV	R3, R5
	MOVV	$8, R6
	SYSCALL
	MOVV	$const_ExitNoExec, R23

exit:	// exit_group(R23)
	MOVV	R23, R4
	MOVV	$SYS_exit_group, R11
	SYSCALL
	UNDEF

join:	// a. clone(CLONE_PARENT, 0, 0, 0, 0)
	MOVV	$SYS_clone, R11
	MOVV	$0x8000, R4
	MOVV	$0, R5
	MOVV	$0, R6
	MOVV	$0, R7
	MOVV	$0, R8
	SYSCALL
	BEQ	R4, born

	// write(ErrorFD, {ReportBorn, pid or -errno}, 8)
	MOVV	$-4, R5				// ReportBorn, the low word
	MOVW	R5, 0(R3)
	MOVW	R4, 4(R3)
	MOVV	$SYS_write, R11
	MOVV	R26, R4
	MOVV	R3, R5
	MOVV	$8, R6
	SYSCALL
	MOVV	$0, R23
	JMP	exit

born:	// b. read(ErrorFD, ours, 1)
	MOVV	$SYS_read, R11
	MOVV	R26, R4
	MOVV	R3, R5
	MOVV	$1, R6
	SYSCALL
	MOVV	$const_ExitOrphaned, R23
	MOVV	$1, R5
	BNE	R4, R5, exit

	// c. setsid(), ioctl(TerminalFD, TIOCSCTTY, 0), close(TerminalFD)
	MOVV	$SYS_setsid, R11
	SYSCALL
	MOVV	$SYS_ioctl, R11
	ADDV	$2, R26, R4
	MOVV	$0x540e, R5
	MOVV	$0, R6
	SYSCALL
	MOVV	$SYS_close, R11
	ADDV	$2, R26, R4
	SYSCALL
	JMP	life
	UNDEF
	WORD	$0x4a41414a			// endMark
	WORD	$0x4c49494c

DATA ·codeStart(SB)/8, $code<>(SB)
GLOBL ·codeStart(SB),RODATA|NOPTR,$8
