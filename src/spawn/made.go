// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
	"gojail/src/trampoline"
)

// A Maker is a Parent that makes its child itself, out of less memory than ours, while we prepare what the child is to do.
type Maker interface {
	Parent
	// Make has the child made with these flags of clone(2), in the control group of a descriptor if that is not -1. It waits on sync for
	// its program. Both descriptors stay the caller's. Nothing needs to be announced but the process of a Fork.
	Make(flags uint32, sync, cgroup int, first bool) error
	// Ahead says that the child may begin before Made has told of it.
	Ahead() bool
	// Made waits until the child exists. ECANCELED: the container was ended before.
	Made() (pid int, moved bool, err error)
	// Give sends the child's program on the other end of its sync. It is to be mapped from file, which has size bytes, at addr: first insns
	// instructions, from data on the data. The child gets fds as program.FirstFD and up. All descriptors stay the caller's.
	Give(sync, file int, addr uintptr, size, insns, data int, fds []int) error
}

// maxGiven is how many descriptors of a plan a child is given; others come with them.
const maxGiven = 200

// startMade is Start with a Maker.
func (s *start) startMade(m Maker) (pid int, err error) {
	if err := m.Make(uint32(s.plan.Clone), s.handles.Theirs, s.group.fd(), has[plan.Fork](s.plan) || s.joined()); err != nil {
		return 0, err
	}
	kernel.Close(s.handles.Theirs)
	kernel.Close(s.handles.LifeLine)
	s.handles.Theirs, s.handles.LifeLine = -1, -1
	if err := s.open(); err != nil {
		return 0, err
	}
	view, fds := s.inChild()
	prog := program.BuildUnlinked(s.plan, view)
	insns, data := prog.Parts()
	file, err := kernel.NewRegion("program", len(insns)+len(data))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	prog.LinkAt(file.Addr() + uintptr(len(insns)))
	for _, part := range [...][]byte{insns, data} {
		if err := kernel.WriteAll(file.FD, "program", part); err != nil {
			return 0, err
		}
	}
	give := func() error {
		return m.Give(s.handles.Ours, file.FD, file.Addr(), file.Size, prog.Len(), len(insns), fds)
	}
	ahead := m.Ahead() && s.settled()
	var given error
	if ahead {
		given = give()
	}
	var inGroup bool
	if s.pid, inGroup, err = m.Made(); err != nil {
		return 0, s.makeError(err)
	}
	if !ahead {
		if err := s.settle(inGroup); err != nil {
			return 0, err
		}
		given = give()
	}
	switch {
	case kernel.ErrnoOf(given) == unix.EPIPE:
		return 0, ErrCancelled
	case given != nil:
		return 0, given
	}
	if err := s.serve(prog, true); err != nil {
		return 0, err
	}
	return s.pid, nil
}

// canGive tells whether the child needs no more descriptors than it can be given.
func (s *start) canGive() bool {
	n := 0
	for _, op := range s.plan.Ops {
		switch o := op.(type) {
		case plan.Join, plan.Root:
			n++
		case plan.Bind:
			if o.FromHost {
				n++
			}
		}
	}
	return n <= maxGiven
}

// inChild is what the handles are in a child that is given fds.
func (s *start) inChild() (view *program.Handles, fds []int) {
	h := s.handles
	h.Ours, h.Theirs, h.LifeLine = -1, trampoline.ErrorFD, trampoline.LifeFD
	h.Joins, h.Trees = slices.Clone(h.Joins), slices.Clone(h.Trees)
	h.Each(func(fd *int) {
		if *fd >= 0 {
			fds = append(fds, *fd)
			*fd = program.FirstFD + len(fds) - 1
		}
	})
	return &h, fds
}

// settled tells whether settle will have nothing to do.
func (s *start) settled() bool {
	if s.group != nil && !hasClone3() {
		return false
	}
	o := &s.plan.Outside
	return has[plan.Sync](s.plan) ||
		len(o.UIDMap)+len(o.GIDMap)+len(o.TimeOffsets)+len(o.Raise)+len(o.NetDevices) == 0 && o.OOMScoreAdj == nil && o.Network == nil
}

func (s *start) makeError(err error) error {
	errno, ok := err.(syscall.Errno)
	switch {
	case errno == unix.ECANCELED:
		return ErrCancelled
	case ok:
		return s.cloneError(errno)
	}
	return err
}
