// SPDX-License-Identifier: LGPL-2.1-only

// Package logline makes messages for the system log out of what a program prints: a line each, under a name, as syslog(3) writes
// them (RFC 3164). What a program prints cannot be anything but text there: it starts no message of its own, has no priority of
// its own, and moves no terminal's cursor.
//
// It runs where there is no Go runtime: all of it is nosplit, allocates nothing and makes no system call. It is not for sending.
package logline

// Max is the longest message, in bytes: what OpenWrt's logd takes at once, and what syslog(3) writes.
const Max = 1023

// Priorities: facility daemon, and what procd gives a service's stdout and stderr; Notice is for words about them.
const (
	Info   = 3<<3 | 6
	Error  = 3<<3 | 3
	Notice = 3<<3 | 4
)

// A Message is one in the making: a head, which stays, and the text of one line, or of a part of a long one.
//
//	<30>Aug  2 03:04:05 NAME[PID]: text
//
// The time has to be there: logd takes 16 bytes away wherever the sixteenth is a space.
type Message struct {
	text       [Max + 1]byte
	start, end uint32 // of the line's text
	cr         bool   // a carriage return came last: it counts unless a newline follows
}

const (
	size      = Max + 1
	stampAt   = 4 // after "<30>"
	stampSize = 16
	hex       = "0123456789abcdef"
)

// Begun tells whether there is a head.
//
//go:nosplit
//go:norace
func (m *Message) Begun() bool { return m.start != 0 }

// Begin makes the head: priority is of two digits, name has at most 64 bytes that can be printed.
//
//go:nosplit
//go:norace
func (m *Message) Begin(priority uint32, name string, pid uint32) {
	m.end = 0
	m.add('<')
	m.number(priority)
	m.add('>')
	for range stampSize {
		m.add(' ')
	}
	m.Put(name)
	m.add('[')
	m.number(pid)
	m.add(']')
	m.add(':')
	m.add(' ')
	m.start, m.cr = m.end, false
}

// Reset empties the line.
//
//go:nosplit
//go:norace
func (m *Message) Reset() { m.end = m.start }

// Pending tells whether a line has begun.
//
//go:nosplit
//go:norace
func (m *Message) Pending() bool { return m.end > m.start }

// Bytes are the message and the NUL that ends it on a stream. They are m's own.
//
//go:nosplit
//go:norace
func (m *Message) Bytes() []byte {
	end := m.end & (size - 1)
	m.text[end] = 0
	return m.text[:end+1]
}

// Put adds text of our own, as it is, as far as there is room.
//
//go:nosplit
//go:norace
func (m *Message) Put(s string) {
	for i := 0; i < len(s) && m.end < Max; i++ {
		m.add(s[i])
	}
}

// PutNumber adds a number.
//
//go:nosplit
//go:norace
func (m *Message) PutNumber(v uint32) {
	if m.end+10 <= Max {
		m.number(v)
	}
}

// Take adds of what the program has printed, up to the end of a line, or to where it does not fit any more. It tells how many bytes it
// has dealt with, and whether the message is complete: it is to be sent, and Reset, before the rest is taken.
//
// Control characters but the tab are shown as \x1b, those of ISO 6429 that UTF-8 has as two bytes too. A carriage return before the
// newline belongs to the end of the line. Other bytes are left alone, UTF-8 or not; a character is not divided.
//
//go:nosplit
//go:norace
func (m *Message) Take(b []byte) (taken int, complete bool) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\n' {
			m.cr = false
			return i + 1, true
		}
		if m.end+m.room(c) > Max {
			return i, true
		}
		if m.cr {
			m.cr = false
			m.escape('\r')
		}
		switch {
		case c == '\r':
			m.cr = true
		case c < ' ' && c != '\t' || c == 0x7f:
			m.escape(c)
		case c&0xe0 == 0x80 && m.end > m.start && m.text[(m.end-1)&(size-1)] == 0xc2: // U+0080 to U+009F
			m.end--
			m.escape(0xc2)
			m.escape(c)
		default:
			m.add(c)
		}
	}
	return len(b), false
}

// room is what a character may need, if this is its first byte, and a carriage return before it.
//
//go:nosplit
//go:norace
func (m *Message) room(c byte) uint32 {
	n := uint32(4)
	switch {
	case c&0xc0 == 0x80: // not the first: it has been seen to
		n = 1
	case c == 0xc2:
		n = 8
	}
	if m.cr {
		n += 4
	}
	return n
}

//go:nosplit
//go:norace
func (m *Message) add(c byte) {
	m.text[m.end&(size-1)] = c
	m.end++
}

//go:nosplit
//go:norace
func (m *Message) escape(c byte) {
	m.add('\\')
	m.add('x')
	m.add(hex[c>>4])
	m.add(hex[c&15])
}

//go:nosplit
//go:norace
func (m *Message) number(v uint32) {
	div := uint32(1)
	for v/div >= 10 {
		div *= 10
	}
	for ; div > 0; div /= 10 {
		m.add('0' + byte(v/div%10))
	}
}
