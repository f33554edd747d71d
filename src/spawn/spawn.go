// SPDX-License-Identifier: LGPL-2.1-only

// Package spawn carries a plan out: it opens what the supervisor has to open, clones the child, does the supervisor's part at the
// sync points and says in words what has failed. It decides nothing. The protocol is drawn in package program.
package spawn

import (
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
)

// A Parent is the process that the payload becomes a child of, and that must learn of each process before it may go on.
type Parent interface {
	// Announce tells of a process that waits. One that is first only makes the next one.
	Announce(pid int, first bool) error
	// Group tells of the container's control group, open for the duration of the call, and of the directories, parents first, that
	// were made for it. From then on it is the parent's to remove them.
	Group(fd int, made []string) error
	// LifeLine is a descriptor whose other end closes when the parent dies. Start owns it and closes it: what is left of it
	// when Start returns is the child's. -1: the payload does not die with it.
	LifeLine() int
}

// Config is what Start needs beside the plan.
type Config struct {
	Parent Parent
	Limits []plan.Rlimit // the payload's, unless the plan sets them
	// For a process in a container that runs, all of them the caller's: a pidfd of the container's own process, what becomes the new
	// one's standard input, output and error (-1: /dev/null), and its control group (-1: ours).
	Pidfd, Stdio, Cgroup int
	// Own: the process is our own child, not our parent's.
	Own bool
	// Keep descriptors from 3 on are the payload's. They are open here, and nothing else is of those numbers.
	Keep int
	// Detached is for a plan with a detached Wait: Start returns when Created has, and Continue is called when somebody has connected to
	// the socket.
	Detached *Detached
	// Created is called at a plan.Wait and returns when the payload is to be started. The other end of sync, which stays Start's,
	// closes when the child ends; nothing is to be read there.
	Created func(sync int) error
	// Terminal is called at a plan.Terminal with the master of the payload's terminal, which is its own.
	Terminal func(master int) error
	// Listener is given the listener of the payload's seccomp filter, open for the duration of the call, for who waits at path.
	Listener func(path, metadata string, pid, listener int) error
	// Printed gets the reading ends of the pipes that a plan.Log makes stdout and stderr; they stay Start's.
	Printed func(stdout, stderr int) error
	// Made is called at a plan.Made, Hook at each plan.Hook: it returns when the hook has ended.
	Made func() error
	// Network makes plan.Outside.Network in a network namespace, which stays Start's; pid is the process in it. Share opens the network
	// namespace of a container that runs, for a plan.Join.
	Network func(netns, pid int) error
	Share   func(container string) (netns int, err error)
	Hook    func(h *plan.Hook, at HookPoint) error
}

// Detached is how a container that waits is found again.
type Detached struct {
	Socket int // it waits here: it listens, and stays the caller's
	Length int // of its program: set before Created is called
}

// A HookPoint is where a start stands while a hook is run. The descriptors stay Start's.
type HookPoint struct {
	PID   int // the container's process
	Root  int // its descriptor of its root; before pivot_root only
	Sync  int // a socket: see Created
	Group int // the container's control group, or -1
}

// ErrCancelled is what Start returns when somebody has killed the child before the payload was executed.
const ErrCancelled = cancelled("ended before it was started")

type cancelled string

func (c cancelled) Error() string { return string(c) }

// Start makes the container's process. It returns when the payload has been executed. On error nothing is left: the child has
// ended, or ends as its sync socket closes.
func Start(p *plan.Plan, cfg *Config) (pid int, err error) {
	s := &start{plan: p, cfg: cfg, netns: -1}
	defer s.close()
	defer func() {
		if err != nil {
			if back := s.returnDevices(); back != nil {
				err = &plan.Error{Reason: err.Error() + "; " + back.Error()}
			}
		}
	}()
	if err := s.openSync(); err != nil {
		return 0, err
	}
	if m, ok := cfg.Parent.(Maker); ok && s.canGive() {
		return s.startMade(m)
	}
	if err := s.open(); err != nil {
		return 0, err
	}
	prog := program.Build(p, &s.handles)
	if d := cfg.Detached; d != nil {
		d.Length = prog.Len()
	}
	parent, signal := uintptr(unix.CLONE_PARENT), uintptr(0)
	if cfg.Own {
		parent, signal = 0, uintptr(unix.SIGCHLD)
	}
	child, moved, e := clone(uintptr(p.Clone)|parent, signal, s.group.fd(), prog.Code(), uintptr(s.handles.Theirs))
	runtime.KeepAlive(prog)
	if e != 0 {
		return 0, s.cloneError(e)
	}
	kernel.Close(s.handles.Theirs)
	kernel.Close(s.handles.LifeLine)
	s.handles.Theirs, s.handles.LifeLine = -1, -1
	s.closeOutput()
	s.pid = child
	// The parent learns the pid before the child may go on: it can never end unannounced.
	first := has[plan.Fork](p) || s.joined()
	if err := cfg.Parent.Announce(s.pid, first); err != nil {
		return 0, err
	}
	if err := s.settle(moved); err != nil {
		return 0, err
	}
	if err := s.serve(prog, false); err != nil {
		return 0, err
	}
	return s.pid, nil
}

