// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"strings"
	"testing"

	"gojail/src/plan"
	"gojail/src/slim"
	"gojail/src/spec"
	"gojail/tests/golden"
)

// Whatever configuration is accepted can be planned or is refused, and its program is sound.
func FuzzBundle(f *testing.F) {
	for _, in := range golden.Inputs(f, "../plan/testdata") {
		if in.Config != nil {
			f.Add(in.Config, in.Name != "overlay-dir", "")
		}
	}
	f.Add([]byte(`{"ociVersion":"1.0.0","process":{"user":{"uid":0,"gid":0},"args":["a"],"cwd":"/"},"root":{"path":"r"},"linux":{"namespaces":[{"type":"mount"}]}}`), true, "/o")
	f.Fuzz(func(t *testing.T, config []byte, ujail bool, overlay string) {
		if len(config) > 1<<16 {
			return
		}
		s, err := spec.Decode(config)
		if err != nil || spec.Validate(s) != nil {
			return
		}
		p, err := plan.FromSpec(s, plan.Bundle{Name: "fuzz", Dir: "/b", Ujail: ujail, OverlayDir: overlay})
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a word")
			}
			return
		}
		sound(t, p)
		if p, err := plan.RunningFrom(s, plan.Bundle{Name: "fuzz", Ujail: ujail}).Exec(s.Process); err == nil {
			sound(t, p)
		}
	})
}

// The same for ujail's own options.
func FuzzCommandLine(f *testing.F) {
	h := golden.LoadHost(f, "../plan/testdata/host")
	for _, in := range golden.Inputs(f, "../plan/testdata") {
		if in.Config == nil {
			f.Add(string(in.Args))
		}
	}
	f.Fuzz(func(t *testing.T, args string) {
		o, err := slim.Parse(strings.Split(args, "\n"))
		if err != nil || o.Help || o.Version || o.Bundle != "" || len(args) > 1<<14 {
			return
		}
		p, err := plan.FromSlim(o, nil, nil, plan.Facts{Files: h, Root: h.Rootfs(o.Rootfs), Env: golden.HostEnv})
		if h.Opened != 0 {
			t.Fatal("a file was left open")
		}
		if err == nil {
			sound(t, p)
		}
		h.Asked = nil
	})
}

func sound(t *testing.T, p *plan.Plan) {
	t.Helper()
	if text := p.Text(); !strings.HasSuffix(text, "\n") {
		t.Errorf("%q", text)
	}
	for _, missing := range []bool{true, false} {
		c := compile(p, handles(p, missing))
		for _, fault := range verify(&c.Program) {
			t.Error(fault)
		}
	}
}
