// SPDX-License-Identifier: LGPL-2.1-only

package etcuxc

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/b.json", `{"name":"web-1.0","path":"/srv/b","autostart":true,"temp-overlay-size":"8M","volumes":["data","1234-abcd"],"what":{"ever":[1]}}`)
	write(t, dir+"/a.json", `{"name":"a","path":"/srv/a","pidfile":"/run/a.pid","write-overlay-path":"/mnt/a","jail":"j"}`)
	write(t, dir+"/settings/a.json", `{"name":"other","autostart":true}`)
	write(t, dir+"/broken.json", `{"name":`)
	write(t, dir+"/nameless.json", `{"path":"/srv/x"}`)
	write(t, dir+"/note.txt", `nothing`)
	list, errs := List(dir)
	want := []*Entry{
		{Name: "a", Bundle: "/srv/a", Jail: "j", PidFile: "/run/a.pid", Autostart: true, WritePath: "/mnt/a"},
		{Name: "web-1.0", Bundle: "/srv/b", Autostart: true, TemporarySize: "8M", Volumes: []string{"data", "1234-abcd"}},
	}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("%+v, want %+v", list, want)
	}
	if len(errs) != 2 || !strings.Contains(errs[0].Error()+errs[1].Error(), dir+"/broken.json") || !strings.Contains(errs[0].Error()+errs[1].Error(), dir+"/nameless.json") {
		t.Errorf("errors: %v", errs)
	}
	if list, errs := List(dir + "/nowhere"); list != nil || errs != nil {
		t.Errorf("of a directory that is not there: %v, %v", list, errs)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add([]byte(`{"name":"a","path":"/srv/a","volumes":["x"],"autostart":true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := new(Entry)
		if e.decode(b) == nil && len(b) > maxFile {
			t.Error("longer than the limit")
		}
	})
}
