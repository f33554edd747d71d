// SPDX-License-Identifier: LGPL-2.1-only

package caps

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Sets are the five capability sets of a process. Only what is set in them is
// kept: an empty Bounding drops everything from the bounding set.
type Sets struct {
	Bounding, Effective, Permitted, Inheritable, Ambient Set
}

// Error lists every entry that names no capability known here.
type Error struct {
	Unknown []Unknown
}

// Unknown is one such entry.
type Unknown struct {
	Path string // where it stands, such as process.capabilities.bounding[3]
	Name string // what stands there
}

// Error names each entry, and what may have been meant.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	s := ""
	for i, u := range e.Unknown {
		if i > 0 {
			s += "; "
		}
		s += u.Path + ": unknown capability " + strconv.Quote(clip(u.Name))
		if n := Nearest(u.Name); n != "" {
			s += " (did you mean " + n + "?)"
		}
	}
	return s
}

// FromNames returns the set of the named capabilities; a name may be repeated.
// If there are unknown names, the error (*Error) has all of them, with their
// index in brackets as Path, and the set has the known ones.
func FromNames(list []string) (Set, error) {
	var e *Error
	s := collect(list, "", &e)
	if e != nil {
		return s, e
	}
	return s, nil
}

// FromSpec returns the sets of a config.json's process.capabilities; nil has
// none. The error is as FromSpecAt says.
func FromSpec(c *specs.LinuxCapabilities) (Sets, error) {
	return FromSpecAt("process.capabilities", c)
}

// FromSpecAt is FromSpec for an object that stands at path in its document:
// "" for a file that holds nothing else, as that of ujail's -C option.
//
// The error (*Error) names every unknown entry. The sets are valid beside it
// and lack only those: runtime-spec 1.1 and later wants a warning for what cannot
// be granted, not a failure, and a caller that follows it goes on with them.
func FromSpecAt(path string, c *specs.LinuxCapabilities) (Sets, error) {
	if c == nil {
		return Sets{}, nil
	}
	if path != "" {
		path += "."
	}
	var e *Error
	s := Sets{
		Bounding:    collect(c.Bounding, path+"bounding", &e),
		Effective:   collect(c.Effective, path+"effective", &e),
		Permitted:   collect(c.Permitted, path+"permitted", &e),
		Inheritable: collect(c.Inheritable, path+"inheritable", &e),
		Ambient:     collect(c.Ambient, path+"ambient", &e),
	}
	if e != nil {
		return s, e
	}
	return s, nil
}

func collect(list []string, path string, e **Error) Set {
	var s Set
	for i, name := range list {
		c, ok := Parse(name)
		if ok {
			s = s.With(c)
			continue
		}
		if *e == nil {
			*e = &Error{}
		}
		(*e).Unknown = append((*e).Unknown, Unknown{path + "[" + strconv.Itoa(i) + "]", name})
	}
	return s
}
