// SPDX-License-Identifier: LGPL-2.1-only
//
// The payload of the benchmark: its first act is to read CLOCK_MONOTONIC, which it writes to fd 1 as a struct of two longs.
// It runs without a C library's start-up, so the time is that of its first instructions. With -DSTAY it then lives until its
// standard input ends: whoever holds the other end of that pipe can end any number of payloads at once.

#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
__attribute__((force_align_arg_pointer)) // the kernel enters with another alignment than a call does
#endif
void _start(void)
{
	long now[2] = {0, 0};
	char byte;

	syscall(SYS_clock_gettime, 1 /* CLOCK_MONOTONIC */, now);
	long status = syscall(SYS_write, 1, now, sizeof(now)) != (long)sizeof(now);
#ifdef STAY
	while (syscall(SYS_read, 0, &byte, 1) > 0)
		;
#else
	(void)byte;
#endif
	for (;;)
		syscall(SYS_exit_group, status);
}
