// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"time"

	"golang.org/x/sys/unix"
)

// Freeze stops all processes in the cgroup and below, and waits until they stand still, at most until the deadline: then they go on, and
// the error is EBUSY. KILL ends a process that stands still, other signals wait.
func (c Cgroup) Freeze(deadline time.Time) error {
	events, err := c.openat("cgroup.events", unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer unix.Close(events)
	if err := c.Write("cgroup.freeze", "1"); err != nil {
		return err
	}
	for {
		var b [256]byte
		n, err := unix.Pread(events, b[:], 0)
		switch {
		case err == unix.EINTR:
			continue
		case err == nil && Field(string(b[:n]), "frozen") == "1":
			return nil
		case err != nil || !time.Now().Before(deadline):
			_ = c.Thaw()
			if err == nil {
				err = unix.EBUSY
			}
			return fail("stop the processes in", c.path, err)
		}
		if _, err := Poll([]PollFD{{Fd: int32(events), Events: unix.POLLPRI}}, deadline); err != nil {
			_ = c.Thaw()
			return err
		}
	}
}

// Thaw has them go on.
func (c Cgroup) Thaw() error { return c.Write("cgroup.freeze", "0") }

// Frozen tells whether somebody has stopped them with Freeze.
func (c Cgroup) Frozen() bool {
	s, err := c.Read("cgroup.freeze")
	return err == nil && s == "1\n"
}
