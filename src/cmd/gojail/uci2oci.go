// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"strings"

	"gojail/src/bundle"
	"gojail/src/config"
	"gojail/src/host"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/spec"
)

const uci2ociUsage = `uci2oci: OCI bundles of the containers of /etc/config/container

  uci2oci check [-c DIR]                  say what is wrong with the configuration, and end with 1 if something is
  uci2oci generate [-c DIR] [-o DIR] [NAME...]
                                          make the bundles, <dir>/<name>-<hash>, and print their paths
  uci2oci show [-c DIR] [--secrets] NAME  print a container's config.json
  uci2oci diff [-c DIR] [-o DIR]          print what a restart would change
  uci2oci options                         print the options of the configuration, as JSON

  -c DIR     UCI's directory (/etc/config)
  -o DIR     where the bundles are (option bundle_dir of globals)
  --secrets  show what is from an env_file
`

// A generation is one run of an applet that works with the configuration.
type generation struct {
	io      stdio
	name    string // of the applet, for messages
	dir     string // UCI's
	out     string
	secrets bool
	json    bool
	names   []string
	cfg     *config.Config
	failed  bool
}

// options reads -c, -o, --secrets and --json, wherever they stand.
func (g *generation) options(args []string) bool {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case (a == "-c" || a == "-o") && i+1 == len(args):
			g.complain(a + ": a directory is wanted")
			return false
		case a == "-c":
			i++
			g.dir = strings.TrimRight(args[i], "/")
			if g.dir == "" {
				g.dir = "/"
			}
		case a == "-o":
			i++
			g.out = strings.TrimRight(args[i], "/")
		case a == "--secrets":
			g.secrets = true
		case a == "--json":
			g.json = true
		case strings.HasPrefix(a, "-"):
			g.complain(a + ": no such option; see " + g.name + " help")
			return false
		default:
			g.names = append(g.names, a)
		}
	}
	return true
}

func (g *generation) complain(s string) {
	g.failed = true
	g.io.err(line(g.name, "", s))
}

// errors says each error in a line of its own: it names its file itself.
func (g *generation) errors(err error) {
	g.failed = true
	for l := range strings.SplitSeq(err.Error(), "\n") {
		g.io.err(plan.Line(l) + "\n")
	}
}

func (g *generation) load() bool {
	cfg, err := host.Load(g.dir)
	if err != nil {
		g.errors(err)
		return false
	}
	g.cfg = cfg
	if g.out == "" {
		g.out = strings.TrimRight(cfg.Globals.Text("bundle_dir"), "/")
	}
	if g.out == "" || g.out[0] != '/' {
		wd, err := kernel.Getwd()
		if err != nil {
			g.errors(err)
			return false
		}
		g.out = wd + "/" + g.out
	}
	return true
}

// chosen are the containers that were named, or all, each after those that it needs.
func (g *generation) chosen() (list []*config.Container) {
	if len(g.names) == 0 {
		return g.cfg.Ordered()
	}
	want := map[*config.Container]bool{}
	for _, name := range g.names {
		c := g.cfg.Find(name)
		if c == nil {
			g.complain(name + ": there is no such container")
			continue
		}
		want[c] = true
	}
	for _, c := range g.cfg.Ordered() {
		if want[c] {
			list = append(list, c)
		}
	}
	return list
}

// bundle makes a container's bundle, in memory, and says what is in the way.
func (g *generation) bundle(c *config.Container) *bundle.Bundle {
	b, err := bundle.New(g.cfg, c, host.Machine{})
	if err != nil {
		g.errors(err)
		return nil
	}
	if lacks := host.Lacks(g.cfg, b); lacks != nil {
		g.errors(lacks)
		return nil
	}
	for _, w := range b.Warnings {
		g.io.err(line(g.name, "", "warning: "+w))
	}
	return b
}

func uci2oci(args []string, io stdio) int {
	g := &generation{io: io, name: "uci2oci"}
	if len(args) == 0 {
		io.err(uci2ociUsage)
		return 2
	}
	command := args[0]
	if !g.options(args[1:]) {
		return 2
	}
	run := map[string]func(){"check": g.check, "generate": g.generate, "show": g.show, "diff": g.diff}[command]
	switch {
	case command == "help" || command == "--help" || command == "-h":
		io.out(uci2ociUsage)
		return 0
	case command == "options":
		io.out(optionsJSON())
		return 0
	case run == nil:
		g.complain(command + ": no such command; see uci2oci help")
		return 2
	case command == "show" && len(g.names) != 1:
		g.complain("show: the name of one container is wanted")
		return 2
	}
	if g.load() {
		run()
	}
	if g.failed {
		return 1
	}
	return 0
}

// check looks at all that can be known without this host: load has done most of it.
func (g *generation) check() {
	for _, c := range g.chosen() {
		if _, err := bundle.New(g.cfg, c, host.Machine{}); err != nil {
			g.errors(err)
		}
	}
}

func (g *generation) generate() {
	var keep []string
	ids := map[string]bool{}
	for _, c := range g.chosen() {
		ids[c.ID] = true
		b := g.bundle(c)
		if b == nil {
			continue
		}
		path, _, err := host.Put(g.out, b)
		if err != nil {
			g.errors(err)
			continue
		}
		keep = append(keep, path)
		g.io.out(path + "\n")
	}
	if g.failed {
		return
	}
	for _, old := range host.Old(g.out, keep) {
		if len(g.names) == 0 || ids[old[1]] {
			host.Clean(old[0])
		}
	}
}

func (g *generation) show() {
	for _, c := range g.chosen() {
		b, err := bundle.New(g.cfg, c, host.Machine{})
		if err != nil {
			g.errors(err)
			continue
		}
		g.io.out(g.shown(b.Config))
	}
}

// shown is a config.json as it may be seen.
func (g *generation) shown(config []byte) string {
	if g.secrets {
		return string(config)
	}
	return bundle.Masked(config)
}

// diff compares the bundles with those that are there.
func (g *generation) diff() {
	old := host.Old(g.out, nil)
	for _, c := range g.chosen() {
		b := g.bundle(c)
		if b == nil {
			continue
		}
		path, before := g.out+"/"+b.Dir(), ""
		for _, o := range old {
			if o[1] == c.ID && (before == "" || o[0] == path) {
				before = o[0]
			}
		}
		switch {
		case before == "":
			g.io.out("new " + c.ID + "\n")
		case before != path:
			was, err := kernel.ReadFile(before+"/config.json", spec.MaxSize)
			if err != nil {
				g.errors(err)
				continue
			}
			g.io.out("changed " + c.ID + "\n" + changes(g.shown(was), g.shown(b.Config)))
		}
	}
	if len(g.names) > 0 {
		return
	}
	gone := map[string]bool{}
	for _, o := range old {
		if g.cfg.Find(o[1]) == nil && !gone[o[1]] {
			gone[o[1]] = true
			g.io.out("gone " + o[1] + "\n")
		}
	}
}

// changes are the lines that differ, without those that are the same at both ends.
func changes(was, is string) string {
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	out := ""
	// The longest way through what is common: both are some hundred lines at most.
	same := make([][]int, len(a)+1)
	for i := range same {
		same[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				same[i][j] = same[i+1][j+1] + 1
			} else {
				same[i][j] = max(same[i+1][j], same[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && same[i+1][j] >= same[i][j+1]:
			out += "- " + a[i] + "\n"
			i++
		default:
			out += "+ " + b[j] + "\n"
			j++
		}
	}
	return out
}
