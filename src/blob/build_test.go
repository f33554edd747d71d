// SPDX-License-Identifier: LGPL-2.1-only

package blob

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func TestBuilderRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		build      func(w *Builder)
	}{
		{"not closed", "not closed", func(w *Builder) { w.OpenTable("a") }},
		{"closed twice", "without anything open", func(w *Builder) { w.OpenTable("a"); w.Close(); w.Close() }},
		{"zero in a string", "zero byte", func(w *Builder) { w.AddString("a", "b\x00c") }},
		{"zero in a plain string", "zero byte", func(w *Builder) { w.PutString(4, "b\x00c") }},
		{"zero in a name", "zero byte", func(w *Builder) { w.AddBool("b\x00c", true) }},
		{"number", "above 127", func(w *Builder) { w.PutUint32(128, 1) }},
		{"negative number", "above 127", func(w *Builder) { w.PutBytes(-1, nil) }},
		{"long name", "a name of more than", func(w *Builder) { w.AddString(strings.Repeat("x", maxName+1), "") }},
		{"too long", "longer than", func(w *Builder) { w.PutBytes(1, make([]byte, MaxLen-3)) }},
		{"too long together", "longer than", func(w *Builder) { w.PutBytes(1, make([]byte, MaxLen-8)); w.PutBool(1, true) }},
		{"too long by name", "longer than", func(w *Builder) { w.AddRaw("a", Unspec, make([]byte, MaxLen-4)) }},
		{"much too long", "longer than", func(w *Builder) { w.AddRaw("a", Unspec, make([]byte, MaxLen+1)) }},
		{"too deep", "levels", func(w *Builder) {
			for range MaxDepth {
				w.OpenTable("a")
			}
		}},
		{"first error stays", "above 127", func(w *Builder) { w.PutUint32(128, 1); w.AddString("a", "\x00"); w.Close() }},
	} {
		var w Builder
		c.build(&w)
		if b, err := w.Bytes(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d bytes, %v", c.name, len(b), err)
		}
		w.Reset()
		w.AddBool("ok", true)
		if b, err := w.Bytes(); err != nil || Text(b) != `{"ok":true}` {
			t.Errorf("%s: after Reset %s, %v", c.name, Text(b), err)
		}
	}
}

func TestDepth(t *testing.T) {
	var w Builder
	for range MaxDepth - 1 {
		w.OpenArray("")
	}
	for range MaxDepth - 1 {
		w.Close()
	}
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if text := Text(b); strings.Contains(text, "<") {
		t.Error(text)
	}
	b = bytes.Clone(b)
	w.Reset()
	w.AddRaw("", Array, b)
	if b, err = w.Bytes(); err != nil {
		t.Fatal(err)
	}
	if text := Text(b); !strings.Contains(text, "more than 32 levels") {
		t.Error(text)
	}
}

func TestMaxLen(t *testing.T) {
	var w Builder
	w.PutBytes(1, make([]byte, MaxLen-4))
	b, err := w.Bytes()
	if err != nil || len(b) != MaxLen {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if d := NewDecoder(b); !d.Next() || len(d.Bytes()) != MaxLen-4 {
		t.Error(d.Err())
	}
	if d := NewDecoder(append(b, 0)); d.Next() || d.Err() == nil {
		t.Error("more than MaxLen bytes are decoded")
	}
}

// The memory is used again.
func TestBuilderAllocates(t *testing.T) {
	var w Builder
	builds["state"](&w)
	if n := testing.AllocsPerRun(10, func() { w.Reset(); builds["state"](&w) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPlain(t *testing.T) {
	var w Builder
	w.PutUint32(3, 0x01020304)
	w.PutString(4, "kill")
	w.PutBool(10, true)
	w.OpenNested(7)
	w.AddString("a", "b")
	w.Close()
	w.OpenNested(11)
	w.PutUint32(0, 5)
	w.Close()
	w.PutBytes(127, []byte{1, 2, 3})
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	const want = "0300000801020304" + "040000096b696c6c00000000" + "0a00000501000000" + "070000108300000a0001610062000000" +
		"0b00000c0000000800000005" + "7f00000701020300"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("built\n%s, want\n%s", got, want)
	}
	d := NewDecoder(b)
	next := func(id int) {
		t.Helper()
		if !d.Next() || d.ID() != id {
			t.Fatalf("%d, want %d: %v", d.ID(), id, d.Err())
		}
	}
	next(3)
	if v := d.Uint32(); v != 0x01020304 {
		t.Errorf("%#x", v)
	}
	next(4)
	if v := d.Text(); v != "kill" {
		t.Errorf("%q", v)
	}
	next(10)
	if !d.Bool() {
		t.Error("false")
	}
	next(7)
	if v := Text(d.Bytes()); v != `{"a":"b"}` {
		t.Error(v)
	}
	next(11)
	if in := d.Nested(); !in.Next() || in.Uint32() != 5 || in.Next() || in.Err() != nil {
		t.Errorf("nested: %v", in.Err())
	}
	next(127)
	if !bytes.Equal(d.Bytes(), []byte{1, 2, 3}) || d.Next() || d.Err() != nil {
		t.Errorf("%x, %v", d.Bytes(), d.Err())
	}
}
