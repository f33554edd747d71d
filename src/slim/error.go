// SPDX-License-Identifier: LGPL-2.1-only

package slim

import "strconv"

// UsageError says what is wrong with a command line. Every error of Parse is one.
type UsageError struct {
	Option string // the option, with its dash; "" when none is to blame
	Value  string // its argument, "" if it is not what is wrong
	Why    string
	Hint   string // what to do instead, or ""
}

func (e *UsageError) Error() string {
	if e == nil {
		return "<nil>"
	}
	s := ""
	if e.Option != "" {
		s = word(e.Option)
		if e.Value != "" {
			s += " " + word(e.Value)
		}
		s += ": "
	}
	s += e.Why
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// word shows a word of the command line: as it is, quoted when that would
// mislead, cut when it is long.
func word(w string) string {
	const most = 100
	end := ""
	if len(w) > most {
		w, end = w[:most], "..."
	}
	for i := 0; i < len(w); i++ {
		if w[i] <= ' ' || w[i] >= 0x7f || w[i] == '"' {
			return strconv.Quote(w) + end
		}
	}
	return w + end
}
