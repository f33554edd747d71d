// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"syscall"
	"time"

	"gojail/src/kernel"
	"gojail/src/resident"
)

// killLimit is how long processes that a container has left in its control group may take to die. Less than what a worker may take.
const killLimit = 5 * time.Second

// Group leaves the control group to the resident: it removes an empty one by itself.
func (p *parent) Group(fd int, made []string) error {
	err := resident.Hold(resident.Group, fd)
	if len(made) > 0 {
		p.cgroup, p.groups = made[len(made)-1], made
	}
	if err == nil && p.made != nil {
		err = p.made(made)
	}
	for i, dir := range made {
		if err == nil {
			err = resident.Undo(dir, i == len(made)-1)
		}
	}
	return err
}

// endGroup empties the control group that the resident could not remove: of processes that the payload has left where it had no pid
// namespace of its own, and of groups that it has made. The resident then tries again.
func endGroup() error {
	fd := resident.Held(resident.Group)
	if fd < 0 {
		return nil
	}
	g, err := kernel.CgroupAt(fd)
	if err != nil {
		return err
	}
	defer g.Close()
	limit := time.Now().Add(killLimit)
	if err = g.Kill(limit); err == nil {
		err = g.RemoveBelow(limit)
	}
	if e := kernel.ErrnoOf(err); e == syscall.ENODEV || e == syscall.ENOENT { // the resident has removed it already
		err = nil
	}
	return err
}
