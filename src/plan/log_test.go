// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"slices"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// What a terminal shows is not logged, and that is said at each start. (The golden plans have the rest.)
func TestLogAndTerminal(t *testing.T) {
	s := &specs.Spec{Process: &specs.Process{Terminal: true}, Annotations: map[string]string{LogAnnotation: "1"}}
	b := &builder{plan: &Plan{}}
	if err := b.log(s, &Bundle{Name: "web", Ujail: true}); err != nil || len(b.plan.Ops) > 0 {
		t.Errorf("%v, %v", b.plan.Ops, err)
	}
	if want := []string{"annotations[org.openwrt.gojail.log]: what goes to a terminal is not logged"}; !slices.Equal(b.plan.Warnings, want) {
		t.Errorf("%q, want %q", b.plan.Warnings, want)
	}
}
