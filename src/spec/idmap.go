// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"slices"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// maxMappings is how many lines the kernel takes for one id map.
const maxMappings = 340

// userMappings checks the mappings of the container's user namespace.
func (c *checker) userMappings(path place, l *specs.Linux) {
	user := find(l, specs.UserNamespace)
	uids, gids := path.at("uidMappings"), path.at("gidMappings")
	switch {
	case user == nil:
		const reason = "needs a user namespace: without one nothing would be mapped"
		if len(l.UIDMappings) > 0 {
			c.add(uids, reason)
		}
		if len(l.GIDMappings) > 0 {
			c.add(gids, reason)
		}
	case user.Path == "":
		const reason = "is required for a new user namespace"
		if len(l.UIDMappings) == 0 {
			c.add(uids, reason)
		}
		if len(l.GIDMappings) == 0 {
			c.add(gids, reason)
		}
	}
	c.mappings(uids, l.UIDMappings)
	c.mappings(gids, l.GIDMappings)
}

// mappings checks one id map as user_namespaces(7) has it.
func (c *checker) mappings(path place, list []specs.LinuxIDMapping) {
	if len(list) > maxMappings {
		c.add(path, "has "+strconv.Itoa(len(list))+" entries, the kernel takes at most 340")
		return
	}
	for i, m := range list {
		here := path.item(i)
		switch {
		case m.Size == 0:
			c.add(here.at("size"), "must be greater than zero")
		case m.ContainerID+m.Size < m.Size || m.HostID+m.Size < m.Size:
			c.add(here, "reaches beyond the last id, 4294967294")
		default:
			for j, other := range list[:i] {
				if overlap(m.ContainerID, m.Size, other.ContainerID, other.Size) ||
					overlap(m.HostID, m.Size, other.HostID, other.Size) {
					first := path.item(j)
					c.add(here, "overlaps "+first.String())
					break
				}
			}
		}
	}
}

func overlap(a, sizeA, b, sizeB uint32) bool {
	return uint64(a) < uint64(b)+uint64(sizeB) && uint64(b) < uint64(a)+uint64(sizeA)
}

// mappedUser checks that a new user namespace knows the process's ids: the
// kernel refuses to change to any other.
func (c *checker) mappedUser(path place, u *specs.User, l *specs.Linux) {
	if ns := find(l, specs.UserNamespace); ns == nil || ns.Path != "" {
		return
	}
	const uids, gids = " is not mapped by linux.uidMappings", " is not mapped by linux.gidMappings"
	text := func(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
	if len(l.UIDMappings) > 0 && !mapped(u.UID, l.UIDMappings) {
		c.add(path.at("uid"), text(u.UID)+uids)
	}
	if len(l.GIDMappings) == 0 {
		return
	}
	if !mapped(u.GID, l.GIDMappings) {
		c.add(path.at("gid"), text(u.GID)+gids)
	}
	for i, gid := range u.AdditionalGids {
		if !mapped(gid, l.GIDMappings) {
			c.add(path.entry("additionalGids", i), text(gid)+gids)
		}
	}
}

func mapped(id uint32, list []specs.LinuxIDMapping) bool {
	for _, m := range list {
		if overlap(id, 1, m.ContainerID, m.Size) {
			return true
		}
	}
	return false
}

// mount checks the members that do not depend on the filesystem: where it goes,
// and how its ids are mapped. uidMappings and gidMappings come together, on
// bind mounts; without them the options idmap and ridmap take the mapping of
// the container's user namespace. Mappings without one of these options are
// taken for idmap, as runc does: 1.1 did not have them.
func (c *checker) mount(path place, m *specs.Mount, l *specs.Linux) {
	if m.Destination == "" {
		c.add(path.at("destination"), "must not be empty")
	}
	given := len(m.UIDMappings) > 0 || len(m.GIDMappings) > 0
	switch {
	case given && len(m.UIDMappings) == 0:
		c.add(path.at("uidMappings"), "is required when gidMappings is given")
	case given && len(m.GIDMappings) == 0:
		c.add(path.at("gidMappings"), "is required when uidMappings is given")
	}
	c.mappings(path.at("uidMappings"), m.UIDMappings)
	c.mappings(path.at("gidMappings"), m.GIDMappings)
	option := slices.Contains(m.Options, "idmap") || slices.Contains(m.Options, "ridmap")
	if !given && !option {
		return
	}
	if !slices.Contains(m.Options, "bind") && !slices.Contains(m.Options, "rbind") {
		c.add(path, "ids can be mapped only on a bind mount; the options name neither bind nor rbind")
	}
	if !given && find(l, specs.UserNamespace) == nil {
		c.add(path, "idmap needs uidMappings and gidMappings, or a user namespace to take them from")
	}
}
