// SPDX-License-Identifier: LGPL-2.1-only

package spec

// textChunk is how many strings are allocated at once for the lists of strings
// that a configuration mostly consists of.
const textChunk = 128

// strs reads an array of strings.
func (d *decoder) strs() []string {
	start := len(d.text)
	for a := d.array(); d.element(&a); {
		s := d.str()
		if len(d.text) == cap(d.text) {
			list := d.text[start:]
			d.text = append(make([]string, 0, max(textChunk, 2*len(list))), list...)
			start = 0
		}
		d.text = append(d.text, s)
	}
	if len(d.text) == start {
		return []string{}
	}
	return d.text[start:len(d.text):len(d.text)]
}

// names reads an array of strings that have a type of their own.
func names[T ~string](d *decoder) []T {
	list := []T{}
	for a := d.array(); d.element(&a); {
		list = append(list, T(d.str()))
	}
	return list
}

// list reads an array of objects.
func list[T any](d *decoder, read func(*decoder, *T)) []T {
	list := []T{}
	for a := d.array(); d.element(&a); {
		if len(list) == cap(list) {
			list = append(make([]T, 0, max(4, 2*len(list))), list...)
		}
		list = list[:len(list)+1]
		read(d, &list[len(list)-1])
	}
	return list
}

// table reads an object whose keys are data.
func table[T any](d *decoder, read func(*decoder, *T)) map[string]T {
	o := d.object()
	o.nulls = true
	m := make(map[string]T)
	for d.member(&o) {
		var v T
		read(d, &v)
		m[o.key] = v
	}
	d.close(&o)
	return m
}

// strTable reads an object of strings whose keys are data.
func (d *decoder) strTable() map[string]string {
	return table(d, func(d *decoder, s *string) { *s = d.str() })
}

// one reads an optional object.
func one[T any](d *decoder, read func(*decoder, *T)) *T {
	v := new(T)
	read(d, v)
	return v
}
