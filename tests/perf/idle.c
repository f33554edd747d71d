// SPDX-License-Identifier: LGPL-2.1-only
//
// idle starts JOBS instances of a command (see run.h) one after the other, lets them rest and prints what one of them costs:
//
//	idle SET NAME ROUND REAL CHARGED PSS PRIVATE THREADS
//
// REAL is by how much MemAvailable is below the mean of before and afterwards, divided by JOBS, in KiB: everything, the
// kernel's share, the payload and the jail included, but also what others on the machine do meanwhile. CHARGED is the same of
// the memory control group that this process is in, whose usage (bytes) is in the file $USAGE; "-" without it. The others are of
// the processes that were started (the supervisors; medians; KiB): "-" if they have ended and left the payload alone. The
// payload must be the one that stays until its standard input ends. Rounds are interleaved; the first warms up and is not printed.

#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// figure reads the first of a file's lines "NAME: number". -1 if there is none.
static long figure(const char *path, const char *name)
{
	char line[256];
	long value = -1;
	size_t n = strlen(name);
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, n) == 0 && line[n] == ':') {
			value = atol(line + n + 1);
			break;
		}
	}
	if (f)
		fclose(f);
	return value;
}

// charged gives KiB.
static double charged(void)
{
	const char *path = getenv("USAGE");
	double bytes = 0;
	FILE *f = path && *path ? fopen(path, "re") : NULL;

	if (f) {
		check(fscanf(f, "%lf", &bytes) == 1 ? 0 : -1, path);
		fclose(f);
	}
	return bytes / 1024;
}

struct memory {
	double available, charged;
};

// settled waits until the kernel has finished what it does later (network namespaces end in the background): until what is
// charged, or else what is available, stays the same.
static struct memory settled(void)
{
	struct memory before = {0, 0}, now = {0, 0};

	for (int calm = 0, tries = 0; calm < 4 && tries < 25; tries++, before = now) {
		usleep(150000);
		now = (struct memory){(double)figure("/proc/meminfo", "MemAvailable"), charged()};
		double change = now.charged > 0 ? now.charged - before.charged : now.available - before.available;
		calm = change > -256 && change < 256 ? calm + 1 : 0;
	}
	return now;
}

static int ascending(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static long median(long *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), ascending);
	return values[n / 2];
}

struct supervisors {
	int count;
	long pss[MAX_JOBS], private[MAX_JOBS], threads[MAX_JOBS];
};

// inspect looks at the processes that are there; a pid of 0 is one that is not.
static void inspect(struct supervisors *v, const pid_t *pids, int jobs)
{
	char path[64];

	v->count = 0;
	for (int i = 0; i < jobs; i++) {
		if (pids[i] == 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pids[i]);
		v->pss[v->count] = figure(path, "Pss");
		v->private[v->count] = figure(path, "Private_Clean") + figure(path, "Private_Dirty");
		snprintf(path, sizeof(path), "/proc/%d/status", (int)pids[i]);
		v->threads[v->count] = figure(path, "Threads");
		v->count++;
	}
}

// forget reaps those that have ended and left the payload alone: a zombie costs memory, too.
static void forget(const struct command *c, pid_t *pids, int jobs, int err)
{
	int status;

	usleep(100000);
	for (int i = 0; i < jobs; i++) {
		if (waitpid(pids[i], &status, WNOHANG) != pids[i])
			continue;
		if (status != 0)
			fail(c, "has failed", err);
		pids[i] = 0;
	}
}

static void report(const struct setup *s, const struct command *c, int round, const struct memory *m, struct supervisors *v)
{
	double real = (m[0].available + m[2].available) / 2 - m[1].available;
	double charge = m[1].charged - (m[0].charged + m[2].charged) / 2;

	printf("idle\t%s\t%s\t%d\t%.1f\t", s->set, c->name, round, real / s->jobs);
	if (m[1].charged > 0)
		printf("%.1f", charge / s->jobs);
	else
		printf("-");
	if (v->count == 0)
		printf("\t-\t-\t-\n");
	else
		printf("\t%ld\t%ld\t%ld\n", median(v->pss, v->count), median(v->private, v->count),
		       median(v->threads, v->count));
}

static void run(const struct setup *s, const struct command *c, int round)
{
	static pid_t pids[MAX_JOBS];
	static struct supervisors v;
	static struct memory m[3]; // before, with them, afterwards
	struct usage u = {0, 0};
	int out[2], hold[2], err = err_open();

	pipe_open(out);
	pipe_open(hold);
	m[0] = m[2].available > 0 ? m[2] : settled();
	for (int i = 0; i < s->jobs; i++) {
		pids[i] = launch(s, c, hold[0], out[1], err, -1);
		read_stamp(c, out[0], err);
	}
	forget(c, pids, s->jobs, err);
	m[1] = settled();
	inspect(&v, pids, s->jobs);
	close(hold[1]);
	for (int i = 0; i < s->jobs; i++)
		if (pids[i])
			reap(c, pids[i], err, &u);
	reap_rest(c, err, &u);
	close(hold[0]);
	close(out[0]);
	close(out[1]);
	close(err);
	m[2] = settled();
	if (round > 0)
		report(s, c, round, m, &v);
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
