// SPDX-License-Identifier: LGPL-2.1-only

package floors

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	root     = "../.."
	licence  = "SPDX-License-Identifier: LGPL-2.1-only"
	maxLines = 400
)

// notOurs are no sources: git's and make's folders, and the licence itself.
var notOurs = []string{".git", "build", "vendor", "src/third_party", "LICENSE", "go.sum"}

// unfinished are words that mark a place as not done. They are spelled in two halves, for this file is read too.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)

// sources calls f with every file of the project that is text, but for test data.
func sources(t *testing.T, f func(name string, text []byte)) {
	t.Helper()
	files := 0
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(notOurs, name) || d.Name() == "testdata":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path.Join(root, name))
		if err != nil {
			return err
		}
		if !bytes.ContainsRune(text, 0) {
			files++
			f(name, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("only %d files found", files)
	}
}

func isScript(text []byte) bool { return bytes.HasPrefix(text, []byte("#!")) }

func TestLicenceLine(t *testing.T) {
	sources(t, func(name string, text []byte) {
		switch path.Ext(name) {
		case ".go", ".s", ".S", ".c", ".h", ".sh", ".awk", ".mk", ".uc", ".js":
		default:
			if !isScript(text) && path.Base(name) != "Makefile" {
				return
			}
		}
		lines := strings.SplitN(string(text), "\n", 3)
		if isScript(text) {
			lines = lines[1:]
		}
		if !strings.Contains(lines[0], licence) {
			t.Errorf("%s does not begin with %q", name, licence)
		}
	})
}

func TestLength(t *testing.T) {
	sources(t, func(name string, text []byte) {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return
		}
		if n := bytes.Count(text, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines, more than %d: it holds more than one idea", name, n, maxLines)
		}
	})
}

func TestNothingUnfinished(t *testing.T) {
	sources(t, func(name string, text []byte) {
		for n, line := range strings.Split(string(text), "\n") {
			if word := unfinished.FindString(line); word != "" {
				t.Errorf("%s:%d: %s", name, n+1, word)
			}
		}
	})
}
