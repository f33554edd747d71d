// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// router is a directory with a configuration, roots and secrets.
func router(t *testing.T, config string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"config/container": strings.ReplaceAll(config, "$", dir), "box/etc/passwd": "app:x:1000:1000::/home:\n",
		"box/bin/sh": "#!/bin/true\n", "box/bin/true": "\x7fELF" + strings.Repeat("\x00", 60), "secret": "TOKEN=hidden value\n"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const boxes = `
config container web
	option rootfs '$/box'
	list command /bin/sh
	option seccomp unconfined
	list env_file '$/secret'
	list env 'A=1'
	option user app

config container db
	option rootfs '$/box'
	list command /bin/sh
	option seccomp unconfined
`

func TestGenerate(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a file of secrets has to be root's")
	}
	// An ELF file of no processor is refused: here it stands for the interpreter.
	dir := router(t, strings.ReplaceAll(boxes, "list command /bin/sh", "list command /bin/sh\n\tlist mount '/proc:/mnt/proc'"))
	c, out := dir+"/config", dir+"/out"
	status, stdout, stderr := call("uci2oci", "generate", "-c", c, "-o", out)
	paths := strings.Fields(stdout)
	if status != 0 || len(paths) != 2 || !strings.HasPrefix(paths[0], out+"/web-") || !strings.HasPrefix(paths[1], out+"/db-") {
		t.Fatalf("status %d, %q, %q", status, stdout, stderr)
	}
	for path, mode := range map[string]os.FileMode{out: 0o700, paths[0]: 0o700, paths[0] + "/config.json": 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", path, st.Mode(), err)
		}
	}
	if b, _ := os.ReadFile(paths[0] + "/config.json"); !strings.Contains(string(b), "TOKEN=hidden value") || !strings.Contains(string(b), `"HOME=/home"`) {
		t.Errorf("config.json: %s", b)
	}

	// Again: the same, and nothing to say.
	if _, again, _ := call("uci2oci", "generate", "-c", c, "-o", out); again != stdout {
		t.Errorf("again it is %q, was %q", again, stdout)
	}
	if _, diff, _ := call("uci2oci", "diff", "-c", c, "-o", out); diff != "" {
		t.Errorf("diff %q", diff)
	}

	// Secrets are shown only when asked for.
	_, shown, _ := call("uci2oci", "show", "-c", c, "web")
	if strings.Contains(shown, "hidden value") || !strings.Contains(shown, `"TOKEN=(secret)"`) || !json.Valid([]byte(shown)) {
		t.Errorf("show: %s", shown)
	}
	if _, shown, _ = call("uci2oci", "show", "-c", c, "--secrets", "web"); !strings.Contains(shown, "hidden value") {
		t.Errorf("show --secrets: %s", shown)
	}

	// A change, a container that is new and one that is gone.
	text, _ := os.ReadFile(c + "/container")
	changed := strings.Replace(strings.Replace(string(text), "'A=1'", "'A=2'", 1), "container db", "container new", 1)
	if err := os.WriteFile(c+"/container", []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/secret", []byte("TOKEN=another value\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, diff, _ := call("uci2oci", "diff", "-c", c, "-o", out)
	if !strings.HasPrefix(diff, "changed web\n- ") || !strings.Contains(diff, `"A=2"`) || !strings.HasSuffix(diff, "new new\ngone db\n") || strings.Contains(diff, "value") {
		t.Errorf("diff %q", diff)
	}
	status, stdout, _ = call("uci2oci", "generate", "-c", c, "-o", out)
	left, _ := os.ReadDir(out)
	if status != 0 || len(left) != 2 || !strings.Contains(stdout, left[0].Name()) || !strings.Contains(stdout, left[1].Name()) {
		t.Errorf("status %d: %q, and there are %v", status, stdout, left)
	}

	// One of them: the other's stays.
	if _, stdout, _ = call("uci2oci", "generate", "-c", c, "-o", out, "new"); strings.Count(stdout, "\n") != 1 {
		t.Errorf("one: %q", stdout)
	}
	if left, _ := os.ReadDir(out); len(left) != 2 {
		t.Errorf("there are %v", left)
	}

	// What is not ours is left alone, and what a process has in its command line.
	os.MkdirAll(out+"/other", 0o755)
	used := out + "/web-0123456789abcdef"
	os.MkdirAll(used, 0o755)
	busy := startSleep(t, used)
	call("uci2oci", "generate", "-c", c, "-o", out)
	if left, _ := os.ReadDir(out); len(left) != 4 {
		t.Errorf("there are %v", left)
	}
	busy()
	call("uci2oci", "generate", "-c", c, "-o", out)
	if left, _ := os.ReadDir(out); len(left) != 3 {
		t.Errorf("there are %v", left)
	}
}

