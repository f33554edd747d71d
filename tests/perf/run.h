// SPDX-License-Identifier: LGPL-2.1-only
//
// What timer, burst and idle share: a list of commands to compare, how one is started, and how its whole tree is reaped.
//
//	PROGRAM [-s SET] [-n ROUNDS] [-j JOBS] [-i PREFIX] NAME COMMAND [ARG...] [+ NAME COMMAND [ARG...]]...
//
// An argument "@" of a command becomes PREFIX-NUMBER, another number each time. All times are nanoseconds of CLOCK_MONOTONIC.
// Every failure ends the program with the command's own standard error and status 1; it becomes a subreaper, so that no process
// of a command can hide from it.

#ifndef RUN_H
#define RUN_H

#include <stdint.h>
#include <sys/types.h>

#define MAX_COMMANDS 8
#define MAX_JOBS 1000
#define LIMIT_SECONDS 60 // for one run, then it is a failure

struct command {
	const char *name;
	char **argv;
};

struct setup {
	const char *set, *prefix;
	int rounds, jobs;
	struct command commands[MAX_COMMANDS];
	int count;
};

// What a tree of processes has used, when it has ended.
struct usage {
	int64_t cpu_us;
	long rss_kib; // the peak of the largest process
};

// setup_parse reads the command line and prepares this process.
void setup_parse(struct setup *s, int argc, char **argv);

// command_of gives the command whose turn it is: the order moves on by one place each round.
const struct command *command_of(const struct setup *s, int round, int place);

int64_t now_ns(void);

// pipe_open makes a pipe, err_open a file for what a command says on standard error. Both are closed on exec.
void pipe_open(int ends[2]);
int err_open(void);

// launch forks a process that waits until it can read a byte from gate (unless that is -1), notes the time (begun_ns gives the
// latest) and executes the command with the three descriptors.
pid_t launch(const struct setup *s, const struct command *c, int in, int out, int err, int gate);
int64_t begun_ns(void);

// read_stamp reads one stamp of a payload. err is shown if none comes.
int64_t read_stamp(const struct command *c, int out, int err);

// reap waits for a child, which must end with status 0, and adds up what it and those it has waited for have used.
void reap(const struct command *c, pid_t pid, int err, struct usage *u);

// reap_rest reaps what the command's processes left to this one: status 0, within two seconds.
void reap_rest(const struct command *c, int err, struct usage *u);

// check ends the program in the words of errno if result is negative.
void check(int result, const char *what);

// fail ends the program; err (or -1) is a file of err_open.
void fail(const struct command *c, const char *what, int err) __attribute__((noreturn));

#endif
