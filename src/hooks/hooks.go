// SPDX-License-Identifier: LGPL-2.1-only

// Package hooks runs the hooks of a container: programs that its configuration names, in the namespaces that their kind asks for, with
// the container's state on standard input. Which there are, and when, is package plan's; what follows from a failure is the caller's.
package hooks

import (
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
	"gojail/src/spawn"
)

// A Runner runs hooks, one after the other. It owns descriptors: Close it.
type Runner struct {
	State  State
	Limits []plan.Rlimit // as they were before the worker changed its own
	// Gone is a socket: when its other end closes the container is no more, and the hook is ended. -1 is none.
	Gone int
	// Bus, if it is not nil, gives a descriptor, or -1, and Serve is called when that is readable: others are answered while a hook
	// runs.
	Bus   func() int
	Serve func()

	open  bool
	proc  kernel.Procfs
	umask uint32
}

// Container is the container's process. A hook that runs in its namespaces needs more than the pid.
type Container struct {
	PID   int // as we see it; 0: there is none
	Plan  *plan.Plan
	Root  int // for createContainer: the process' descriptor of its root
	Group int // the control group that the hook is put in, or -1
}

// Close closes what the Runner has opened.
func (r *Runner) Close() {
	if r.open {
		r.proc.Close()
		r.open = false
	}
}

func (r *Runner) prepare() (err error) {
	if r.open {
		return nil
	}
	if r.proc, err = kernel.OpenProcfs(); err != nil {
		return err
	}
	r.open, r.umask = true, kernel.Umask()
	if err := kernel.Subreaper(); err != nil { // should a minder be killed
		return err
	}
	return kernel.Undumpable()
}

// above moves a descriptor to where a program wants it.
func above(fd int, err error) (int, error) {
	if err != nil || fd >= program.FirstFD {
		return fd, err
	}
	high, err := kernel.DupAbove(fd, program.FirstFD)
	kernel.Close(fd)
	return high, err
}

// Run runs a hook and waits for its end. The error is spawn.ErrCancelled if the container has ended meanwhile, else a *plan.Error that
// says which hook has failed and how. A hook that is not waited for any longer is killed with all that it has started; one that ends
// by itself may leave processes.
func (r *Runner) Run(h *plan.Hook, status string, c *Container) error {
	err := r.run(h, status, c)
	switch {
	case err == nil:
		return nil
	case r.Gone >= 0 && kernel.HungUp(r.Gone): // it has failed because of that
		return spawn.ErrCancelled
	}
	return &plan.Error{Where: h.Where(), Reason: h.Path + " " + err.Error()}
}

func (r *Runner) run(h *plan.Hook, status string, c *Container) error {
	if err := r.prepare(); err != nil {
		return failed("cannot be run: " + err.Error())
	}
	j := &job{hook: h, ours: -1, group: -1}
	defer j.close()
	if err := j.open(r, status, c); err != nil {
		return failed("cannot be run: " + err.Error())
	}
	if err := j.fork(r.proc); err != nil {
		return failed("cannot be run: " + err.Error())
	}
	return j.wait(r)
}

// failed is how a hook has failed, in words that follow its name.
type failed string

func (f failed) Error() string { return string(f) }
