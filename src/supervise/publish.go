// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"time"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/slim"
	"gojail/src/state"
)

// publish leaves in state.Root what there is to know of the container, for everybody who polls it: none of our processes wakes up for that.
// It is done when the payload runs, or waits for its start, and so costs no start any time. The resident removes it. Jails without a
// bundle are not there: several of one name may run, as services have instances. Without a place to write to the container runs all the same.
func (w *waiting) publish(o *slim.Options, status state.Status) {
	if err := w.save(status); err != nil && o.Debug > 0 {
		w.logf("note: it is not in " + state.Root + ": " + plan.Message(err.Error()))
	}
	w.published = status == state.Running
}

// republish is for a worker that comes after one which has not lived to do it, and may have made the directory.
func republish(r *record, o *slim.Options, logf Logf) {
	if s, err := state.Load(state.Root, r.name); err == nil && s.Owner != state.This(kernel.Getppid()) {
		return
	}
	p := &parent{pid: resident.Payload()}
	if open := heldGroup(); open != nil {
		if g, err := open(); err == nil {
			p.cgroup, p.groups = g.Path(), []string{g.Path()}
			g.Close()
		}
	}
	w := waiting{record: r, logf: logf, parent: p, entered: true}
	w.publish(o, state.Running)
}

func (w *waiting) save(status state.Status) error {
	s := &state.State{ID: w.name, Bundle: w.bundle, Rootfs: w.rootfs, OCI: w.version, Status: status, Mode: state.Supervised, Ujail: true,
		Process: state.This(w.parent.pid), Owner: state.This(kernel.Getppid()), Made: w.made}
	if !s.Process.Alive() { // it has ended: the resident is about to
		return nil
	}
	for _, a := range w.annotations {
		s.Annotations = append(s.Annotations, state.Annotation{Key: a.key, Value: a.value})
	}
	if w.parent.cgroup != "" {
		s.Cgroup, s.Groups = strings.TrimPrefix(w.parent.cgroup, kernel.CgroupRoot), w.parent.groups
	}
	if w.since == 0 {
		w.since = uint64(time.Now().UnixNano())
	}
	s.Created = int64(w.since)
	if w.entered {
		if err := state.Rewrite(state.Root, s); kernel.ErrnoOf(err) != syscall.ENOENT {
			return err
		}
	}
	return w.enter(s)
}

// enter makes the container's directory. The resident is to remove it, also if this worker does not live to fill it.
func (w *waiting) enter(s *state.State) error {
	if err := resident.Published(true); err != nil {
		return err
	}
	e, err := state.Create(state.Root, w.name)
	if err != nil {
		if errors.Is(err, state.ErrExists) { // another container was quicker
			_ = resident.Published(false)
		}
		return err
	}
	defer e.Close()
	w.entered = true
	return e.Save(s)
}

// claim sees to it that no other container of this name runs, and ends what one has left whose resident was killed: a payload that has changed
// its credentials, for which the kernel forgets to whom its life was tied, or processes without a pid namespace. Which container that was, and
// that nobody has it any more, its state tells.
func claim(id string) error {
	_, err := state.Load(state.Root, id)
	if errors.Is(err, state.ErrName) || errors.Is(err, state.ErrNotExist) && !kernel.Exists(state.Root+"/"+id+"/lock") {
		return nil
	}
	e, err := state.Open(state.Root, id)
	if err != nil {
		return nil // gone meanwhile, or nothing to be read there
	}
	defer e.Close()
	s, err := e.Load()
	switch {
	case err != nil: // who made it has not lived to write it, or it is damaged: it tells nothing
		return e.Remove()
	case s.Owner.Alive():
		return &plan.Error{Reason: "a container of this name is running: process " + itoa(s.Owner.PID) + " has it"}
	case s.Mode != state.Supervised:
		return &plan.Error{Reason: "there is a container of this name, made by uxc: delete it, or use another name"}
	}
	if err := endOrphans(s); err != nil {
		return err
	}
	return e.Remove()
}

// endOrphans ends what is left of a container that nobody has any more. Its control group is not asked for if another one has it now. Without one
// only its first process can be found again, with which a pid namespace ends.
func endOrphans(s *state.State) error {
	limit := time.Now().Add(killLimit)
	if s.Cgroup == "" {
		return endProcess(s.Process, limit)
	}
	others, err := state.List(state.Root)
	if err != nil || slices.ContainsFunc(others, func(o *state.State) bool { return o.ID != s.ID && o.Cgroup == s.Cgroup }) {
		return err
	}
	g, err := groupAt(kernel.CgroupRoot + s.Cgroup)()
	if err != nil {
		return nil // it is gone, and with it all that was in it
	}
	defer g.Close()
	if err = g.Kill(limit); err == nil {
		err = g.RemoveBelow(limit)
	}
	for i := len(s.Groups) - 1; i >= 0; i-- {
		_ = kernel.Rmdir(s.Groups[i])
	}
	return err
}

// endProcess ends a process and waits for that, at most until the deadline.
func endProcess(p state.Process, deadline time.Time) error {
	if !p.Alive() {
		return nil
	}
	fd, err := kernel.PidfdOpen(p.PID)
	if err != nil {
		return nil // it has ended
	}
	defer kernel.Close(fd)
	if !p.Alive() { // what the descriptor is for may be another one
		return nil
	}
	if err := kernel.PidfdKill(fd); err != nil && kernel.ErrnoOf(err) != syscall.ESRCH {
		return err
	}
	n, err := kernel.Poll([]kernel.PollFD{{Fd: int32(fd), Events: kernel.Readable}}, deadline)
	if err == nil && n == 0 {
		err = &kernel.Error{Op: "wait for the end of process", Path: itoa(p.PID), Errno: syscall.EBUSY}
	}
	return err
}
