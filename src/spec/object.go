// SPDX-License-Identifier: LGPL-2.1-only

package spec

import "strconv"

// entry is a member of an open object that has been met.
type entry struct {
	key  string
	null bool
}

// fewKeys is up to how many members looking through a slice is cheaper than a
// map.
const fewKeys = 32

// object is an object that is being read:
//
//	o := d.object()
//	for d.member(&o) {
//		switch o.key {
//		case "path":
//			v.Path = d.str()
//		default:
//			d.skip()
//		}
//	}
//	d.close(&o, "path")
type object struct {
	key   string          // of the member whose value comes next
	base  int             // the object's first place in decoder.keys
	many  map[string]bool // instead of decoder.keys: key -> has a value
	begun bool            // a member has been read: a comma precedes the next
	nulls bool            // hand out members that are null, too, for their reader to refuse
}

// enter steps into an array or an object.
func (d *decoder) enter(bracket byte, want string) {
	if d.peek() != bracket {
		d.mismatch(want)
		return
	}
	if d.depth == maxDepth {
		d.depth = 0 // a path of that length helps nobody
		d.syntax(d.pos, "nested deeper than "+strconv.Itoa(maxDepth)+" levels")
		return
	}
	d.pos++
	d.path[d.depth] = step{index: atNothing}
	d.depth++
}

func (d *decoder) object() object {
	d.enter('{', "an object")
	return object{base: len(d.keys)}
}

// member steps to the next member whose value is not null (see object.nulls)
// and reports whether there is one.
func (d *decoder) member(o *object) bool {
	for d.err == nil {
		here := &d.path[d.depth-1]
		here.index = atNothing
		c := d.peek()
		if c == '}' {
			d.pos++
			return false
		}
		if o.begun {
			if c != ',' {
				d.expected("',' or '}'")
				return false
			}
			d.pos++
			c = d.peek()
		}
		if c != '"' {
			d.expected("a key")
			return false
		}
		at := d.pos
		o.key = d.str()
		o.begun = true
		if d.err != nil {
			return false
		}
		if d.peek() != ':' {
			d.expected("':'")
			return false
		}
		*here = step{o.key, atKey}
		if d.met(o) {
			d.syntax(at, "duplicate key")
			return false
		}
		d.pos++
		null := !o.nulls && d.peek() == 'n' && d.literal() == 'n'
		d.note(o, null)
		if d.err == nil && !null {
			return true
		}
	}
	return false
}

// met reports whether the object has had its current key before.
func (d *decoder) met(o *object) bool {
	if o.many != nil {
		_, ok := o.many[o.key]
		return ok
	}
	for _, e := range d.keys[o.base:] {
		if e.key == o.key {
			return true
		}
	}
	return false
}

// note remembers the object's current key.
func (d *decoder) note(o *object, null bool) {
	if o.many == nil {
		if len(d.keys)-o.base < fewKeys {
			d.keys = append(d.keys, entry{o.key, null})
			return
		}
		o.many = make(map[string]bool, 4*fewKeys)
		for _, e := range d.keys[o.base:] {
			o.many[e.key] = !e.null
		}
		d.keys = d.keys[:o.base]
	}
	o.many[o.key] = !null
}

// close leaves an object that member has read to its end and refuses it if one
// of the required members had no value.
func (d *decoder) close(o *object, required ...string) {
	if d.err != nil {
		return
	}
	d.depth--
	for _, key := range required {
		if !d.has(o, key) {
			d.failAt(string(appendMember([]byte(d.where()), key)), "is required")
			return
		}
	}
	d.keys = d.keys[:o.base]
}

// has reports whether the object had a value for key.
func (d *decoder) has(o *object, key string) bool {
	if o.many != nil {
		return o.many[key]
	}
	for _, e := range d.keys[o.base:] {
		if e.key == key {
			return !e.null
		}
	}
	return false
}

// array is an array that is being read: a := d.array(); for d.element(&a) {}.
type array struct{ n int }

func (d *decoder) array() array {
	d.enter('[', "an array")
	return array{}
}

// element steps to the next element and reports whether there is one.
func (d *decoder) element(a *array) bool {
	if d.err != nil {
		return false
	}
	c := d.peek()
	if c == ']' {
		d.pos++
		d.depth--
		return false
	}
	if a.n > 0 {
		if c != ',' {
			d.expected("',' or ']'")
			return false
		}
		d.pos++
		if d.peek() == ']' {
			d.expected("a value")
			return false
		}
	}
	d.path[d.depth-1].index = a.n
	a.n++
	return true
}

// skip reads over a value of any kind.
func (d *decoder) skip() {
	switch c := d.peek(); c {
	case '{':
		o := d.object()
		for d.member(&o) {
			d.skip()
		}
		d.close(&o)
	case '[':
		for a := d.array(); d.element(&a); {
			d.skip()
		}
	case '"':
		d.str()
	case 't', 'f', 'n':
		d.literal()
	default:
		if c != '-' && !digit(c) {
			d.expected("a value")
			return
		}
		d.number()
	}
}
