// SPDX-License-Identifier: LGPL-2.1-only
//
// The floor of the benchmark: what the bundle of `runc spec` (terminal off, a cgroup namespace added) asks for, by hand and as
// directly as C can, in a control group of its own as a runtime gives it. It reads no config.json and resolves no path safely; a runtime that is general and safe can only be
// slower. It is no jail to use.
//
//	floor [-b COUNT SOURCE] [-d] [-u] ROOTFS PROGRAM [ARG...]
//
//	-b  add COUNT read-only bind mounts of SOURCE on /b/0, /b/1, ... (directories that are there already)
//	-d  end when the payload's process exists; it goes on without a supervisor, and without a control group of its own
//	-u  add a user namespace: container ids 0 to 65535 are host ids 100000 to 165535
//
// The exit status is the payload's, 128 + signal if it was killed, 125 if the floor itself failed.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define CAPABILITIES (1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE)
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct {
	int binds;
	const char *source;
	int detach, userns;
	const char *rootfs;
	char **args;
} option;

static const struct {
	const char *path;
	int make; // not part of the rootfs
	const char *type, *source;
	unsigned long flags;
	const char *data;
} mounts[] = {
	{"proc", 0, "proc", "proc", 0, NULL},
	{"dev", 0, "tmpfs", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"},
	{"dev/pts", 1, "devpts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"},
	{"dev/shm", 1, "tmpfs", "shm", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k"},
	{"dev/mqueue", 1, "mqueue", "mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL},
	{"sys", 0, "sysfs", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL},
	{"sys/fs/cgroup", 0, "cgroup2", "cgroup", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RELATIME | MS_RDONLY, NULL},
};

static const struct {
	const char *path;
	unsigned major, minor;
} devices[] = {
	{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
	{"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
};

static const char *const links[][2] = {
	{"/proc/self/fd", "dev/fd"},
	{"/proc/self/fd/0", "dev/stdin"},
	{"/proc/self/fd/1", "dev/stdout"},
	{"/proc/self/fd/2", "dev/stderr"},
	{"pts/ptmx", "dev/ptmx"},
};

static const char *const masked[] = {
	"proc/acpi", "proc/asound", "proc/kcore", "proc/keys", "proc/latency_stats",
	"proc/timer_list", "proc/timer_stats", "proc/sched_debug", "sys/firmware", "proc/scsi",
};

static const char *const readonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};

static void die(const char *what, const char *path)
{
	fprintf(stderr, "floor: %s %s: %s\n", what, path, strerror(errno));
	_exit(125);
}

static void mount_all(void)
{
	char path[32];

	for (size_t i = 0; i < COUNT(mounts); i++) {
		if (mounts[i].make && mkdir(mounts[i].path, 0755) != 0)
			die("mkdir", mounts[i].path);
		if (mount(mounts[i].source, mounts[i].path, mounts[i].type, mounts[i].flags, mounts[i].data) != 0)
			die("mount on", mounts[i].path);
	}
	for (int i = 0; i < option.binds; i++) {
		snprintf(path, sizeof(path), "b/%d", i);
		if (mount(option.source, path, NULL, MS_BIND, NULL) != 0 ||
		    mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
			die("bind on", path);
	}
}

static void make_devices(void)
{
	for (size_t i = 0; i < COUNT(devices); i++) {
		const char *path = devices[i].path;
		char host[32];

		if (!option.userns) {
			if (mknod(path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) != 0)
				die("mknod", path);
			continue;
		}
		snprintf(host, sizeof(host), "/%s", path);
		if (mknod(path, S_IFREG | 0666, 0) != 0 || mount(host, path, NULL, MS_BIND, NULL) != 0)
			die("bind on", path);
	}
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlink(links[i][0], links[i][1]) != 0)
			die("symlink", links[i][1]);
}

static void protect(void)
{
	for (size_t i = 0; i < COUNT(readonly); i++) {
		const char *path = readonly[i];

		if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) != 0) {
			if (errno == ENOENT)
				continue;
			die("bind on", path);
		}
		if (mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
			die("make read-only", path);
	}
	for (size_t i = 0; i < COUNT(masked); i++) {
		const char *path = masked[i];

		if (mount("/dev/null", path, NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
			continue;
		if (errno != ENOTDIR || mount("tmpfs", path, "tmpfs", MS_RDONLY, NULL) != 0)
			die("mask", path);
	}
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		die("set up", "lo");
}

static void restrict_self(void)
{
	struct rlimit files = {1024, 1024};
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2] = {{CAPABILITIES, CAPABILITIES, 0}, {0, 0, 0}};

	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		die("limit", "NOFILE");
	for (unsigned c = 0; prctl(PR_CAPBSET_READ, c) >= 0; c++)
		if ((c > 31 || !(CAPABILITIES & 1u << c)) && prctl(PR_CAPBSET_DROP, c) != 0)
			die("drop", "capability");
	if (syscall(SYS_capset, &header, sets) != 0)
		die("set", "capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		die("set", "no_new_privs");
}

static void child(void)
{
	static char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL};
	unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY;

	setsid();
	umask(0);
	if (option.userns && (setgid(0) != 0 || setuid(0) != 0))
		die("become", "root");
	if (syscall(SYS_unshare, CLONE_NEWCGROUP) != 0) // its root is the control group that we are in by now
		die("make a", "cgroup namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		die("make private", "/");
	if (mount(option.rootfs, option.rootfs, NULL, MS_BIND | MS_REC, NULL) != 0 || chdir(option.rootfs) != 0)
		die("bind", option.rootfs);
	mount_all();
	make_devices();
	protect();
	if (mount(NULL, ".", NULL, flags, NULL) != 0)
		die("make read-only", option.rootfs);
	if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		die("pivot_root to", option.rootfs);
	if (sethostname("runc", 4) != 0)
		die("set", "hostname");
	loopback_up();
	restrict_self();
	umask(022);
	syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	execve(option.args[0], option.args, env);
	die("exec", option.args[0]);
}

static void write_map(pid_t pid, const char *name)
{
	static const char map[] = "0 100000 65536";
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, sizeof(map) - 1) != (ssize_t)sizeof(map) - 1)
		die("write", path);
	close(fd);
}

static void usage(void)
{
	fputs("usage: floor [-b COUNT SOURCE] [-d] [-u] ROOTFS PROGRAM [ARG...]\n", stderr);
	exit(125);
}

static void parse(char **argv)
{
	for (argv++; *argv && **argv == '-'; argv++) {
		if (strcmp(*argv, "-b") == 0 && argv[1] && argv[2]) {
			option.binds = atoi(*++argv);
			option.source = *++argv;
		} else if (strcmp(*argv, "-d") == 0) {
			option.detach = 1;
		} else if (strcmp(*argv, "-u") == 0) {
			option.userns = 1;
		} else {
			usage();
		}
	}
	if (!argv[0] || !argv[1])
		usage();
	option.rootfs = argv[0];
	option.args = argv + 1;
}

int main(int argc, char **argv)
{
	struct clone_args args = {.flags = NAMESPACES, .exit_signal = SIGCHLD};
	int ready[2] = {-1, -1}, status;
	char byte = 0, group[64];

	(void)argc;
	parse(argv);
	if (option.userns) {
		args.flags |= CLONE_NEWUSER;
		if (pipe2(ready, O_CLOEXEC) != 0)
			die("make a", "pipe");
	}
	if (!option.detach) {
		int fd;

		snprintf(group, sizeof(group), "/sys/fs/cgroup/gojail-floor-%d", (int)getpid());
		if (mkdir(group, 0755) != 0 || (fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			die("make", group);
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned long long)fd;
	}
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		die("clone3 of", "the payload");
	if (pid == 0) {
		if (option.userns && read(ready[0], &byte, 1) != 1)
			die("wait for", "the id maps");
		child();
	}
	if (option.userns) {
		write_map(pid, "uid_map");
		write_map(pid, "gid_map");
		if (write(ready[1], &byte, 1) != 1)
			die("start", "the payload");
	}
	if (option.detach)
		return 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait for", "the payload");
	if (rmdir(group) != 0)
		die("remove", group);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
