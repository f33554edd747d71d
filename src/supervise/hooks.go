// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"math"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/hooks"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/spawn"
	"gojail/src/spec"
	"gojail/src/ubus"
)

// poststopLimit is how many seconds a poststop hook without a timeout may take: the end of a container has to be bounded.
const poststopLimit = 10

// oomAnnotation is 1 in the state that poststop hooks are told if the container ended for want of memory.
const oomAnnotation = "org.openwrt.gojail.oom"

// exists is the moment from which poststop hooks are run when the container has ended, in whatever way: the start may still fail, and
// with it this worker.
func (w *waiting) exists(list []plan.Hook) error {
	w.made = true
	total := uint64(0)
	for i := range list {
		total += limitOf(&list[i])
	}
	if err := leave(w.record); err != nil {
		return err
	}
	return resident.WantStopped(uint32(min(total*1000, math.MaxUint32/2)))
}

func limitOf(h *plan.Hook) uint64 {
	if h.Timeout == 0 {
		return poststopLimit
	}
	return uint64(h.Timeout)
}

// hook runs one of those before the payload is executed.
func (w *waiting) hook(p *plan.Plan, h *plan.Hook, at spawn.HookPoint) error {
	status := stateCreating
	if h.Kind == plan.StartContainer {
		status = stateCreated
	}
	r := w.runner(stateCreated, at.PID)
	defer r.Close()
	r.Gone = at.Sync
	return r.Run(h, status, &hooks.Container{Plan: p, PID: at.PID, Root: at.Root, Group: at.Group})
}

// poststart runs those for when the payload runs. An error is one that the container does not survive.
func (w *waiting) poststart(p *plan.Plan, pid int) error {
	if len(p.Poststart) == 0 {
		return nil
	}
	r := w.runner(stateRunning, pid)
	defer r.Close()
	for i := range p.Poststart {
		err := r.Run(&p.Poststart[i], stateRunning, &hooks.Container{PID: pid, Group: -1})
		switch {
		case err == nil:
		case p.PoststartVital:
			_ = resident.Kill(kernel.SIGKILL)
			return err
		default:
			w.logf(plan.Message("warning: " + err.Error()))
		}
	}
	return nil
}

var errStarting = &plan.Error{Reason: "the start is not over: hooks are still running"}

// runner runs hooks, and answers on the bus meanwhile, as a container in this state, if it is there already.
func (w *waiting) runner(state string, pid int) *hooks.Runner {
	box := container{record: w.record, status: state, pid: pid, tty: w.term.tty, group: groupAt(w.parent.cgroup), kill: resident.Kill,
		start: func() ubus.Status { return ubus.StatusInvalidArgument },
		exec:  func(*plan.Request, int) (int, error) { return 0, errStarting }}
	r := newRunner(w.record)
	r.Bus = func() int {
		if w.bus == nil {
			return -1
		}
		return w.bus.FD()
	}
	r.Serve = func() {
		if err := w.serve(&box); err != ubus.ErrTimeout {
			w.bus.Close()
			w.bus = nil
		}
	}
	return r
}

func newRunner(rec *record) *hooks.Runner {
	return &hooks.Runner{State: rec.state(), Limits: originalLimits(), Gone: -1}
}

// poststop runs the hooks for the end. Whatever becomes of one, the others are run.
func poststop(logf Logf) {
	if resident.Held(resident.State) < 0 {
		return
	}
	rec, err := left()
	if err == nil && !rec.made {
		return
	}
	var s *specs.Spec
	if err == nil {
		s, err = spec.Decode(rec.config)
	}
	if err != nil {
		logf(plan.Message("warning: poststop hooks: " + err.Error()))
		return
	}
	list := plan.PoststopHooks(s)
	// The object is gone from the bus: nobody would answer.
	_ = resident.Hold(resident.Bus, -1)
	kernel.Close(resident.Held(resident.Bus))
	if resident.OOMKilled() {
		rec.annotations = append(rec.annotations, annotation{oomAnnotation, "1"})
	}
	r := newRunner(rec)
	defer r.Close()
	for i := range list {
		h := &list[i]
		h.Timeout = uint32(limitOf(h))
		if err := r.Run(h, stateStopped, &hooks.Container{Group: -1}); err != nil {
			logf(plan.Message("warning: " + err.Error()))
		}
	}
}
