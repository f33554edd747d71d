// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"golang.org/x/sys/unix"
)

// maker makes files that belong to others, as far as a file system takes their ids. It changes the ids of its thread.
//
// It does so because a tmpfs of a user namespace refuses to make a file for an id that is not mapped (EOVERFLOW), while newer
// kernels let root change the owner to such an id afterwards.
type maker struct {
	owner  Owner // for what is not mapped
	inside bool  // the file system belongs to a user namespace

	caps [2]unix.CapUserData
	now  Owner // the thread's
	last struct{ wanted, given Owner }
}

// made is what became of a file's ids and mode.
type made struct {
	mode     uint32 // permissions, setuid and setgid only for the ids they were meant for
	uid, gid bool   // has the original's
}

func capHeader() *unix.CapUserHeader {
	return &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
}

func (m *maker) start(owner *Owner) error {
	m.now = fsOwner()
	m.owner = m.now
	if owner != nil {
		m.owner, m.inside = *owner, true
	}
	m.last.wanted, m.last.given = m.owner, m.owner
	return unix.Capget(capHeader(), &m.caps[0])
}

// fsOwner are the file system ids of the thread.
func fsOwner() Owner {
	const ask = -1 // no id: nothing changes
	uid, _ := unix.SetfsuidRetUid(ask)
	gid, _ := unix.SetfsgidRetGid(ask)
	return Owner{uint32(uid), uint32(gid)}
}

// become changes the file system ids of the thread. Its power over files goes with root's, and is raised again.
func (m *maker) become(ids Owner) error {
	if m.now == ids {
		return nil
	}
	_, _ = unix.SetfsgidRetGid(int(ids.GID))
	_, _ = unix.SetfsuidRetUid(int(ids.UID))
	if m.now = fsOwner(); m.now != ids {
		return unix.EPERM
	}
	return unix.Capset(capHeader(), &m.caps[0])
}

// make has f make an entry of a directory, with the owner and group of another or the nearest to it that is possible.
func (m *maker) make(dir int, name string, st *unix.Stat_t, f func() error) (made, error) {
	wanted := Owner{st.Uid, st.Gid}
	ids, err := m.last.given, error(unix.EOVERFLOW)
	if wanted == m.last.wanted {
		err = m.makeAs(ids, f)
	}
	if err == unix.EOVERFLOW {
		for _, ids = range [...]Owner{wanted, {st.Uid, m.owner.GID}, {m.owner.UID, st.Gid}, m.owner} {
			if err = m.makeAs(ids, f); err != unix.EOVERFLOW {
				break
			}
		}
	}
	if err == nil {
		m.last.wanted, m.last.given = wanted, ids
		// A setgid directory has given it another group.
		err = unix.Fchownat(dir, name, int(ids.UID), int(ids.GID), unix.AT_SYMLINK_NOFOLLOW)
	}
	out := made{st.Mode & 0o7777, ids.UID == wanted.UID, ids.GID == wanted.GID}
	if !out.uid {
		out.mode &^= unix.S_ISUID
	}
	if !out.gid {
		out.mode &^= unix.S_ISGID
	}
	return out, err
}

func (m *maker) makeAs(ids Owner, f func() error) error {
	if err := m.become(ids); err != nil {
		return err
	}
	return f()
}

// mayRead tells whether the user namespace that the copy is for can read the original. Its root can read all that is wholly mapped.
func (m *maker) mayRead(st *unix.Stat_t, copied made) bool {
	if !m.inside || copied.uid && copied.gid {
		return true
	}
	need := uint32(4)
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		need = 5
	}
	return st.Mode&need == need || copied.uid && st.Mode>>6&need == need
}
