// SPDX-License-Identifier: LGPL-2.1-only

package blob

import (
	"encoding/binary"
	"math"
	"strconv"
)

// A Builder writes attributes one after the other into one slice: those with a number by Put methods, those with a name by Add
// methods, as libubox calls them. The zero Builder is ready. Elements of an array are added with an empty name. Strings and names
// have no zero byte inside: it would end them for every reader.
type Builder struct {
	buf   []byte
	open  [MaxDepth - 1]int // where the attributes that are open begin
	depth int
	err   error
}

// Reset begins anew and keeps the memory: what Bytes gave is overwritten.
func (w *Builder) Reset() { w.buf, w.depth, w.err = w.buf[:0], 0, nil }

// Bytes is what was written: part of the Builder, valid until the next Reset. The error is the first one, an *Error.
func (w *Builder) Bytes() ([]byte, error) {
	if w.depth != 0 {
		w.fail(w.open[w.depth-1], "", "not closed")
	}
	if w.err != nil {
		return nil, w.err
	}
	return w.buf, nil
}

func (w *Builder) fail(offset int, name, reason string) {
	if w.err == nil {
		w.err = &Error{offset, name, reason}
	}
}

// grow makes room for an attribute with n bytes of content and writes its header; the content is all zero.
func (w *Builder) grow(word uint32, name string, n int) []byte {
	at := len(w.buf)
	switch {
	case w.err != nil:
	case n > MaxLen-header-at || at+header+aligned(n) > MaxLen:
		w.fail(at, name, "longer than "+strconv.Itoa(MaxLen)+" bytes together with what is before it")
	}
	if w.err != nil {
		return nil
	}
	end := at + header + aligned(n)
	if cap(w.buf) < end {
		grown := make([]byte, at, max(end, 2*cap(w.buf), 256))
		copy(grown, w.buf)
		w.buf = grown
	}
	w.buf = w.buf[:end]
	clear(w.buf[at:])
	binary.BigEndian.PutUint32(w.buf[at:], word|uint32(header+n))
	return w.buf[at+header : at+header+n]
}

func (w *Builder) put(id, n int) []byte {
	if id < 0 || id > idMask {
		w.fail(len(w.buf), "", "a number above 127 cannot be written")
		return nil
	}
	return w.grow(uint32(id)<<idShift, "", n)
}

// add gives the room for the content of a named attribute.
func (w *Builder) add(t Type, name string, n int) []byte {
	if len(name) > maxName {
		w.fail(len(w.buf), name[:maxName], "a name of more than "+strconv.Itoa(maxName)+" bytes")
		return nil
	}
	if n > MaxLen {
		w.fail(len(w.buf), name, "longer than "+strconv.Itoa(MaxLen)+" bytes")
		return nil
	}
	if !w.noZero(name, name) {
		return nil
	}
	b := w.grow(extended|uint32(t)<<idShift, name, nameLen(len(name))+n)
	if b == nil {
		return nil
	}
	binary.BigEndian.PutUint16(b, uint16(len(name)))
	copy(b[2:], name)
	return b[nameLen(len(name)):]
}

// PutUint32 writes a number of 32 bits.
func (w *Builder) PutUint32(id int, v uint32) {
	if b := w.put(id, 4); b != nil {
		binary.BigEndian.PutUint32(b, v)
	}
}

// PutBool writes a byte of 0 or 1.
func (w *Builder) PutBool(id int, v bool) {
	if b := w.put(id, 1); b != nil && v {
		b[0] = 1
	}
}

// PutString writes a string and its zero byte.
func (w *Builder) PutString(id int, s string) {
	if w.noZero("", s) {
		copy(w.put(id, len(s)+1), s)
	}
}

// PutBytes writes content as it is: bytes, or attributes that were built elsewhere.
func (w *Builder) PutBytes(id int, b []byte) { copy(w.put(id, len(b)), b) }

// OpenNested begins an attribute that holds all that follows up to Close.
func (w *Builder) OpenNested(id int) {
	at := len(w.buf)
	if w.put(id, 0); w.err == nil {
		w.push(at, "")
	}
}

// AddString adds a string.
func (w *Builder) AddString(name, s string) {
	if w.noZero(name, s) {
		copy(w.add(String, name, len(s)+1), s)
	}
}

// AddInt64 adds a number of 64 bits.
func (w *Builder) AddInt64(name string, v int64) {
	if b := w.add(Int64, name, 8); b != nil {
		binary.BigEndian.PutUint64(b, uint64(v))
	}
}

// AddInt32 adds a number of 32 bits.
func (w *Builder) AddInt32(name string, v int32) { w.AddUint32(name, uint32(v)) }

// AddUint32 adds a number of 32 bits, which readers may take as one with a sign: the format does not tell.
func (w *Builder) AddUint32(name string, v uint32) {
	if b := w.add(Int32, name, 4); b != nil {
		binary.BigEndian.PutUint32(b, v)
	}
}

// AddInt16 adds a number of 16 bits.
func (w *Builder) AddInt16(name string, v int16) {
	if b := w.add(Int16, name, 2); b != nil {
		binary.BigEndian.PutUint16(b, uint16(v))
	}
}

// AddBool adds true or false, which is an Int8.
func (w *Builder) AddBool(name string, v bool) {
	if b := w.add(Bool, name, 1); b != nil && v {
		b[0] = 1
	}
}

// AddDouble adds a floating point number.
func (w *Builder) AddDouble(name string, v float64) {
	if b := w.add(Double, name, 8); b != nil {
		binary.BigEndian.PutUint64(b, math.Float64bits(v))
	}
}

// AddRaw adds content of any type as it is, such as a table that was received.
func (w *Builder) AddRaw(name string, t Type, content []byte) {
	copy(w.add(t, name, len(content)), content)
}

// OpenTable begins a table: named attributes up to Close.
func (w *Builder) OpenTable(name string) { w.openFields(Table, name) }

// OpenArray begins an array: attributes with empty names up to Close.
func (w *Builder) OpenArray(name string) { w.openFields(Array, name) }

func (w *Builder) openFields(t Type, name string) {
	at := len(w.buf)
	if w.add(t, name, 0); w.err == nil {
		w.push(at, name)
	}
}

func (w *Builder) push(at int, name string) {
	if w.depth == len(w.open) {
		w.fail(at, name, "more than "+strconv.Itoa(MaxDepth)+" levels")
		return
	}
	w.open[w.depth] = at
	w.depth++
}

// Close ends what was opened last.
func (w *Builder) Close() {
	if w.depth == 0 {
		w.fail(len(w.buf), "", "Close without anything open")
		return
	}
	w.depth--
	if w.err != nil {
		return
	}
	b := w.buf[w.open[w.depth]:]
	binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)&^lenMask|uint32(len(b)))
}

func (w *Builder) noZero(name, s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			w.fail(len(w.buf), name, "a string or a name with a zero byte in it")
			return false
		}
	}
	return true
}
