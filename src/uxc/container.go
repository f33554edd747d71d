// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"slices"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/hooks"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/spec"
	"gojail/src/state"
)

// decode reads a configuration, and says where it stands if it is wrong.
func decode(file string, b []byte) (*specs.Spec, error) {
	s, err := spec.Decode(b)
	if err == nil {
		err = spec.Validate(s)
	}
	if err != nil {
		return nil, &plan.Error{Where: file, Reason: err.Error()}
	}
	return s, nil
}

// kept is the configuration that a container was made from.
func (c *call) kept(id string) (*specs.Spec, error) {
	b, err := state.Config(c.root, id)
	if err != nil {
		return nil, err
	}
	return decode(c.root+"/"+id+"/config.json", b)
}

// planOf is the plan for a container: the same whenever it is asked for.
func planOf(s *specs.Spec, st *state.State, detached bool) (*plan.Plan, error) {
	return plan.FromSpec(s, plan.Bundle{Name: st.ID, Dir: st.Bundle, Ujail: st.Ujail, Detached: detached})
}

// hooksState is what hooks and agents are told of it.
func hooksState(s *state.State) hooks.State {
	h := hooks.State{Version: s.OCI, ID: s.ID, Bundle: s.Bundle}
	for _, a := range s.Annotations {
		h.Annotations = append(h.Annotations, hooks.Annotation(a))
	}
	return h
}

func (c *call) runner(s *state.State) *hooks.Runner {
	return &hooks.Runner{State: hooksState(s), Limits: c.program.Limits, Gone: -1}
}

// newState is what there is to know of a container before it is made.
func newState(id, bundle string, s *specs.Spec) *state.State {
	st := &state.State{ID: id, Bundle: bundle, OCI: s.Version, Status: state.Creating, Mode: state.Detached, Owner: state.This(kernel.Getpid()),
		Created: time.Now().UnixNano()}
	if s.Root != nil {
		st.Rootfs = s.Root.Path
		if !strings.HasPrefix(st.Rootfs, "/") {
			st.Rootfs = bundle + "/" + st.Rootfs
		}
	}
	for k, v := range s.Annotations {
		st.Annotations = append(st.Annotations, state.Annotation{Key: k, Value: v})
	}
	slices.SortFunc(st.Annotations, func(a, b state.Annotation) int { return strings.Compare(a.Key, b.Key) })
	return st
}

// groupOf opens the control group of a container. The caller closes it.
func groupOf(s *state.State) (kernel.Cgroup, error) {
	if s.Cgroup == "" {
		return kernel.NoCgroup, &plan.Error{Reason: "container " + s.ID + " has no control group"}
	}
	root, err := kernel.OpenCgroupRoot()
	if err != nil {
		return root, err
	}
	defer root.Close()
	return root.Sub(strings.TrimPrefix(s.Cgroup, "/"))
}

// signal sends the container's process a signal; 0 only asks whether it is there. False: it has ended.
func signal(s *state.State, number int) (alive bool, err error) {
	if s.Process.PID <= 0 {
		return false, nil
	}
	pidfd, err := kernel.PidfdOpen(s.Process.PID)
	if err != nil {
		return false, nil
	}
	defer kernel.Close(pidfd)
	if !s.Process.Alive() { // asked after it was opened: it is the pidfd's
		return false, nil
	}
	if err := kernel.PidfdSignal(pidfd, number); err != nil {
		if kernel.ErrnoOf(err) == esrch {
			return false, nil
		}
		return true, err
	}
	return true, nil
}

// endLimit is how long what has been killed may take to end.
const endLimit = 10 * time.Second

// end kills the container's process, and what is in its control group, and waits until they have ended.
func (c *call) end(s *state.State) error {
	limit := time.Now().Add(endLimit)
	if pidfd, err := kernel.PidfdOpen(s.Process.PID); s.Process.PID > 0 && err == nil {
		if s.Process.Alive() && kernel.PidfdSignal(pidfd, kernel.SIGKILL) == nil && !kernel.PidfdEnded(pidfd, limit) {
			err = &plan.Error{Reason: "container " + s.ID + " was killed, but has not ended: the kernel holds its process"}
		}
		kernel.Close(pidfd)
		if err != nil {
			return err
		}
	}
	return nil
}
