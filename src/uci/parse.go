// SPDX-License-Identifier: LGPL-2.1-only

package uci

import (
	"bytes"
	"strconv"
)

// Parse reads the text of the package of that name. An error is an *Error.
//
// The parser is libuci's (file.c), which works in place: words are cut out of the line by NULs that also end what is looked at next.
// Much of the language is only to be had that way. "config a b; option c d" has no option, but "config a 'b'; option c d" has one.
func Parse(name string, text []byte) (p *Package, err error) {
	r := &parser{pkg: &Package{Name: name}, text: text}
	switch i := bytes.IndexByte(text, 0); {
	case len(text) > MaxSize:
		return nil, &Error{Name: name, Line: 1, Reason: "the file is larger than " + strconv.Itoa(MaxSize>>10) + " KiB"}
	case i >= 0:
		return nil, &Error{Name: name, Line: 1 + bytes.Count(text[:i], []byte("\n")), Reason: "there is a NUL byte"}
	}
	for len(r.text) > 0 && r.err == nil {
		r.pos = 0
		r.line(0)
		r.commands()
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.pkg, nil
}

type parser struct {
	pkg     *Package
	section *Section
	text    []byte // not read yet
	buf     []byte // the line, and further ones where a value goes on
	pos     int
	filled  int
	lines   int  // read
	ended   bool // the last one read had an end
	err     *Error
}

// fail keeps the first error. Everybody goes on until the next command: the buffer's end ends all loops.
func (r *parser) fail(reason string) {
	if r.err == nil {
		r.err = &Error{Name: r.pkg.Name, Line: r.at(), Byte: r.pos, Reason: reason}
	}
}

// at is the number of the line that was read last.
func (r *parser) at() int {
	if r.ended {
		return r.lines
	}
	return r.lines + 1
}

// cur is the character at i, 0 at the end.
func (r *parser) char(i int) byte {
	if i < len(r.buf) {
		return r.buf[i]
	}
	return 0
}

func (r *parser) cur() byte { return r.char(r.pos) }

// line reads one more line to this place in the buffer.
func (r *parser) line(offset int) {
	r.buf = r.buf[:min(offset, len(r.buf))]
	if len(r.text) == 0 {
		return
	}
	n := bytes.IndexByte(r.text, '\n') + 1
	if r.ended = n > 0; r.ended {
		r.lines++
	} else {
		n = len(r.text)
	}
	r.buf = append(r.buf, r.text[:n]...)
	r.filled = len(r.buf)
	r.text = r.text[n:]
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func (r *parser) skipSpace() {
	for isSpace(r.cur()) {
		r.pos++
	}
}

// end puts a NUL there.
func (r *parser) end(i int) {
	if i < len(r.buf) {
		r.buf[i] = 0
	}
}

// str is the text from there to the next NUL.
func (r *parser) str(i int) string {
	if i >= len(r.buf) {
		return ""
	}
	b := r.buf[i:]
	if n := bytes.IndexByte(b, 0); n >= 0 {
		b = b[:n]
	}
	return string(b)
}

// word is strtok(3) with blanks and tabs. The place of the word is not the parser's: it goes by the text that was left.
func (r *parser) word() (string, bool) {
	i := r.pos
	for r.char(i) == ' ' || r.char(i) == '\t' {
		i++
	}
	if r.char(i) == 0 {
		return "", false
	}
	j := i
	for c := r.char(j); c != 0 && c != ' ' && c != '\t'; c = r.char(j) {
		j++
	}
	r.end(j)
	return string(r.buf[i:j]), true
}

// skipWord goes past the word and its NUL.
func (r *parser) skipWord(missing string) bool {
	n := len(r.str(r.pos)) + 1
	if r.pos+n > r.filled {
		r.fail(missing)
		return false
	}
	r.pos += n
	return true
}

// commands reads a line, which may have several commands with semicolons between them.
func (r *parser) commands() {
	r.skipSpace()
	for r.err == nil {
		word, ok := r.word()
		switch {
		case !ok || word[0] == '#':
			return
		case word == "package" || word == "p":
			r.packageCommand()
		case word == "config" || word == "c":
			r.configCommand()
		case word == "option" || word == "o":
			r.optionCommand(false)
		case word == "list" || word == "l":
			r.optionCommand(true)
		default:
			r.fail("invalid command")
		}
	}
}

// packageCommand: a file of /etc/config is the package that it is named after, whatever it says.
func (r *parser) packageCommand() {
	if r.skipWord("package without name") {
		r.name(r.arg(), true, true)
		r.endOfCommand()
	}
}

func (r *parser) configCommand() {
	line := r.at()
	if !r.skipWord("config without name") {
		return
	}
	at := r.arg()
	if r.str(at) == "" {
		r.fail("insufficient arguments")
	} else if !ValidType(r.str(at)) {
		r.fail("invalid character in type field")
	}
	nameAt := r.arg()
	r.name(nameAt, false, false)
	r.endOfCommand()
	if r.err != nil {
		return
	}
	typ, name := r.str(at), r.str(nameAt)
	if name != "" {
		if s := r.pkg.Section(name); s != nil {
			if s.Type != typ {
				r.fail("section of different type overwrites prior section with same name")
			}
			r.section = s
			return
		}
	}
	if len(r.pkg.Sections) == maxSections {
		r.fail("more than " + strconv.Itoa(maxSections) + " sections")
		return
	}
	r.section = &Section{Type: typ, Name: name, Line: line}
	r.pkg.Sections = append(r.pkg.Sections, r.section)
	if name == "" {
		r.section.Anonymous = true
		r.section.Name = madeUp(len(r.pkg.Sections), typ)
	}
}

// madeUp is libuci's name for an anonymous section: its number and a hash of its type.
func madeUp(n int, typ string) string {
	hash := uint32(5381)
	for i := 0; i < len(typ); i++ {
		hash = hash<<5 + hash + uint32(typ[i])
	}
	hex := func(v uint32, digits int) string {
		s := strconv.FormatUint(uint64(v), 16)
		for len(s) < digits {
			s = "0" + s
		}
		return s
	}
	return "cfg" + hex(uint32(n), 2) + hex(hash&0xffff, 4)
}

func (r *parser) optionCommand(list bool) {
	line := r.at()
	if r.section == nil {
		r.fail("option/list command found before the first section")
		return
	}
	if !r.skipWord("option without name") {
		return
	}
	nameAt := r.arg()
	r.name(nameAt, true, false)
	valueAt := r.arg()
	r.endOfCommand()
	if r.err != nil {
		return
	}
	name, value := r.str(nameAt), Value{r.str(valueAt), line}
	switch o := r.section.Option(name); {
	case !list && value.Text == "": // nothing, not even where there is a value already
	case o == nil && len(r.section.Options) == maxOptions:
		r.fail("more than " + strconv.Itoa(maxOptions) + " options in a section")
	case o == nil:
		r.section.Options = append(r.section.Options, &Option{name, list, []Value{value}})
	case list:
		o.List, o.Values = true, append(o.Values, value)
	default:
		o.List, o.Values = false, []Value{value}
	}
}

// name checks an argument that is a name.
func (r *parser) name(at int, required, pkg bool) {
	switch s := r.str(at); {
	case s == "" && required:
		r.fail("insufficient arguments")
	case s != "" && !valid(s, true, pkg):
		r.fail("invalid character in name field")
	}
}
