// SPDX-License-Identifier: LGPL-2.1-only

package hooks

import (
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
	"gojail/src/spawn"
	"gojail/src/trampoline"
)

// sweepLimit is how long a hook may take to die: one that the kernel holds does not.
const sweepLimit = 2 * time.Second

// A job is one run of a hook, and the owner of its descriptors.
type job struct {
	hook    *plan.Hook
	ops     []plan.Op
	handles program.HookHandles
	prog    *program.Program
	ours    int // end of the minder's socket
	minder  int // pid
	ownPIDs bool
	group   int // of the hook; -1: none
}

func (j *job) close() {
	for _, fd := range [...]int{j.ours, j.handles.Report, j.handles.Life, j.handles.LifeOther, j.handles.Trampoline, j.handles.Stdin, j.handles.Cwd, j.handles.Container} {
		kernel.Close(fd)
	}
}

// open opens what the hook finds, and decides what it does before it is executed.
func (j *job) open(r *Runner, status string, c *Container) (err error) {
	h, inside := &j.handles, j.hook.Kind.Inside()
	*h = program.HookHandles{Report: -1, Life: -1, LifeOther: -1, Trampoline: -1, Stdin: -1, Cwd: -1, Container: -1, Limits: r.Limits}
	pid, umask := c.PID, r.umask
	image, err := trampoline.Image(false)
	if err != nil {
		return err
	}
	switch {
	case inside:
		if pid, err = j.enter(r, c); err != nil {
			return err
		}
		if j.hook.Kind == plan.StartContainer {
			j.ops = append(j.ops, c.Plan.Process()...)
			umask, image = c.Plan.Umask(), spawn.WithFilter(image, c.Plan)
			break
		}
		if h.Cwd, err = above(kernel.OpenFD(c.PID, c.Root)); err != nil {
			return err
		}
		j.ops = append(j.ops, plan.Rlimits{})
	default:
		// Where the bundle is no more, at the end, it is the caller's directory.
		if h.Cwd, err = above(kernel.OpenDir(r.State.Bundle)); err != nil {
			h.Cwd = -1
		}
		j.ops = append(j.ops, plan.Rlimits{})
	}
	j.ops = append(j.ops, plan.Exec{Args: j.hook.Argv(), Env: j.hook.Env, File: j.hook.Path, Umask: umask})
	if h.Trampoline, err = above(kernel.SealedMemfd("trampoline", image)); err != nil {
		return err
	}
	if h.Stdin, err = above(kernel.SealedMemfd("state", r.State.JSON(status, pid))); err != nil {
		return err
	}
	if err := kernel.Rewind(h.Stdin); err != nil {
		return err
	}
	if j.ours, h.Report, err = kernel.SocketPair(); err != nil {
		return err
	}
	if h.Report, err = above(h.Report, nil); err != nil {
		return err
	}
	if h.Life, h.LifeOther, err = kernel.SocketPair(); err != nil {
		return err
	}
	h.Life, err = above(h.Life, nil)
	return err
}

// enter opens what the hook joins. It gives the pid of the container's process as it is seen there.
func (j *job) enter(r *Runner, c *Container) (pid int, err error) {
	h := &j.handles
	if h.Container, err = above(kernel.PidfdOpen(c.PID)); err != nil {
		return 0, err
	}
	if pid, err = r.proc.NSPid(c.PID); err != nil {
		return 0, err
	}
	if kernel.HungUp(r.Gone) { // the pid may have been another's
		return 0, spawn.ErrCancelled
	}
	j.group, h.Namespaces, j.ownPIDs = c.Group, c.Plan.Namespaces(), c.Plan.OwnPIDs()
	j.ops = c.Plan.Become()
	if h.Namespaces&plan.NewUser != 0 && j.hook.Kind == plan.StartContainer {
		for _, l := range c.Plan.Outside.Raise {
			if _, hard, err := kernel.GetRlimit(0, l.Resource); err == nil && l.Hard > hard {
				l.Soft = l.Hard
				h.Raise = append(h.Raise, l)
			}
		}
	}
	return pid, nil
}

