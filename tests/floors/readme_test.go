// SPDX-License-Identifier: LGPL-2.1-only

package floors

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// What the README says works is shown by tests: those that it names exist.
func TestReadmeNamesTests(t *testing.T) {
	var tests []string
	sources(t, func(name string, text []byte) {
		if strings.HasSuffix(name, "_test.go") {
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllSubmatch(text, -1) {
				tests = append(tests, string(m[1]))
			}
		}
	})
	named := map[string]bool{}
	for _, file := range []string{"README.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(path.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, pattern := range regexp.MustCompile(`\bTest[A-Z][\w-]*\*?`).FindAllString(string(text), -1) {
			named[pattern] = true
			found := false
			for _, test := range tests {
				ok, err := path.Match(pattern, test)
				if err != nil {
					t.Fatal(err)
				}
				found = found || ok
			}
			if !found {
				t.Errorf("%s names %s, which is not there", file, pattern)
			}
		}
	}
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
}

// The links between the project's own files lead somewhere.
func TestReadmeLinks(t *testing.T) {
	sources(t, func(name string, text []byte) {
		if path.Ext(name) != ".md" {
			return
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllSubmatch(text, -1) {
			if _, err := os.Stat(path.Join(root, path.Dir(name), string(m[1]))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
