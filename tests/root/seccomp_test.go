// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// filter gives the container a seccomp profile.
func filter(fallback specs.LinuxSeccompAction, rules ...specs.LinuxSyscall) edit {
	return func(s *specs.Spec) { s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: fallback, Syscalls: rules} }
}

func rule(action specs.LinuxSeccompAction, names ...string) specs.LinuxSyscall {
	return specs.LinuxSyscall{Names: names, Action: action}
}

// errnoRule answers the calls with an errno.
func errnoRule(e syscall.Errno, names ...string) specs.LinuxSyscall {
	ret := uint(e)
	return specs.LinuxSyscall{Names: names, Action: specs.ActErrno, ErrnoRet: &ret}
}

// newPrivileges lets the payload gain privileges by an exec: the filter is then loaded before they are given up.
func newPrivileges(s *specs.Spec) { s.Process.NoNewPrivileges = false }

// both runs a test with a filter that the trampoline loads, and with one that is loaded before.
func both(t *testing.T, f func(t *testing.T, when edit)) {
	t.Run("last", func(t *testing.T) { f(t, func(*specs.Spec) {}) })
	t.Run("early", func(t *testing.T) { f(t, newPrivileges) })
	t.Run("user namespace, early", func(t *testing.T) {
		f(t, func(s *specs.Spec) {
			newPrivileges(s)
			shifted(s)
		})
	})
}

// probe makes a payload of the probe that makes a system call.
func probe(b *bundle, name string, number int, a ...uint64) *bundle {
	b.t.Helper()
	program, err := os.ReadFile(programDir + "/" + name)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("probe", string(program), 0o755)
	b.spec.Process.Args = []string{"/probe", strconv.Itoa(number)}
	for _, v := range a {
		b.spec.Process.Args = append(b.spec.Process.Args, strconv.FormatUint(v, 10))
	}
	return b
}

func TestSeccompErrno(t *testing.T) {
	both(t, func(t *testing.T, when edit) {
		b := newBundle(t, when, filter(specs.ActAllow, errnoRule(unix.EXDEV, "mkdir", "mkdirat")),
			script("mkdir /dev/shm/x 2>&1; grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status"))
		want := "1"
		if !b.spec.Process.NoNewPrivileges {
			want = "0"
		}
		b.run().prints("mkdir: can't create directory '/dev/shm/x': Invalid cross-device link\nNoNewPrivs:\t" + want + "\nSeccomp:\t2\n")
	})
}

// The C program returned errno 0 by default: what was denied seemed to succeed.
func TestD14SeccompDefaultErrno(t *testing.T) {
	for name, ret := range map[string]*uint{"1": nil, "38": new(uint), "0": new(uint)} {
		if ret != nil {
			n, _ := strconv.Atoi(name)
			*ret = uint(n)
		}
		b := newBundle(t, filter(specs.ActErrno, rule(specs.ActAllow, nearlyAll("getpid")...)))
		b.spec.Linux.Seccomp.DefaultErrnoRet = ret
		if name == "0" {
			probe(b, "probe", unix.SYS_GETPID).run().prints("done\n") // asked for
			continue
		}
		probe(b, "probe", unix.SYS_GETPID).run().prints("errno " + name + "\n")
	}
}

// nearlyAll are several hundred names, without one.
func nearlyAll(without ...string) (list []string) {
	for _, name := range strings.Fields(`accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres clock_gettime clock_nanosleep
		clone clone3 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait
		epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod
		fchmodat fchown fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fsync
		ftruncate futex futimesat get_robust_list getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer
		getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid
		getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
		io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill lchown lgetxattr link
		linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise membarrier memfd_create mincore mkdir
		mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend
		mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap nanosleep newfstatat open openat openat2
		pause pidfd_open pipe pipe2 poll ppoll prctl pread64 preadv preadv2 prlimit64 process_madvise pselect6 pwrite64 pwritev
		pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr rename
		renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
		rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
		sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
		sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto
		set_robust_list set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid
		setresuid setreuid setrlimit setsid setsockopt setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd
		signalfd4 socket socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill
		time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
		timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev
		_llseek _newselect waitpid sigreturn sigaction sigprocmask ugetrlimit getuid32 geteuid32 getgid32 getegid32 set_thread_area stat64 lstat64
		clock_gettime64 futex_time64 setgroups32 setresuid32 setresgid32 cacheflush set_tls riscv_flush_icache riscv_hwprobe`) {
		if !slices.Contains(without, name) {
			list = append(list, name)
		}
	}
	return list
}

