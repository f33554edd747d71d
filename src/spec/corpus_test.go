// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestCorpus(t *testing.T) {
	for name, b := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			want, err := reference[specs.Spec](b)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("decoded differently:\n%s\n%s", asJSON(t, got), asJSON(t, want))
			}
			refusal := ""
			if name == "crun-spec-rootless" { // crun invents the mappings when it runs it
				refusal = "linux.uidMappings: is required for a new user namespace\nlinux.gidMappings: is required for a new user namespace"
			}
			if err := Validate(got); refusal == "" && err != nil || refusal != "" && err.Error() != refusal {
				t.Errorf("got  %v\nwant %s", err, refusal)
			}
			if name == "unknown-and-null" {
				return // has keys that encoding/json takes for others, and Windows members
			}
			plain := new(specs.Spec)
			if err := json.Unmarshal(b, plain); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, plain) {
				t.Error("differs from plain encoding/json")
			}
			again, err := Decode(asJSON(t, got))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(asJSON(t, again), asJSON(t, got)) {
				t.Error("changes when it is written and read again")
			}
		})
	}
}

// Every way to write white space and every cut must do the same as
// encoding/json: accept or refuse.
func TestCorpusTruncated(t *testing.T) {
	for name, b := range corpus(t) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, b); err != nil {
			t.Fatal(err)
		}
		windows := bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
		for _, variant := range [][]byte{compact.Bytes(), windows} {
			if _, err := Decode(variant); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if compact.Len() > 4096 {
			continue
		}
		for n := range compact.Len() {
			if _, err := Decode(compact.Bytes()[:n]); err == nil || !strings.Contains(err.Error(), "column") {
				t.Fatalf("%s: cut after %d bytes: %v", name, n, err)
			}
		}
	}
}

// filler gives every field a value of its own.
type filler struct{ n int }

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for _, m := range fields(v.Type()) {
			f.fill(v.FieldByIndex(m.Index))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"a", "b/c.d"} {
			e := reflect.New(v.Type().Elem()).Elem()
			f.fill(e)
			v.SetMapIndex(reflect.ValueOf(key), e)
		}
	case reflect.String:
		v.SetString("string " + strings.Repeat("x", f.n%7) + asNumber(f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(-f.n))
	case reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(f.n))
	default:
		panic("no value for " + v.Type().String())
	}
}

func member(path, key string) string  { return string(appendMember([]byte(path), key)) }
func index(path string, i int) string { return string(appendIndex([]byte(path), i)) }

func asNumber(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func asJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A field that nobody decodes fails here, also when a later version of the
// specification adds it.
func TestEveryField(t *testing.T) {
	t.Run("spec", func(t *testing.T) { everyField(t, Decode) })
	t.Run("process", func(t *testing.T) { everyField(t, DecodeProcess) })
	t.Run("capabilities", func(t *testing.T) { everyField(t, DecodeCapabilities) })
	t.Run("seccomp", func(t *testing.T) { everyField(t, decodeSeccomp) })
	t.Run("resources", func(t *testing.T) { everyField(t, DecodeResources) })
}

func everyField[T any](t *testing.T, decode func([]byte) (*T, error)) {
	want := new(T)
	new(filler).fill(reflect.ValueOf(want).Elem())
	b := asJSON(t, want)
	got, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded differently:\n%s\n%s", asJSON(t, got), b)
	}
	for i := range b {
		b[i] = '#'
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the result shares memory with the input")
	}
}

// Every member is taken away, set to null, and given a value of another type,
// one at a time: the error names it.
func TestEveryMember(t *testing.T) {
	s := new(specs.Spec)
	new(filler).fill(reflect.ValueOf(s).Elem())
	var tree any
	in := json.NewDecoder(bytes.NewReader(asJSON(t, s)))
	in.UseNumber()
	if err := in.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	m := &mutator{t: t, root: tree}
	m.walk(tree, reflect.TypeOf(*s), "")
	if m.n < 1500 {
		t.Errorf("only %d members were tried", m.n)
	}
}

