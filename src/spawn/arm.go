// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"runtime"

	"golang.org/x/sys/unix"

	"gojail/src/inject"
	"gojail/src/kernel"
	"gojail/src/plan"
)

// A filter that does not allow execve, as those of OpenWrt's services, is loaded at the payload's entry point. The child is traced from
// before its first exec on:
//
//	our program ──SyncTrace──> (traced) ──exec──> trampoline ──exec──> loader ──> entry point ──> filter, untraced

// trace begins to trace the child, which waits. The thread is ours until arm, or release.
func (s *start) trace() error {
	o, _ := filter(s.plan)
	if o == nil || o.When != plan.AtEntry || s.tracee != nil {
		return &Error{Op: "heed the child", Err: unix.EPROTO}
	}
	runtime.LockOSThread()
	t, err := kernel.Trace(s.pid)
	if err == nil && s.still() != nil { // it may have been another's pid by then
		t.Abandon()
		err = ErrCancelled
	}
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	s.tracee = &t
	return nil
}

// arm follows the child to the payload's entry point and loads the filter there. If the child ends on the way that is no error: it has
// said why, or somebody has killed it. After an error it has ended.
func (s *start) arm() error {
	t := s.tracee
	s.tracee = nil
	defer runtime.UnlockOSThread()
	err := s.armTracee(t)
	if err == nil || err == inject.ErrEnded {
		return nil
	}
	t.Kill()
	for stop := (kernel.Stop{}); !stop.Ended; {
		var gone error
		if stop, gone = t.Wait(); gone != nil {
			break
		}
		_ = t.Go(0)
	}
	if kernel.ErrnoOf(err) == unix.ESRCH { // it had been killed before
		return nil
	}
	return err
}

// release lets a child that is not armed go: it is about to end.
func (s *start) release() {
	if s.tracee != nil {
		s.tracee.Kill()
		s.tracee = nil
		runtime.UnlockOSThread()
	}
}

func (s *start) armTracee(t *kernel.Tracee) error {
	o, _ := filter(s.plan)
	err := inject.Next(t) // the trampoline
	if err == nil {
		err = t.Go(0)
	}
	if err == nil {
		err = inject.Next(t) // the payload
	}
	if err == nil {
		err = inject.Load(t, s.proc, insns(o.Filter.Program), o.Filter.Flags)
	}
	if err == nil {
		err = t.Detach()
	}
	if e, ok := err.(*inject.Error); ok {
		hint := e.Hint
		if e.Load {
			hint = hintFor(*o, e.Err)
		}
		return &Error{Op: o.Words() + " at the program's entry point", Err: e.Err, Hint: hint}
	}
	return err
}
