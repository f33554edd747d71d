// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gojail/src/plan"
	"gojail/src/slim"
	"gojail/src/spawn"
)

func TestStatus(t *testing.T) {
	exec := func(e syscall.Errno) error { return &spawn.Error{Op: "exec x", Err: e, Exec: true} }
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("any"), 1},
		{&spawn.Error{Op: "mount", Err: syscall.ENOENT}, 1},
		{exec(syscall.ENOENT), 127}, {exec(syscall.ENOTDIR), 127}, {exec(syscall.ELOOP), 127}, {exec(syscall.ENAMETOOLONG), 127},
		{exec(syscall.EACCES), 126}, {exec(syscall.ENOEXEC), 126}, {exec(syscall.ENOMEM), 126},
		{&plan.Error{Where: "x", Reason: "no such file", Exit: 127}, 127},
		{&plan.Error{Where: "x", Reason: "wrong"}, 1},
	} {
		if got := spawn.ExitStatus(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestKernelFloor(t *testing.T) {
	for _, c := range []struct {
		major, minor int
		want         bool
	}{{4, 19, false}, {5, 14, false}, {5, 15, true}, {6, 0, true}, {0, 0, false}} {
		if got := newEnough(c.major, c.minor); got != c.want {
			t.Errorf("Linux %d.%d: %v, want %v", c.major, c.minor, got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	p := &plan.Plan{Name: "web", Ops: []plan.Op{plan.NoNewPrivs{}}, Notes: []string{"-r /a\nb: skipped"}}
	for level, want := range []string{"", "note: -r /a; b: skipped", "container web|clone with new namespaces: none|set no_new_privs|note: -r /a\\nb: skipped"} {
		if got := strings.Join(report(p, level), "|"); got != want {
			t.Errorf("-d %d: %q, want %q", level, got, want)
		}
	}
}

// Refusals of a plan name the file and the place in it.
func TestPlanRefusals(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := write("config.json", `{"ociVersion": "1.0.0", "process": {"cwd": "/", "args": 7}}`)
	caps := write("caps.json", `{"bounding": ["CAP_FLY"]}`)
	broken := write("broken.json", `{`)
	for _, c := range []struct {
		o    slim.Options
		want []string
	}{
		{slim.Options{Bundle: dir, Name: "x"}, []string{config + ": process.args: must be an array"}},
		{slim.Options{Bundle: dir + "/none", Name: "x"}, []string{"open " + dir + "/none/config.json: no such file or directory"}},
		{slim.Options{Capabilities: caps, Args: []string{"/bin/true"}}, []string{caps, "CAP_FLY"}},
		{slim.Options{Capabilities: broken, Args: []string{"/bin/true"}}, []string{broken + ": line 1"}},
		{slim.Options{Capabilities: dir + "/none", Args: []string{"/bin/true"}}, []string{dir + "/none"}},
	} {
		_, err := Plan(&c.o, nil)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
}

// Relative paths are those of the caller's working directory.
func TestRelativePaths(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	p, err := Plan(&slim.Options{Rootfs: "tree", OverlayDir: "layer", Args: []string{"/bin/x"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"an overlay over " + dir + "/tree", "make directory " + dir + "/layer/upper"} {
		if !strings.Contains(p.Text(), want) {
			t.Errorf("no %q in\n%s", want, p.Text())
		}
	}
}
