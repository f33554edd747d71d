// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"syscall"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
	"gojail/src/trampoline"
)

// What is needed for a process in a container that runs (plan.Running).

// The trampoline speaks the child's language.
var _ = [1]struct{}{}[(program.SyncExec-trampoline.ReportExec)|(program.SyncBorn-trampoline.ReportBorn)]

// joined tells whether the process that executes the payload is made by the trampoline.
func (s *start) joined() bool {
	exec, ok := s.plan.Ops[len(s.plan.Ops)-1].(plan.Exec)
	return ok && exec.Joined
}

// born announces the process that the trampoline has made.
func (s *start) born(pid int) error {
	if pid <= 0 {
		errno, hint := syscall.Errno(-pid), ""
		if errno == unix.ENOMEM {
			hint = "if the container's first process has ended nothing can be started there any more"
		}
		return &Error{Op: "make a process in the container's pid namespace", Err: errno, Hint: hint}
	}
	s.pid = pid
	if err := s.cfg.Parent.Announce(pid, false); err != nil {
		return err
	}
	if kernel.Send(s.handles.Ours, []byte{1}) != nil {
		return ErrCancelled
	}
	return nil
}

// openStdio opens what becomes the process' standard input, output and error.
func (s *start) openStdio() (err error) {
	fd := s.cfg.Stdio
	if fd < 0 {
		if fd, err = kernel.Open("/dev/null", unix.O_RDWR); err != nil {
			return err
		}
		defer kernel.Close(fd)
	}
	s.handles.Stdio, err = kernel.DupAbove(fd, program.FirstFD+s.cfg.Keep)
	return err
}

// useGroup has the process start in a control group that is there.
func (s *start) useGroup() error {
	if s.cfg.Cgroup < 0 {
		return nil
	}
	fd, err := kernel.DupAbove(s.cfg.Cgroup, program.FirstFD+s.cfg.Keep)
	if err != nil {
		return err
	}
	s.group = &group{plan: &plan.Cgroup{}}
	s.group.Cgroup, err = kernel.CgroupAt(fd)
	return err
}
