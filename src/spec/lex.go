// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decoder walks one JSON text (RFC 8259) from left to right. The first error
// sticks and ends the loops over members and elements, so that the readers of
// the single objects need no error handling.
type decoder struct {
	src  string
	pos  int
	err  *Error
	keys []entry // members of the objects that are open, outermost first
	text []string
	// path[:depth] leads to the value being read.
	depth int
	path  [maxDepth]step
	// Of a seccomp profile that may be conditional; nil: the specification's form only.
	target *Target
}

// step is one part of a path: a key, or a position.
type step struct {
	key   string
	index int
}

// Values of step.index that are not positions.
const (
	atKey     = -1 // key holds the member's name
	atNothing = -2 // between two members
)

// fail refuses the value being read.
func (d *decoder) fail(reason string) {
	d.failAt(d.where(), reason)
}

func (d *decoder) failAt(path, reason string) {
	if d.err == nil {
		d.err = &Error{Path: path, Reason: reason}
	}
}

// syntax refuses the text at byte pos.
func (d *decoder) syntax(pos int, reason string) {
	before := d.src[:pos]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	d.fail("line " + strconv.Itoa(line) + ", column " + strconv.Itoa(column) + ": " + reason)
}

// where renders the path of the value being read.
func (d *decoder) where() string {
	var path []byte
	for _, s := range d.path[:d.depth] {
		switch {
		case s.index >= 0:
			path = appendIndex(path, s.index)
		case s.index == atKey:
			path = appendMember(path, s.key)
		}
	}
	return string(path)
}

// peek skips white space and returns the next byte, 0 at the end.
func (d *decoder) peek() byte {
	for ; d.pos < len(d.src); d.pos++ {
		switch c := d.src[d.pos]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// expected refuses what stands at pos in the words "expected ..., found ...".
func (d *decoder) expected(what string) {
	d.syntax(d.pos, "expected "+what+", found "+d.found())
}

func (d *decoder) found() string {
	if d.pos >= len(d.src) {
		return "the end of the text"
	}
	r, _ := utf8.DecodeRuneInString(d.src[d.pos:])
	return strconv.QuoteRune(r)
}

// mismatch refuses a value of another type than wanted; what is no value at
// all is a syntax error.
func (d *decoder) mismatch(want string) {
	kind := ""
	switch c := d.peek(); c {
	case '"':
		kind = "a string"
	case '{':
		kind = "an object"
	case '[':
		kind = "an array"
	case 't', 'f':
		kind = "a boolean"
	case 'n':
		kind = "null"
	default:
		if c != '-' && !digit(c) {
			d.expected("a value")
			return
		}
		kind = "a number"
	}
	path, c := d.where(), d.src[d.pos]
	if c == 't' || c == 'f' || c == 'n' {
		d.literal()
	}
	d.failAt(path, "must be "+want+", not "+kind)
}

// end refuses anything but white space.
func (d *decoder) end() {
	if d.err == nil && (d.peek() != 0 || d.pos < len(d.src)) {
		d.expected("the end of the text")
	}
}

// str reads a string. Without escapes it is a part of src, with them a string
// of its own.
func (d *decoder) str() string {
	if d.peek() != '"' {
		d.mismatch("a string")
		return ""
	}
	start := d.pos + 1
	for i := start; i < len(d.src); i++ {
		switch c := d.src[i]; {
		case c == '"':
			d.pos = i + 1
			return d.src[start:i]
		case c == '\\':
			return d.escaped(start, i)
		case c < ' ':
			d.control(i)
			return ""
		}
	}
	d.syntax(d.pos, "the string that starts here does not end")
	return ""
}

func (d *decoder) control(i int) {
	d.syntax(i, "control character "+strconv.QuoteRune(rune(d.src[i]))+" in a string must be escaped")
}

// escaped reads a string that starts at start and has its first backslash at i.
func (d *decoder) escaped(start, i int) string {
	out := append(make([]byte, 0, i-start+32), d.src[start:i]...)
	for i < len(d.src) {
		c := d.src[i]
		switch {
		case c == '"':
			d.pos = i + 1
			return string(out)
		case c < ' ':
			d.control(i)
			return ""
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		if i+1 == len(d.src) {
			break
		}
		switch e := d.src[i+1]; e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := d.unicode(i)
			if r < 0 {
				d.syntax(i, `\u needs four hexadecimal digits`)
				return ""
			}
			if utf16.IsSurrogate(r) {
				// A pair is one character; half of one is replaced, and what
				// follows it stands for itself.
				if r = utf16.DecodeRune(r, d.unicode(i+6)); r != utf8.RuneError {
					i += 6
				}
			}
			if r == 0 {
				d.syntax(i, "a string must not hold a NUL byte: the kernel would cut it there")
				return ""
			}
			out = utf8.AppendRune(out, r)
			i += 4
		default:
			d.syntax(i, "unknown escape "+quote(d.src[i:i+2]))
			return ""
		}
		i += 2
	}
	d.syntax(d.pos, "the string that starts here does not end")
	return ""
}

// unicode reads the \u escape at i, -1 if there is none.
func (d *decoder) unicode(i int) rune {
	if i+6 > len(d.src) || d.src[i] != '\\' || d.src[i+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range []byte(d.src[i+2 : i+6]) {
		switch {
		case digit(c):
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// literal reads true, false or null and returns the first letter.
func (d *decoder) literal() byte {
	c := d.src[d.pos]
	word := "null"
	switch c {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if !strings.HasPrefix(d.src[d.pos:], word) {
		d.expected("a value")
		return 0
	}
	d.pos += len(word)
	return c
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// invalidUTF8 returns where the first byte stands that is no UTF-8.
func invalidUTF8(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(s)
}
