// SPDX-License-Identifier: LGPL-2.1-only
//
// burst starts JOBS instances of a command (see run.h) at once and prints how long it takes until the last payload has started:
//
//	burst SET NAME ROUND JOBS LAST
//
// LAST is in microseconds since the instances were let go. The payload must be the one that stays until its standard input
// ends, as a service does; then all must end with status 0. Rounds are interleaved; the first warms up and is not printed.

#include "run.h"

#include <stdio.h>
#include <unistd.h>

static void run(const struct setup *s, const struct command *c, int round)
{
	static pid_t pids[MAX_JOBS];
	static char go[MAX_JOBS];
	struct usage u = {0, 0};
	int out[2], hold[2], gate[2], err = err_open();
	int64_t last = 0;

	pipe_open(out);
	pipe_open(hold);
	pipe_open(gate);
	for (int i = 0; i < s->jobs; i++)
		pids[i] = launch(s, c, hold[0], out[1], err, gate[0]);
	close(out[1]);
	close(hold[0]);
	close(gate[0]);
	usleep(20000); // let all reach the gate
	int64_t begin = now_ns();
	check(write(gate[1], go, (size_t)s->jobs) == s->jobs ? 0 : -1, "open the gate");
	for (int i = 0; i < s->jobs; i++) {
		int64_t t = read_stamp(c, out[0], err);
		last = t > last ? t : last;
	}
	close(hold[1]);
	for (int i = 0; i < s->jobs; i++)
		reap(c, pids[i], err, &u);
	reap_rest(c, err, &u);
	close(gate[1]);
	close(out[0]);
	close(err);
	if (round > 0)
		printf("burst\t%s\t%s\t%d\t%d\t%.1f\n", s->set, c->name, round, s->jobs, (double)(last - begin) / 1e3);
}

int main(int argc, char **argv)
{
	struct setup s;

	setup_parse(&s, argc, argv);
	for (int round = 0; round <= s.rounds; round++)
		for (int place = 0; place < s.count; place++)
			run(&s, command_of(&s, round, place), round);
	return 0;
}
