// SPDX-License-Identifier: LGPL-2.1-only

package blob

import (
	"encoding/binary"
	"math"
	"strconv"
)

// A Decoder walks through a sequence of attributes:
//
//	d := blob.NewFields(b)
//	for d.Next() {
//		switch d.Name() {
//		case "signal":
//			signal = d.Int()
//		}
//	}
//	if err := d.Err(); err != nil {
//
// Methods that give a value are for the attribute that Next has stopped at. After an error they give zero values and Next is
// false. What is given as []byte is part of what is decoded, not a copy.
type Decoder struct {
	rest   []byte
	named  bool
	offset int // of rest in the outermost sequence
	depth  int
	parent *Decoder
	err    error

	at      int // offset of the current attribute
	id      uint8
	name    []byte
	content []byte
}

// NewDecoder reads attributes that have a number: the body of a ubus message.
func NewDecoder(b []byte) *Decoder { return newDecoder(b, false) }

// NewFields reads attributes that have a type and, in a table, a name: arguments of a call, data of a reply or of an event.
func NewFields(b []byte) *Decoder { return newDecoder(b, true) }

func newDecoder(b []byte, named bool) *Decoder {
	d := &Decoder{rest: b, named: named, depth: 1}
	if len(b) > MaxLen {
		d.fail("longer than " + strconv.Itoa(MaxLen) + " bytes")
	}
	return d
}

// Err is the first error, also of what Nested gave, an *Error; or nil.
func (d *Decoder) Err() error { return d.err }

// fail keeps the first error, here and in all that this decoder is a part of.
func (d *Decoder) fail(reason string) {
	err := &Error{d.at, string(d.name), reason}
	d.id, d.name, d.content = 0, nil, nil
	for ; d != nil && d.err == nil; d = d.parent {
		d.err, d.rest = err, nil
	}
}

// Next goes to the next attribute; false is the end, or an error.
func (d *Decoder) Next() bool {
	d.at, d.id, d.name, d.content = d.offset, 0, nil, nil
	if d.err != nil || len(d.rest) == 0 {
		return false
	}
	left := len(d.rest)
	if left < header {
		d.fail(strconv.Itoa(left) + " bytes left, an attribute has at least 4")
		return false
	}
	word := binary.BigEndian.Uint32(d.rest)
	n := int(word & lenMask)
	switch {
	case n < header:
		d.fail("its length is " + strconv.Itoa(n) + ", an attribute has at least 4")
		return false
	case aligned(n) > left:
		d.fail("its length is " + strconv.Itoa(n) + ", there are " + strconv.Itoa(left) + " bytes left")
		return false
	}
	d.id, d.content = uint8(word>>idShift&idMask), d.rest[header:n]
	d.rest, d.offset = d.rest[aligned(n):], d.offset+aligned(n)
	return !d.named || d.field(word&extended != 0)
}

// field checks the name and the type.
func (d *Decoder) field(hasName bool) bool {
	if hasName {
		c := d.content
		if len(c) < 2 {
			d.fail("too short for its name")
			return false
		}
		n := int(binary.BigEndian.Uint16(c))
		switch {
		case n > maxName:
			d.fail("its name has " + strconv.Itoa(n) + " bytes, more than " + strconv.Itoa(maxName))
			return false
		case nameLen(n) > len(c):
			d.fail("too short for its name")
			return false
		case c[2+n] != 0:
			d.fail("its name does not end with a zero byte")
			return false
		}
		d.name, d.content = untilZero(c[2:2+n]), c[nameLen(n):]
	}
	t := Type(d.id)
	switch w := t.width(); {
	case t > lastType:
		d.fail("it is of " + t.String() + ", which is unknown")
	case w != 0 && len(d.content) != w:
		d.fail("it is an " + t.String() + " of " + strconv.Itoa(len(d.content)) + " bytes")
	case t == String && !terminated(d.content):
		d.fail("it is a string that does not end with a zero byte")
	}
	return d.err == nil
}

func terminated(b []byte) bool { return len(b) > 0 && b[len(b)-1] == 0 }

// untilZero is what a program in C sees of a string.
func untilZero(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}

// ID is the number of the attribute.
func (d *Decoder) ID() int { return int(d.id) }

// Type is what the attribute holds; only with NewFields.
func (d *Decoder) Type() Type { return Type(d.id) }

// Name is the attribute's name, empty if it has none; only with NewFields.
func (d *Decoder) Name() string { return string(d.name) }

// Bytes is the content, of any type.
func (d *Decoder) Bytes() []byte { return d.content }

// is says whether the current attribute holds a value of type t.
func (d *Decoder) is(t Type) bool {
	if d.err != nil {
		return false
	}
	switch w := t.width(); {
	case d.named && Type(d.id) != t:
		d.fail("it is of type " + Type(d.id).String() + ", not " + t.String())
	case w != 0 && len(d.content) != w, t == String && !terminated(d.content):
		d.fail("it is not of type " + t.String())
	}
	return d.err == nil
}

// Uint32 reads an Int32 without sign.
func (d *Decoder) Uint32() uint32 {
	if !d.is(Int32) {
		return 0
	}
	return binary.BigEndian.Uint32(d.content)
}

// Bool reads an Int8: anything but 0 is true.
func (d *Decoder) Bool() bool { return d.is(Int8) && d.content[0] != 0 }

// Text reads a String, up to its first zero byte.
func (d *Decoder) Text() string {
	if !d.is(String) {
		return ""
	}
	return string(untilZero(d.content))
}

// Double reads a Double.
func (d *Decoder) Double() float64 {
	if !d.is(Double) {
		return 0
	}
	return math.Float64frombits(binary.BigEndian.Uint64(d.content))
}

// Int reads an integer of any width, with its sign; only with NewFields. Programs choose the width by the size of the number, so
// a reader that insists on one is wrong about the others.
func (d *Decoder) Int() int64 {
	if d.err != nil {
		return 0
	}
	switch c := d.content; {
	case d.named && Type(d.id) == Int64 && len(c) == 8:
		return int64(binary.BigEndian.Uint64(c))
	case d.named && Type(d.id) == Int32 && len(c) == 4:
		return int64(int32(binary.BigEndian.Uint32(c)))
	case d.named && Type(d.id) == Int16 && len(c) == 2:
		return int64(int16(binary.BigEndian.Uint16(c)))
	case d.named && Type(d.id) == Int8 && len(c) == 1:
		return int64(int8(c[0]))
	}
	d.fail("it is of type " + Type(d.id).String() + ", not a whole number")
	return 0
}

// Fields reads what the attribute holds as attributes with type and name. In a NewFields decoder it has to be a Table or an
// Array. Its first error is the first error of d too.
func (d *Decoder) Fields() *Decoder {
	if t := Type(d.id); d.err == nil && d.named && t != Table && t != Array {
		d.fail("it is of type " + t.String() + ", not a table or an array")
	}
	return d.nested(true)
}

// Nested reads what the attribute holds as attributes with a number. Its first error is the first error of d too.
func (d *Decoder) Nested() *Decoder { return d.nested(false) }

func (d *Decoder) nested(named bool) *Decoder {
	if d.err == nil && d.depth == MaxDepth {
		d.fail("more than " + strconv.Itoa(MaxDepth) + " levels")
	}
	n := &Decoder{named: named, depth: d.depth + 1, parent: d, err: d.err, at: d.at}
	if d.err == nil {
		n.rest = d.content
		n.offset = d.offset - len(d.content) - padding(len(d.content))
		n.at = n.offset
	}
	return n
}

func padding(n int) int { return aligned(n) - n }
