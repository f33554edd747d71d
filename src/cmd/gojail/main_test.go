// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	oci "github.com/opencontainers/runtime-spec/specs-go/features"

	"gojail/src/plan"
)

// call runs the program with these arguments, the first being its name.
func call(args ...string) (status int, stdout, stderr string) {
	status = run(args, nil, stdio{func(s string) { stdout += s }, func(s string) { stderr += s }})
	return status, stdout, stderr
}

func TestApplets(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		status int
		out    string // in stdout
		err    string // in stderr
	}{
		{"version", []string{"gojail", "version"}, 0, "gojail unknown\n", ""},
		{"path", []string{"/usr/sbin/gojail", "--version"}, 0, "gojail unknown\n", ""},
		{"help", []string{"gojail", "help"}, 0, "gojail plan BUNDLE", ""},
		{"nothing", []string{"gojail"}, 2, "", "gojail plan BUNDLE"},
		{"no command", []string{"gojail", "fly"}, 2, "", "gojail: fly: no such command"},
		{"no applet", []string{"/bin/httpd"}, 2, "", "httpd: no such applet; there are: containers, gojail, jailnet, uci2oci, ujail, uxc\n"},
		{"no command in two lines", []string{"gojail", "a\nb\x1b"}, 2, "", "gojail: a; b\\x1b: no such command"},
		{"no applet in two lines", []string{"a\nb"}, 2, "", "a; b: no such applet"},
		{"plan of nothing", []string{"gojail", "plan"}, 2, "", "usage: gojail plan BUNDLE"},
		{"plan of two", []string{"gojail", "plan", "a", "b"}, 2, "", "usage: gojail plan BUNDLE"},
		{"plan with an option", []string{"gojail", "plan", "-x"}, 2, "", "usage: gojail plan BUNDLE"},
		{"plan of a missing bundle", []string{"gojail", "plan", "/nonexistent"}, 1, "", "gojail: plan: open /nonexistent/config.json: no such file or directory\n"},
		{"plan of wrong usage", []string{"gojail", "plan", "--", "-Q", "--", "/bin/true"}, 2, "", "gojail: plan: "},
		{"plan of a slim jail", []string{"gojail", "plan", "--", "-n", "x", "-c", "--", "/bin/true"}, 0, "set no_new_privs\nexec /bin/true: /bin/true\n", ""},
		{"plan of exec without a command", []string{"gojail", "plan", "--exec", "/box"}, 2, "", "a bundle and a command"},
		{"plan of exec with an option", []string{"gojail", "plan", "--exec", "-x", "1", "/box", "a"}, 2, "", "-x: no such option"},
		{"plan of exec without a bundle", []string{"gojail", "plan", "--exec", "/nonexistent", "a"}, 1, "", "gojail: plan --exec: open /nonexistent/config.json"},
		{"ujail of a test binary", []string{"ujail", "-c", "--", "/bin/true"}, 2, "", "linked without -E jail_entry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := call(c.args...)
			if status != c.status || !strings.Contains(stdout, c.out) || !strings.Contains(stderr, c.err) {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
			if (c.out == "") != (stdout == "") || (c.err == "") != (stderr == "") {
				t.Errorf("output on the wrong side: stdout %q, stderr %q", stdout, stderr)
			}
			if n := strings.Count(stderr, "\n"); stderr != usage && n > 1 {
				t.Errorf("%d lines on stderr: %q", n, stderr)
			}
		})
	}
}

func TestPlanOfBundle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "box")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const config = `{"ociVersion":"1.2.0","root":{"path":"rootfs"},"process":{"user":{"uid":7,"gid":8},"args":["/bin/x"],"cwd":"/"},
		"linux":{"namespaces":[{"type":"mount"},{"type":"pid"}]}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := call("gojail", "plan", dir)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	for _, line := range []string{"container box\n", "clone with new namespaces: mount pid\n", "use root file system " + dir + "/rootfs",
		"set uid 7 gid 8 groups none", "exec /bin/x: /bin/x\n"} {
		if !strings.Contains(stdout, line) {
			t.Errorf("%q is not in:\n%s", line, stdout)
		}
	}
}

func TestPlanOfExec(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "box")
	if err := os.MkdirAll(filepath.Join(dir, "rootfs/etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	const config = `{"ociVersion":"1.2.0","root":{"path":"rootfs"},"process":{"user":{"uid":7,"gid":8},"args":["/bin/x"],"cwd":"/"},
		"linux":{"namespaces":[{"type":"mount"},{"type":"pid"}]}}`
	for name, text := range map[string]string{"config.json": config, "rootfs/etc/passwd": "web:x:12:13::/:/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	status, stdout, stderr := call("gojail", "plan", "--exec", "-u", "web", "-e", "A=b", dir, "/bin/sh", "-c", "id")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	for _, line := range []string{"container box\n", "join the container's namespaces: mount pid\n", "set uid 12 gid 13", "exec /bin/sh: /bin/sh -c id\n", "env A=b\n"} {
		if !strings.Contains(stdout, line) {
			t.Errorf("%q is not in:\n%s", line, stdout)
		}
	}
}

// The output is what runtime-spec's features.md describes, and nothing is claimed that is refused.
func TestFeatures(t *testing.T) {
	_, stdout, _ := call("gojail", "features")
	dec := json.NewDecoder(strings.NewReader(stdout))
	dec.DisallowUnknownFields()
	var f oci.Features
	if err := dec.Decode(&f); err != nil {
		t.Fatalf("%v in:\n%s", err, stdout)
	}
	if f.OCIVersionMin != "1.0.0" || f.OCIVersionMax != "1.3.0" {
		t.Errorf("versions %s to %s", f.OCIVersionMin, f.OCIVersionMax)
	}
	if len(f.Linux.Namespaces) != 8 || len(f.Linux.Capabilities) != 41 || len(f.MountOptions) != len(plan.MountOptions()) {
		t.Errorf("%d namespaces, %d capabilities, %d mount options", len(f.Linux.Namespaces), len(f.Linux.Capabilities), len(f.MountOptions))
	}
	if !slices.Equal(f.Hooks, []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}) {
		t.Errorf("hooks %q", f.Hooks)
	}
	refused := f.Annotations["org.openwrt.gojail.refused"]
	for path, offered := range map[string]bool{
		"linux.seccomp":           *f.Linux.Seccomp.Enabled,
		"linux.intelRdt":          *f.Linux.IntelRdt.Enabled,
		"linux.resources.memory,": *f.Linux.Cgroup.V2,
	} {
		if offered == strings.Contains(refused, path) {
			t.Errorf("%s: offered %v, refused: %s", path, offered, refused)
		}
	}
}

func TestJSONQuoting(t *testing.T) {
	w := &jsonWriter{}
	hostile := "a\"b\\c\n\x01ü"
	w.open("", '{')
	w.text(hostile, hostile)
	w.close('}')
	var got map[string]string
	if err := json.Unmarshal([]byte(w.b.String()), &got); err != nil || got[hostile] != hostile {
		t.Errorf("%v: %q", err, w.b.String())
	}
}