// fork makes the minder, which makes the hook.
func (j *job) fork(proc kernel.Procfs) (err error) {
	j.prog = program.Hook(j.ops, &j.handles)
	m := newMinder(j.ours, j.handles.Report, proc.FD(), j.handles.LifeOther, j.prog.Code(), j.group)
	fork := func() error {
		pid, e := spawn.Fork(mind, unsafe.Pointer(m))
		if j.minder = pid; e != 0 {
			return e
		}
		return nil
	}
	switch {
	case j.ownPIDs:
		m.pids = int32(j.handles.Container)
		err = fork()
	case j.handles.Namespaces&plan.NewPID != 0:
		err = kernel.InPIDNamespaceOf(j.handles.Container, fork)
	default:
		err = fork()
	}
	runtime.KeepAlive(j.prog)
	runtime.KeepAlive(m)
	for _, fd := range [...]*int{&j.handles.Report, &j.handles.Life, &j.handles.LifeOther} { // or their other ends would not notice
		kernel.Close(*fd)
		*fd = -1
	}
	return err
}

// wait waits for the hook's end. It ends it if the time is up, or the container is no more.
func (j *job) wait(r *Runner) error {
	var deadline time.Time
	if j.hook.Timeout > 0 {
		deadline = time.Now().Add(time.Duration(j.hook.Timeout) * time.Second)
	}
	fds := [...]kernel.PollFD{{Fd: int32(j.ours), Events: kernel.Readable}, {Fd: int32(r.Gone)}, {Fd: -1, Events: kernel.Readable}}
	var fault error
	for {
		if fds[2].Fd = -1; r.Bus != nil {
			fds[2].Fd = int32(r.Bus())
		}
		n, err := kernel.Poll(fds[:], deadline)
		switch {
		case err != nil:
			j.sweep()
			return err
		case n == 0:
			late := "had not ended after " + strconv.Itoa(int(j.hook.Timeout)) + " s and was killed"
			if !j.sweep() {
				late += ", but the kernel holds it still"
			}
			return failed(late)
		case fds[0].Revents != 0:
			ended, err := j.listen()
			if fault == nil {
				fault = err
			}
			if ended {
				return fault
			}
		case fds[1].Revents != 0:
			j.sweep()
			return spawn.ErrCancelled
		default:
			r.Serve()
		}
	}
}

// listen takes one message of the hook or its minder. The first fault that is told is the reason.
func (j *job) listen() (ended bool, fault error) {
	var m [3]uint32
	n, err := kernel.Recv(j.ours, unsafe.Slice((*byte)(unsafe.Pointer(&m)), unsafe.Sizeof(m)))
	switch {
	case err != nil || n == 0: // the hook dies with it; nobody but us may wait for that
		kernel.ReapAll(time.Now().Add(sweepLimit))
		return true, failed("was ended with what minds it")
	case m[0] == tellEnded:
		_ = kernel.Wait(j.minder)
		return true, statusError(syscall.WaitStatus(m[1]))
	case m[0] == tellNoFork:
		_ = kernel.Wait(j.minder)
		return true, failed("cannot be run: fork: " + syscall.Errno(m[1]).Error())
	}
	return false, j.notExecuted(m[0], syscall.Errno(m[1]))
}

func statusError(s syscall.WaitStatus) error {
	switch {
	case s.Signaled():
		return failed("was ended by signal " + strconv.Itoa(int(s.Signal())) + " (" + s.Signal().String() + ")")
	case s.ExitStatus() != 0:
		return failed("has ended with status " + strconv.Itoa(s.ExitStatus()))
	}
	return nil
}

// notExecuted is what an instruction of the hook's program has failed with, or the trampoline.
func (j *job) notExecuted(insn uint32, e syscall.Errno) error {
	op := len(j.ops)
	if insn < uint32(j.prog.Len()) {
		op = j.prog.Op(int(insn))
	}
	what := ""
	switch {
	case op == 0:
		what = "join the container's namespaces: "
	case op < len(j.ops):
		what = j.ops[op-1].Words() + ": "
	case insn == program.SyncFilter:
		what = plan.Seccomp{}.Words() + ": "
	case insn == program.SyncExec && e == syscall.ENOENT:
		return failed("cannot be run: the interpreter that it names (in its #! line or as its ELF loader) is not there")
	case e == syscall.ENOEXEC:
		return failed("cannot be run: it is neither a program for this machine nor a script with a #! line")
	}
	return failed("cannot be run: " + what + e.Error())
}

// sweep has the minder kill the hook and all that it has started, and waits until that is done. False: it takes longer; the minder goes
// on.
func (j *job) sweep() bool {
	_ = kernel.ShutdownWrite(j.ours)
	fds := [...]kernel.PollFD{{Fd: int32(j.ours), Events: kernel.Readable}}
	for stop := time.Now().Add(sweepLimit); ; {
		if n, err := kernel.Poll(fds[:], stop); err != nil || n == 0 {
			return false
		}
		if ended, _ := j.listen(); ended {
			return true
		}
	}
}
