// SPDX-License-Identifier: LGPL-2.1-only

package luci

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gojail/src/rpcd"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decode(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatal(err)
	}
}

// What the pages call is what the backend has, with the same arguments, and what the access list grants: what only looks to who may read, the rest
// to who may write.
func TestLuciContract(t *testing.T) {
	var methods map[string]map[string]any
	decode(t, rpcd.Methods(), &methods)
	called := map[string][]string{}
	text := read(t, folder+"htdocs/luci-static/resources/containers/rpc.js")
	for _, m := range regexp.MustCompile(`rpc\.declare\(\{ object: 'containers', method: '(\w+)'(?:, params: \[ ([^\]]*) \])? \}\)`).FindAllStringSubmatch(text, -1) {
		called[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return strings.ContainsRune("', ", r) })
	}
	if n := strings.Count(text, "rpc.declare("); n != len(called) {
		t.Errorf("%d declarations, %d of them understood", n, len(called))
	}
	for method, args := range methods {
		list, ok := called[method]
		if !ok {
			t.Errorf("nobody calls %s", method)
		}
		if len(list) != len(args) {
			t.Errorf("%s is called with %v, and takes %v", method, list, args)
		}
		for _, name := range list {
			if _, ok := args[name]; !ok {
				t.Errorf("%s is called with %s, which it does not take", method, name)
			}
		}
	}
	type rights struct {
		Ubus map[string][]string `json:"ubus"`
		UCI  map[string][]string `json:"uci"`
		File any                 `json:"file"`
	}
	var acl map[string]struct{ Read, Write rights }
	decode(t, read(t, folder+"root/usr/share/rpcd/acl.d/luci-app-containers.json"), &acl)
	own := acl["luci-app-containers"]
	if len(acl) != 1 || own.Read.File != nil || own.Write.File != nil || own.Read.UCI != nil || len(own.Read.Ubus) != 1 || len(own.Write.Ubus) != 1 {
		t.Errorf("the access list grants too much: %v", acl)
	}
	if !reflect.DeepEqual(own.Write.UCI, map[string][]string{"container": {"read", "write"}}) {
		t.Error(own.Write.UCI)
	}
	looks := []string{"list", "status", "stats", "logs", "processes", "host"}
	granted := slices.Concat(own.Read.Ubus["containers"], own.Write.Ubus["containers"])
	if !slices.Equal(own.Read.Ubus["containers"], looks) {
		t.Errorf("who may read may %v", own.Read.Ubus["containers"])
	}
	for method := range called {
		if _, ok := methods[method]; !ok {
			t.Errorf("the backend has no %s", method)
		}
		if !slices.Contains(granted, method) {
			t.Errorf("%s is granted to nobody", method)
		}
	}
	if len(granted) != len(called) {
		t.Errorf("%v are granted, %v called", granted, called)
	}
}

// Menu entries lead to views that are there, and are shown only where the access list and the backend are.
func TestLuciMenu(t *testing.T) {
	var menu map[string]struct {
		Title  string
		Action struct{ Type, Path string }
		Depend struct {
			ACL []string          `json:"acl"`
			FS  map[string]string `json:"fs"`
		} `json:"depends"`
	}
	decode(t, read(t, folder+"root/usr/share/luci/menu.d/luci-app-containers.json"), &menu)
	views := 0
	for path, entry := range menu {
		switch entry.Action.Type {
		case "alias":
			if _, ok := menu[entry.Action.Path]; !ok {
				t.Errorf("%s leads to %s, which is not there", path, entry.Action.Path)
			}
		case "view":
			views++
			if _, err := os.Stat(folder + "htdocs/luci-static/resources/view/" + entry.Action.Path + ".js"); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s: %s", path, entry.Action.Type)
		}
	}
	if have, err := filepath.Glob(folder + "htdocs/luci-static/resources/view/containers/*.js"); err != nil || len(have) != views {
		t.Errorf("%d views are in the menu, %v are there (%v)", views, have, err)
	}
	top := menu["admin/services/containers"]
	if !slices.Equal(top.Depend.ACL, []string{"luci-app-containers"}) || top.Depend.FS["/usr/libexec/rpcd/containers"] != "executable" {
		t.Error(top)
	}
	if !strings.Contains(read(t, "../../openwrt/links"), "/usr/libexec/rpcd/containers ") {
		t.Error("the package does not have the backend that the menu wants")
	}
}

// Colours are the theme's, and texts are never taken for HTML.
func TestLuciStyle(t *testing.T) {
	files, err := filepath.Glob(folder + "htdocs/luci-static/resources/*/*.js")
	more, err2 := filepath.Glob(folder + "htdocs/luci-static/resources/view/*/*.js")
	if err != nil || err2 != nil || len(files) < 5 || len(more) < 3 {
		t.Fatal(files, more, err, err2)
	}
	for _, file := range append(files, more...) {
		text := read(t, file)
		for _, bad := range []string{`innerHTML`, `outerHTML`, `insertAdjacentHTML`, `document\.write`, `\beval\(`, `rawhtml: true|rawhtml = true`, `#[0-9a-fA-F]{6}\b`, `rgba?\(`, `hsla?\(`,
			`\bcolor: ?(red|green|blue|black|white|gray|grey)`, `\bconfirm\(`, `\balert\(`, `localStorage`} {
			if found := regexp.MustCompile(bad).FindString(text); found != "" {
				t.Errorf("%s has %s", file, found)
			}
		}
		// A string as the only child would be parsed: children are in arrays.
		if found := regexp.MustCompile(`\bE\('\w+', \{[^{}]*\}, (_\(|'|` + "`" + `|\w+\))`).FindString(text); found != "" {
			t.Errorf("%s: a child that is no array: %s", file, found)
		}
	}
}
