// SPDX-License-Identifier: LGPL-2.1-only

package blob

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

// builds make with the Builder what libubox has made of the same calls.
var builds = map[string]func(w *Builder){
	"empty":  func(*Builder) {},
	"string": func(w *Builder) { w.AddString("signal", "TERM") },
	"padding": func(w *Builder) {
		w.AddString("a", "")
		w.AddString("ab", "x")
		w.AddString("abc", "xy")
		w.AddString("abcd", "xyz")
		w.AddString("abcde", "xyzw")
	},
	"numbers": func(w *Builder) {
		w.AddBool("t", true)
		w.AddBool("f", false)
		w.AddInt16("i16", -2)
		w.AddInt32("i32", -3)
		w.AddInt64("i64", -4)
		w.AddDouble("d", 0.5)
	},
	"largest": func(w *Builder) {
		w.AddInt16("i16", math.MaxInt16)
		w.AddInt32("i32", math.MaxInt32)
		w.AddInt64("i64", math.MaxInt64)
	},
	"nested": func(w *Builder) {
		w.OpenTable("env")
		w.AddString("PATH", "/bin")
		w.OpenArray("list")
		w.AddInt32("", 1)
		w.AddString("", "two")
		w.OpenTable("")
		w.Close()
		w.Close()
		w.Close()
		w.AddBool("after", true)
	},
	"state": func(w *Builder) {
		w.AddString("ociVersion", "1.0.2")
		w.AddString("id", "web")
		w.AddString("status", "running")
		w.AddInt32("pid", 4711)
		w.OpenTable("annotations")
		w.AddString("a", "b")
		w.Close()
		w.OpenArray("l")
		w.AddInt32("", 1)
		w.AddInt32("", -2)
		w.AddBool("", true)
		w.AddString("", "x")
		w.OpenArray("")
		w.Close()
		w.OpenTable("")
		w.Close()
		w.Close()
		w.AddInt64("big", 1<<32)
	},
}

type vector struct {
	name, json string
	bytes      []byte
}

func vectors(t testing.TB) (all []vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/libubox.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			t.Fatalf("%q has %d fields", line, len(f))
		}
		b, err := hex.DecodeString(f[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, vector{f[0], f[2], b})
	}
	return all
}

func TestLibubox(t *testing.T) {
	var w Builder
	found := 0
	for _, v := range vectors(t) {
		build, ok := builds[v.name]
		if !ok {
			t.Errorf("nothing builds %s", v.name)
			continue
		}
		found++
		w.Reset()
		build(&w)
		b, err := w.Bytes()
		if err != nil || !bytes.Equal(b, v.bytes) {
			t.Errorf("%s: built\n%x, %v, libubox has\n%x", v.name, b, err, v.bytes)
		}
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(Text(v.bytes)), &got), json.Unmarshal([]byte(v.json), &want)); err != nil {
			t.Errorf("%s: %s: %v", v.name, Text(v.bytes), err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s, libubox says %s", v.name, Text(v.bytes), v.json)
		}
	}
	if found != len(builds) {
		t.Errorf("%d of %d vectors", found, len(builds))
	}
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct{ name, hex, want string }{
		{"header cut", "830000", "3 bytes left"},
		{"length 0", "03000000", "its length is 0"},
		{"length 3", "0300000300000000", "its length is 3"},
		{"longer than all", "0300000c00000000", "there are 8 bytes left"},
		{"padding missing", "8700000901", "there are 5 bytes left"},
		{"no room for a name", "80000004", "too short for its name"},
		{"half a name", "8000000500000000", "too short for its name"},
		{"name too long", "8000000800050000", "too short for its name"},
		{"name of 64 KiB", "80000008ffff0000", "its name has 65535 bytes"},
		{"name not terminated", "8000000800016161", "does not end"},
		{"unknown type", "0900000400000000", "type 9"},
		{"int32 of 3 bytes", "0500000700000000", "int32 of 3 bytes"},
		{"int8 of 2 bytes", "0700000600000000", "int8 of 2 bytes"},
		{"double of 4 bytes", "0800000800000000", "double of 4 bytes"},
		{"string of no bytes", "03000004", "string that does not end"},
		{"string not terminated", "0300000561000000", "string that does not end"},
		{"second one is wrong", "8700000900017400010000000300", "at byte 12: 2 bytes left"},
		{"name is told", "830000090001740061000000", `at byte 0, "t": it is a string that does not end`},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		d := NewFields(b)
		for d.Next() {
		}
		var e *Error
		if err := d.Err(); err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &e) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if d.Next() || d.Name() != "" || d.Bytes() != nil || d.Int() != 0 || d.Text() != "" {
			t.Errorf("%s: something comes after the error", c.name)
		}
	}
}