func TestUci2ociRefuses(t *testing.T) {
	dir := router(t, boxes)
	bad := router(t, "config container web\n\toption rootfs '$/box'\n\tlist command /bin/sh\n\toption memroy 1\n\toption network fast\n")
	wrong := router(t, "config container\n\tfoo\n")
	if err := os.Chmod(dir+"/secret", 0o644); err != nil {
		t.Fatal(err)
	}
	file := bad + "/config/container"
	for _, c := range []struct {
		args   string
		status int
		want   string // on stderr
	}{
		{"", 2, "uci2oci check [-c DIR]"},
		{"fly", 2, "uci2oci: fly: no such command"},
		{"check -x", 2, "uci2oci: -x: no such option"},
		{"check -c", 2, "uci2oci: -c: a directory is wanted"},
		{"show -c " + dir + "/config", 2, "uci2oci: show: the name of one container is wanted"},
		{"show -c " + dir + "/config none", 1, "uci2oci: none: there is no such container"},
		{"check -c /nowhere", 1, "open /nowhere/container: no such file or directory"},
		{"check -c " + wrong + "/config", 1, wrong + "/config/container:2: invalid command"},
		{"check -c " + bad + "/config", 1, file + ":web:memroy: unknown option (did you mean memory?)\n" + file +
			":web:network: fast: must be none, host, bridge, routed, netifd or container:NAME\n"},
		{"check -c " + dir + "/config", 1, "others than root may use it: chmod 600 it"},
		{"generate -c " + dir + "/config -o " + dir + "/out db", 1, "container:db:command: /bin/sh: /bin/true is a program for another processor, not for this machine"},
	} {
		status, stdout, stderr := call(append([]string{"uci2oci"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(stderr, c.want) || stdout != "" || strings.Contains(stderr, "hidden") {
			t.Errorf("%s: status %d, %q, %q, want %q", c.args, status, stdout, stderr, c.want)
		}
	}
	if _, err := os.Stat(dir + "/out"); err == nil {
		t.Error("something was made")
	}
}

func TestCheckHost(t *testing.T) {
	dir := router(t, strings.Replace(boxes, "option user app", "option overlay disk\n\toption overlay_dir '/proc/layer'", 1))
	status, stdout, stderr := call("gojail", "check", "-c", dir+"/config", "db")
	if status != 1 || !strings.Contains(stdout, "kernel ") || !strings.Contains(stdout, " seccomp") || !strings.Contains(stdout, "container db: ") {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
	status, stdout, _ = call("gojail", "check", "--json", "-c", dir+"/config")
	var got struct {
		Features   map[string]bool
		Containers map[string][]string
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 1 {
		t.Fatalf("status %d, %v: %s", status, err, stdout)
	}
	if !got.Features["namespace-mnt"] || len(got.Features) < 15 || len(got.Containers) != 2 {
		t.Errorf("%+v", got)
	}
	lacks := strings.Join(got.Containers["web"], "\n")
	if !strings.Contains(lacks, "web:overlay_dir: /proc/layer: has 0 KiB of space left, at least 1024 are wanted") {
		t.Errorf("web lacks %q", lacks)
	}
}

func TestOptionsJSON(t *testing.T) {
	_, stdout, _ := call("uci2oci", "options")
	var got map[string]map[string]struct {
		Type, Default, Help string
		List                bool
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if o := got["container"]["command"]; o.Type != "argument" || !o.List || o.Help == "" || got["globals"]["storage"].Default != "/srv/containers" {
		t.Errorf("%+v", got)
	}
}

func TestChanges(t *testing.T) {
	for _, c := range []struct{ was, is, want string }{
		{"a\nb\nc", "a\nb\nc", ""},
		{"a\nb\nc", "a\nx\nc", "- b\n+ x\n"},
		{"a\nc", "a\nb\nc\nd", "+ b\n+ d\n"},
		{"a\nb\nc\nd", "b\nd", "- a\n- c\n"},
	} {
		if got := changes(c.was, c.is); got != c.want {
			t.Errorf("%q to %q: %q, want %q", c.was, c.is, got, c.want)
		}
	}
}

// startSleep starts a process that has the text in its command line, and ends it when told.
func startSleep(t *testing.T, text string) (end func()) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "echo; read x", text)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // it is executed
		t.Fatal(err)
	}
	return func() {
		in.Close()
		cmd.Wait()
	}
}
