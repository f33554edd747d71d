// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"encoding/json"
	"strings"
	"testing"
)

// collected is what readAll has read.
func readAll(b string, max int) (out []string, err error) {
	err = DecodeObject([]byte(b), max, func(key string, v *Value) {
		switch key {
		case "text":
			out = append(out, v.Text())
		case "bool":
			if v.Bool() {
				out = append(out, "true")
			}
		case "int":
			out = append(out, strings.Repeat("i", int(v.Int(0, 9))))
		case "uint":
			if v.Uint() == 1<<64-1 {
				out = append(out, "most")
			}
		case "strings":
			out = append(out, v.Strings()...)
		case "object":
			v.Object(func(key string, v *Value) { out = append(out, key+"="+v.Text()) })
		case "array":
			v.Array(func(v *Value) { out = append(out, v.Text()) })
		case "refused":
			v.Refuse("is refused")
		}
	})
	return out, err
}

func TestDecodeObject(t *testing.T) {
	for _, c := range []struct{ in, out, err string }{
		{`{"text":"a\u00e9","other":[{"x":null}],"bool":true,"int":2,"uint":18446744073709551615,"strings":["b","c"],"object":{"k":"v"},"array":["d"],"null":null}`,
			"aé true ii most b c k=v d", ""},
		{` {} `, "", ""},
		{`{"text":1}`, "", "text: must be a string, not a number"},
		{`{"int":10}`, "", "int: must be between 0 and 9, not 10"},
		{`{"int":-1}`, "", "int: must be between 0 and 9, not -1"},
		{`{"object":{"k":2}}`, "", "object.k: must be a string, not a number"},
		{`{"array":["a",{}]}`, "", "array[1]: must be a string, not an object"},
		{`{"text":"a","text":"b"}`, "", "duplicate key"},
		{`{"refused":[]}`, "", "refused: is refused"},
		{`[]`, "", "must be an object, not an array"},
		{`{} {}`, "", "expected the end of the text"},
		{`{`, "", "expected a key"},
		{"{\"text\":\"\xff\"}", "", "invalid UTF-8"},
		{`{"text":"` + strings.Repeat("x", 300) + `"}`, "", "at most 300 are accepted"},
	} {
		out, err := readAll(c.in, 300)
		switch {
		case c.err == "" && (err != nil || strings.Join(out, " ") != c.out):
			t.Errorf("%s: %q, %v", c.in, out, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, not %s", c.in, err, c.err)
		}
	}
}

func FuzzDecodeObject(f *testing.F) {
	f.Add([]byte(`{"text":"a","bool":false,"int":1,"uint":2,"strings":[],"object":{"k":"v"},"array":["d"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := readAll(string(b), 1<<16)
		if err != nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("accepts what is no JSON: %q", out)
		}
	})
}

func TestAppendJSON(t *testing.T) {
	for _, s := range []string{"", "a", `"\`, "\x00\n\x1f", "é\u2028😀", "\xff"} {
		var got string
		if err := json.Unmarshal(AppendJSON(nil, s), &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
}
