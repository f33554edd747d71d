// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/netbridge"
	"gojail/src/spec"
)

// A Running is what has to be known of a container that runs to make another process in it: what it is made of, and what a process of it is
// like unless something else is asked for.
type Running struct {
	Name       string
	Namespaces Namespace      // its own, and those of others that it has joined
	UID, GID   uint32         // of root, or who has its rights, in its user namespace
	Base       *specs.Process // as configured, with what ujail adds; without arguments and terminal
	Inherit    bool           // a process without a terminal has standard input, output and error of who starts it
	spec       *specs.Spec
}

// RunningFrom is what there will be to know of the container that FromSpec plans.
func RunningFrom(s *specs.Spec, o Bundle) *Running {
	r := &Running{Name: o.Name, UID: rootOf(idMaps(s.Linux.UIDMappings)), GID: rootOf(idMaps(s.Linux.GIDMappings)), spec: s}
	for _, n := range s.Linux.Namespaces {
		r.Namespaces |= namespaceOf(string(n.Type))
	}
	if s.Annotations[netbridge.ShareAnnotation] != "" {
		r.Namespaces |= NewNet
	}
	p := *s.Process
	p.Args, p.Env, p.Terminal, p.ConsoleSize = nil, ujailEnv(p.Env, o.Ujail), false, nil
	r.Base = &p
	return r
}

// Exec plans a process in a container that runs. p must have passed spec.ValidateProcess.
//
// The child is not to be seen in the container while it is still our program (CVE-2019-5736): nobody can trace it from before it joins on,
// and a member of the pid namespace it becomes only with the trampoline.
func (r *Running) Exec(p *specs.Process) (*Plan, error) {
	if err := refuseProcess(p); err != nil {
		return nil, err
	}
	b := &builder{plan: &Plan{Name: r.Name, Ops: make([]Op, 0, 16), secrets: r.spec.Annotations}, inUser: r.Namespaces&NewUser != 0}
	b.plan.Outside.OOMScoreAdj, b.plan.Outside.InGroup = p.OOMScoreAdj, true
	var first, last string
	if a := p.ExecCPUAffinity; a != nil {
		first, last = a.Initial, a.Final
	}
	if err := b.affinity("process.execCPUAffinity.initial", first); err != nil {
		return nil, err
	}
	if !p.Terminal && !r.Inherit {
		b.add(Stdio{})
	}
	if r.Namespaces != 0 {
		b.add(Enter{r.Namespaces})
	}
	if b.inUser {
		b.add(Become{r.UID, r.GID})
	}
	if p.Terminal {
		b.add(terminalOf(p, false))
	}
	l := r.spec.Linux
	err := b.process(&specs.Spec{Process: p, Annotations: r.spec.Annotations,
		Linux: &specs.Linux{Personality: l.Personality, MemoryPolicy: l.MemoryPolicy, Seccomp: l.Seccomp}}, &Bundle{})
	if err != nil {
		return nil, err
	}
	end := len(b.plan.Ops) - 1
	exec := b.plan.Ops[end].(Exec)
	exec.Joined = r.Namespaces&NewPID != 0
	for i, op := range b.plan.Ops {
		if t, ok := op.(UseTerminal); ok {
			t.Joined = exec.Joined
			b.plan.Ops[i] = t
		}
		if f, ok := op.(Seccomp); ok && exec.Joined && f.When == Early {
			for _, name := range joining {
				if f.Filter.Forbids(name) {
					return nil, refuse("linux.seccomp", "forbids "+name+": without process.noNewPrivileges the filter is in force while a process of the container is made")
				}
			}
		}
	}
	b.plan.Ops = b.plan.Ops[:end]
	if err := b.affinity("process.execCPUAffinity.final", last); err != nil {
		return nil, err
	}
	b.add(exec)
	return b.plan, nil
}

// joining are the calls of the trampoline that makes a process in a pid namespace, beside those of givingUp.
var joining = [...]string{"clone", "read", "setsid", "ioctl", "close"}

func (b *builder) affinity(where, list string) error {
	cpus, err := spec.ParseList(list, spec.MaxCPU)
	if err != nil {
		return refuse(where, err.Error())
	}
	if len(cpus) > 0 {
		b.add(Affinity{list, cpus})
	}
	return nil
}

// ujailEnv is the environment with what the C ujail adds to every bundle's.
func ujailEnv(env []string, ujail bool) []string {
	if ujail && lookupEnv(env, "container") == "" {
		return append([]string{"container=ujail"}, env...)
	}
	return slices.Clip(env)
}
