// SPDX-License-Identifier: LGPL-2.1-only
//
// timer runs commands (see run.h) in interleaved rounds and prints a line of tab-separated figures for each run:
//
//	run SET NAME ROUND TOTAL START CPU RSS
//
// TOTAL and START are microseconds since just before the command's exec: until it has ended, and until the payload's first
// instruction. CPU is microseconds, user and system, of all its processes. RSS is the peak of its largest process in KiB; it
// cannot be less than this program's own. A first round warms up and is not printed.

#include "run.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void run(const struct setup *s, const struct command *c, int round, int null)
{
	struct usage u = {0, 0};
	int out[2], err = err_open();

	pipe_open(out);
	pid_t pid = launch(s, c, null, out[1], err, -1);
	close(out[1]);
	reap(c, pid, err, &u);
	int64_t end = now_ns();
	int64_t begin = begun_ns(), start = read_stamp(c, out[0], err);
	reap_rest(c, err, &u);
	close(out[0]);
	close(err);
	if (round > 0)
		printf("run\t%s\t%s\t%d\t%.1f\t%.1f\t%lld\t%ld\n", s->set, c->name, round, (double)(end - begin) / 1e3,
		       (double)(start - begin) / 1e3, (long long)u.cpu_us, u.rss_kib);
}

int main(int argc, char **argv)
{
	struct setup s;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setup_parse(&s, argc, argv);
	for (int round = 0; round <= s.rounds; round++)
		for (int place = 0; place < s.count; place++)
			run(&s, command_of(&s, round, place), round, null);
	return 0;
}
