// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"testing"

	"golang.org/x/sys/unix"

	"gojail/src/plan"
	"gojail/tests/golden"
)

// The programs of hooks in every plan of the golden inputs that there can be hooks in.
func TestHookPrograms(t *testing.T) {
	h := golden.LoadHost(t, "../plan/testdata/host")
	limits := []plan.Rlimit{{Name: "nofile", Resource: unix.RLIMIT_NOFILE, Soft: 1, Hard: 2}}
	count := 0
	for _, in := range golden.Inputs(t, "../plan/testdata") {
		if in.Config == nil {
			continue
		}
		p, err := in.Plan(h, true)
		if err != nil {
			continue
		}
		end := plan.Exec{Args: []string{"a", "b"}, Env: []string{"A="}, File: "/x/y", Umask: 0o77}
		for _, handles := range []HookHandles{
			{Report: 5, Life: 10, LifeOther: 11, Trampoline: 6, Stdin: 7, Cwd: -1, Container: -1, Limits: limits},
			{Report: 5, Life: 10, LifeOther: 11, Trampoline: 6, Stdin: 7, Cwd: 8, Container: -1},
			{Report: 5, Life: 10, LifeOther: 11, Trampoline: 6, Stdin: 7, Cwd: 8, Container: 9, Namespaces: p.Namespaces(), Raise: limits, Limits: limits},
		} {
			for _, ops := range [][]plan.Op{{plan.Rlimits{}, end}, append(append(p.Become(), p.Process()...), end)} {
				c := compileHook(ops, &handles)
				for _, fault := range verify(&c.Program) {
					t.Errorf("%s: %s", in.Name, fault)
				}
				if c.Op(0) != 0 || c.Op(c.Len()-1) != len(ops) {
					t.Errorf("%s: ops %d to %d, of %d", in.Name, c.Op(0), c.Op(c.Len()-1), len(ops))
				}
				for i, in2 := range c.insns {
					if in2.nr == unix.SYS_SETNS && (in2.arg[0] != 9 || in2.arg[1] != uintptr(p.Namespaces()&^plan.NewPID)) {
						t.Errorf("%s: instruction %d joins %#x of %d", in.Name, i, in2.arg[1], in2.arg[0])
					}
				}
				count++
			}
		}
	}
	if count < 200 {
		t.Errorf("only %d programs", count)
	}
}