type mutator struct {
	t    *testing.T
	root any
	n    int
}

func (m *mutator) try(path, want string) {
	m.t.Helper()
	m.n++
	_, err := Decode(asJSON(m.t, m.root))
	switch {
	case want == "" && err != nil:
		m.t.Errorf("%s: refused: %v", path, err)
	case want != "" && (err == nil || err.Error() != path+": "+want):
		m.t.Errorf("got  %v\nwant %s: %s", err, path, want)
	}
}

func (m *mutator) walk(tree any, t reflect.Type, path string) {
	switch t.Kind() {
	case reflect.Pointer:
		m.walk(tree, t.Elem(), path)
	case reflect.Slice:
		list := tree.([]any)
		i := len(list) - 1
		v := list[i]
		m.value(func(v any) { list[i] = v }, v, t.Elem(), index(path, i))
		list[i] = nil
		m.try(index(path, i), "must be "+kindName(t.Elem())+", not null")
		list[i] = v
	case reflect.Map:
		for k, v := range tree.(map[string]any) {
			m.value(func(v any) { tree.(map[string]any)[k] = v }, v, t.Elem(), member(path, k))
			tree.(map[string]any)[k] = nil
			m.try(member(path, k), "must be "+kindName(t.Elem())+", not null")
			tree.(map[string]any)[k] = v
		}
	case reflect.Struct:
		object := tree.(map[string]any)
		object["unknown"] = []any{1, map[string]any{"a": nil}}
		m.try(path, "")
		delete(object, "unknown")
		for _, f := range fields(t) {
			here, v := member(path, f.name), object[f.name]
			m.value(func(v any) { object[f.name] = v }, v, f.Type, here)
			want := ""
			if required(t, f) {
				want = "is required"
			}
			object[f.name] = nil
			m.try(here, want)
			delete(object, f.name)
			m.try(here, want)
			object[f.name] = v
		}
	}
}

// required goes by what the specification's own types always write, but for
// the members where its text says otherwise.
func required(t reflect.Type, f field) bool {
	switch t.Name() + "." + f.Name {
	case "Process.User", "LinuxMemoryPolicy.Nodes":
		return false
	case "Process.Args":
		return true
	}
	return !f.omitempty
}

func (m *mutator) value(set func(any), old any, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for _, wrong := range []struct {
		value any
		name  string
	}{{"7", "a string"}, {7, "a number"}, {true, "a boolean"}, {[]any{}, "an array"}, {map[string]any{}, "an object"}} {
		want := kindName(t)
		if wrong.name == want || wrong.name == "a number" && want == "an integer" {
			continue
		}
		set(wrong.value)
		m.try(path, "must be "+want+", not "+wrong.name)
	}
	if least, most := bounds(t); most != "" {
		set(json.Number("1.0"))
		m.try(path, "must be an integer in plain digits, not 1.0")
		set(json.Number("1e3"))
		m.try(path, "must be an integer in plain digits, not 1e3")
		for _, number := range []string{least, most} {
			set(json.Number(number))
			m.try(path, "")
		}
		for _, number := range []string{least[:len(least)-1] + "9", most[:len(most)-1] + "9"} {
			if number == "9" {
				number = "-1"
			}
			set(json.Number(number))
			m.try(path, "must be between "+least+" and "+most+", not "+number)
		}
	}
	set(old)
	m.walk(old, t, path)
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindName(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Slice:
		return "an array"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "an integer"
}

// bounds returns the range of an integer; int and uint have 32 bits everywhere.
func bounds(t reflect.Type) (least, most string) {
	switch t.Kind() {
	case reflect.Int, reflect.Int32:
		return "-2147483648", "2147483647"
	case reflect.Int64:
		return "-9223372036854775808", "9223372036854775807"
	case reflect.Uint16:
		return "0", "65535"
	case reflect.Uint, reflect.Uint32:
		return "0", "4294967295"
	case reflect.Uint64:
		return "0", "18446744073709551615"
	}
	return "", ""
}
