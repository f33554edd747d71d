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
//	 0(X2) ours: struct pollfd, later the report
//	16(X2) ours: struct timespec
//	32(X2) argc; 40(X2) argv[0]; 48(X2) argv[1] ... nil; envp ... nil
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	ADD	$-32, X2

	// 0. The number of ErrorFD; the others follow.
	MOV	$const_loadAddress, S2
	ADD	$const_firstOffset, S2
	MOVWU	0(S2), S4

	// 1. fcntl(ErrorFD, F_SETFD, FD_CLOEXEC)
	MOV	$SYS_fcntl, A7
	MOV	S4, A0
	MOV	$2, A1
	MOV	$1, A2
	ECALL
	MOV	$const_ExitReentered, S1
	BNEZ	A0, exit
	MOV	$const_loadAddress, S2
	ADD	$const_joinedOffset, S2
	MOVWU	0(S2), S3
	BNEZ	S3, join

life:	// 2. fcntl(LifeFD, F_SETFD, FD_CLOEXEC). Without a life line there is no 3 and no 4.
	MOV	$SYS_fcntl, A7
	ADD	$1, S4, A0
	MOV	$2, A1
	MOV	$1, A2
	ECALL
	BLT	A0, X0, filter

	// 3. prctl(PR_SET_PDEATHSIG, SIGKILL)
	MOV	$SYS_prctl, A7
	MOV	$1, A0
	MOV	$9, A1
	ECALL

	// 4. ppoll({LifeFD, 0, 0}, 1, {0, 0}, nil, 0). Where the call is refused (RLIMIT_NOFILE 0) revents stays 0.
	ADD	$1, S4, A0
	MOV	A0, 0(X2)
	MOV	X0, 16(X2)
	MOV	X0, 24(X2)
	MOV	$SYS_ppoll, A7
	MOV	X2, A0
	MOV	$1, A1
	ADD	$16, X2, A2
	MOV	$0, A3
	MOV	$0, A4
	ECALL
	MOV	$const_ExitOrphaned, S1
	MOVBU	6(X2), A0
	AND	$0x18, A0			// POLLERR | POLLHUP
	BNEZ	A0, exit

filter:	// 5. seccomp(SECCOMP_SET_MODE_FILTER, flags, &program)
	MOV	$const_loadAddress, S2
	ADD	$const_filterOffset, S2
	MOVWU	0(S2), S3
	BEQZ	S3, exec			// noFilter
	MOV	$SYS_seccomp, A7
	MOV	$1, A0
	MOVWU	4(S2), A1
	ADD	$8, S2, A2
	ECALL
	MOV	$-2, S5				// ReportFilter, the low word
	BLTZ	A0, failed
	MOV	$const_withListener, A1
	BNE	A1, S3, exec

	// write(ErrorFD, {ReportListener, descriptor}, 8), read(ErrorFD, ours, 1)
	MOV	$-3, A1				// ReportListener, the low word
	MOVW	A1, 0(X2)
	MOVW	A0, 4(X2)
	MOV	$SYS_write, A7
	MOV	S4, A0
	MOV	X2, A1
	MOV	$8, A2
	ECALL
	MOV	$SYS_read, A7
	MOV	S4, A0
	MOV	X2, A1
	MOV	$1, A2
	ECALL
	MOV	$const_ExitOrphaned, S1
	MOV	$1, A1
	BNE	A0, A1, exit

exec:	// 6. execve(argv[0], &argv[1], envp)
	MOV	$SYS_execve, A7
	MOV	32(X2), A3
	MOV	40(X2), A0
	ADD	$48, X2, A1
	SLL	$3, A3
	ADD	A3, A1, A2
	ECALL

	MOV	$-1, S5				// ReportExec, the low word

failed:	// 7. write(ErrorFD, {ReportExec or ReportFilter, errno}, 8)
	NEG	A0, A0
	MOVW	S5, 0(X2)
	MOVW	A0, 4(X2)
	MOV	$SYS_write, A7
	MOV	S4, A0
	MOV	X2, A1
	MOV	$8, A2
	ECALL
	MOV	$const_ExitNoExec, S1

exit:	// exit_group(S1)
	MOV	S1, A0
	MOV	$SYS_exit_group, A7
	ECALL
	UNDEF

join:	// a. clone(CLONE_PARENT, 0, 0, 0, 0)
	MOV	$SYS_clone, A7
	MOV	$0x8000, A0
	MOV	$0, A1
	MOV	$0, A2
	MOV	$0, A3
	MOV	$0, A4
	ECALL
	BEQZ	A0, born

	// write(ErrorFD, {ReportBorn, pid or -errno}, 8)
	MOV	$-4, A1				// ReportBorn, the low word
	MOVW	A1, 0(X2)
	MOVW	A0, 4(X2)
	MOV	$SYS_write, A7
	MOV	S4, A0
	MOV	X2, A1
	MOV	$8, A2
	ECALL
	MOV	$0, S1
	JMP	exit

born:	// b. read(ErrorFD, ours, 1)
	MOV	$SYS_read, A7
	MOV	S4, A0
	MOV	X2, A1
	MOV	$1, A2
	ECALL
	MOV	$const_ExitOrphaned, S1
	MOV	$1, A1
	BNE	A0, A1, exit

	// c. setsid(), ioctl(TerminalFD, TIOCSCTTY, 0), close(TerminalFD)
	MOV	$SYS_setsid, A7
	ECALL
	MOV	$SYS_ioctl, A7
	ADD	$2, S4, A0
	MOV	$0x540e, A1
	MOV	$0, A2
	ECALL
	MOV	$SYS_close, A7
	ADD	$2, S4, A0
	ECALL
	JMP	life
	UNDEF
	WORD	$0x4a41414a			// endMark
	WORD	$0x4c49494c

DATA ·codeStart(SB)/8, $code<>(SB)
GLOBL ·codeStart(SB),RODATA|NOPTR,$8
