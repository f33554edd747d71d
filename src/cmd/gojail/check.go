// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"strconv"
	"strings"

	"gojail/src/bundle"
	"gojail/src/config"
	"gojail/src/host"
	"gojail/src/kernel"
	"gojail/src/plan"
)

// optionsJSON is the schema of the configuration, for who makes forms of it.
func optionsJSON() string {
	w := &jsonWriter{}
	w.open("", '{')
	section := ""
	for _, o := range config.Options() {
		if o.Section != section {
			if section != "" {
				w.close('}')
			}
			section = o.Section
			w.open(section, '{')
		}
		w.open(o.Name, '{')
		w.text("type", o.Kind)
		w.raw("list", strconv.FormatBool(o.List))
		if o.Default != "" {
			w.text("default", o.Default)
		}
		w.text("help", o.Help)
		w.close('}')
	}
	w.close('}')
	w.close('}')
	return w.b.String() + "\n"
}

// checkHost says what this host has and lacks, and what each container would lack.
func checkHost(args []string, io stdio) int {
	g := &generation{io: io, name: "gojail"}
	if !g.options(args) {
		return 2
	}
	_, _, release := kernel.Release()
	storage := "/srv/containers"
	lacks := map[string][]string{}
	var containers []*config.Container
	if g.dir != "" || kernel.Exists(host.ConfigDir+"/container") {
		if !g.load() {
			return 1
		}
		storage = g.cfg.Globals.Text("storage")
		containers = g.chosen()
		for _, c := range containers {
			b, err := bundle.New(g.cfg, c, host.Machine{})
			if err == nil {
				if e := host.Lacks(g.cfg, b); e != nil {
					err = e
				}
			}
			if err != nil {
				g.failed = true
				lacks[c.ID] = lines(err.Error())
			} else {
				lacks[c.ID] = nil
				for _, w := range b.Warnings {
					lacks[c.ID] = append(lacks[c.ID], "warning: "+w)
				}
			}
		}
	}
	free, onto := host.Space(storage)
	if g.json {
		io.out(checkJSON(release, storage, free, onto, containers, lacks))
	} else {
		out := "kernel " + release + "\n"
		for _, f := range host.Features() {
			if f.Has {
				out += "has   " + f.Name + "\n"
			} else {
				out += "lacks " + f.Name + ": for " + f.For + "\n"
			}
		}
		out += "storage " + storage + ": " + strconv.FormatUint(free>>20, 10) + " MiB free"
		if onto != "" {
			out += ", no layers on disk there: it is on " + onto
		}
		io.out(out + "\n")
		for _, c := range containers {
			if len(lacks[c.ID]) == 0 {
				io.out("container " + c.ID + ": fits\n")
			}
			for _, l := range lacks[c.ID] {
				io.out("container " + c.ID + ": " + l + "\n")
			}
		}
	}
	if g.failed {
		return 1
	}
	return 0
}

func lines(s string) (list []string) {
	for l := range strings.SplitSeq(s, "\n") {
		list = append(list, plan.Line(l))
	}
	return list
}

func checkJSON(release, storage string, free uint64, onto string, containers []*config.Container, lacks map[string][]string) string {
	w := &jsonWriter{}
	w.open("", '{')
	w.text("kernel", release)
	w.open("features", '{')
	for _, f := range host.Features() {
		w.raw(f.Name, strconv.FormatBool(f.Has))
	}
	w.close('}')
	w.open("storage", '{')
	w.text("path", storage)
	w.raw("free", strconv.FormatUint(free, 10))
	w.text("refused", onto)
	w.close('}')
	w.open("containers", '{')
	for _, c := range containers {
		w.list(c.ID, lacks[c.ID])
	}
	w.close('}')
	w.close('}')
	return w.b.String() + "\n"
}
