// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"strconv"
	"unicode/utf8"
)

// A Value is a JSON value in a text that DecodeObject reads. One of its methods reads it; one that none has read is passed over. What has
// another type than wanted, or lies out of range, is refused as in config.json, and the result is then the zero value.
type Value struct {
	d    *decoder
	read bool
}

// DecodeObject reads a JSON text of at most max bytes that is an object, with the decoder that config.json is read with: member is called
// for each member that is not null. The error is an *Error.
func DecodeObject(b []byte, max int, member func(key string, v *Value)) error {
	if len(b) > max {
		return &Error{Reason: "has " + strconv.Itoa(len(b)) + " bytes, at most " + strconv.Itoa(max) + " are accepted"}
	}
	d := &decoder{src: string(b)}
	if !utf8.ValidString(d.src) {
		d.syntax(invalidUTF8(d.src), "invalid UTF-8")
		return d.err
	}
	d.members(member)
	d.end()
	if d.err != nil {
		return d.err
	}
	return nil
}

func (d *decoder) members(member func(key string, v *Value)) {
	o := d.object()
	for d.member(&o) {
		v := Value{d: d}
		if member(o.key, &v); !v.read {
			d.skip()
		}
	}
	d.close(&o)
}

// Text reads a string.
func (v *Value) Text() string {
	v.read = true
	return v.d.str()
}

// Bool reads true or false.
func (v *Value) Bool() bool {
	v.read = true
	return v.d.boolean()
}

// Int reads an integer between least and most, both included.
func (v *Value) Int(least, most int64) int64 {
	v.read = true
	n := int64(v.d.integer(least, uint64(max(most, 0))))
	if v.d.err == nil && n > most {
		v.d.fail("must be at most " + strconv.FormatInt(most, 10))
		return 0
	}
	return n
}

// Uint reads an integer of 64 bits without a sign.
func (v *Value) Uint() uint64 {
	v.read = true
	return v.d.uint64()
}

// Strings reads an array of strings.
func (v *Value) Strings() []string {
	v.read = true
	return v.d.strs()
}

// Object reads an object; see DecodeObject.
func (v *Value) Object(member func(key string, v *Value)) {
	v.read = true
	v.d.members(member)
}

// Array reads an array: each is called for every element, which it has to read unless there is an error.
func (v *Value) Array(each func(v *Value)) {
	v.read = true
	for a := v.d.array(); v.d.element(&a); {
		e := Value{d: v.d}
		if each(&e); !e.read {
			v.d.skip()
		}
	}
}

// Refuse refuses the text because of this value.
func (v *Value) Refuse(reason string) {
	v.read = true
	v.d.fail(reason)
}

// AppendJSON adds a JSON string. What is no UTF-8, as a path may be, becomes U+FFFD.
func AppendJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
