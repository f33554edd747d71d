// SPDX-License-Identifier: LGPL-2.1-only

package config

import (
	"strings"

	"gojail/src/uci"
)

// options checks the options of a section against the schema.
func (r *reader) options(s *Section) {
	for _, given := range s.set {
		known := s.known(given)
		if known == nil {
			names := make([]string, len(s.options))
			for i := range s.options {
				names[i] = s.options[i].Name
			}
			e := s.Error(clip(given.Name), "", "unknown option"+meant(given.Name, names))
			e.line = given.Values[0].Line
			r.add(e)
			continue
		}
		if given.List && !known.List {
			r.add(s.Error(given.Name, "", "is one value: write option in place of list"))
			continue
		}
		for _, v := range given.Values {
			if reason := check(known.Kind, v.Text); reason != "" {
				e := s.Error(given.Name, v.Text, reason)
				e.line = v.Line
				r.add(e)
			}
		}
	}
	for _, name := range required[s.Type] {
		if !s.Has(name) {
			r.add(s.Error(name, "", "is required"))
		}
	}
}

func (s *Section) known(given *uci.Option) *Option {
	for i := range s.options {
		if s.options[i].Name == given.Name {
			return &s.options[i]
		}
	}
	return nil
}

var required = map[string][]string{
	"network": {"container"},
	"port":    {"container", "src", "src_dport"},
	"mount":   {"container", "target"},
	"device":  {"container", "path"},
	"hook":    {"container", "when", "path"},
}

// meant is the name that was probably meant, in words.
func meant(name string, names []string) string {
	if at := Nearest(name, names); at != "" {
		return " (did you mean " + at + "?)"
	}
	return ""
}

// Nearest is the one of the names that is most like this one, or "".
func Nearest(name string, names []string) string {
	const most = 40
	if len(name) > most {
		return ""
	}
	plain := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	best, at := len(name)/3+1, ""
	for _, n := range names {
		if len(n) > most {
			continue
		}
		if d := distance(plain, n); d < best {
			best, at = d, n
		}
		if len(name) > 3 && (strings.HasPrefix(n, plain) || strings.HasPrefix(plain, n) && len(n) > 3) && best > 1 {
			best, at = 1, n
		}
	}
	return at
}

// distance is the number of bytes to change, add and take away.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 0; i < len(a); i++ {
		diag := row[0]
		row[0] = i + 1
		for j := 0; j < len(b); j++ {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, diag+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// Split takes a command apart as the shell does, with quotes and backslashes, and without everything else that the shell does.
func Split(s string) (words []string, reason string) {
	var word []byte
	in, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote == '\'' && c != '\'' || quote == '"' && c != '"' && c != '\\':
			word = append(word, c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\':
			if i++; i == len(s) {
				return nil, "ends with a backslash"
			}
			if quote == '"' && !strings.ContainsRune("\"\\$`\n", rune(s[i])) {
				word = append(word, '\\')
			}
			if s[i] != '\n' {
				word, in = append(word, s[i]), true
			}
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				words, word, in = append(words, string(word)), nil, false
			}
		case strings.IndexByte("|&;<>()$`", c) >= 0:
			return nil, "the shell would do something about " + string(c) + ": quote it, or run /bin/sh -c with list command"
		default:
			word, in = append(word, c), true
		}
	}
	if quote != 0 {
		return nil, "a quote is not closed"
	}
	if in {
		words = append(words, string(word))
	}
	return words, ""
}
