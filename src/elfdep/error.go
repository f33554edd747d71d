// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"io/fs"
	"strconv"
)

// Error says which file cannot be staged completely, and why.
type Error struct {
	Object string   // the file at fault: it is malformed, or it needs something
	For    string   // the file that was asked about, if that is another
	Needs  string   // the library or program it needs, "" if it is malformed itself
	Why    string   // such as "not found"
	Dirs   []string // where a library or program was looked for
	Err    error    // the cause as the FS gave it, or nil
}

func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	s := show(e.Object)
	if e.For != "" && e.For != e.Object {
		s += " (for " + show(e.For) + ")"
	}
	s += ": "
	if e.Needs != "" {
		s += "needs " + show(e.Needs) + ": "
	}
	s += e.Why
	for i, d := range e.Dirs {
		switch {
		case i == 0:
			s += " in "
		case i == maxShown:
			return s + ":..."
		default:
			s += ":"
		}
		s += show(d)
	}
	if e.Err != nil && e.Err != fs.ErrNotExist {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

const maxShown = 16

// show makes a name from a file fit to be printed.
func show(s string) string {
	const most = 200
	end := ""
	if len(s) > most {
		s, end = s[:most], "..."
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return strconv.Quote(s) + end
		}
	}
	return s + end
}
