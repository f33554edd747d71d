// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"gojail/src/agent"
	"gojail/src/hooks"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/spawn"
	"gojail/src/state"
)

var startVerb = verb{name: "start", args: "ID", about: "have a container run that waits for it", run: func(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	e, err := state.Open(c.root, id)
	if err != nil {
		return err
	}
	defer e.Close()
	st, err := e.Load()
	if err != nil {
		return err
	}
	if now := st.Now(c.root); now != state.Created || st.Mode != state.Detached {
		return wrongState(id, "start", now)
	}
	return c.start(e, st)
}}

func (c *call) start(e *state.Entry, st *state.State) error {
	s, err := c.kept(st.ID)
	if err != nil {
		return err
	}
	p, err := planOf(s, st, true)
	if err != nil {
		return err
	}
	sync, err := kernel.ConnectPackets(e.Dir(), state.Socket)
	if err != nil {
		return err
	}
	// It hears us now, and nobody after us: without the socket it counts as started, or as stopped if it ends.
	_ = kernel.Unlink(e.Dir() + "/" + state.Socket)
	pid := st.Process.PID
	cfg := &spawn.Config{Limits: c.program.Limits, Cgroup: -1}
	if g, err := groupOf(st); err == nil {
		defer g.Close()
		cfg.Cgroup = g.FD()
	}
	cfg.Hook = func(h *plan.Hook, at spawn.HookPoint) error {
		r := c.runner(st)
		defer r.Close()
		r.Gone = at.Sync
		return r.Run(h, string(state.Created), &hooks.Container{Plan: p, PID: at.PID, Root: at.Root, Group: at.Group})
	}
	cfg.Listener = func(path, metadata string, pid, listener int) error {
		h := hooksState(st)
		return agent.Pass(&h, path, metadata, string(state.Created), pid, pid, listener)
	}
	if err := spawn.Continue(p, cfg, pid, st.Program, sync); err != nil {
		if ended := c.end(st); ended != nil {
			c.warn(ended.Error())
		}
		return err
	}
	st.Status = state.Running
	if err := e.Save(st); err != nil {
		return err
	}
	return c.poststart(p, st)
}

// poststart runs those hooks. An error is one that the container does not survive.
func (c *call) poststart(p *plan.Plan, st *state.State) error {
	if len(p.Poststart) == 0 {
		return nil
	}
	r := c.runner(st)
	defer r.Close()
	for i := range p.Poststart {
		err := r.Run(&p.Poststart[i], string(state.Running), &hooks.Container{PID: st.Process.PID, Group: -1})
		switch {
		case err == nil:
		case p.PoststartVital:
			if ended := c.end(st); ended != nil {
				c.warn(ended.Error())
			}
			return err
		default:
			c.warn(err.Error())
		}
	}
	return nil
}
