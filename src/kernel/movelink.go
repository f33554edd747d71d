// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MoveLink moves a network device from the calling thread's network namespace into the one of descriptor netns, which stays the
// caller's, and sets it up there. newName is its name there: "" for the same, one with %d for the first free one. Its permanent
// addresses of global scope go along (runtime-spec 1.3, linux.netDevices); routes and labels of addresses do not.
//
// It needs CAP_SYS_ADMIN and CAP_NET_ADMIN over both namespaces. If something fails after the move, the device is moved back, with
// those addresses; the error says whether that could be done.
func MoveLink(name, newName string, netns int) error {
	if newName == "" {
		newName = name
	}
	m := linkMove{name: name, newName: newName, home: -1}
	if !linkName(name) || strings.Contains(name, "%") {
		return m.failed("find network device", unix.EINVAL, "", "this cannot be the name of one")
	}
	if !linkName(newName) {
		return m.failed("move network device", unix.EINVAL, "", "it cannot be named "+newName+": a name has 1 to "+
			strconv.Itoa(maxLinkName)+" characters without / : % and blanks; one %d stands for a free number")
	}
	defer m.close()
	if err := m.open(netns); err != nil {
		return err
	}
	return m.run(netns)
}

// MoveLinkFrom is MoveLink for a device of the namespace of descriptor from.
func MoveLinkFrom(from int, name, newName string, to int) error {
	return onThread(func() error {
		if err := unix.Setns(from, unix.CLONE_NEWNET); err != nil {
			return fail("join the network namespace of network device", name, err)
		}
		return MoveLink(name, newName, to)
	})
}

// linkName tells whether the kernel takes s as the name of a device, or as a pattern of names.
func linkName(s string) bool {
	if s == "" || len(s) > maxLinkName || s == "." || s == ".." {
		return false
	}
	for i := 0; i < len(s); i++ { // bytes: the kernel's isspace takes 0xa0 for a blank
		switch s[i] {
		case '/', ':', ' ', '\t', '\n', '\v', '\f', '\r', 0xa0, 0:
			return false
		}
	}
	before, after, pattern := strings.Cut(s, "%d")
	return !strings.Contains(before, "%") && !(pattern && strings.Contains(after, "%"))
}

// linkMove is one move.
type linkMove struct {
	name, newName string
	here, there   *rtnl
	home          int // the namespace of here

	old     link
	index   int32 // of the device there
	address []address
}

func (m *linkMove) close() {
	if m.here != nil {
		Close(m.here.fd)
	}
	if m.there != nil {
		Close(m.there.fd)
	}
	Close(m.home)
}

// failed makes the error of a step. remark is the kernel's word on it and hint ours; both may be empty.
func (m *linkMove) failed(op string, err error, remark, hint string) error {
	switch {
	case remark != "" && hint != "":
		hint += "; the kernel says: " + remark
	case remark != "":
		hint = "the kernel says: " + remark
	}
	return explain(fail(op, m.name, err), hint)
}

// open opens a socket in both namespaces.
func (m *linkMove) open(netns int) (err error) {
	if m.here, err = openRTNL(); err != nil {
		return err
	}
	if m.home, err = unix.IoctlRetInt(m.here.fd, unix.SIOCGSKNS); err != nil {
		m.home = -1
		return m.failed("find the network namespace of network device", err, "", permissionHint(err))
	}
	var a, b unix.Stat_t
	if unix.Fstat(m.home, &a) == nil && unix.Fstat(netns, &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino {
		return m.failed("move network device", unix.EINVAL, "", "the container uses the network namespace that the device is in: give it one of its own")
	}
	err = onThread(func() (err error) {
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			hint := permissionHint(err)
			if err == unix.EINVAL {
				hint = "the descriptor is not that of a network namespace"
			}
			return m.failed("enter the network namespace for network device", err, "", hint)
		}
		m.there, err = openRTNL()
		return err
	})
	return err
}

func permissionHint(err error) string {
	if err == unix.EPERM {
		return "it needs CAP_SYS_ADMIN and CAP_NET_ADMIN, here and over the container's network namespace"
	}
	return ""
}

