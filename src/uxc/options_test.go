// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"slices"
	"strings"
	"testing"

	"gojail/src/resident"
)

func TestParse(t *testing.T) {
	list := []option{{long: "tty", short: 't'}, {long: "env", short: 'e', value: "X", many: true}, {long: "detach", short: 'd'}, {long: "user", short: 'u', value: "X"}}
	for _, c := range []struct {
		args, want, err string
		first           bool
	}{
		{"a b", "a b", "", false},
		{"-t --env x=1 -e y --env=z a", "tty env:x=1 env:y env:z a", "", false},
		{"-td a -u 5", "tty detach user:5 a", "", false},
		{"-tu5 a", "tty user:5 a", "", false},
		{"-tu=5 a", "tty user:5 a", "", false},
		{"a -t", "a -t", "", true},
		{"-t a -- -t", "tty a -- -t", "", true},
		{"a -- -t", "a -t", "", false},
		{"--tty=true --detach=false", "tty", "", false},
		{"-", "-", "", false},
		{"-x", "", "-x: no such option", false},
		{"--xyz=1", "", "--xyz: no such option", false},
		{"--tty=1", "", "--tty: takes no value", false},
		{"--user", "", "--user: a value is missing", false},
		{"-u", "", "-u: a value is missing", false},
		{"--help", "", "help", false},
		{"-h", "", "help", false},
	} {
		p, rest, err := parse(list, strings.Fields(c.args), c.first)
		var got []string
		for _, o := range list {
			for _, v := range p.values[o.long] {
				if o.value != "" {
					v = ":" + v
				} else {
					v = ""
				}
				got = append(got, o.long+v)
			}
		}
		want := strings.Fields(c.want)
		got = append(got, rest...)
		slices.Sort(got)
		slices.Sort(want)
		switch {
		case c.err == "" && (err != nil || !slices.Equal(got, want)):
			t.Errorf("%s: %q, %v", c.args, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v", c.args, err)
		}
	}
}

// The resident looks at the command line before there is a parser.
func TestResidentKnowsOptions(t *testing.T) {
	names, letters := map[string]bool{}, ""
	for _, list := range [][]option{globals, runVerb.options, execVerb.options} {
		for _, o := range list {
			if o.value == "" {
				continue
			}
			names[o.long] = true
			if !strings.Contains(resident.ValuedOptions, " "+o.long+" ") {
				t.Errorf("--%s has a value", o.long)
			}
			if o.short != 0 {
				letters += string(rune(o.short))
				if !strings.Contains(resident.ValuedLetters, string(rune(o.short))) {
					t.Errorf("-%c has a value", o.short)
				}
			}
		}
	}
	for _, name := range strings.Fields(resident.ValuedOptions) {
		if !names[name] {
			t.Errorf("--%s has none", name)
		}
	}
	for _, c := range resident.ValuedLetters {
		if !strings.ContainsRune(letters, c) {
			t.Errorf("-%c has none", c)
		}
	}
}

func TestHelp(t *testing.T) {
	var out, errs strings.Builder
	io := IO{func(s string) { out.WriteString(s) }, func(s string) { errs.WriteString(s) }}
	for _, v := range verbs() {
		out.Reset()
		if code := Run([]string{v.name, "--help"}, nil, io, Program{}); code != 0 || !strings.HasPrefix(out.String(), "usage: uxc [OPTIONS] "+v.name) {
			t.Errorf("%s: %d, %s", v.name, code, &out)
		}
		for _, o := range v.options {
			if !strings.Contains(out.String(), "--"+o.long) {
				t.Errorf("%s: nothing of --%s", v.name, o.long)
			}
		}
		errs.Reset()
		if code := Run([]string{v.name, "--nonsense"}, nil, io, Program{}); code != 2 || !strings.HasSuffix(errs.String(), usageLine(&v)+"\n") {
			t.Errorf("%s: %d, %s", v.name, code, &errs)
		}
	}
	out.Reset()
	if code := Run([]string{"--version"}, nil, io, Program{Version: "1.2"}); code != 0 || out.String() != "uxc version 1.2\nspec: 1.3.0\n" {
		t.Errorf("%d, %s", code, &out)
	}
	for _, args := range [][]string{{}, {"fly"}, {"--fly"}} {
		if code := Run(args, nil, io, Program{}); code != 2 {
			t.Errorf("%q: %d", args, code)
		}
	}
	for _, args := range [][]string{{"--systemd-cgroup", "list"}, {"--cgroup-manager", "systemd", "list"}, {"checkpoint", "a"}, {"restore", "a"}} {
		errs.Reset()
		if code := Run(args, nil, io, Program{}); code != 1 || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%q: %d, %s", args, code, &errs)
		}
	}
}

func TestStats(t *testing.T) {
	files := map[string]string{"cpu.stat": "usage_usec 7\nuser_usec 4\nsystem_usec 3\n", "memory.current": "4096\n", "memory.max": "max\n", "memory.stat": "anon 5\nfile 6\n",
		"pids.current": "2\n", "pids.max": "9\n"}
	got := string(statsLine("a", func(f string) string { return files[f] }))
	for _, want := range []string{`"usage":{"total":7000,"kernel":3000,"user":4000}`, `"cache":6`, `"limit":18446744073709551615,"usage":4096`, `"raw":{"anon":5,"file":6}`,
		`"pids":{"current":2,"limit":9}`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s: nothing of %s", got, want)
		}
	}
}
