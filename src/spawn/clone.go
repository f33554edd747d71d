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
// with (CHLD). Where a seccomp filter or an old emulator hides clone3, clone does.
//
//go:noinline
//go:norace
//go:nocheckptr
func clone(flags, exitSignal uintptr, code program.Code, errfd uintptr) (int, syscall.Errno) {
	args := cloneArgs{flags: uint64(flags), exitSignal: uint64(exitSignal)}
	beforeFork()
	pid, _, e := syscall.RawSyscall6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0, 0, 0, 0)
	if e == syscall.ENOSYS {
		pid, _, e = syscall.RawSyscall6(unix.SYS_CLONE, flags|exitSignal, 0, 0, 0, 0, 0)
	}
	if e != 0 || pid != 0 {
		afterFork()
		return int(pid), e
	}
	afterForkInChild()
	i, errno := program.Run(code)
	report := [3]uint32{uint32(i), uint32(errno), 0}
	syscall.RawSyscall(unix.SYS_WRITE, errfd, uintptr(unsafe.Pointer(&report)), unsafe.Sizeof(report))
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
	}
}

func cloneAndRun(namespaces uintptr, code program.Code, errfd uintptr) (int, syscall.Errno) {
	return clone(namespaces|unix.CLONE_PARENT, 0, code, errfd)
}

// withUserNamespace calls f with the pid of a process in a new user namespace, which ends when f returns.
func withUserNamespace(ours, theirs int, f func(pid int) error) error {
	prog := program.Idle(ours, theirs)
	pid, e := clone(unix.CLONE_NEWUSER, uintptr(unix.SIGCHLD), prog.Code(), uintptr(theirs))
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