// One rule with hundreds of calls: in the C program the jumps overflowed, and blocked some of them.
func TestD15SeccompHundredsOfCalls(t *testing.T) {
	both(t, func(t *testing.T, when edit) {
		newBundle(t, when, filter(specs.ActKillProcess, rule(specs.ActAllow, nearlyAll("mkdir", "mkdirat")...)),
			script("echo one; ls / >/dev/null; (echo two) | cat")).run().prints("one\ntwo\n")
		newBundle(t, when, filter(specs.ActKillProcess, rule(specs.ActAllow, nearlyAll("mkdir", "mkdirat")...)),
			script("echo one; exec mkdir /dev/shm/x")).run().ends(128 + int(unix.SIGSYS))
	})
}

// Arguments are compared with all their bits: the C program looked at 32.
func TestD16SeccompWholeArguments(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("arguments have 32 bits here")
	}
	five := filter(specs.ActAllow, specs.LinuxSyscall{Names: []string{"getpid"}, Action: specs.ActErrno,
		Args: []specs.LinuxSeccompArg{{Index: 2, Value: 5, Op: specs.OpEqualTo}}})
	probe(newBundle(t, five), "probe", unix.SYS_GETPID, 0, 0, 5).run().prints("errno 1\n")
	probe(newBundle(t, five), "probe", unix.SYS_GETPID, 0, 0, 1<<32+5).run().prints("done\n")
	probe(newBundle(t, five), "probe", unix.SYS_GETPID, 0, 0, 4).run().prints("done\n")
}

// A profile without rules is refused by the C program.
func TestD16SeccompNoRules(t *testing.T) {
	both(t, func(t *testing.T, when edit) {
		newBundle(t, when, filter(specs.ActAllow), script("echo ran")).run().prints("ran\n")
		newBundle(t, when, filter(specs.ActLog), script("echo ran")).run().prints("ran\n")
	})
	newBundle(t, filter(specs.ActErrno), script("echo ran")).run().refused("config.json: linux.seccomp: forbids execve")
}

func TestSeccompActions(t *testing.T) {
	for action, want := range map[specs.LinuxSeccompAction]int{
		specs.ActKill: sigsys, specs.ActKillThread: sigsys, specs.ActKillProcess: sigsys, specs.ActTrap: sigsys, specs.ActLog: 0, specs.ActAllow: 0,
	} {
		t.Run(string(action), func(t *testing.T) {
			newBundle(t, filter(specs.ActErrno, rule(specs.ActAllow, nearlyAll("mkdir", "mkdirat")...), rule(action, "mkdir", "mkdirat")),
				args("/bin/mkdir", "/dev/shm/x")).run().ends(want)
		})
	}
	t.Run("SCMP_ACT_TRACE without a tracer", func(t *testing.T) {
		probe(newBundle(t, filter(specs.ActAllow, rule(specs.ActTrace, "getpid"))), "probe", unix.SYS_GETPID).
			run().prints("errno " + strconv.Itoa(int(unix.ENOSYS)) + "\n")
	})
}

func TestSeccompFlags(t *testing.T) {
	both(t, func(t *testing.T, when edit) {
		b := newBundle(t, when, filter(specs.ActAllow), script("echo ran"))
		b.spec.Linux.Seccomp.Flags = []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow, "SECCOMP_FILTER_FLAG_TSYNC",
			specs.LinuxSeccompFlagWaitKillableRecv}
		b.run().prints("ran\n")
	})
}

