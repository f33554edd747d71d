// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"testing"

	"gojail/src/plan"
	"gojail/tests/golden"
)

// Every golden plan makes a program that stays within itself, uses no descriptor that is not open, and no memory but its own.
func TestGoldenPrograms(t *testing.T) {
	h := golden.LoadHost(t, "../plan/testdata/host")
	programs, execs := 0, 0
	for _, in := range golden.Inputs(t, "../plan/testdata") {
		for _, ujail := range []bool{true, false} {
			p, err := in.Plan(h, ujail)
			if err != nil {
				continue
			}
			for _, missing := range []bool{true, false} {
				programs++
				c := compile(p, handles(p, missing))
				for _, fault := range verify(&c.Program) {
					t.Errorf("%s: %s", in.Name, fault)
				}
				checkOps(t, in.Name, p, &c.Program)
			}
		}
		if in.Exec == nil {
			continue
		}
		if p, err := in.ExecPlan(h); err == nil {
			execs++
			c := compile(p, handles(p, false))
			for _, fault := range verify(&c.Program) {
				t.Errorf("%s: exec: %s", in.Name, fault)
			}
			checkOps(t, in.Name, p, &c.Program)
		}
	}
	if execs < 5 {
		t.Errorf("only %d programs of exec", execs)
	}
	if programs < 200 {
		t.Errorf("only %d programs", programs)
	}
}

// checkOps: instructions belong to ops in order, each op but those that need none, or are the trampoline's, has some, and what comes before the first op is
// said to be its.
func checkOps(t *testing.T, name string, p *plan.Plan, prog *Program) {
	t.Helper()
	last, has := 0, make([]bool, len(p.Ops))
	for i := range prog.Len() {
		op := prog.Op(i)
		if op < last || op >= len(p.Ops) {
			t.Fatalf("%s: instruction %d is of op %d, the one before of %d", name, i, op, last)
		}
		last, has[op] = op, true
	}
	for i, op := range p.Ops {
		b, bind := op.(plan.Bind)
		f, filter := op.(plan.Seccomp)
		if !has[i] && !(bind && (b.SkipMissing || b.MayFail)) && !(filter && f.When == plan.Last) {
			t.Errorf("%s: nothing is done for: %s", name, op.Words())
		}
	}
	if last != len(p.Ops)-1 {
		t.Errorf("%s: the last instruction is of op %d of %d", name, last, len(p.Ops))
	}
}
