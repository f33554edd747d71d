// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/elfdep"
	"gojail/src/passwd"
	"gojail/src/spec"
)

// A Request is what somebody wants of a process in a running container. What it does not say is as the container's configuration has it.
type Request struct {
	Args []string
	Env  []string // NAME=value, added or put in the place of what the container has
	Cwd  string   // absolute; "" is the container's
	// User is USER or USER:GROUP, names or numbers; "" is the container's. A bare number is that user with group 0 and in no other
	// group (CVE-2026-30892), a name has the groups that the container's /etc/passwd and /etc/group give it.
	User string
	Caps []string // added to the container's bounding, permitted and effective set
}

// ParseRequest reads a command line of exec: options, and what is to be executed, with -- before it or without.
//
//	-u, --user USER[:GROUP]   -w, --cwd DIR   -e, --env NAME=VALUE   -c, --cap CAP_NAME
func ParseRequest(args []string) (*Request, error) {
	q := &Request{}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if args[0] == "--" {
			args = args[1:]
			break
		}
		option, value, joined := strings.Cut(args[0], "=")
		if joined = joined && strings.HasPrefix(option, "--"); !joined {
			option = args[0]
			if len(args) < 2 {
				return nil, refuse(option, "a value is missing")
			}
			value, args = args[1], args[1:]
		}
		args = args[1:]
		switch option {
		case "-u", "--user":
			q.User = value
		case "-w", "--cwd":
			q.Cwd = value
		case "-e", "--env":
			q.Env = append(q.Env, value)
		case "-c", "--cap":
			q.Caps = append(q.Caps, value)
		default:
			return nil, refuse(option, "no such option of exec")
		}
	}
	q.Args = args
	return q, nil
}

// Process is the process that is asked for. root has the container's files; it is looked at only for names.
func (r *Running) Process(q *Request, root elfdep.FS) (*specs.Process, error) {
	p := *r.Base
	p.Args, p.Env = q.Args, mergeEnv(p.Env, q.Env)
	if q.Cwd != "" {
		p.Cwd = q.Cwd
	}
	if q.User != "" {
		u, err := requestedUser(q.User, root)
		if err != nil {
			return nil, err
		}
		u.Umask = p.User.Umask
		p.User = u
	}
	if len(q.Caps) > 0 {
		var c specs.LinuxCapabilities
		if p.Capabilities != nil {
			c = *p.Capabilities
		}
		for _, set := range [...]*[]string{&c.Bounding, &c.Permitted, &c.Effective} {
			*set = append((*set)[:len(*set):len(*set)], q.Caps...)
		}
		p.Capabilities = &c
	}
	if err := spec.ValidateProcess(&p); err != nil {
		return nil, refuse("", err.Error())
	}
	return &p, nil
}

// mergeEnv puts what is asked for in the place of what is there.
func mergeEnv(have, asked []string) []string {
	out := make([]string, 0, len(have)+len(asked))
next:
	for _, e := range have {
		for _, a := range asked {
			if name, _, ok := strings.Cut(a, "="); ok && strings.HasPrefix(e, name+"=") {
				continue next
			}
		}
		out = append(out, e)
	}
	return append(out, asked...)
}

func requestedUser(text string, root elfdep.FS) (u specs.User, err error) {
	name, group, both := strings.Cut(text, ":")
	where := "user " + text
	if both && group == "" {
		return u, refuse(where, "names no group after the ':'")
	}
	number := true
	if u.UID, number = idNumber(name); !number {
		var users, groups []byte
		if users, err = readText(root, "/etc/passwd"); err != nil {
			return u, refuse(where, err.Error())
		}
		found, err := passwd.LookupUser(users, name)
		if err != nil {
			return u, refuse(where, err.Error()+" of the container")
		}
		u.UID, u.GID = found.UID, found.GID
		if groups, err = readText(root, "/etc/group"); err == nil && !both {
			u.AdditionalGids = passwd.Groups(groups, found.Name, found.GID)
		}
	}
	if !both {
		return u, nil
	}
	if u.GID, number = idNumber(group); !number {
		groups, err := readText(root, "/etc/group")
		if err == nil {
			u.GID, err = passwd.LookupGroup(groups, group)
		}
		if err != nil {
			return u, refuse(where, err.Error()+" of the container")
		}
	}
	return u, nil
}

// idNumber takes a number for an id, whatever name it may be as well.
func idNumber(s string) (uint32, bool) {
	id, err := passwd.LookupGroup(nil, s) // without any entry: numbers alone
	return id, err == nil
}