// Programs of the 32-bit companion have their own numbers. Not listed, they are killed.
func TestSeccompCompanion(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("programs for 386 run on amd64 only")
	}
	const mkdir386, mkdirAMD64 = 39, 83 // the first is amd64's getpid
	forbidden := filter(specs.ActAllow, errnoRule(unix.EXDEV, "mkdir"))
	listed := func(s *specs.Spec) {
		s.Linux.Seccomp.Architectures = []specs.Arch{specs.ArchX86_64, specs.ArchX86, specs.ArchX32}
	}
	probe(newBundle(t, forbidden), "probe386", mkdir386).run().ends(128 + int(unix.SIGSYS))
	probe(newBundle(t, forbidden, listed), "probe386", mkdir386).run().prints("errno 18\n")
	probe(newBundle(t, forbidden, listed), "probe386", 20).run().prints("done\n") // getpid
	probe(newBundle(t, forbidden, listed), "probe", mkdir386).run().prints("done\n")
	// x32 calls have amd64's architecture and a bit of their own: forbidden ones do not come back by it.
	probe(newBundle(t, forbidden), "probe", 1<<30+unix.SYS_GETPID).run().ends(128 + int(unix.SIGSYS))
	probe(newBundle(t, forbidden, listed), "probe", 1<<30+mkdirAMD64).run().prints("errno 18\n")
}

// What the profile says about calls on the way to the payload is reported, not passed over.
func TestSeccompOnTheWay(t *testing.T) {
	zero := specs.LinuxSeccompArg{Index: 5, Value: 1 << 40, Op: specs.OpNotEqual} // always
	conditional := func(r specs.LinuxSyscall) specs.LinuxSyscall {
		r.Args = []specs.LinuxSeccompArg{zero}
		return r
	}
	newBundle(t, newPrivileges, filter(specs.ActAllow, errnoRule(unix.EXDEV, "capset")), script("echo ran")).run().
		refused("config.json: linux.seccomp: forbids capset: without process.noNewPrivileges")
	newBundle(t, newPrivileges, filter(specs.ActAllow, conditional(errnoRule(unix.EXDEV, "capset"))), script("echo ran")).run().
		refused("set capabilities: invalid cross-device link", "the seccomp profile, which is in force already, does not seem to allow it")
	newBundle(t, newPrivileges, filter(specs.ActAllow, conditional(rule(specs.ActKillProcess, "capset"))), script("echo ran")).run().ends(128 + int(unix.SIGSYS))
	// nothing can be said any more, and nobody hangs
	newBundle(t, newPrivileges, filter(specs.ActAllow, conditional(errnoRule(unix.EXDEV, "capset", "write", "exit_group"))), script("echo ran")).run().
		ends(128 + int(unix.SIGSEGV))
	newBundle(t, filter(specs.ActAllow, rule(specs.ActKillProcess, "capset", "setresuid", "setresgid", "setgroups", "execveat", "seccomp")), script("echo ran")).
		run().prints("ran\n") // none of which comes after the filter
	newBundle(t, filter(specs.ActAllow), args("/no/such/program")).run().ends(127)
	script := newBundle(t, filter(specs.ActAllow, conditional(errnoRule(unix.EXDEV, "execve"))), args("/bin/true"))
	script.run().ends(126).says("exec /bin/true: invalid cross-device link")
}

func TestSeccompRefusals(t *testing.T) {
	op := specs.LinuxSyscall{Names: []string{"mount"}, Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{{Op: "NEAR"}}}
	newBundle(t, filter(specs.ActAllow, op)).run().refused("config.json: linux.seccomp.syscalls[0].args[0].op: unknown operator")
	newBundle(t, filter("SCMP_ACT_FLY")).run().refused("config.json: linux.seccomp.defaultAction: unknown action")
	newBundle(t, filter(specs.ActAllow, rule(specs.ActErrno, "fly")), annotation("run.oci.seccomp_fail_unknown_syscall", "1")).run().
		refused(`linux.seccomp.syscalls[0].names[0]: unknown system call "fly"`)
	newBundle(t, filter(specs.ActAllow, rule(specs.ActErrno, "fly")), script("echo ran")).run().prints("ran\n")
}
