// SPDX-License-Identifier: LGPL-2.1-only

package plan_test

import (
	"go/parser"
	"go/token"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gojail/tests/golden"
)

// Planning does nothing: neither this package nor what it uses of the project can name a system call or open a file, and the host
// shows them its files one by one.
func TestNoMeans(t *testing.T) {
	harmless := []string{"bytes", "encoding/binary", "errors", "io", "io/fs", "math", "math/bits", "path", "runtime", "slices", "strconv", "strings", "unicode/utf16", "unicode/utf8",
		"github.com/opencontainers/runtime-spec/specs-go"} // types and constants
	seen := map[string]bool{}
	todo := []string{"gojail/src/plan"}
	for len(todo) > 0 {
		pkg := todo[0]
		todo = todo[1:]
		if seen[pkg] {
			continue
		}
		seen[pkg] = true
		dir := "../" + path.Base(pkg)
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+f.Name(), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, imp := range file.Imports {
				name, err := strconv.Unquote(imp.Path.Value)
				switch {
				case err != nil:
					t.Fatal(err)
				case strings.HasPrefix(name, "gojail/"):
					todo = append(todo, name)
				case !slices.Contains(harmless, name):
					t.Errorf("%s/%s imports %s", dir, f.Name(), name)
				}
			}
		}
	}
	if len(seen) < 5 {
		t.Errorf("looked at %d packages only", len(seen))
	}
}

// A bundle is planned without a look at any file; a slim jail asks for what it names, for what that needs, and for who may be who.
func TestFilesAskedFor(t *testing.T) {
	for name, want := range map[string]string{
		"service-hostapd":        "/etc/passwd /etc/group /etc/group",
		"slim-hostname-cgroup":   "",
		"slim-rootfs":            "/srv/root/etc/passwd /srv/root/etc/group /srv/root/etc/group /srv/data /srv/data /usr/sbin/ntpd-hotplug /usr/sbin/ntpd-hotplug /bin/sh " + golden.MuslLoader + " /etc/ld-musl-mips-sf.path /lib/libgcc_s.so.1",
		"slim-refused-proc":      "",
		"slim-refused-options":   "",
		"runc-spec":              "",
		"slim-user-number-alone": "/etc/passwd /etc/group",
	} {
		in := golden.Named(t, "testdata", name)
		h := golden.LoadHost(t, "testdata/host")
		_, _ = in.Plan(h, true)
		if got := strings.Join(h.Asked, " "); got != want {
			t.Errorf("%s asks for\n%s\nwant\n%s", name, got, want)
		}
		if h.Opened != 0 {
			t.Errorf("%s: %d files were left open", name, h.Opened)
		}
	}
}
