// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"bytes"
	debugelf "debug/elf"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

func parse(b []byte) *file {
	r := New(nil, Search{})
	return r.read(bytes.NewReader(b))
}

// Every class and byte order, near and far strings, against debug/elf.
func TestReadAgainstDebugElf(t *testing.T) {
	for _, a := range []arch{
		{class32, little, em386}, {class32, big, emMips}, {class64, little, emX86_64}, {class64, big, emPpc64},
	} {
		for _, pad := range []int{0, 1000, 3000} {
			for _, m := range []image{
				{interp: "/lib/ld.so", needed: []string{"liba.so", "libb.so.1"}, soname: "me.so", runpath: "$ORIGIN"},
				{needed: []string{"liba.so"}, rpath: "/a:/b"},
				{needed: []string{"liba.so", "libb.so", "libc.so"}, rpath: "/a", runpath: "/b"},
				{soname: "me.so"},
				{interp: "/lib/ld.so", typ: typeExec},
				{needed: []string{strings.Repeat("x", 3000)}},
			} {
				m.class, m.order, m.machine, m.pad = a.class, a.order, a.machine, pad
				b := m.build()
				got := parse(b)
				want := &file{kind: elf, interp: m.interp, arch: a, needed: m.needed, soname: m.soname, rpath: m.rpath}
				if m.runpath != "" {
					want.rpath, want.runpath = m.runpath, true
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%+v\ngot  %+v\nwant %+v", m, got, want)
				}
				// debug/elf has to see the same, or the image is no ELF file.
				e, err := debugelf.NewFile(bytes.NewReader(b))
				if err != nil {
					t.Fatalf("%+v: %v", m, err)
				}
				if e.Class != debugelf.Class(a.class) || e.Machine != debugelf.Machine(a.machine) {
					t.Errorf("debug/elf: %v %v", e.Class, e.Machine)
				}
				for _, p := range e.Progs {
					if p.Type == debugelf.PT_INTERP {
						text := make([]byte, p.Filesz)
						if _, err := p.ReadAt(text, 0); err != nil || string(text) != m.interp+"\x00" {
							t.Errorf("debug/elf: interpreter %q, %v", text, err)
						}
					}
				}
			}
		}
	}
}

// set changes n bytes at an offset of an image to v, little-endian.
func set(b []byte, off, n int, v uint64) []byte {
	b = bytes.Clone(b)
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], v)
	copy(b[off:off+n], w[:])
	return b
}

func TestMalformed(t *testing.T) {
	good := image{interp: "/lib/ld.so", needed: []string{"liba.so"}}.build()
	const phdr = 64
	interp, dynamic := phdr+1*56, phdr+3*56
	dynOff := int(binary.LittleEndian.Uint64(good[dynamic+8:]))
	for _, tt := range []struct {
		name string
		b    []byte
		want string
	}{
		{"cut in the identification", good[:5], "header is cut short"},
		{"cut in the header", good[:63], "header is cut short"},
		{"class", set(good, 4, 1, 3), "neither 32 nor 64 bits"},
		{"byte order", set(good, 5, 1, 0), "no byte order"},
		{"cut in the program headers", good[:100], "program header table lies outside"},
		{"program headers behind the end", set(good, 32, 8, 1<<20), "program header table lies outside"},
		{"program headers far away", set(good, 32, 8, 1<<63+64), "program header table lies outside"},
		{"program headers at the top", set(good, 32, 8, 1<<64-8), "program header table lies outside"},
		{"size of program headers", set(good, 54, 2, 32), "wrong size or number"},
		{"number of program headers", set(good, 56, 2, 65535), "wrong size or number"},
		{"interpreter outside", set(good, interp+8, 8, 1<<40), "interpreter's name lies outside"},
		{"interpreter too long", set(good, interp+32, 8, 1<<40), "too short or too long"},
		{"interpreter too short", set(good, interp+32, 8, 1), "too short or too long"},
		{"interpreter without end", set(good, interp+32, 8, 10), "no end"},
		{"interpreter empty", set(good, 64+4*56, 1, 0), "is empty"},
		{"dynamic outside", set(good, dynamic+8, 8, 1<<40), "dynamic segment lies outside"},
		{"dynamic far away", set(good, dynamic+8, 8, 1<<63), "too long or outside"},
		{"dynamic huge", set(set(good, dynamic+32, 8, 1<<63), dynOff+3*16, 8, 0x6fff), "dynamic segment lies outside"},
		{"no string table", set(good, dynOff+16, 8, 0x6fff), "string table is missing"},
		{"string table outside", set(good, dynOff+24, 8, 1<<50), "string table is missing or outside"},
		{"string table empty", set(good, dynOff+40, 8, 0), "outside of the string table"},
		{"name outside", set(good, dynOff+8, 8, 1<<60), "outside of the string table"},
		{"name without end", good[:len(good)-1], "no end"},
		{"cut in the names", good[:len(good)-5], "no end"},
	} {
		f := parse(tt.b)
		if f.err == nil || !strings.Contains(f.err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, f.err, tt.want)
		}
	}

	// A dynamic segment that never ends.
	var endless []byte
	head := set(good, dynamic+8, 8, uint64(len(good)))
	head = set(head, dynamic+32, 8, 1<<20)
	endless = append(endless, head...)
	for range 1 << 16 {
		endless = append(endless, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	if f := parse(endless); f.err == nil || !strings.Contains(f.err.Error(), "dynamic segment is too long") {
		t.Errorf("endless dynamic segment: %v", f.err)
	}

	_, err := Deps(tree{"/x": good[:100]}.fs(), "/x", Search{})
	if want := "/x: cannot be used: malformed ELF: the program header table lies outside of the file"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
