// SPDX-License-Identifier: LGPL-2.1-only

#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *begin; // shared with the children
static int serial;

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void fail(const struct command *c, const char *what, int err)
{
	char text[4096];
	ssize_t n;

	fflush(stdout);
	fprintf(stderr, "%s: %s\n", c ? c->name : program_invocation_short_name, what);
	if (err >= 0 && lseek(err, 0, SEEK_SET) == 0)
		while ((n = read(err, text, sizeof(text))) > 0)
			fwrite(text, 1, (size_t)n, stderr);
	exit(1);
}

void check(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static void on_alarm(int sig)
{
	(void)sig; // it only interrupts what waits
}

static int number(const char *text, int max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end != 0 || n < 1 || n > max) {
		fprintf(stderr, "%s: not a number from 1 to %d\n", text, max);
		exit(2);
	}
	return (int)n;
}

void setup_parse(struct setup *s, int argc, char **argv)
{
	struct sigaction alarmed = {.sa_handler = on_alarm};
	int o;

	*s = (struct setup){.set = "run", .prefix = "perf", .rounds = 40, .jobs = 1};
	while ((o = getopt(argc, argv, "+s:n:j:i:")) != -1) {
		switch (o) {
		case 's':
			s->set = optarg;
			break;
		case 'n':
			s->rounds = number(optarg, 100000);
			break;
		case 'j':
			s->jobs = number(optarg, MAX_JOBS);
			break;
		case 'i':
			s->prefix = optarg;
			break;
		default:
			exit(2);
		}
	}
	for (argv += optind; argv[0] && argv[1] && s->count < MAX_COMMANDS;) {
		s->commands[s->count++] = (struct command){argv[0], argv + 1};
		while (*argv && strcmp(*argv, "+") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
	if (*argv || s->count == 0) {
		fprintf(stderr, "usage: %s [-s SET] [-n ROUNDS] [-j JOBS] [-i PREFIX] NAME COMMAND [ARG...] [+ NAME COMMAND...]\n",
			program_invocation_short_name);
		exit(2);
	}
	begin = mmap(NULL, sizeof(*begin), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (begin == MAP_FAILED)
		check(-1, "mmap");
	check(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "become a subreaper");
	check(sigaction(SIGALRM, &alarmed, NULL), "sigaction");
	setvbuf(stdout, NULL, _IOLBF, 0);
}

const struct command *command_of(const struct setup *s, int round, int place)
{
	return &s->commands[(round + place) % s->count];
}

void pipe_open(int ends[2])
{
	check(pipe2(ends, O_CLOEXEC), "pipe");
}

int err_open(void)
{
	int fd = memfd_create("stderr", MFD_CLOEXEC);

	check(fd, "memfd_create");
	return fd;
}

int64_t begun_ns(void)
{
	return *begin;
}

pid_t launch(const struct setup *s, const struct command *c, int in, int out, int err, int gate)
{
	char id[64], byte;
	char *argv[64];
	int n = 0;

	snprintf(id, sizeof(id), "%s-%d", s->prefix, serial++);
	for (; c->argv[n] && n < 63; n++)
		argv[n] = strcmp(c->argv[n], "@") == 0 ? id : c->argv[n];
	argv[n] = NULL;
	pid_t pid = fork();
	check(pid, "fork");
	if (pid > 0)
		return pid;
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(126);
	if (gate >= 0 && read(gate, &byte, 1) != 1)
		_exit(126);
	*begin = now_ns();
	dup2(err, 2);
	execv(argv[0], argv);
	dprintf(2, "exec %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int64_t read_stamp(const struct command *c, int out, int err)
{
	struct pollfd p = {.fd = out, .events = POLLIN};
	long t[2];

	if (poll(&p, 1, LIMIT_SECONDS * 1000) != 1 || read(out, t, sizeof(t)) != (ssize_t)sizeof(t))
		fail(c, "the payload has not started", err);
	return (int64_t)t[0] * 1000000000 + t[1];
}

static void add(struct usage *u, const struct rusage *r)
{
	u->cpu_us += (r->ru_utime.tv_sec + r->ru_stime.tv_sec) * (int64_t)1000000 + r->ru_utime.tv_usec + r->ru_stime.tv_usec;
	if (r->ru_maxrss > u->rss_kib)
		u->rss_kib = r->ru_maxrss;
}

static void check_status(const struct command *c, int status, int err)
{
	char what[64];

	if (status == 0)
		return;
	if (WIFSIGNALED(status))
		snprintf(what, sizeof(what), "killed by signal %d", WTERMSIG(status));
	else
		snprintf(what, sizeof(what), "exit status %d", WEXITSTATUS(status));
	fail(c, what, err);
}

void reap(const struct command *c, pid_t pid, int err, struct usage *u)
{
	struct rusage r;
	int status;

	alarm(LIMIT_SECONDS);
	if (wait4(pid, &status, 0, &r) != pid)
		fail(c, "has not ended in time", err);
	alarm(0);
	check_status(c, status, err);
	add(u, &r);
}

void reap_rest(const struct command *c, int err, struct usage *u)
{
	struct timespec pause = {0, 1000000};
	struct rusage r;
	int status;
	pid_t pid;

	for (int tries = 0; (pid = wait4(-1, &status, WNOHANG, &r)) >= 0;) {
		if (pid > 0) {
			check_status(c, status, err);
			add(u, &r);
		} else if (++tries > 2000) {
			fail(c, "has left a process behind", err);
		} else {
			nanosleep(&pause, NULL);
		}
	}
}
