// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/seccomp"
	"gojail/src/trampoline"
)

// filter is the plan's seccomp filter, and its place in the plan; nil if there is none.
func filter(p *plan.Plan) (*plan.Seccomp, int) {
	for i, op := range p.Ops {
		if o, ok := op.(plan.Seccomp); ok {
			return &o, i
		}
	}
	return nil, 0
}

// WithFilter adds to the trampoline's image the filter that it is to load, if the plan has one for it.
func WithFilter(image []byte, p *plan.Plan) []byte {
	o, _ := filter(p)
	if o == nil || o.When != plan.Last {
		return image
	}
	return trampoline.WithFilter(image, insns(o.Filter.Program), o.Filter.Flags, o.Filter.Notifies)
}

// insns are the bytes of a program: seccomp.Insn is struct sock_filter.
func insns(program []seccomp.Insn) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&program[0])), len(program)*int(unsafe.Sizeof(program[0])))
}

// listener fetches the listener of the child's filter and passes it on. The trampoline, which is last, may have been traced by somebody:
// what it has told need not be one. It has to be answered.
func (s *start) listener(fd int, last bool) error {
	fail := func(err error) error { return &plan.Error{Where: "linux.seccomp.listenerPath", Reason: err.Error()} }
	meddled := &Error{Op: "fetch the listener of the seccomp filter", Err: unix.EPROTO, Hint: "somebody has meddled with the child"}
	o, _ := filter(s.plan)
	if o == nil || !o.Filter.Notifies || (o.When == plan.Last) != last || s.listened {
		return meddled
	}
	s.listened = true
	listener, err := kernel.TakeFD(s.pid, fd)
	if err != nil {
		return fail(err)
	}
	defer kernel.Close(listener)
	if err := s.still(); err != nil {
		return err
	}
	if !kernel.IsListener(listener) {
		return meddled
	}
	if err := s.cfg.Listener(o.Profile.ListenerPath, o.Profile.ListenerMetadata, s.pid, listener); err != nil {
		return fail(err)
	}
	if !last {
		return nil
	}
	return kernel.Send(s.handles.Ours, []byte{1})
}
