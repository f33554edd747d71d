// SPDX-License-Identifier: LGPL-2.1-only

// Package config makes containers of the text of /etc/config/container, or says everything that is wrong with it. It is pure: it
// reads no file and asks the host nothing; what this host cannot give is found out later, by package bundle.
package config

import (
	"slices"
	"strconv"
	"strings"

	"gojail/src/uci"
)

// A Config is what the file says.
type Config struct {
	Globals    *Section
	Containers []*Container // in the order of the file
}

// A Container is one of them, with the sections that name it.
type Container struct {
	*Section
	ID                                      string // option name, or the section's; unique
	Networks, Ports, Mounts, Devices, Hooks []*Section
	After                                   []*Container // those that have to run before it
	NetworkOf                               *Container   // whose network it shares, or nil
}

// Find is the container of that id, or if there is none that of the section of that name, or nil.
func (c *Config) Find(name string) *Container {
	for _, bySection := range [...]bool{false, true} {
		for _, o := range c.Containers {
			if !bySection && o.ID == name || bySection && !o.anonymous && o.section == name {
				return o
			}
		}
	}
	return nil
}

// A Section has the options of one section, which are valid.
type Section struct {
	Type      string
	file      string // as errors name it
	section   string // the same, @network[0] if it has no name
	anonymous bool
	line      int
	profile   string
	options   []Option // of its type
	set       []*uci.Option
}

// Has tells whether the option was given.
//
//go:noinline
func (s *Section) Has(option string) bool { return s.given(option) != nil }

//go:noinline
func (s *Section) given(option string) *uci.Option {
	for _, o := range s.set {
		if o.Name == option {
			return o
		}
	}
	return nil
}

// List has the values of the option: as given, or by the profile, or the default.
//
//go:noinline
func (s *Section) List(option string) []string {
	if o := s.given(option); o != nil {
		list := make([]string, len(o.Values))
		for i := range o.Values {
			list[i] = o.Values[i].Text
		}
		return list
	}
	if list := ofProfile(s.profile, option); list != nil {
		return list
	}
	for i := range s.options {
		if o := &s.options[i]; o.Name == option {
			if o.Default == "" {
				return nil
			}
			return []string{o.Default}
		}
	}
	panic("config: no option " + option)
}

// Text is the value of the option, "" if there is none.
//
//go:noinline
func (s *Section) Text(option string) string {
	if list := s.List(option); len(list) > 0 {
		return list[0]
	}
	return ""
}

// Bool is the value of a switch.
//
//go:noinline
func (s *Section) Bool(option string) bool { b, _ := parseBool(s.Text(option)); return b }

// Number is the value of a number, 0 if there is none.
//
//go:noinline
func (s *Section) Number(option string) int64 {
	n, _ := strconv.ParseInt(s.Text(option), 10, 64)
	return n
}

// Error says what is wrong with an option, or with its value (that may be empty).
//
//go:noinline
func (s *Section) Error(option, value, reason string) *Error {
	e := &Error{File: s.file, Section: s.section, Option: option, Value: value, Reason: reason, line: s.line}
	if o := s.given(option); o != nil && len(o.Values) > 0 { // a command may be split into nothing
		e.line = o.Values[0].Line
		for _, v := range o.Values {
			if v.Text == value {
				e.line = v.Line
			}
		}
	}
	return e
}

// An Error is one thing that is wrong.
type Error struct {
	File, Section, Option, Value, Reason string
	line                                 int
}

// Error is file:section:option: value: reason.
func (e *Error) Error() string {
	s := e.File
	for _, part := range [...]string{e.Section, e.Option} {
		if part != "" {
			s += ":" + part
		}
	}
	if e.Value != "" {
		s += ": " + clip(e.Value)
	}
	return s + ": " + e.Reason
}

// Errors are all of them, in the order of the file. There is at least one.
type Errors []*Error

func (e Errors) Error() string {
	var b strings.Builder
	for i, one := range e {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(one.Error())
	}
	return b.String()
}

const maxShown = 100

func clip(s string) string {
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "") + "..."
	}
	return s
}

// Parse reads the text of a file, which is named so in errors. The error is a *uci.Error or Errors.
func Parse(file string, text []byte) (*Config, error) {
	p, err := uci.Parse("container", text)
	if err != nil {
		err.(*uci.Error).Name = file
		return nil, err
	}
	r := &reader{file: file, config: new(Config)}
	r.sections(p)
	r.names()
	r.attach()
	r.order()
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b *Error) int {
			if a.line != b.line {
				return a.line - b.line
			}
			return strings.Compare(a.Error(), b.Error())
		})
		return nil, r.errs
	}
	return r.config, nil
}

type reader struct {
	file   string
	config *Config
	others []*Section // network, port, ...
	errs   Errors
}

//go:noinline
func (r *reader) add(e *Error) { r.errs = append(r.errs, e) }

// sections checks each section by itself.
func (r *reader) sections(p *uci.Package) {
	all := Options()
	types := []string{}
	for _, o := range all {
		if !slices.Contains(types, o.Section) {
			types = append(types, o.Section)
		}
	}
	count := map[string]int{}
	for _, s := range p.Sections {
		own := &Section{Type: s.Type, file: r.file, section: s.Name, anonymous: s.Anonymous, line: s.Line, set: s.Options}
		if s.Anonymous {
			own.section = "@" + s.Type + "[" + strconv.Itoa(count[s.Type]) + "]"
		}
		count[s.Type]++
		for _, o := range all {
			if o.Section == s.Type {
				own.options = append(own.options, o)
			}
		}
		if own.options == nil {
			r.add(own.Error("", "", "unknown section type "+clip(s.Type)+meant(s.Type, types)))
			continue
		}
		r.options(own)
		switch s.Type {
		case "globals":
			if r.config.Globals != nil {
				r.add(own.Error("", "", "there is a section globals already"))
			}
			r.config.Globals = own
		case "container":
			if own.profile = own.Text("profile"); own.given("command") != nil {
				r.split(own)
			}
			r.config.Containers = append(r.config.Containers, &Container{Section: own, ID: own.Text("name")})
		default:
			r.others = append(r.others, own)
		}
	}
	if r.config.Globals == nil {
		r.config.Globals = &Section{Type: "globals", file: r.file, section: "globals"}
		for _, o := range all {
			if o.Section == "globals" {
				r.config.Globals.options = append(r.config.Globals.options, o)
			}
		}
	}
}

// split makes a list of a command that is one text.
func (r *reader) split(s *Section) {
	o := s.given("command")
	if o.List {
		return
	}
	words, reason := Split(o.Values[0].Text)
	if reason != "" {
		r.add(s.Error("command", o.Values[0].Text, reason))
		return
	}
	split := &uci.Option{Name: o.Name, List: true}
	for _, w := range words {
		split.Values = append(split.Values, uci.Value{Text: w, Line: o.Values[0].Line})
	}
	s.set = slices.Clone(s.set)
	s.set[slices.Index(s.set, o)] = split
}

// Profile has the values that the profile gives the option.
func (s *Section) Profile(option string) []string { return ofProfile(s.profile, option) }
