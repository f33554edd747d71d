// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/program"
)

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// cloneArgs is struct clone_args of clone3(2).
type cloneArgs struct {
	flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls, setTid, setTidSize, cgroup uint64
}

// clone makes a process and runs a program in it. What fails there is written to errfd as {instruction, errno}.
//
// With CLONE_PARENT our parent becomes its parent; the exit signal must then be 0 and becomes the one this process was cloned
// with (CHLD). The process starts in the control group of the descriptor cgroup, if there is one. Where a seccomp filter or an
// old emulator hides clone3, clone does, and the process is where we are: moved is false.
//
//go:noinline
//go:norace
//go:nocheckptr
func clone(flags, exitSignal uintptr, cgroup int, code program.Code, errfd uintptr) (child int, moved bool, errno syscall.Errno) {
	args := cloneArgs{flags: uint64(flags), exitSignal: uint64(exitSignal)}
	moved = true
	if cgroup >= 0 {
		args.flags, args.cgroup = args.flags|unix.CLONE_INTO_CGROUP, uint64(cgroup)
	}
	beforeFork()
	pid, _, e := syscall.RawSyscall6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0, 0, 0, 0)
	if e == syscall.ENOSYS {
		pid, _, e = syscall.RawSyscall6(unix.SYS_CLONE, flags|exitSignal, 0, 0, 0, 0, 0)
		moved = false
	}
	if e != 0 || pid != 0 {
		afterFork()
		return int(pid), moved, e
	}
	afterForkInChild()
	if inherit.slack > 0 {
		syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, inherit.slack, 0, 0, 0, 0)
	}
	if inherit.length > 0 {
		syscall.RawSyscall(unix.SYS_SCHED_SETAFFINITY, 0, inherit.length, uintptr(inherit.cpus))
	}
	i, failed := program.Run(code)
	report := [3]uint32{uint32(i), uint32(failed), 0}
	syscall.RawSyscall(unix.SYS_WRITE, errfd, uintptr(unsafe.Pointer(&report)), unsafe.Sizeof(report))
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
		*(*int)(nil) = 0 // a seccomp filter may forbid even that
	}
}

// inherit is what every process that is made here starts with, whatever the thread that makes it has.
var inherit struct {
	slack, length uintptr
	cpus          unsafe.Pointer
}

// Inherit says how late timers may be (nanoseconds; 0: as for us) and on which processors to run (empty: as we) in all processes that are
// made from here on.
func Inherit(slack int, cpus []byte) {
	inherit.slack, inherit.length, inherit.cpus = uintptr(slack), uintptr(len(cpus)), unsafe.Pointer(unsafe.SliceData(cpus))
}

// hasClone3 tells whether the kernel, or what stands between us and it, has clone3: it refuses nothing but the size of its arguments.
func hasClone3() bool {
	_, _, e := syscall.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	return e == unix.EINVAL
}

// withUserNamespace calls f with the pid of a process in a new user namespace, which ends when f returns.
func withUserNamespace(ours, theirs int, f func(pid int) error) error {
	prog := program.Idle(ours, theirs)
	pid, _, e := clone(unix.CLONE_NEWUSER, uintptr(unix.SIGCHLD), -1, prog.Code(), uintptr(theirs))
	runtime.KeepAlive(prog)
	if e != 0 {
		return e
	}
	defer func() {
		unix.Kill(pid, unix.SIGKILL)
		var st unix.WaitStatus
		for {
			if _, err := unix.Wait4(pid, &st, 0, nil); err != unix.EINTR {
				break
			}
		}
	}()
	return f(pid)
}
