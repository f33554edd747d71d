// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/netbridge"
	"gojail/src/plan"
	"gojail/src/program"
	"gojail/src/trampoline"
)

func noHandles(cfg *Config) program.Handles {
	return program.Handles{Ours: -1, Theirs: -1, LifeLine: -1, Trampoline: -1, Proc: -1, Pidfd: -1, Stdio: -1, Start: -1, Limits: cfg.Limits,
		Output: [2]int{-1, -1}, Keep: cfg.Keep}
}

// An unused descriptor of Handles is -1; those in use are FirstFD or higher, and above what is the payload's.
func (s *start) atLeast(fd int) (int, error) {
	first := program.FirstFD + s.cfg.Keep
	if fd >= first {
		return fd, nil
	}
	high, err := kernel.DupAbove(fd, first)
	kernel.Close(fd)
	return high, err
}

// openSync opens what the child needs to be made.
func (s *start) openSync() (err error) {
	h := &s.handles
	*h = noHandles(s.cfg)
	s.proc = kernel.NoProcfs
	if h.Ours, h.Theirs, err = kernel.SocketPair(); err != nil {
		return err
	}
	if h.Ours, err = s.atLeast(h.Ours); err != nil {
		return err
	}
	if h.Theirs, err = s.atLeast(h.Theirs); err != nil {
		return err
	}
	if life := s.cfg.Parent.LifeLine(); life >= 0 {
		if h.LifeLine, err = s.atLeast(life); err != nil {
			return err
		}
	}
	if d := s.cfg.Detached; d != nil {
		if h.Start, err = kernel.DupAbove(d.Socket, program.FirstFD+h.Keep); err != nil {
			return err
		}
	}
	if c := s.plan.Outside.Cgroup; c != nil {
		s.group, err = openGroup(c, s.cfg.Parent)
	} else if s.plan.Outside.InGroup {
		err = s.useGroup()
	}
	return err
}

// open opens everything else that the child finds open.
func (s *start) open() (err error) {
	h := &s.handles
	image, err := trampoline.Image(s.joined())
	if err != nil {
		return err
	}
	trampoline.Shift(image, s.cfg.Keep)
	if h.Trampoline, err = kernel.SealedMemfd("trampoline", WithFilter(image, s.plan)); err != nil {
		return err
	}
	if h.Trampoline, err = s.atLeast(h.Trampoline); err != nil {
		return err
	}
	if s.proc, err = kernel.OpenProcfs(); err != nil {
		return err
	}
	h.Proc = s.proc.FD()
	for _, op := range s.plan.Ops {
		switch o := op.(type) {
		case plan.Join:
			err = s.openJoin(o)
		case plan.Enter:
			h.Pidfd, err = kernel.DupAbove(s.cfg.Pidfd, program.FirstFD+h.Keep)
		case plan.Stdio:
			err = s.openStdio()
		case plan.Landlock:
			if h.Landlock = kernel.LandlockVersion(); h.Landlock == 0 {
				err = unix.EOPNOTSUPP
			}
		case plan.Root:
			if o.Image {
				if err := s.openImage(o.Source, o.Mapped); err != nil {
					return err // it says what was tried
				}
			} else if o.FromHost {
				err = s.openTree(o.Source, o.Recursive, false, o.Mapped)
			}
		case plan.Bind:
			if o.FromHost {
				err = s.openTree(o.Source, o.Recursive, o.SkipMissing || o.MayFail, o.Mapped)
			}
		case plan.Log:
			err = s.openOutput()
		}
		if p, ok := err.(*plan.Error); ok {
			return p
		}
		if err != nil {
			return &Error{Op: op.Words(), Err: kernel.ErrnoOf(err), Hint: hintFor(op, kernel.ErrnoOf(err))}
		}
	}
	return nil
}

// openJoin opens the namespace of a Join.
func (s *start) openJoin(o plan.Join) (err error) {
	fd := -1
	switch {
	case o.Path != "":
		fd, err = kernel.OpenNamespace(o.Path)
	case o.Container != "":
		if fd, err = s.cfg.Share(o.Container); err != nil {
			return &plan.Error{Where: "annotations." + netbridge.ShareAnnotation, Reason: err.Error()}
		}
	default:
		var pidfd int
		if pidfd, err = kernel.PidfdOpen(o.PID); err == nil {
			fd, err = kernel.OpenNamespaceOf(o.PID, pidfd, o.Type.File())
			kernel.Close(pidfd)
		}
	}
	if err == nil {
		fd, err = s.atLeast(fd)
	}
	if err == nil {
		s.handles.Joins = append(s.handles.Joins, fd)
	}
	return err
}

// openImage mounts the file system in a file on behalf of the child.
func (s *start) openImage(file string, m *plan.Mapped) error {
	fd, err := kernel.MountImage(file)
	if err == nil && m != nil {
		if err = s.mapTree(fd, m); err != nil {
			err = &Error{Op: "map the owners of image " + file, Err: kernel.ErrnoOf(err), Hint: "this kernel cannot do that with its file system"}
		}
	}
	if err == nil {
		fd, err = s.atLeast(fd)
	}
	if err != nil {
		kernel.Close(fd)
		return err
	}
	s.handles.Trees = append(s.handles.Trees, fd)
	return nil
}

// openTree opens a mount on behalf of the child, with its id mapping.
func (s *start) openTree(source string, recursive, mayMiss bool, m *plan.Mapped) error {
	fd, err := kernel.OpenTree(source, recursive)
	if mayMiss && (kernel.ErrnoOf(err) == unix.ENOENT || kernel.ErrnoOf(err) == unix.ENOTDIR) {
		s.handles.Trees = append(s.handles.Trees, -1)
		return nil
	}
	if err == nil {
		err = kernel.SetPrivate(fd)
	}
	if err == nil && m != nil {
		err = s.mapTree(fd, m)
	}
	if err == nil {
		fd, err = s.atLeast(fd)
	}
	if err != nil {
		kernel.Close(fd)
		return err
	}
	s.handles.Trees = append(s.handles.Trees, fd)
	return nil
}
