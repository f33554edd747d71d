// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gojail/src/caps"
	"gojail/src/config"
	"gojail/src/plan"
	"gojail/src/spec"
)

var update = flag.Bool("update", false, "rewrite what is expected in testdata/golden")

// fake is a router with a few files.
type fake struct{ without []string }

func (fake) Arch() string           { return "mipsle" }
func (fake) Memory() uint64         { return 256 << 20 }
func (fake) Capabilities() caps.Set { return caps.All }

func (h fake) Controllers() []string {
	return slices.DeleteFunc([]string{"cpu", "memory", "pids", "io"}, func(s string) bool { return slices.Contains(h.without, s) })
}

func (fake) Device(path string) (Node, error) {
	switch path {
	case "/dev/ttyUSB0":
		return Node{Type: 'c', Major: 188, Mode: 0o660, GID: 20}, nil
	case "/dev/net/tun":
		return Node{Type: 'c', Major: 10, Minor: 200, Mode: 0o666}, nil
	}
	return Node{}, errors.New("there is no such device")
}

func (fake) Type(path string) byte {
	switch {
	case strings.HasPrefix(path, "/missing"):
		return 0
	case strings.HasSuffix(path, ".sqfs"), strings.HasSuffix(path, ".conf"):
		return '-'
	case strings.HasPrefix(path, "/dev"):
		return 'c'
	}
	return 'd'
}

func (fake) File(path string, private bool) ([]byte, error) {
	switch {
	case path == "/etc/secrets/open.env":
		return nil, errors.New("others than root may read it: chmod 600 it")
	case path == "/etc/secrets/bad.env":
		return []byte("A=1\nsecret without a name\n"), nil
	case path == "/etc/secrets/app.env" && private:
		return []byte("# for the app\n\nTOKEN=very secret\r\nPLAIN=overridden=1\n"), nil
	case strings.HasPrefix(path, "/srv/bundles/"):
		return os.ReadFile("testdata/bundles/" + strings.TrimPrefix(path, "/srv/bundles/"))
	case path == DefaultProfile:
		return os.ReadFile("testdata/seccomp.json")
	}
	return nil, os.ErrNotExist
}

func (fake) RootFile(root, path string) ([]byte, error) {
	switch {
	case strings.HasPrefix(root, "/srv/empty"):
		return nil, nil
	case path == "/etc/passwd":
		return []byte("root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"), nil
	case path == "/etc/group":
		return []byte("root:x:0:\nwww:x:33:\ndialout:x:20:app\napp:x:1000:\n"), nil
	}
	return nil, nil
}

// A folder of testdata/golden has the file container, and for each container in it ID.json and ID.plan, which is what starting it
// would do; or error.
func TestGolden(t *testing.T) {
	folders, err := os.ReadDir("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	containers := 0
	for _, f := range folders {
		t.Run(f.Name(), func(t *testing.T) {
			dir := filepath.Join("testdata/golden", f.Name())
			in, err := os.ReadFile(filepath.Join(dir, "container"))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"container": string(in)}
			for name, text := range results(t, string(in)) {
				want[name] = text
			}
			containers += len(want) / 2
			files, _ := os.ReadDir(dir)
			for _, file := range files {
				if _, ok := want[file.Name()]; !ok {
					if *update {
						os.Remove(filepath.Join(dir, file.Name()))
						continue
					}
					t.Errorf("%s: there is no such result", file.Name())
				}
			}
			for name, text := range want {
				path := filepath.Join(dir, name)
				have, err := os.ReadFile(path)
				switch {
				case err == nil && string(have) == text:
				case *update:
					if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				default:
					t.Errorf("%s: %v, want\n%s", path, err, text)
				}
			}
		})
	}
	if containers < 30 {
		t.Errorf("only %d containers", containers)
	}
}

// results gives every file that belongs beside the input.
func results(t *testing.T, in string) map[string]string {
	t.Helper()
	cfg, err := config.Parse("container", []byte(in))
	if err != nil {
		return map[string]string{"error": err.Error() + "\n"}
	}
	out := map[string]string{}
	for _, c := range cfg.Containers {
		b, err := New(cfg, c, fake{})
		if err != nil {
			out["error"] += err.Error() + "\n"
			continue
		}
		if again, _ := New(cfg, c, fake{}); string(again.Config) != string(b.Config) || again.Dir() != b.Dir() {
			t.Errorf("%s: two bundles for one configuration", c.ID)
		}
		out[c.ID+".json"] = string(b.Config)
		s, err := spec.Decode(b.Config)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.FromSpec(s, plan.Bundle{Name: c.ID, Dir: "/bundle", Ujail: true})
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		out[c.ID+".plan"] = p.Text()
		for _, w := range b.Warnings {
			out[c.ID+".plan"] += "generator's warning: " + w + "\n"
		}
	}
	return out
}
