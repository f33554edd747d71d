// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
)

// mapTree gives a detached tree an id mapping. The kernel takes it from a user namespace, which is made for this and lives as long
// as the mount.
func (s *start) mapTree(tree int, m *plan.Mapped) error {
	for _, known := range s.mapped {
		if slices.Equal(known.maps.UID, m.UID) && slices.Equal(known.maps.GID, m.GID) {
			return kernel.IDMapMount(tree, known.userns, m.Recursive)
		}
	}
	userns, err := s.userNamespace(m)
	if err != nil {
		return err
	}
	s.mapped = append(s.mapped, mappedNS{m, userns})
	return kernel.IDMapMount(tree, userns, m.Recursive)
}

type mappedNS struct {
	maps   *plan.Mapped
	userns int
}

func (s *start) userNamespace(m *plan.Mapped) (userns int, err error) {
	ours, theirs, err := kernel.SocketPair()
	if err != nil {
		return -1, err
	}
	defer kernel.Close(ours)
	defer kernel.Close(theirs)
	err = withUserNamespace(ours, theirs, func(pid int) (err error) {
		if err = s.proc.Write(pid, "uid_map", mapText(m.UID), nil); err == nil {
			err = s.proc.Write(pid, "gid_map", mapText(m.GID), nil)
		}
		if err == nil {
			userns, err = kernel.OpenNamespace("/proc/" + strconv.Itoa(pid) + "/ns/user")
		}
		return err
	})
	return userns, err
}

// copyUp fills a new tmpfs with what it covers; both are directories of the child's, by its descriptors.
func (s *start) copyUp(covered, tmpfs int) error {
	src, err := kernel.OpenFD(s.pid, covered)
	if err != nil {
		return err
	}
	defer kernel.Close(src)
	dst, err := kernel.OpenFD(s.pid, tmpfs)
	if err != nil {
		return err
	}
	defer kernel.Close(dst)
	if err := s.still(); err != nil {
		return err
	}
	return kernel.CopyTree(src, dst, s.owner())
}

// makePath makes what links in the container's root lead to.
func (s *start) makePath(prog *program.Program, n uint32, root int) error {
	path, dir, ok := prog.Path(n)
	if !ok {
		return &Error{Op: "make a path for the child", Err: unix.EPROTO}
	}
	fd, err := kernel.OpenFD(s.pid, root)
	if err != nil {
		return err
	}
	defer kernel.Close(fd)
	if err := s.still(); err != nil {
		return err
	}
	return kernel.MakeInRoot(fd, path, dir, s.owner())
}

// terminal takes the master of the payload's terminal from the child.
func (s *start) terminal(fd int) error {
	master, err := kernel.TakeFD(s.pid, fd)
	if err != nil {
		return err
	}
	if err := s.still(); err != nil {
		kernel.Close(master)
		return err
	}
	return s.cfg.Terminal(master)
}

// owner is who owns what is made for the container from outside: its root. Nil is our own.
func (s *start) owner() *kernel.Owner {
	if o := s.plan.Outside.Root(); o != nil {
		return &kernel.Owner{UID: o.UID, GID: o.GID}
	}
	return nil
}

// openNetns opens the child's network namespace.
func (s *start) openNetns() (err error) {
	if s.netns >= 0 {
		return nil
	}
	if s.netns, err = kernel.OpenNamespace("/proc/" + strconv.Itoa(s.pid) + "/ns/net"); err != nil {
		return err
	}
	return s.still()
}

// network has the container's network made.
func (s *start) network() error {
	if s.plan.Outside.Network == nil {
		return nil
	}
	if err := s.openNetns(); err != nil {
		return err
	}
	return s.cfg.Network(s.netns, s.pid)
}

// netDevices moves network devices into the child's network namespace, which stays open until the start has succeeded.
func (s *start) netDevices() (err error) {
	list := s.plan.Outside.NetDevices
	if len(list) == 0 {
		return nil
	}
	if err := s.openNetns(); err != nil {
		return err
	}
	for _, d := range list {
		if err := kernel.MoveLink(d.Name, d.NewName, s.netns); err != nil {
			return &plan.Error{Where: "linux.netDevices." + d.Name, Reason: err.Error()}
		}
		s.moved++
	}
	return nil
}

// returnDevices takes the devices back from a container that did not start: with its namespace they would be gone, or renamed.
func (s *start) returnDevices() error {
	if s.moved == 0 {
		return nil
	}
	home, err := kernel.OpenNamespace("/proc/self/ns/net")
	if err != nil {
		return err
	}
	defer kernel.Close(home)
	for ; s.moved > 0; s.moved-- {
		d := s.plan.Outside.NetDevices[s.moved-1]
		if err := kernel.MoveLinkFrom(s.netns, d.NewName, d.Name, home); err != nil {
			return err
		}
	}
	return nil
}
