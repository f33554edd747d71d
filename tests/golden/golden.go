// SPDX-License-Identifier: LGPL-2.1-only

// Package golden has the inputs of the golden plans, in src/plan/testdata, for the tests that go through all of them.
package golden

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/plan"
	"gojail/src/slim"
	"gojail/src/spec"
)

// HostEnv is the environment of ujail as procd leaves it.
var HostEnv = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TZ=CET-1CEST,M3.5.0,M10.5.0/3", "EMPTY=", "USER_DHCPSCRIPT=/etc/dhcp hook",
	"LD_PRELOAD=/lib/libsetlbf.so"}

// An Input is a directory of testdata/golden. One with config.json is an OCI bundle; args, a line for each argument, is ujail's
// command line, which for a bundle has -J. It holds what comes of it as well: plan, for a bundle also plan.oci, which is without
// what the C ujail adds to a bundle; or error. A bundle may have exec as well, a command line of exec, with its result plan.exec.
type Input struct {
	Name               string
	Config, Args, Exec []byte // nil if there is none

	dir string
}

// BundleDir is where the bundles of the inputs are taken to be.
const BundleDir = "/bundles/"

// Inputs lists them; testdata is the way to plan's.
func Inputs(t testing.TB, testdata string) []Input {
	t.Helper()
	dirs, err := os.ReadDir(filepath.Join(testdata, "golden"))
	if err != nil {
		t.Fatal(err)
	}
	var list []Input
	for _, d := range dirs {
		in := Input{Name: d.Name(), dir: filepath.Join(testdata, "golden", d.Name())}
		in.Config = in.Read(t, "config.json")
		in.Args = in.Read(t, "args")
		in.Exec = in.Read(t, "exec")
		if in.Config == nil && in.Args == nil {
			t.Errorf("%s: neither config.json nor args", in.Name)
		}
		list = append(list, in)
	}
	return list
}

// Named is one of them.
func Named(t testing.TB, testdata, name string) Input {
	t.Helper()
	list := Inputs(t, testdata)
	i := slices.IndexFunc(list, func(in Input) bool { return in.Name == name })
	if i < 0 {
		t.Fatalf("there is no input %s", name)
	}
	return list[i]
}

// File is the path of one of its files.
func (in *Input) File(name string) string { return filepath.Join(in.dir, name) }

// Read returns nil if there is no such file.
func (in *Input) Read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(in.File(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}

// ExecPlan does what `gojail plan --exec` does: the plan of a process in the running container. Its files are the host's.
func (in *Input) ExecPlan(h *Host) (*plan.Plan, error) {
	s, err := spec.Decode(in.Config)
	if err != nil {
		return nil, err
	}
	q, err := plan.ParseRequest(lines(in.Exec))
	if err != nil {
		return nil, err
	}
	r := plan.RunningFrom(s, plan.Bundle{Name: in.Name, Dir: BundleDir + in.Name, Ujail: true})
	p, err := r.Process(q, h)
	if err != nil {
		return nil, err
	}
	return r.Exec(p)
}

func lines(b []byte) []string { return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") }

// Options is the command line, parsed.
func (in *Input) Options() (*slim.Options, error) {
	if in.Args == nil {
		return &slim.Options{Name: in.Name, Bundle: BundleDir + in.Name}, nil
	}
	return slim.Parse(lines(in.Args))
}

// Plan does what `gojail plan` and ujail do, with a host of its own. ujail is false for a bundle that some other caller starts.
func (in *Input) Plan(h *Host, ujail bool) (*plan.Plan, error) {
	o, err := in.Options()
	if err != nil {
		return nil, err
	}
	if in.Config != nil {
		s, err := spec.Decode(in.Config)
		if err == nil {
			err = spec.Validate(s)
		}
		if err != nil {
			return nil, err
		}
		return plan.FromSpec(s, plan.Bundle{Name: o.Name, Dir: o.Bundle, Ujail: ujail, OverlayDir: o.OverlayDir, TmpOverlay: o.TmpOverlaySize})
	}
	var c *specs.LinuxCapabilities
	if o.Capabilities != "" {
		if c, err = spec.DecodeCapabilities(h.files[o.Capabilities].content); err != nil {
			return nil, err
		}
	}
	var p *specs.LinuxSeccomp
	if o.Seccomp != "" {
		if p, err = spec.DecodeSeccomp(h.files[o.Seccomp].content, spec.Target{Arch: "amd64"}); err != nil {
			return nil, err
		}
	}
	return plan.FromSlim(o, c, p, plan.Facts{Files: h, Root: h.Rootfs(o.Rootfs), Env: HostEnv})
}
