// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gojail/src/config"
)

// What the C uxc has is a container of /etc/config/container, whole, and valid.
func TestImport(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"etc/uxc/a.json": `{"name":"web-1.0","path":"/srv/a","autostart":true,"temp-overlay-size":"8M","volumes":["usb-stick","1234-abcd"],"pidfile":"/run/a.pid"}`,
		"etc/uxc/b.json": `{"name":"web_1_0","path":"/srv/it's","write-overlay-path":"/mnt/b","jail":"j"}`,
		"etc/uxc/c.json": `{"name":"lost","path":"/srv/c","autostart":true,"volumes":["nowhere"]}`,
		"etc/uxc/d.json": `not JSON`,
		"etc/config/fstab": "config mount usb_stick\n\toption target /mnt/usb\n\toption uuid x\n" +
			"config mount\n\toption target /mnt/other\n\toption uuid 1234-abcd\n",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, warned strings.Builder
	code := run([]string{"gojail", "import", root}, nil, stdio{func(s string) { out.WriteString(s) }, func(s string) { warned.WriteString(s) }})
	const want = `
config globals 'globals'

config container 'lost'
	option bundle '/srv/c'
	option enabled '0'
	option restart 'never'
	list annotation 'org.openwrt.uxc.volume=nowhere'

config container 'web_1_0'
	option name 'web-1.0'
	option bundle '/srv/a'
	option enabled '1'
	option restart 'never'
	option overlay 'tmpfs'
	option overlay_size '8M'
	list require_mount '/mnt/usb'
	list require_mount '/mnt/other'
	list annotation 'org.openwrt.uxc.pidfile=/run/a.pid'

config container 'web_1_0_'
	option name 'web_1_0'
	option bundle '/srv/it'\''s'
	option enabled '0'
	option restart 'never'
	option overlay 'disk'
	option overlay_dir '/mnt/b'
	list annotation 'org.openwrt.uxc.jail=j'

`
	if got, ok := strings.CutPrefix(out.String(), firstConfig); code != 0 || !ok || got != want {
		t.Errorf("status %d, printed\n%s\nwant\n%s", code, out.String(), want)
	}
	if w := warned.String(); !strings.Contains(w, "/etc/uxc/d.json: ") || !strings.Contains(w, "lost: volume nowhere: ") {
		t.Errorf("said %q", w)
	}
	c, err := config.Parse("container", []byte(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web-1.0", "web_1_0", "lost"} {
		if o := c.Find(name); o == nil || o.ID != name {
			t.Errorf("no container %s", name)
		}
	}
}

// Without any it is a configuration without containers.
func TestImportNothing(t *testing.T) {
	var out strings.Builder
	if code := run([]string{"gojail", "import", t.TempDir()}, nil, stdio{func(s string) { out.WriteString(s) }, func(s string) { t.Error(s) }}); code != 0 {
		t.Errorf("status %d", code)
	}
	if c, err := config.Parse("container", []byte(out.String())); err != nil || len(c.Containers) > 0 {
		t.Errorf("%v, %v", c, err)
	}
}
