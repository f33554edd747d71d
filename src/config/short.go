// SPDX-License-Identifier: LGPL-2.1-only

package config

import (
	"strconv"
	"strings"
)

// The forms of a list's entry that has parts.
type (
	// An IDMap maps Size ids starting at Container inside to Host outside.
	IDMap struct{ Container, Host, Size uint32 }
	// A Rlimit is a limit of getrlimit(2), such as nofile; ^0 is none.
	Rlimit struct {
		Name       string
		Soft, Hard uint64
	}
	// A Device is a device of the host, its path inside, and what is allowed of rwm.
	Device struct{ Path, Target, Access string }
	// A Mount shows Source at Target.
	Mount struct {
		Source, Target string
		Options        []string
	}
)

// ParseIDMap reads container:host:size.
func ParseIDMap(v string) (m IDMap, reason string) {
	parts := strings.Split(v, ":")
	var n [3]uint32
	for i := range n {
		if len(parts) != 3 {
			return m, "must be container:host:size, as 0:100000:65536"
		}
		id, err := strconv.ParseUint(parts[i], 10, 32)
		if err != nil {
			return m, "must be container:host:size, as 0:100000:65536"
		}
		n[i] = uint32(id)
	}
	m = IDMap{n[0], n[1], n[2]}
	switch {
	case m.Size == 0:
		return m, "maps nothing"
	case uint64(m.Container)+uint64(m.Size) > 1<<32-1 || uint64(m.Host)+uint64(m.Size) > 1<<32-1:
		return m, "goes beyond the highest id, 4294967294"
	}
	return m, ""
}

const rlimitNames = " as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack "

// ParseRlimit reads name=limit or name=soft:hard.
func ParseRlimit(v string) (r Rlimit, reason string) {
	name, limit, ok := strings.Cut(v, "=")
	if !ok {
		return r, "must be name=limit or name=soft:hard, as nofile=1024:4096"
	}
	r.Name = strings.ToLower(name)
	if strings.Contains(r.Name, " ") || r.Name == "" || !strings.Contains(rlimitNames, " "+r.Name+" ") {
		return r, "there is no such limit" + meant(r.Name, strings.Fields(rlimitNames))
	}
	soft, hard, two := strings.Cut(limit, ":")
	if !two {
		hard = soft
	}
	if r.Soft, ok = rlimitValue(soft); !ok {
		return r, "must be a number, or unlimited"
	}
	if r.Hard, ok = rlimitValue(hard); !ok {
		return r, "must be a number, or unlimited"
	}
	if r.Soft > r.Hard {
		return r, "the first, soft limit must not exceed the hard one"
	}
	return r, ""
}

func rlimitValue(v string) (uint64, bool) {
	if v == "unlimited" {
		return ^uint64(0), true
	}
	return Size(v)
}

// ParseDevice reads path[:path inside][:access].
func ParseDevice(v string) (d Device, reason string) {
	parts := strings.Split(v, ":")
	d = Device{parts[0], parts[0], "rwm"}
	switch rest := parts[1:]; {
	case len(rest) > 2:
		return d, "must be path[:path inside][:rwm]"
	case len(rest) == 2:
		d.Target, d.Access = rest[0], rest[1]
	case len(rest) == 1 && strings.HasPrefix(rest[0], "/"):
		d.Target = rest[0]
	case len(rest) == 1:
		d.Access = rest[0]
	}
	for _, p := range [...]string{d.Path, d.Target} {
		if reason := checkPath(p); reason != "" {
			return d, reason
		}
		if !strings.HasPrefix(p, "/dev/") {
			return d, "must be a device in /dev"
		}
	}
	return d, checkAccess(d.Access)
}

func checkAccess(v string) string {
	for i := 0; i < len(v); i++ {
		if strings.IndexByte("rwm", v[i]) < 0 || strings.IndexByte(v[i+1:], v[i]) >= 0 {
			return "must be letters of rwm: read, write, mknod"
		}
	}
	if v == "" {
		return "must be letters of rwm: read, write, mknod"
	}
	return ""
}

// ParseMount reads source:target[:options]. A source that is no path is the name of a file system without one, such as mqueue.
func ParseMount(v string) (m Mount, reason string) {
	source, rest, ok := strings.Cut(v, ":")
	if !ok {
		return m, "must be source:target[:options], as /srv/data:/data:ro"
	}
	target, options, _ := strings.Cut(rest, ":")
	m = Mount{Source: source, Target: target}
	if source == "" {
		return m, "has no source"
	}
	if source[0] == '/' {
		if reason := checkPath(source); reason != "" {
			return m, "source " + reason
		}
	}
	if reason := checkPath(target); reason != "" {
		return m, "target " + reason
	}
	for o := range strings.SplitSeq(options, ",") {
		if o != "" {
			m.Options = append(m.Options, o)
		}
	}
	return m, ""
}
