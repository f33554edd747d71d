// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import (
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/config"
	"gojail/src/spec"
)

func (g *generator) linux() *node { return g.top.at("linux") }

// limits are rlimits and resources.
func (g *generator) limits() {
	if g.byProfile("oom_score_adj") && (g.c.Has("oom_score_adj") || g.c.Number("oom_score_adj") != 0) {
		g.top.at("process").set("oomScoreAdj", number(g.c.Number("oom_score_adj")))
	}
	if g.byProfile("rlimit") {
		g.rlimits()
	}
	r := g.linux().at("resources")
	memory, limited := g.memory("memory")
	if limited {
		r.at("memory").set("limit", natural(memory))
	}
	if low, ok := g.memory("memory_reservation"); ok {
		r.at("memory").set("reservation", natural(low))
	}
	if m := r.at("memory").get("limit"); !limited && m != nil && g.c.Has("swap") { // somebody's bundle has it
		memory, limited = config.Size(m.raw)
	}
	if g.c.Has("swap") && !limited {
		g.refuse("swap", "", "is beside memory, which has no limit: give that as well")
	}
	if swap := g.c.Text("swap"); limited && swap == "unlimited" {
		r.at("memory").set("swap", number(-1))
	} else if limited && swap != "" {
		n, _ := config.Size(swap)
		r.at("memory").set("swap", natural(memory+n))
	}
	if n, ok := config.CPUs(g.c.Text("cpus")); ok && n > 0 {
		r.at("cpu").set("quota", natural(n))
		r.at("cpu").set("period", number(100000))
	}
	if v := g.c.Text("cpuset"); v != "" {
		r.at("cpu").set("cpus", text(v))
	}
	for _, v := range [...][2]string{{"cpu_weight", "cpu.weight"}, {"io_weight", "io.weight"}} {
		if g.c.Has(v[0]) {
			r.at("unified").set(v[1], text(g.c.Text(v[0])))
		}
	}
	if g.byProfile("pids") {
		if !g.c.Has("pids") && !slices.Contains(g.host.Controllers(), "pids") {
			g.warn("pids: this host has no such controller: the number of processes is not limited")
			return
		}
		r.at("pids").set("limit", number(g.c.Number("pids")))
	}
}

// memory reads a size or a part of the host's memory.
func (g *generator) memory(option string) (uint64, bool) {
	v := g.c.Text(option)
	if percent, ok := strings.CutSuffix(v, "%"); ok {
		n, _ := strconv.ParseUint(percent, 10, 8)
		return g.host.Memory() / 100 * n &^ 4095, true
	}
	return config.Size(v)
}

// rlimits has the profile's, but for those that are given.
func (g *generator) rlimits() {
	var list []config.Rlimit
	for _, values := range [...][]string{g.c.Profile("rlimit"), g.c.List("rlimit")} {
		for _, v := range values {
			l, _ := config.ParseRlimit(v)
			list = append(slices.DeleteFunc(list, func(o config.Rlimit) bool { return o.Name == l.Name }), l)
		}
	}
	limits := array()
	if !g.own && !g.c.Has("profile") {
		limits = g.top.at("process").list("rlimits")
	}
	for _, l := range list {
		n := object()
		name := "RLIMIT_" + strings.ToUpper(l.Name)
		n.set("type", text(name))
		n.set("hard", natural(l.Hard))
		n.set("soft", natural(l.Soft))
		limits.items = append(slices.DeleteFunc(limits.items, func(o *node) bool { return o.get("type").str() == name }), n)
	}
	g.top.at("process").set("rlimits", limits)
}

func (g *generator) namespaces() {
	list := g.linux().list("namespaces")
	has := func(kind string) int {
		return slices.IndexFunc(list.items, func(n *node) bool { return n.get("type").str() == kind })
	}
	put := func(kind string, there bool) {
		switch i := has(kind); {
		case there && i < 0:
			n := object()
			n.set("type", text(kind))
			list.add(n)
		case !there && i >= 0:
			list.items = slices.Delete(list.items, i, i+1)
		}
	}
	if g.own {
		for _, kind := range [...]string{"pid", "ipc", "uts", "mount", "cgroup"} {
			put(kind, true)
		}
	}
	if g.own || g.c.Has("network") || len(g.c.Networks) > 0 {
		put("network", g.c.Network() != "host")
	}
	if has("network") < 0 { // those of somebody's bundle would be the host's
		sysctl := g.linux().at("sysctl")
		sysctl.members = slices.DeleteFunc(sysctl.members, func(m member) bool { return strings.HasPrefix(m.key, "net.") })
	}
	if !g.byProfile("userns") {
		return
	}
	put("user", g.c.Bool("userns"))
	g.linux().drop("uidMappings")
	g.linux().drop("gidMappings")
	if g.c.Bool("userns") {
		g.mappings()
		if g.byProfile("idmap") && g.c.Bool("idmap") {
			g.annotate(idmap, "1")
		}
	}
}

// seccomp resolves the profile for what the container may do.
func (g *generator) seccomp() {
	if !g.byProfile("seccomp") {
		return
	}
	file := g.c.Text("seccomp")
	switch file {
	case "unconfined":
		g.linux().drop("seccomp")
		return
	case "default":
		file = DefaultProfile
	}
	b, err := g.host.File(file, false)
	if err != nil {
		hint := ""
		if file == DefaultProfile {
			hint = " (it comes with the package; or name a profile, or unconfined)"
		}
		g.refuse("seccomp", g.c.Text("seccomp"), err.Error()+hint)
		return
	}
	holds := func(name string) bool { return slices.Contains(g.held, name) }
	s, err := spec.DecodeSeccomp(b, spec.Target{Arch: g.host.Arch(), Holds: holds})
	if err != nil {
		g.refuse("seccomp", g.c.Text("seccomp"), file+": "+err.Error())
		return
	}
	g.linux().set("seccomp", seccompNode(s))
}

func seccompNode(s *specs.LinuxSeccomp) *node {
	n := object()
	n.set("defaultAction", text(string(s.DefaultAction)))
	if s.DefaultErrnoRet != nil {
		n.set("defaultErrnoRet", natural(uint64(*s.DefaultErrnoRet)))
	}
	for _, a := range s.Architectures {
		n.list("architectures").add(text(string(a)))
	}
	for _, f := range s.Flags {
		n.list("flags").add(text(string(f)))
	}
	if s.ListenerPath != "" {
		n.set("listenerPath", text(s.ListenerPath))
	}
	if s.ListenerMetadata != "" {
		n.set("listenerMetadata", text(s.ListenerMetadata))
	}
	for i := range s.Syscalls {
		r := &s.Syscalls[i]
		rule := object()
		rule.set("names", texts(r.Names...))
		rule.set("action", text(string(r.Action)))
		if r.ErrnoRet != nil {
			rule.set("errnoRet", natural(uint64(*r.ErrnoRet)))
		}
		for _, a := range r.Args {
			arg := object()
			arg.set("index", natural(uint64(a.Index)))
			arg.set("value", natural(a.Value))
			if a.ValueTwo != 0 {
				arg.set("valueTwo", natural(a.ValueTwo))
			}
			arg.set("op", text(string(a.Op)))
			rule.list("args").add(arg)
		}
		n.list("syscalls").add(rule)
	}
	return n
}
