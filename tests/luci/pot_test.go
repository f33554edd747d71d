// SPDX-License-Identifier: LGPL-2.1-only

package luci

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
)

var (
	calls   = regexp.MustCompile(`\b_\(\s*'((?:[^'\\]|\\.)*)'`)
	anyCall = regexp.MustCompile(`\b_\(\s*[^)\s]`)
	entry   = regexp.MustCompile(`(?m)^msgid "((?:[^"\\]|\\.)*)"\nmsgstr "((?:[^"\\]|\\.)*)"$`)
	verb    = regexp.MustCompile(`%[a-zA-Z%]`)
	titles  = regexp.MustCompile(`"(?:title|description)": "((?:[^"\\]|\\.)*)"`)
)

// texts are those of the pages, the menu and the access list, each with the places that have it.
func texts(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext != ".js" && ext != ".json" {
			return err
		}
		text := read(t, path)
		pattern := calls
		if ext == ".json" {
			pattern = titles
		}
		n := 0
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			n++
			id := strings.NewReplacer(`\'`, `'`, `\\`, `\\`, `"`, `\"`).Replace(m[1])
			if place := strings.TrimPrefix(path, folder); !slices.Contains(found[id], place) {
				found[id] = append(found[id], place)
			}
		}
		if all := len(anyCall.FindAllString(text, -1)); ext == ".js" && all != n {
			t.Errorf("%s: %d texts to translate, %d of them are plain strings", path, all, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The template has all texts of the pages, and no others.
func TestLuciTemplate(t *testing.T) {
	found := texts(t)
	ids := make([]string, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	var b strings.Builder
	b.WriteString("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\"\n")
	for _, id := range ids {
		b.WriteString("\n")
		for _, place := range found[id] {
			b.WriteString("#: " + place + "\n")
		}
		b.WriteString("msgid \"" + id + "\"\nmsgstr \"\"\n")
	}
	generated(t, folder+"po/templates/containers.pot", b.String())
}

// A translation has nothing that is no more, and the same places for values as the text.
func TestLuciTranslations(t *testing.T) {
	found := texts(t)
	files, err := filepath.Glob(folder + "po/*/containers.po")
	if err != nil || len(files) < 1 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		have := 0
		for _, m := range entry.FindAllStringSubmatch(string(b), -1) {
			id, text := m[1], m[2]
			if id == "" {
				continue
			}
			if _, ok := found[id]; !ok {
				t.Errorf("%s translates what is no more: %s", file, id)
			}
			if text == "" {
				continue
			}
			have++
			if a, b := verb.FindAllString(id, -1), verb.FindAllString(text, -1); !slices.Equal(a, b) {
				t.Errorf("%s: %q has other values than %q", file, text, id)
			}
		}
		t.Logf("%s: %d of %d texts", file, have, len(found))
		if have*2 < len(found) {
			t.Errorf("%s: only %d of %d texts are translated", file, have, len(found))
		}
	}
}
