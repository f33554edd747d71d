// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/elfdep"
)

func running(change func(s *specs.Spec)) *Running {
	s := &specs.Spec{Process: &specs.Process{Cwd: "/srv", Env: []string{"PATH=/bin", "A=1"}, Args: []string{"init"}, Terminal: true,
		User: specs.User{UID: 9, GID: 8, AdditionalGids: []uint32{7}}, Capabilities: &specs.LinuxCapabilities{Bounding: []string{"CAP_KILL"}}},
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.MountNamespace}}}}
	if change != nil {
		change(s)
	}
	return RunningFrom(s, Bundle{Name: "c"})
}

// noFiles is a container without any file.
type noFiles struct{}

func (noFiles) Open(string) (elfdep.File, elfdep.Info, error) {
	return nil, elfdep.Info{}, fs.ErrNotExist
}
func (noFiles) ReadDir(string) ([]string, error) { return nil, fs.ErrNotExist }

func TestRequest(t *testing.T) {
	for name, c := range map[string]struct {
		args  string
		check func(p *specs.Process) bool
	}{
		"nothing": {"a b", func(p *specs.Process) bool {
			return p.User.UID == 9 && p.User.AdditionalGids[0] == 7 && p.Cwd == "/srv"
		}},
		"no terminal": {"a", func(p *specs.Process) bool { return !p.Terminal }},
		"number":      {"-u 1 a", func(p *specs.Process) bool { return reflect.DeepEqual(p.User, specs.User{UID: 1}) }},
		"both":        {"--user=1:2 a", func(p *specs.Process) bool { return reflect.DeepEqual(p.User, specs.User{UID: 1, GID: 2}) }},
		"cwd":         {"-w /x a", func(p *specs.Process) bool { return p.Cwd == "/x" }},
		"env":         {"-e A=2 --env=B= a", func(p *specs.Process) bool { return slices.Equal(p.Env, []string{"PATH=/bin", "A=2", "B="}) }},
		"cap": {"-c CAP_CHOWN a", func(p *specs.Process) bool {
			return slices.Equal(p.Capabilities.Bounding, []string{"CAP_KILL", "CAP_CHOWN"}) && slices.Equal(p.Capabilities.Effective, []string{"CAP_CHOWN"}) &&
				len(p.Capabilities.Inheritable) == 0
		}},
		"end of options": {"-u 1 -- -a b", func(p *specs.Process) bool { return slices.Equal(p.Args, []string{"-a", "b"}) }},
	} {
		r := running(nil)
		before := running(nil)
		q, err := ParseRequest(strings.Fields(c.args))
		if err != nil {
			t.Fatal(name, err)
		}
		p, err := r.Process(q, nil)
		if err != nil || !c.check(p) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if !reflect.DeepEqual(r, before) {
			t.Errorf("%s: the container's own process was changed", name)
		}
	}
	for args, want := range map[string]string{"-u": "-u: a value", "-x 1 a": "-x: no such option", "-w x a": "cwd", "-e A a": "env[2]", "-u 4294967295:1 a": "not exist",
		"-u 1: a": "no group", "-u 1:staff a": "not exist", "": "args", "--": "args"} {
		q, err := ParseRequest(strings.Fields(args))
		if err == nil {
			_, err = running(nil).Process(q, noFiles{})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// Nobody sees our program in the container: it is its own when it has joined, and joins the pid namespace with the trampoline's child only.
func TestExecOrder(t *testing.T) {
	r := running(func(s *specs.Spec) {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.PIDNamespace}, specs.LinuxNamespace{Type: specs.UserNamespace})
		s.Process.NoNewPrivileges = true
		s.Process.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0-1", Final: "3"}
	})
	p := *r.Base
	p.Args = []string{"/bin/x"}
	plan, err := r.Exec(&p)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, op := range plan.Ops {
		kinds = append(kinds, strings.TrimPrefix(reflect.TypeOf(op).String(), "plan."))
	}
	want := "Affinity Stdio Enter Become Chdir Rlimits DropBounding User Capabilities NoNewPrivs Affinity Exec"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("ops\n%s, want\n%s", got, want)
	}
	if e := plan.Ops[2].(Enter); e.Namespaces != NewNS|NewPID|NewUser || plan.Clone != 0 {
		t.Errorf("joins %s, clone %s", e.Namespaces, plan.Clone)
	}
	if !plan.Ops[len(plan.Ops)-1].(Exec).Joined {
		t.Error("the program is a member of the pid namespace while it is ours")
	}
	for name, change := range map[string]func(p *specs.Process){
		"process.apparmorProfile":       func(p *specs.Process) { p.ApparmorProfile = "x" },
		"process.execCPUAffinity.final": func(p *specs.Process) { p.ExecCPUAffinity = &specs.CPUAffinity{Final: "x"} },
	} {
		p := *r.Base
		p.Args = []string{"/bin/x"}
		change(&p)
		if _, err := r.Exec(&p); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
