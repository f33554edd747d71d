// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/plan"
)

// hook has the hook of an op run.
func (s *start) hook(op, root int) error {
	if op < len(s.plan.Ops) {
		if h, ok := s.plan.Ops[op].(plan.Hook); ok {
			return s.cfg.Hook(&h, HookPoint{s.pid, root, s.handles.Ours, s.group.fd()})
		}
	}
	return &Error{Op: "heed the child", Err: unix.EPROTO}
}

// Fork makes a child process that runs a function with arg and has no Go runtime: run and what it calls have to be nosplit, make raw
// system calls only, and never return. What arg points to has to stay alive until Fork has returned; the child has a copy.
//
//go:noinline
//go:norace
//go:nocheckptr
func Fork(run func(arg unsafe.Pointer), arg unsafe.Pointer) (pid int, errno syscall.Errno) {
	beforeFork()
	p, _, e := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 || p != 0 {
		afterFork()
		return int(p), e
	}
	afterForkInChild()
	run(arg)
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
	}
}
