// SPDX-License-Identifier: LGPL-2.1-only

package procd

import (
	"errors"
	"slices"
	"testing"
)

const ours = "/run/bundles"

func container(name, hash string) Container {
	return Container{Name: name, Bundle: ours + "/" + name + "-" + hash, TermTimeout: 5}
}

func TestDecide(t *testing.T) {
	running := func(c Container) Have { return Have{Container: c, Running: true} }
	ended := func(c Container) Have { return Have{Container: c, Exit: 3} }
	want := func(c Container) Want { return Want{Container: c, Boot: true} }
	slow := container("a", "1")
	slow.TermTimeout = 30
	stopped := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	for _, test := range []struct {
		name  string
		want  []Want
		have  []Have
		query Query
		steps string
	}{
		{"boot", []Want{want(container("db", "1")), want(container("web", "1"))}, nil, Query{All: true}, "started db, started web"},
		{"not enabled", []Want{{Container: container("a", "1")}}, nil, Query{All: true}, "kept a (it is not enabled)"},
		{"not enabled, by name", []Want{{Container: container("a", "1")}}, nil, Query{Names: []string{"a"}}, "started a"},
		{"the same", []Want{want(container("a", "1"))}, []Have{running(container("a", "1"))}, Query{}, "kept a (it runs)"},
		{"another bundle", []Want{want(container("a", "2")), want(container("b", "1"))}, []Have{running(container("a", "1")), running(container("b", "1"))},
			Query{}, "changed a, kept b (it runs)"},
		{"another timeout", []Want{want(slow)}, []Have{running(container("a", "1"))}, Query{}, "changed a"},
		{"changed, not enabled, runs", []Want{{Container: container("a", "2")}}, []Have{running(container("a", "1"))}, Query{}, "changed a"},
		{"ended", []Want{want(container("a", "1"))}, []Have{ended(container("a", "1"))}, Query{}, "kept a (it has ended)"},
		{"ended, full start", []Want{want(container("a", "1"))}, []Have{ended(container("a", "1"))}, Query{All: true}, "started a"},
		{"ended, by name", []Want{want(container("a", "1"))}, []Have{ended(container("a", "1"))}, Query{Names: []string{"a"}}, "started a"},
		{"ended, and repaired", []Want{want(container("a", "2"))}, []Have{ended(container("a", "1"))}, Query{}, "started a"},
		{"stopped by hand", []Want{want(container("a", "2"))}, nil, Query{Stopped: stopped("a")}, "kept a (it was stopped)"},
		{"stopped by hand, full start", []Want{want(container("a", "2"))}, nil, Query{All: true, Stopped: stopped("a")}, "started a"},
		{"removed", nil, []Have{running(container("a", "1"))}, Query{}, "stopped a (it is not in the configuration any more)"},
		{"somebody else's", nil, []Have{running(Container{Name: "x", Bundle: "/srv/x"})}, Query{}, ""},
		{"somebody else's, stop", nil, []Have{running(Container{Name: "x", Bundle: "/srv/x"})}, Query{Stop: true}, ""},
		{"somebody else's, stop by name", nil, []Have{running(Container{Name: "x", Bundle: "/srv/x"})}, Query{Stop: true, Names: []string{"x"}}, "stopped x"},
		{"one is named", []Want{want(container("a", "2")), want(container("b", "2"))}, []Have{running(container("b", "1"))}, Query{Names: []string{"a"}}, "started a"},
		{"stop", []Want{want(container("db", "1")), want(container("web", "1"))}, []Have{running(container("db", "1")), running(container("web", "1"))},
			Query{Stop: true}, "stopped web, stopped db"},
		{"no mount", []Want{{Container: container("a", "1"), Boot: true, Lacking: []string{"/mnt/a", "/mnt/b"}}}, nil, Query{All: true},
			"waiting a (nothing is mounted on /mnt/a, /mnt/b)"},
		{"no mount, but it runs", []Want{{Container: container("a", "1"), Boot: true, Lacking: []string{"/mnt/a"}}}, []Have{running(container("a", "1"))}, Query{},
			"kept a (it runs)"},
		{"no mount, changed", []Want{{Container: container("a", "2"), Boot: true, Lacking: []string{"/mnt/a"}}}, []Have{running(container("a", "1"))}, Query{},
			"waiting a (nothing is mounted on /mnt/a)"},
		{"broken", []Want{{Container: Container{Name: "a"}, Boot: true, Err: errors.New("no memory")}}, []Have{running(container("a", "1"))}, Query{}, "kept a (no memory)"},
	} {
		test.query.Ours = ours
		got := ""
		for _, s := range Decide(test.want, test.have, &test.query) {
			if got != "" {
				got += ", "
			}
			got += s.Verb.String() + " " + s.Name
			if s.Why != "" {
				got += " (" + s.Why + ")"
			}
		}
		if got != test.steps {
			t.Errorf("%s: %s\nwant %s", test.name, got, test.steps)
		}
	}
}
