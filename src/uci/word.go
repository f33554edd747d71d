// SPDX-License-Identifier: LGPL-2.1-only

package uci

// arg reads the next argument and tells where it stands in the buffer.
func (r *parser) arg() int {
	if r.err != nil {
		return len(r.buf)
	}
	r.skipSpace()
	at := r.pos
	if r.cur() == ';' {
		r.end(r.pos)
		r.pos++
	} else {
		r.quotes()
	}
	return at
}

// endOfCommand wants nothing more before the line ends, or a semicolon comes.
func (r *parser) endOfCommand() {
	r.skipSpace()
	if r.str(r.arg()) != "" {
		r.fail("too many arguments")
	}
}

// quotes reads a word of which parts may be quoted, and puts it where it begins without the quotes.
func (r *parser) quotes() {
	to, next := r.pos, true
loop:
	for {
		switch r.cur() {
		case '\'':
			r.single(&to)
		case '"':
			r.double(&to)
		case '#':
			r.end(r.pos)
			break loop
		case 0:
			break loop
		case ';':
			next = false
			break loop
		case '\\':
			if r.backslash() {
				r.add(&to)
			}
		default:
			r.add(&to)
		}
		if r.err != nil || r.cur() == 0 || isSpace(r.cur()) {
			break
		}
	}
	// The blank is overwritten by the NUL.
	if r.cur() != 0 && next {
		r.pos++
	}
	r.end(to)
}

func (r *parser) add(to *int) {
	if r.pos < len(r.buf) {
		r.buf[*to] = r.buf[r.pos]
		*to++
		r.pos++
	}
}

// backslash tells whether the character after it is to be taken. At the end of a line it is not, and the next line follows.
func (r *parser) backslash() bool {
	r.pos++
	c := r.cur()
	if c == 0 || c == '\n' || c == '\r' && r.char(r.pos+1) == '\n' && r.char(r.pos+2) == 0 {
		r.line(r.pos)
		return false
	}
	return true
}

func (r *parser) single(to *int) {
	for r.pos++; r.err == nil; {
		switch r.cur() {
		case '\'':
			r.pos++
			return
		case 0:
			r.more("EOF with unterminated '")
		default:
			r.add(to)
		}
	}
}

func (r *parser) double(to *int) {
	for r.pos++; r.err == nil; {
		switch r.cur() {
		case '"':
			r.pos++
			return
		case 0:
			r.more(`EOF with unterminated "`)
		case '\\':
			if r.backslash() {
				r.add(to)
			}
		default:
			r.add(to)
		}
	}
}

// more reads the next line of a value that is not at its end.
func (r *parser) more(missing string) {
	if r.line(r.pos); r.cur() == 0 {
		r.fail(missing)
	}
}