func (m *linkMove) run(netns int) (err error) {
	old, actual, remark, err := m.here.find(0, m.name)
	switch {
	case err == unix.ENODEV:
		return m.failed("find network device", err, "", "this network namespace has no device of that name: see ip link")
	case err != nil:
		return m.failed("find network device", err, remark, "")
	case actual != m.name:
		return m.failed("move network device", unix.EINVAL, "", "that is another name of "+actual+": use "+actual)
	}
	m.old = old
	if m.address, err = m.here.addresses(m.old.index); err != nil {
		hint := ""
		if err == unix.E2BIG {
			hint = "more than " + strconv.Itoa(maxAddresses) + " cannot be taken along"
		}
		return m.failed("list the addresses of network device", err, "", hint)
	}
	if !strings.Contains(m.newName, "%") {
		// The kernel would find out after the move, when it renames the device.
		if _, _, _, err = m.there.find(0, m.newName); err == nil {
			return m.failed(opMove, unix.EEXIST, "", m.moveHint(unix.EEXIST))
		}
	}
	return m.carry(netns)
}

const opMove = "move into the container network device"

// carry moves the device and sets it up there, or leaves it where it was.
func (m *linkMove) carry(netns int) error {
	remark, err := m.transfer(m.here, m.old.index, netns, m.newName, &m.index)
	if err != nil {
		err := m.failed(opMove, err, remark, m.moveHint(err))
		if _, _, _, gone := m.here.find(m.old.index, ""); gone != unix.ENODEV {
			return err
		}
		return m.back(err)
	}
	if err := m.settle(m.there, m.index, true); err != nil {
		return m.back(err)
	}
	return nil
}

func (m *linkMove) moveHint(err error) string {
	switch err {
	case unix.EEXIST:
		return "there is a device named " + m.newName + " in the container already: choose another name, or a pattern such as eth%d"
	case unix.EINVAL:
		return "this kind of device cannot change its network namespace: lo, bridges, wireless and some tunnel devices cannot"
	case unix.EBUSY:
		return "the device is in use, or no index is free for it"
	case unix.ENODEV:
		return "it has vanished meanwhile"
	}
	return permissionHint(err)
}

// transfer moves a device, with its own index if that is free in the other namespace, else with one near it.
func (m *linkMove) transfer(from *rtnl, index int32, netns int, name string, newIndex *int32) (remark string, err error) {
	const tries = 256
	*newIndex = index
	for range tries {
		if remark, err = from.move(index, netns, name, *newIndex); err != unix.EBUSY || *newIndex == 1<<31-1 {
			break
		}
		*newIndex++
	}
	return remark, err
}

// settle gives a device that was moved its addresses again, and sets it up.
func (m *linkMove) settle(r *rtnl, index int32, up bool) error {
	for _, a := range m.address {
		if remark, err := r.addAddress(index, a); err != nil {
			hint := ""
			switch {
			case a.family != unix.AF_INET6:
			case err == unix.EACCES:
				hint = "IPv6 is disabled in that network namespace: see net.ipv6.conf.default.disable_ipv6"
			case err == unix.EOPNOTSUPP:
				hint = "this kernel has no IPv6"
			}
			return m.failed("add an address to network device", err, remark, hint)
		}
	}
	if !up {
		return nil
	}
	remark, err := r.setUp(index)
	return m.failed("set up network device", err, remark, "")
}

// back moves the device back after cause, and adds to cause what has become of the device.
func (m *linkMove) back(cause error) error {
	outcome := "the device is back where it was, with its permanent addresses, but without routes"
	var index int32
	_, err := m.transfer(m.there, m.index, m.home, m.name, &index)
	_, _, _, gone := m.there.find(m.index, "")
	switch {
	case err != nil && gone != unix.ENODEV:
		outcome = "it could not be moved back and stays in the container's network namespace: " + err.Error()
	case err != nil:
		outcome = "it is back where it was, but could not be named " + m.name + " again: " + err.Error()
	}
	if err == nil || gone == unix.ENODEV {
		if err := m.settle(m.here, index, m.old.up); err != nil {
			outcome = "it is back where it was, but not as it was: " + err.Error()
		}
	}
	if e, ok := cause.(*HintError); ok {
		return &HintError{e.Err, e.Hint + "; " + outcome}
	}
	return explain(cause, outcome)
}
