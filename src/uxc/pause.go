// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"time"

	"gojail/src/kernel"
	"gojail/src/state"
)

// freezeLimit is how long processes may take to stand still.
const freezeLimit = 10 * time.Second

var pauseVerb = verb{name: "pause", args: "ID", about: "have all processes of a container stand still", run: func(c *call) error {
	return c.freeze(state.Running, func(g kernel.Cgroup) error { return g.Freeze(time.Now().Add(freezeLimit)) })
}}

var resumeVerb = verb{name: "resume", args: "ID", about: "have them go on", run: func(c *call) error {
	return c.freeze(state.Paused, kernel.Cgroup.Thaw)
}}

func (c *call) freeze(wanted state.Status, do func(kernel.Cgroup) error) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	st, err := state.Load(c.root, id)
	if err != nil {
		return err
	}
	switch now := st.Now(c.root); {
	case now == state.Stopped:
		return notRunning(id)
	case now != wanted:
		return wrongState(id, c.verb.name, now)
	}
	g, err := groupOf(st)
	if err != nil {
		return err
	}
	defer g.Close()
	return do(g)
}
