// SPDX-License-Identifier: LGPL-2.1-only

// Package passwd finds users and groups in the text of /etc/passwd and
// /etc/group (passwd(5), group(5)), and ids for user namespaces in that of /etc/subuid and /etc/subgid (subuid(5)).
//
// It is pure: the caller reads the files, from the host or from a container's
// rootfs. It knows no other source (NIS, LDAP, nsswitch.conf) and no
// passwords. Lines that are malformed are passed over, of entries with one
// name the first holds, as with the C library.
package passwd

import (
	"bytes"
	"strconv"
)

// NoID is (uid_t)-1, which is nobody's id: the kernel refuses to switch to it.
const NoID = ^uint32(0)

const (
	maxName   = 256     // LOGIN_NAME_MAX; what is longer is not looked for
	maxLine   = 1 << 20 // a group with tens of thousands of members; longer lines count as malformed
	maxGroups = 65536   // NGROUPS_MAX of the kernel
)

// User is an entry of passwd(5).
type User struct {
	Name     string // "" for a number without an entry
	UID, GID uint32 // GID is NoID for a number without an entry
	Home     string // "" when none is given
}

// NotFoundError says that a user or group does not exist.
type NotFoundError struct {
	Kind string // "user" or "group"
	Name string
}

func (e *NotFoundError) Error() string {
	if e == nil {
		return "<nil>"
	}
	name, cut := e.Name, ""
	if len(name) > maxName {
		name, cut = name[:maxName], "..."
	}
	file := "/etc/passwd"
	if e.Kind == "group" {
		file = "/etc/group"
	}
	return "no " + e.Kind + " " + strconv.Quote(name) + cut + " in " + file
}

// LookupUser finds a user by name in the text of a passwd file.
//
// Where no entry has the name and it is a decimal number from 0 to 4294967294,
// it is taken as an id: the first entry with that id is returned or, if there
// is none, a User with only the UID, whose GID has to come from elsewhere. This
// is more than the C ujail accepts, which knows names alone.
//
// The error is a *NotFoundError.
func LookupUser(passwd []byte, name string) (User, error) {
	if len(name) <= maxName && name != "" {
		id, numeric := parseID(name)
		byID, haveID := User{UID: id, GID: NoID}, false
		for len(passwd) > 0 {
			var line []byte
			line, passwd = cutLine(passwd)
			var f [7][]byte
			if !split(line, f[:]) {
				continue
			}
			uid, ok1 := parseID(string(f[2]))
			gid, ok2 := parseID(string(f[3]))
			if !ok1 || !ok2 {
				continue
			}
			match := string(f[0]) == name
			if match || numeric && !haveID && uid == id {
				u := User{Name: string(f[0]), UID: uid, GID: gid, Home: string(f[5])}
				if match {
					return u, nil
				}
				byID, haveID = u, true
			}
		}
		if numeric {
			return byID, nil
		}
	}
	return User{}, &NotFoundError{"user", name}
}

// LookupGroup finds a group's id by name in the text of a group file. A number
// is taken as LookupUser takes one, whether or not a group has that id.
//
// The error is a *NotFoundError.
func LookupGroup(group []byte, name string) (uint32, error) {
	if len(name) <= maxName && name != "" {
		for len(group) > 0 {
			var line []byte
			line, group = cutLine(group)
			var f [4][]byte
			if !split(line, f[:]) || string(f[0]) != name {
				continue
			}
			if gid, ok := parseID(string(f[2])); ok {
				return gid, nil
			}
		}
		if gid, ok := parseID(name); ok {
			return gid, nil
		}
	}
	return 0, &NotFoundError{"group", name}
}

// Groups lists the groups of a user as initgroups(3) does: the primary one
// first, then those in the text of a group file that name the user as a member,
// in the order of the file, each once, at most 65536.
func Groups(group []byte, user string, primary uint32) []uint32 {
	list := []uint32{primary}
	if user == "" {
		return list
	}
	// Members are looked for among all groups: a set keeps a hostile file
	// from costing the square of its length.
	var seen map[uint32]struct{}
	for len(group) > 0 && len(list) < maxGroups {
		var line []byte
		line, group = cutLine(group)
		var f [4][]byte
		if !split(line, f[:]) || !member(f[3], user) {
			continue
		}
		gid, ok := parseID(string(f[2]))
		if !ok || gid == primary {
			continue
		}
		if _, twice := seen[gid]; twice {
			continue
		}
		if seen == nil {
			seen = make(map[uint32]struct{})
		}
		seen[gid] = struct{}{}
		list = append(list, gid)
	}
	return list
}

func cutLine(text []byte) (line, rest []byte) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, nil
}

// split divides a line at its colons into exactly len(f) fields; the last one
// takes what is left. It fails for lines with fewer, without a name, and for
// the "+" and "-" lines of NIS.
func split(line []byte, f [][]byte) bool {
	if len(line) == 0 || len(line) > maxLine || line[0] == ':' || line[0] == '+' || line[0] == '-' {
		return false
	}
	for i := range f[:len(f)-1] {
		var found bool
		if f[i], line, found = bytes.Cut(line, []byte{':'}); !found {
			return false
		}
	}
	f[len(f)-1] = line
	return true
}

func member(list []byte, user string) bool {
	for len(list) > 0 {
		var m []byte
		m, list, _ = bytes.Cut(list, []byte{','})
		if string(m) == user {
			return true
		}
	}
	return false
}

// parseID reads an id: decimal digits alone, NoID excluded.
func parseID(s string) (uint32, bool) {
	if s == "" || len(s) > 10 {
		return NoID, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return NoID, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	if n >= uint64(NoID) {
		return NoID, false
	}
	return uint32(n), true
}
