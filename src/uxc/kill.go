// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"strconv"

	"gojail/src/kernel"
	"gojail/src/state"
)

var killVerb = verb{name: "kill", args: "ID [SIGNAL]", about: "send a container a signal, by name or number (default: TERM)",
	options: []option{
		{long: "all", short: 'a', about: "to all its processes"},
		{long: "regex", short: 'r', value: "WORD", about: "refused"},
	},
	run: func(c *call) error {
		switch {
		case len(c.args) == 0:
			return usage("an ID is missing")
		case len(c.args) > 2:
			return usage("too many arguments")
		case c.has("regex"):
			return usage("--regex: name the containers")
		}
		name := "TERM"
		if len(c.args) > 1 {
			name = c.args[1]
		}
		number, ok := signalNumber(name)
		if !ok {
			return usage(name + ": no such signal")
		}
		st, err := state.Load(c.root, c.args[0])
		if err != nil {
			return err
		}
		return c.kill(st, number, c.has("all"))
	}}

func signalNumber(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, n >= 0 && n <= kernel.MaxSignal
	}
	return kernel.Signal(s)
}

func (c *call) kill(st *state.State, number int, all bool) error {
	now := st.Now(c.root)
	if all {
		if done, err := c.killAll(st, number); done || err != nil {
			return err
		}
	}
	if now == state.Stopped || now == state.Creating {
		return notRunning(st.ID)
	}
	if now == state.Created && kernel.Ends(number) { // it has no handler for it yet, and as the first of its namespace the kernel protects it
		number = kernel.SIGKILL
	}
	alive, err := signal(st, number)
	switch {
	case err != nil:
		return err
	case !alive:
		return notRunning(st.ID)
	}
	return nil
}

// killAll sends a signal to all processes of the control group. False: there is none.
func (c *call) killAll(st *state.State, number int) (done bool, err error) {
	g, err := groupOf(st)
	if err != nil {
		return false, nil
	}
	defer g.Close()
	if number == kernel.SIGKILL {
		busy, err := g.Populated()
		if err != nil || !busy {
			return false, nil
		}
		return true, g.Write("cgroup.kill", "1")
	}
	pids, err := g.Processes()
	if err != nil || len(pids) == 0 {
		return false, err
	}
	for _, pid := range pids {
		pidfd, err := kernel.PidfdOpen(pid)
		if err != nil {
			continue
		}
		// A pid that has become another's is not in the group any more.
		if own, err := kernel.CgroupOf(pid); err == nil {
			if own.Path() == g.Path() || len(own.Path()) > len(g.Path()) && own.Path()[:len(g.Path())+1] == g.Path()+"/" {
				err = kernel.PidfdSignal(pidfd, number)
			}
			own.Close()
			if err != nil && kernel.ErrnoOf(err) != esrch {
				kernel.Close(pidfd)
				return true, err
			}
		}
		kernel.Close(pidfd)
	}
	return true, nil
}
