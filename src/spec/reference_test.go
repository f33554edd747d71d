// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// reference decodes with encoding/json what the decoders promise to decode:
// keys match exactly, and members of other platforms do not count.
func reference[T any](b []byte) (*T, error) {
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber()
	var tree any
	if err := in.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := in.Token(); err != io.EOF {
		return nil, errors.New("trailing data")
	}
	v := new(T)
	b, err := json.Marshal(known(tree, reflect.TypeOf(*v)))
	if err != nil {
		return nil, err
	}
	return v, json.Unmarshal(b, v)
}

// known drops the members of a JSON tree that t has no field for.
func known(tree any, t reflect.Type) any {
	switch t.Kind() {
	case reflect.Pointer:
		return known(tree, t.Elem())
	case reflect.Slice:
		if list, ok := tree.([]any); ok {
			for i := range list {
				list[i] = known(list[i], t.Elem())
			}
		}
	case reflect.Map:
		if m, ok := tree.(map[string]any); ok {
			for k := range m {
				m[k] = known(m[k], t.Elem())
			}
		}
	case reflect.Struct:
		m, ok := tree.(map[string]any)
		if !ok {
			return tree
		}
		kept := map[string]any{}
		for _, f := range fields(t) {
			if v, ok := m[f.name]; ok {
				kept[f.name] = known(v, f.Type)
			}
		}
		return kept
	}
	return tree
}

type field struct {
	reflect.StructField
	name      string
	omitempty bool
}

// fields lists the members of a struct that concern Linux, those of embedded
// structs included.
func fields(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for _, inner := range fields(f.Type) {
				inner.Index = append(append([]int{}, f.Index...), inner.Index...)
				list = append(list, inner)
			}
			continue
		}
		platform, ok := f.Tag.Lookup("platform")
		if ok && !strings.Contains(","+platform+",", ",linux,") {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		list = append(list, field{f, name, options == "omitempty"})
	}
	return list
}

// corpus returns the configurations of testdata by name.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/configs/*.json")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d configurations, %v", len(files), err)
	}
	m := map[string][]byte{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m[strings.TrimSuffix(filepath.Base(name), ".json")] = b
	}
	return m
}