// Continue is the rest of a Start that has left a detached container waiting: sync is a connection to its socket, which becomes
// Continue's, and pid its process. It returns when the payload has been executed. An error before that ends the container.
func Continue(p *plan.Plan, cfg *Config, pid, length, sync int) error {
	s := &start{plan: p, cfg: cfg, netns: -1, pid: pid, proc: kernel.NoProcfs}
	s.handles = noHandles(cfg)
	s.handles.Ours = sync
	defer s.close()
	if err := s.useGroup(); err != nil {
		return err
	}
	prog := program.Outline(p)
	s.shift = prog.Len() - length
	return s.serve(prog, true)
}

// settle does what the child needs before it begins. It may have been made in the control group.
func (s *start) settle(inGroup bool) error {
	if s.group != nil && !inGroup {
		if err := s.group.Add(s.pid); err != nil {
			return s.group.fault(err, "")
		}
	}
	if has[plan.Sync](s.plan) { // it will say when
		return nil
	}
	return s.outside()
}

// start is one start under way, and the owner of its descriptors.
type start struct {
	plan    *plan.Plan
	cfg     *Config
	handles program.Handles
	proc    kernel.Procfs
	group   *group // nil: none
	mapped  []mappedNS
	pid     int // of the process that is now the container's
	netns   int // the child's, while moved devices may have to come back
	moved   int // network devices
	shift   int // what is to be added to the number of an instruction

	listened bool // the child has had its listener fetched
	tracee   *kernel.Tracee
}

func (s *start) close() {
	s.release()
	h := &s.handles
	kernel.Close(h.Ours)
	kernel.Close(h.Theirs)
	kernel.Close(h.LifeLine)
	kernel.Close(h.Start)
	h.Proc = -1 // s.proc's
	h.Each(func(fd *int) { kernel.Close(*fd) })
	for _, m := range s.mapped {
		kernel.Close(m.userns)
	}
	kernel.Close(s.netns)
	s.proc.Close()
	s.group.close()
}

// has tells whether the plan has an op of this kind.
func has[T plan.Op](p *plan.Plan) bool {
	for _, op := range p.Ops {
		if _, ok := op.(T); ok {
			return true
		}
	}
	return false
}

