// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"errors"
	"math"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/spawn"
	"gojail/src/state"
	"gojail/src/supervise"
)

var runVerb = verb{name: "run", args: "ID", about: "make a container and start it",
	options: append([]option{
		{long: "detach", short: 'd', about: "do not wait for its end"},
		{long: "keep", about: "what is known of it stays when it has ended (delete takes it away)"},
	}, making...),
	run: func(c *call) error {
		id, err := c.id()
		switch {
		case err != nil:
			return err
		case c.program.Ended:
			return c.ended(id)
		case c.program.Attached:
			return c.create(id, attached)
		case !c.has("detach"):
			return &plan.Error{Reason: "this program was linked without -E jail_entry and cannot supervise: build it with make, or add --detach"}
		}
		return c.create(id, detached)
	}}

// attach has the container run as the resident's child. The resident waits for its end, and then starts a worker that takes it away.
func (m *maker) attach(cfg *spawn.Config) error {
	total := uint64(0)
	for _, h := range m.plan.Poststop {
		if h.Timeout == 0 {
			h.Timeout = poststopLimit
		}
		total += uint64(h.Timeout)
	}
	if err := resident.WantStopped(uint32(min(total*1000, math.MaxUint32/2))); err != nil {
		return err
	}
	a := supervise.Attached{PidFile: m.pidFile, Group: func(made []string) error { return m.Group(-1, made) }}
	m.pidFile = ""
	if err := a.Run(m.plan, cfg); err != nil {
		return err
	}
	m.state.Process, m.state.Status = state.This(a.PID), state.Running
	if len(m.state.Groups) == 0 {
		m.state.Cgroup = ""
	}
	if err := m.entry.Save(m.state); err != nil {
		return err
	}
	return m.call.poststart(m.plan, m.state)
}

// ended is what is left to be done for a container that has run in the foreground.
func (c *call) ended(id string) error {
	e, err := state.Open(c.root, id)
	if errors.Is(err, state.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer e.Close()
	st, err := e.Load()
	if err != nil || st.Owner != state.This(kernel.Getppid()) {
		return nil // it could not be made, or is another's
	}
	if err := supervise.EndGroup(); err != nil {
		c.warn(err.Error())
	}
	if !c.has("keep") {
		return c.takeAway(e, st)
	}
	st.Status = state.Stopped
	return e.Save(st)
}
