// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"strings"

	"gojail/src/plan"
)

// option is one that a verb has. One with a value takes it joined with = or as the next argument.
type option struct {
	long  string
	short byte   // 0: none
	value string // what the value is, in a word; "": it has none
	many  bool   // each counts, not only the last
	about string
}

// parsed is a command line.
type parsed struct {
	values map[string][]string
	args   []string
}

func (p *parsed) has(name string) bool { return len(p.values[name]) > 0 }

func (p *parsed) value(name, otherwise string) string {
	if v := p.values[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return otherwise
}

// usageError is a wrong command line.
type usageError struct{ reason string }

func (e *usageError) Error() string { return e.reason }

func usage(reason string) error { return &usageError{reason} }

var errHelp = usage("help")

// parse reads options, and what is no option into rest; with first everything from the first word on that is none. Options of one letter may
// stand together: -it.
func parse(list []option, args []string, first bool) (p parsed, rest []string, err error) {
	p.values = map[string][]string{}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			return p, append(rest, args...), nil
		case len(word) < 2 || word[0] != '-':
			if rest = append(rest, word); first {
				return p, append(rest, args...), nil
			}
		case strings.HasPrefix(word, "--"):
			name, value, joined := strings.Cut(word[2:], "=")
			o := find(list, name, 0)
			switch {
			case o == nil && name == "help":
				return p, nil, errHelp
			case o == nil:
				return p, nil, usage("--" + plan.Line(name) + ": no such option")
			case o.value == "" && joined && value != "true" && value != "false":
				return p, nil, usage("--" + name + ": takes no value")
			case o.value == "" && value == "false":
				continue
			case o.value != "" && !joined:
				if len(args) == 0 {
					return p, nil, usage("--" + name + ": a value is missing: " + o.value)
				}
				value, args = args[0], args[1:]
			}
			p.add(o, value)
		default:
			if args, err = p.letters(list, word[1:], args); err != nil {
				return p, nil, err
			}
		}
	}
	return p, rest, nil
}

func (p *parsed) letters(list []option, word string, args []string) ([]string, error) {
	for i := range len(word) {
		o := find(list, "", word[i])
		switch {
		case o == nil && word[i] == 'h':
			return nil, errHelp
		case o == nil:
			return nil, usage("-" + plan.Line(word[i:i+1]) + ": no such option")
		case o.value == "":
			p.add(o, "")
			continue
		}
		value := strings.TrimPrefix(word[i+1:], "=")
		if i+1 == len(word) {
			if len(args) == 0 {
				return nil, usage("-" + word[i:] + ": a value is missing: " + o.value)
			}
			value, args = args[0], args[1:]
		}
		p.add(o, value)
		break
	}
	return args, nil
}

func (p *parsed) add(o *option, value string) { p.values[o.long] = append(p.values[o.long], value) }

func find(list []option, long string, short byte) *option {
	for i := range list {
		if long != "" && list[i].long == long || short != 0 && list[i].short == short {
			return &list[i]
		}
	}
	return nil
}

// usageLine is for who got it wrong.
func usageLine(v *verb) string {
	if v == nil {
		return "usage: uxc [OPTIONS] VERB [OPTIONS] [ARGUMENTS]"
	}
	s := "usage: uxc [OPTIONS] " + v.name
	if len(v.options) > 0 {
		s += " [OPTIONS]"
	}
	if v.args != "" {
		s += " " + v.args
	}
	return s
}

func help() string {
	var b strings.Builder
	b.WriteString("uxc: the OCI runtime of gojail\n\n" + usageLine(nil) + "\n\n")
	for _, v := range verbs() {
		line(&b, v.name, v.about)
	}
	b.WriteString("\noptions, before the verb:\n")
	describe(&b, globals)
	return b.String()
}

func verbHelp(v *verb) string {
	var b strings.Builder
	b.WriteString(usageLine(v) + "\n\n" + v.about + "\n")
	if len(v.options) > 0 {
		b.WriteByte('\n')
		describe(&b, v.options)
	}
	return b.String()
}

func describe(b *strings.Builder, list []option) {
	for _, o := range list {
		s := "--" + o.long
		if o.short != 0 {
			s = "-" + string(rune(o.short)) + ", " + s
		}
		if o.value != "" {
			s += " " + o.value
		}
		if o.many {
			s += " ..."
		}
		line(b, s, o.about)
	}
}

func line(b *strings.Builder, name, about string) {
	const column = 34
	b.WriteString("  " + name)
	if n := column - len(name); n > 0 {
		b.WriteString(strings.Repeat(" ", n))
	} else {
		b.WriteString("\n" + strings.Repeat(" ", column+2))
	}
	b.WriteString(about + "\n")
}
