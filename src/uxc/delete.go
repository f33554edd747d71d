// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"errors"
	"strings"
	"syscall"
	"time"

	"gojail/src/cgroup"
	"gojail/src/hooks"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/spawn"
	"gojail/src/state"
)

var deleteVerb = verb{name: "delete", args: "ID", about: "take away what is left of a container",
	options: []option{{long: "force", short: 'f', about: "also if it runs, or does not exist"}},
	run: func(c *call) error {
		id, err := c.id()
		if err != nil {
			return err
		}
		err = c.delete(id, c.has("force"))
		if errors.Is(err, state.ErrNotExist) && c.has("force") {
			return nil
		}
		return err
	}}

func (c *call) delete(id string, force bool) error {
	if force { // who starts it at this moment sees it end, and lets go of it
		if st, err := state.Load(c.root, id); err == nil {
			if err := c.end(st); err != nil {
				return err
			}
		}
	}
	e, err := state.Open(c.root, id)
	if err != nil {
		return err
	}
	defer e.Close()
	st, err := e.Load()
	if err == nil && st.Mode == state.Supervised && st.Owner.Alive() && st.Now(c.root) == state.Stopped {
		e.Close() // its resident takes it away
		if pidfd, err := kernel.PidfdOpen(st.Owner.PID); err == nil {
			kernel.PidfdEnded(pidfd, time.Now().Add(endLimit))
			kernel.Close(pidfd)
		}
		if e, err = state.Open(c.root, id); err != nil {
			if errors.Is(err, state.ErrNotExist) {
				return nil
			}
			return err
		}
		defer e.Close()
		st, err = e.Load()
	}
	switch {
	case errors.Is(err, state.ErrNotExist) && force: // who was to make it has not come that far
		return e.Remove()
	case err != nil && force && !errors.Is(err, state.ErrNotExist):
		c.warn(err.Error())
		return e.Remove()
	case err != nil:
		return err
	}
	switch now := st.Now(c.root); {
	case now == state.Stopped:
	case !force:
		return wrongState(id, "delete", now)
	default:
		if err := c.end(st); err != nil {
			return err
		}
	}
	return c.takeAway(e, st)
}

// takeAway takes away all that there is of a container whose process has ended, or ends: who calls has its lock.
func (c *call) takeAway(e *state.Entry, st *state.State) error {
	err := c.end(st)
	if err == nil {
		err = removeGroups(st)
	}
	if err != nil {
		return err // what is known of it stays, for another attempt
	}
	for i := len(st.Mounts) - 1; i >= 0; i-- {
		if err := kernel.Unmount(st.Mounts[i]); err != nil && kernel.ErrnoOf(err) != syscall.EINVAL && kernel.ErrnoOf(err) != syscall.ENOENT {
			return err
		}
	}
	if st.Status == state.Creating { // else somebody's files may be in them
		spawn.Unmake(st.Dirs)
	}
	c.poststop(st)
	return e.Remove()
}

// removeGroups removes the control groups that were made for the container, with all processes that are left in its own.
func removeGroups(st *state.State) error {
	own := kernel.CgroupRoot + st.Cgroup
	groups := st.Groups
	if len(groups) == 0 && st.Cgroup != "" && st.Status == state.Creating { // who has made it may not have lived to write it
		for i := 1; i <= len(own); i++ {
			if (i == len(own) || own[i] == '/') && strings.HasPrefix(own[:i], kernel.CgroupRoot+cgroup.Containers) {
				groups = append(groups, own[:i])
			}
		}
		if len(groups) == 0 {
			groups = []string{own}
		}
	}
	limit := time.Now().Add(endLimit)
	for i := len(groups) - 1; i >= 0; i-- {
		dir := groups[i]
		err := kernel.Rmdir(dir)
		if e := kernel.ErrnoOf(err); (e == syscall.EBUSY || e == syscall.ENOTEMPTY) && dir == own && len(st.Groups) > 0 {
			if err = emptyGroup(st, limit); err == nil {
				err = kernel.Rmdir(dir)
			}
		}
		switch e := kernel.ErrnoOf(err); {
		case err == nil || e == syscall.ENOENT || e == syscall.ENODEV:
		case dir != own && (e == syscall.EBUSY || e == syscall.ENOTEMPTY): // others are in it
			return nil
		case len(st.Groups) == 0: // somebody else's
			return nil
		default:
			return err
		}
	}
	return nil
}

func emptyGroup(st *state.State, limit time.Time) error {
	g, err := groupOf(st)
	if err != nil {
		return err
	}
	defer g.Close()
	if err = g.Kill(limit); err == nil {
		err = g.RemoveBelow(limit)
	}
	if e := kernel.ErrnoOf(err); e == syscall.ENODEV || e == syscall.ENOENT {
		return nil
	}
	return err
}

// poststopLimit is how many seconds a poststop hook without a timeout may take.
const poststopLimit = 10

// poststop runs those hooks. Whatever becomes of one, the others are run.
func (c *call) poststop(st *state.State) {
	if !st.Made {
		return
	}
	s, err := c.kept(st.ID)
	if err != nil {
		c.warn("poststop hooks: " + err.Error())
		return
	}
	r := c.runner(st)
	defer r.Close()
	for _, h := range plan.PoststopHooks(s) {
		if h.Timeout == 0 {
			h.Timeout = poststopLimit
		}
		if err := r.Run(&h, string(state.Stopped), &hooks.Container{Group: -1}); err != nil {
			c.warn(err.Error())
		}
	}
}
