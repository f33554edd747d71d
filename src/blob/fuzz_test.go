// SPDX-License-Identifier: LGPL-2.1-only

package blob

import (
	"bytes"
	"testing"
)

// rebuild writes anew what d reads.
func rebuild(w *Builder, d *Decoder) {
	for d.Next() {
		switch d.Type() {
		case Table, Array:
			w.openFields(d.Type(), d.Name())
			rebuild(w, d.Fields())
			w.Close()
		case String:
			w.AddString(d.Name(), d.Text())
		default:
			w.AddRaw(d.Name(), d.Type(), d.Bytes())
		}
	}
}

// What is read can be written, and is read as the same then.
func FuzzFields(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text := Text(b)
		d := NewFields(b)
		var w Builder
		rebuild(&w, d)
		if d.Err() != nil {
			if e, ok := d.Err().(*Error); !ok || e.Offset < 0 || e.Offset > len(b) {
				t.Fatalf("%#v", d.Err())
			}
			return
		}
		again, err := w.Bytes()
		if err != nil {
			if len(b) < MaxLen/2 {
				t.Fatalf("%s: %v", text, err)
			}
			return
		}
		if second := Text(again); second != text {
			t.Fatalf("%s is read as %s", text, second)
		}
	})
}

// Attributes with a number: each accessor on each of them.
func FuzzAttributes(f *testing.F) {
	var w Builder
	w.PutUint32(3, 1)
	w.PutString(4, "kill")
	w.PutBool(10, true)
	w.OpenNested(11)
	w.PutUint32(0, 5)
	w.Close()
	b, _ := w.Bytes()
	f.Add(bytes.Clone(b))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(d *Decoder){
			func(d *Decoder) { d.Uint32() },
			func(d *Decoder) { d.Bool() },
			func(d *Decoder) { d.Text() },
			func(d *Decoder) { d.Int() },
			func(d *Decoder) { d.Double() },
			func(d *Decoder) {
				for n := d.Nested(); n.Next(); {
					for n := n.Fields(); n.Next(); {
					}
				}
			},
		} {
			total := 0
			d := NewDecoder(b)
			for d.Next() {
				total += len(d.Bytes())
				if d.ID() < 0 || d.ID() > 127 {
					t.Fatal(d.ID())
				}
				read(d)
			}
			if total > len(b) {
				t.Fatalf("%d bytes of %d", total, len(b))
			}
		}
	})
}
