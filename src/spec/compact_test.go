// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestCompact(t *testing.T) {
	files, err := filepath.Glob("testdata/configs/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, text); err != nil {
			t.Fatal(name, err)
		}
		if got := Compact(text); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: %s, want %s", name, got, &want)
		}
	}
}

// What was accepted is the same without its blanks; what was not does no harm.
func FuzzCompact(f *testing.F) {
	f.Add([]byte(`{"ociVersion" : "1.0.0\\\" x" , "a":[ 1,2 ]}`))
	f.Add([]byte(`"\`))
	f.Fuzz(func(t *testing.T, b []byte) {
		short := Compact(b)
		s, err := Decode(b)
		if err != nil {
			return
		}
		if again, err := Decode(short); err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("%q becomes %q: %v", b, short, err)
		}
	})
}
