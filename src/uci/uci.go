// SPDX-License-Identifier: LGPL-2.1-only

// Package uci reads and writes the files of /etc/config exactly as libuci does in its strict mode, down to what it makes of a line
// that nobody meant to write. It knows nothing of what the sections mean, of changes that are not committed, or of files: it is
// given a text and gives one.
package uci

import "strconv"

// Limits that libuci does not have. What is larger is refused.
const (
	MaxSize     = 1 << 20 // bytes of a text
	maxSections = 10000
	maxOptions  = 1000 // of a section
)

// A Package is one file of /etc/config.
type Package struct {
	Name     string
	Sections []*Section // in the order of the file
}

// A Section has the lines from one config to the next. One that is named twice is one section, at the first place.
type Section struct {
	Type      string
	Name      string // of an anonymous one: what libuci makes up, such as cfg0a1b2c
	Anonymous bool
	Line      int // where it begins, from 1
	Options   []*Option
}

// An Option has one value, or those of a list. A value is never empty but in a list.
type Option struct {
	Name   string
	List   bool
	Values []Value
}

// A Value is a text without NUL bytes.
type Value struct {
	Text string
	Line int // where its command begins, from 1; 0 if it is not from a file
}

// Option is the option of that name, or nil.
func (s *Section) Option(name string) *Option {
	for _, o := range s.Options {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// Section is the section of that name, or nil.
func (p *Package) Section(name string) *Section {
	for _, s := range p.Sections {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// An Error is a text that libuci does not read.
type Error struct {
	Name   string // the package's
	Line   int    // from 1
	Byte   int    // in the line, as libuci counts
	Reason string
}

func (e *Error) Error() string { return e.Name + ":" + strconv.Itoa(e.Line) + ": " + e.Reason }

// ValidName tells whether libuci takes it for the name of a section or an option.
func ValidName(s string) bool { return valid(s, true, false) }

// ValidType tells whether libuci takes it for the type of a section.
func ValidType(s string) bool { return valid(s, false, false) }

func valid(s string, name, pkg bool) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '-' && pkg:
		case name || c < 33 || c > 126:
			return false
		}
	}
	return s != ""
}

// Text is the package as libuci writes it to /etc/config. Read again it is the same, unless a type has quotes, backslashes, # or ;
// in it: libuci takes such, and does not quote them.
func (p *Package) Text() []byte {
	var b []byte
	for _, s := range p.Sections {
		b = escaped(append(b, "\nconfig "...), s.Type)
		if !s.Anonymous {
			b = quoted(append(b, ' '), s.Name)
		}
		b = append(b, '\n')
		for _, o := range s.Options {
			for _, v := range o.Values {
				if o.List {
					b = append(b, "\tlist "...)
				} else {
					b = append(b, "\toption "...)
				}
				b = quoted(append(append(b, o.Name...), ' '), v.Text)
				b = append(b, '\n')
			}
		}
	}
	return append(b, '\n')
}

// quoted puts it between single quotes, the only character with a meaning there.
func quoted(b []byte, s string) []byte { return append(escaped(append(b, '\''), s), '\'') }

func escaped(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '\'' {
			b = append(b, `'\''`...)
			continue
		}
		b = append(b, s[i])
	}
	return b
}