// serve is the supervisor's side of the sync socket, from the first word to the end. The child may have been told to go on already.
func (s *start) serve(prog *program.Program, told bool) error {
	joined := s.joined()
	for last := false; ; told = false {
		if !last && !told {
			if err := kernel.Send(s.handles.Ours, []byte{1}); err != nil {
				return ErrCancelled
			}
		}
		var m [3]uint32
		n, err := kernel.Recv(s.handles.Ours, unsafe.Slice((*byte)(unsafe.Pointer(&m)), 12))
		switch {
		case err != nil: // ECONNRESET: killed before it read our word
			return ErrCancelled
		case n == 0 && !last:
			return ErrCancelled
		case n == 0:
			return nil
		}
		switch {
		case m[0] == program.SyncLost && told:
			return &Error{Op: "hand the child its program", Err: syscall.Errno(m[1])}
		case m[0] == program.SyncExec:
			return s.failed(len(s.plan.Ops)-1, syscall.Errno(m[1]), true)
		case m[0] == program.SyncFilter:
			_, op := filter(s.plan)
			return s.failed(op, syscall.Errno(m[1]), false)
		case m[0] < uint32(prog.Len()-s.shift):
			return s.failed(prog.Op(int(m[0])+s.shift), syscall.Errno(m[1]), false)
		case last && joined && m[0] == program.SyncBorn:
			joined = false
			if err := s.born(int(int32(m[1]))); err != nil {
				return err
			}
			continue
		case last && m[0] != program.SyncListener:
			return &Error{Op: "heed the child", Err: unix.EPROTO, Hint: "somebody has meddled with it"}
		}
		switch m[0] {
		case program.SyncListener:
			err = s.listener(int(m[1]), last)
		case program.SyncTrace:
			err = s.trace()
		case program.SyncLast:
			last = true
			if s.tracee != nil {
				if err := s.arm(); err != nil { // it is dead
					return err
				}
			}
		case program.SyncReady:
			err = s.outside()
		case program.SyncForked:
			s.pid = int(m[1])
			err = s.cfg.Parent.Announce(s.pid, false)
		case program.SyncCopyUp:
			err = s.copyUp(int(m[1]), int(m[2]))
		case program.SyncCreated:
			if err = s.cfg.Created(s.handles.Ours); err == nil && s.cfg.Detached != nil {
				if kernel.Send(s.handles.Ours, []byte{1}) != nil {
					return ErrCancelled
				}
				return nil
			}
		case program.SyncMade:
			err = s.cfg.Made()
		case program.SyncHook:
			err = s.hook(int(m[1]), int(int32(m[2])))
		case program.SyncMake:
			err = s.makePath(prog, m[1], int(m[2]))
		case program.SyncTerminal:
			err = s.terminal(int(m[1]))
		default:
			err = &Error{Op: "heed the child", Err: unix.EPROTO}
		}
		switch {
		case err != nil && s.still() != nil: // it failed because of that
			return ErrCancelled
		case err != nil:
			return err
		}
	}
}

// still tells whether the child lives. What was found by its pid before is then its own: its parent, which is not us, cannot have
// waited for it, nor the kernel have given its pid to another.
func (s *start) still() error {
	if kernel.HungUp(s.handles.Ours) {
		return ErrCancelled
	}
	return nil
}

// outside does Plan.Outside for the child, whose namespaces exist by now.
func (s *start) outside() error {
	o := &s.plan.Outside
	write := func(file, content string) error { return s.proc.Write(s.pid, file, content, s.still) }
	if len(o.UIDMap) > 0 {
		if err := write("uid_map", mapText(o.UIDMap)); err != nil {
			return s.hint(err, "linux.uidMappings", "the host ids must exist in the supervisor's user namespace, and not overlap")
		}
	}
	if len(o.GIDMap) > 0 {
		if err := write("gid_map", mapText(o.GIDMap)); err != nil {
			return s.hint(err, "linux.gidMappings", "the host ids must exist in the supervisor's user namespace, and not overlap")
		}
	}
	for _, t := range o.TimeOffsets {
		if err := write("timens_offsets", t.Text()); err != nil {
			return s.hint(err, "linux.timeOffsets", "no clock may become negative or overflow")
		}
	}
	if o.OOMScoreAdj != nil {
		if err := write("oom_score_adj", strconv.Itoa(*o.OOMScoreAdj)); err != nil {
			return s.hint(err, "process.oomScoreAdj", "lowering it needs CAP_SYS_RESOURCE")
		}
	}
	for _, l := range o.Raise {
		soft, hard, err := kernel.GetRlimit(s.pid, l.Resource)
		if err == nil && l.Hard > hard {
			err = kernel.Prlimit(s.pid, l.Resource, soft, l.Hard)
		}
		if err != nil {
			return s.hint(err, "process.rlimits", "raising the hard limit of "+l.Name+" needs CAP_SYS_RESOURCE")
		}
	}
	if err := s.netDevices(); err != nil {
		return err
	}
	return s.network()
}

func mapText(maps []plan.IDMap) string {
	var b strings.Builder
	for _, m := range maps {
		for _, v := range [...]uint32{m.Container, m.Host, m.Size} {
			b.WriteString(strconv.FormatUint(uint64(v), 10))
			b.WriteByte(' ')
		}
		b.WriteByte('\n')
	}
	return b.String()
}
