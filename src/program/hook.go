// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"golang.org/x/sys/unix"

	"gojail/src/plan"
)

// HookHandles are the descriptors that a hook's program finds open. They stay the caller's; those that are used are FirstFD or higher.
type HookHandles struct {
	Report     int // what fails is said there, as on the sync socket, and by the trampoline
	Life       int // end of a socket whose other one, LifeOther, is the parent's; the process closes its copy of that
	LifeOther  int
	Trampoline int
	Stdin      int // becomes standard input; standard output becomes what standard error is
	Cwd        int // working directory, or -1
	Container  int // pidfd of the process whose Namespaces are joined, or -1. Its pid namespace is not: that is for a process' children
	Namespaces plan.Namespace
	Raise      []plan.Rlimit // set before the join, which may take the right to raise a hard limit away
	Limits     []plan.Rlimit // see Handles
}

// Hook is a program for a process that becomes a hook: it joins, runs ops, of which the last is an Exec, and has the trampoline execute
// the hook. Its Op is 1 more than the position in ops, and 0 for what comes before them.
func Hook(ops []plan.Op, h *HookHandles) *Program {
	c := compileHook(ops, h)
	c.link()
	return &c.Program
}

func compileHook(ops []plan.Op, h *HookHandles) *compiler {
	c := &compiler{h: &Handles{Theirs: h.Report, LifeLine: h.Life, Trampoline: h.Trampoline, Limits: h.Limits}, hook: true}
	c.prepare(len(ops))
	c.first = append(c.first, 0)
	c.call(unix.SYS_CLOSE, num(h.LifeOther))
	c.dieWithParent()
	c.call(unix.SYS_SETSID)
	for _, l := range h.Raise {
		c.rlimit(l)
	}
	if h.Container >= 0 {
		c.undumpable()
		if h.Namespaces&plan.NewUser != 0 { // it may deny setgroups
			c.joinedUser = true
			c.call(sysSetgroups, num(0), none).mayFail(unix.EPERM)
		}
		c.call(unix.SYS_SETNS, num(h.Container), num(uint32(h.Namespaces&^plan.NewPID)))
	}
	c.call(unix.SYS_DUP3, num(h.Stdin), num(0), none)
	c.call(unix.SYS_DUP3, num(2), num(1), none)
	if h.Cwd >= 0 {
		c.call(unix.SYS_FCHDIR, num(h.Cwd))
	}
	for _, op := range ops {
		c.first = append(c.first, uint32(c.here()))
		c.op(op)
	}
	return c
}