func TestWrongType(t *testing.T) {
	var w Builder
	w.AddString("s", "x")
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(d *Decoder){
		"int":    func(d *Decoder) { d.Int() },
		"int32":  func(d *Decoder) { d.Uint32() },
		"int8":   func(d *Decoder) { d.Bool() },
		"double": func(d *Decoder) { d.Double() },
		"fields": func(d *Decoder) { d.Fields() },
	} {
		d := NewFields(b)
		if !d.Next() {
			t.Fatal(d.Err())
		}
		read(d)
		if d.Err() == nil || !strings.Contains(d.Err().Error(), `"s": it is of type string`) {
			t.Errorf("%s: %v", name, d.Err())
		}
		read(d)
		if d.Next() {
			t.Errorf("%s: goes on", name)
		}
	}
}

// An error inside ends what is outside.
func TestErrorGoesOut(t *testing.T) {
	b, _ := hex.DecodeString("82000010000174000000000900000000" + "870000090001740001000000")
	d := NewFields(b)
	if !d.Next() || d.Name() != "t" {
		t.Fatal(d.Err())
	}
	in := d.Fields()
	if in.Next() || in.Err() == nil || d.Err() != in.Err() || d.Next() {
		t.Errorf("inside %v, outside %v", in.Err(), d.Err())
	}
	if e := in.Err().(*Error); e.Offset != 8 {
		t.Errorf("offset %d", e.Offset)
	}
	if n := d.Fields(); n.Next() || n.Err() != d.Err() {
		t.Errorf("a new decoder after an error: %v", n.Err())
	}
}

func TestInt(t *testing.T) {
	var w Builder
	w.AddInt64("", math.MinInt64)
	w.AddInt32("", math.MinInt32)
	w.AddInt16("", math.MinInt16)
	w.AddRaw("", Int8, []byte{0x80})
	w.AddUint32("", math.MaxUint32)
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	d := NewFields(b)
	for _, want := range []int64{math.MinInt64, math.MinInt32, math.MinInt16, math.MinInt8, -1} {
		if !d.Next() || d.Int() != want {
			t.Errorf("%d is not read: %v", want, d.Err())
		}
	}
	if d.Uint32() != math.MaxUint32 {
		t.Error("an int32 is not read without sign")
	}
}

// What a reader in C takes for the end of a string is its end.
func TestZeroEndsString(t *testing.T) {
	b := []byte("\x83\x00\x00\x10\x00\x03a\x00b\x00\x00\x00c\x00d\x00")
	if d := NewFields(b); !d.Next() || d.Name() != "a" || d.Text() != "c" {
		t.Errorf("%q %q %v", d.Name(), d.Text(), d.Err())
	}
}

func TestText(t *testing.T) {
	var w Builder
	w.AddString("q\"\\", "\x01\n\x7fé\xff")
	w.AddRaw("raw", Unspec, []byte{0, 'x'})
	b, _ := w.Bytes()
	want := `{"q\"\\":"\u0001\u000a\u007fé` + "\ufffd" + `","raw":"\u0000x"}`
	if got := Text(b); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := Text(b[:5]); !strings.HasPrefix(got, "{} <blob: at byte 0: ") {
		t.Error(got)
	}
}
