// SPDX-License-Identifier: LGPL-2.1-only

package plan_test

import (
	"flag"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gojail/src/plan"
	"gojail/src/spec"
	"gojail/tests/golden"
)

var update = flag.Bool("update", false, "rewrite the files of testdata/golden that hold what is expected")

// results gives the content of every file that should be there beside the input.
func results(in *golden.Input, h *golden.Host) map[string]string {
	out := map[string]string{}
	variants := []string{"plan"}
	if in.Config != nil {
		variants = append(variants, "plan.oci")
	}
	for _, v := range variants {
		p, err := in.Plan(h, v == "plan")
		if err != nil {
			out["error"] += err.Error() + "\n"
			break
		}
		out[v] = p.Text()
	}
	if in.Exec != nil {
		p, err := in.ExecPlan(h)
		if err != nil {
			out["error.exec"] = err.Error() + "\n"
		} else {
			out["plan.exec"] = p.Text()
		}
	}
	return out
}

func TestGolden(t *testing.T) {
	h := golden.LoadHost(t, "testdata/host")
	for _, in := range golden.Inputs(t, "testdata") {
		t.Run(in.Name, func(t *testing.T) {
			got := results(&in, h)
			for _, name := range []string{"plan", "plan.oci", "plan.exec", "error", "error.exec"} {
				want, there := in.Read(t, name), false
				text, is := got[name]
				if there = want != nil; *update {
					switch {
					case is && string(want) != text:
						if err := os.WriteFile(in.File(name), []byte(text), 0o644); err != nil {
							t.Fatal(err)
						}
					case !is && there:
						if err := os.Remove(in.File(name)); err != nil {
							t.Fatal(err)
						}
					}
					continue
				}
				switch {
				case is && !there:
					t.Errorf("%s: missing; with -update it would be\n%s", in.File(name), text)
				case !is && there:
					t.Errorf("%s: there is no such result", in.File(name))
				case string(want) != text:
					t.Errorf("%s: got\n%s\nwhich differs in\n%s", in.File(name), text, difference(string(want), text))
				}
			}
			if h.Opened != 0 {
				t.Errorf("%d files were left open", h.Opened)
			}
		})
	}
}

// difference lists the lines that are only in one of the texts.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out []string
	for _, l := range w {
		if !slices.Contains(g, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range g {
		if !slices.Contains(w, l) {
			out = append(out, "+ "+l)
		}
	}
	if len(out) == 0 {
		return "the order of the lines"
	}
	return strings.Join(out, "\n")
}

// A directory with a file that no test reads would be a test that tests nothing.
func TestGoldenFiles(t *testing.T) {
	list := golden.Inputs(t, "testdata")
	if len(list) < 45 {
		t.Errorf("only %d inputs", len(list))
	}
	for _, in := range list {
		files, err := os.ReadDir(in.File(""))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !slices.Contains([]string{"config.json", "args", "exec", "plan", "plan.oci", "plan.exec", "error", "error.exec"}, f.Name()) {
				t.Errorf("%s is read by nobody", in.File(f.Name()))
			}
		}
	}
}

// The same input gives the same text, whatever order maps have. Those that go through most of them are tried most often.
func TestSameText(t *testing.T) {
	h := golden.LoadHost(t, "testdata/host")
	maps := []string{"namespaces-new", "net-devices", "runc-spec", "service-netifd", "slim-first-wins", "sysctl"}
	for _, in := range golden.Inputs(t, "testdata") {
		times := 2
		if i, found := slices.BinarySearch(maps, in.Name); found {
			maps, times = slices.Delete(maps, i, i+1), 100
		}
		first := results(&in, h)
		for range times {
			if again := results(&in, h); !reflect.DeepEqual(first, again) {
				t.Fatalf("%s: two texts for one input:\n%s\n%s", in.Name, first, again)
			}
		}
	}
	if len(maps) > 0 {
		t.Errorf("no inputs: %s", maps)
	}
}

// Planning changes neither the configuration nor the options: both may be planned again, when the jail has ended.
func TestInputUnchanged(t *testing.T) {
	h := golden.LoadHost(t, "testdata/host")
	for _, in := range golden.Inputs(t, "testdata") {
		o, err := in.Options()
		if err != nil {
			continue
		}
		if in.Config == nil {
			again, _ := in.Options()
			_, _ = plan.FromSlim(o, nil, nil, plan.Facts{Files: h, Root: h.Rootfs(o.Rootfs), Env: slices.Clip(golden.HostEnv)})
			if !reflect.DeepEqual(o, again) {
				t.Errorf("%s: the options were changed", in.Name)
			}
			continue
		}
		s, err := spec.Decode(in.Config)
		if err != nil || spec.Validate(s) != nil {
			continue
		}
		again, _ := spec.Decode(in.Config)
		b := plan.Bundle{Name: in.Name, Dir: golden.BundleDir + in.Name, Ujail: true}
		p, err := plan.FromSpec(s, b)
		if !reflect.DeepEqual(s, again) {
			t.Errorf("%s: the configuration was changed", in.Name)
		}
		if err != nil {
			continue
		}
		q, err := plan.FromSpec(s, b)
		if err != nil || q.Text() != p.Text() {
			t.Errorf("%s: planned again it is another plan (%v)", in.Name, err)
		}
	}
}

// What an input holds cannot make up lines of its own, nor move the cursor.
func TestPlainText(t *testing.T) {
	h := golden.LoadHost(t, "testdata/host")
	for _, in := range golden.Inputs(t, "testdata") {
		for name, text := range results(&in, h) {
			for i, r := range text {
				if r != '\n' && !strconv.IsPrint(r) {
					t.Errorf("%s: %q in %q", in.File(name), r, text[max(0, i-40):i])
				}
			}
			if strings.Contains(text, "\n\n") || !strings.HasSuffix(text, "\n") || strings.Contains(text, " \n") {
				t.Errorf("%s: empty lines, blanks at the end of a line, or no end", in.File(name))
			}
		}
	}
	odd := golden.Named(t, "testdata", "odd-characters")
	if text := results(&odd, h)["plan"]; strings.Contains(text, "\nmask /proc/kcore") || !strings.Contains(text, `mask /proc/kcore`) {
		t.Errorf("a line is the configuration's own, or was lost:\n%s", text)
	}
}
