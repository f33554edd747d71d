// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gojail/src/caps"
	"gojail/src/config"
	"gojail/src/spec"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (g *generator) process() {
	p := g.top.at("process")
	if g.want("command") {
		p.set("args", texts(g.c.List("command")...))
	}
	if g.want("terminal") {
		p.set("terminal", boolean(g.c.Bool("terminal")))
	}
	if g.want("cwd") {
		p.set("cwd", text(g.c.Text("cwd")))
	}
	if g.want("hostname") {
		name := g.c.Text("hostname")
		if name == "" {
			name = g.c.ID
		}
		g.top.set("hostname", text(name))
	}
}

// setenv adds a variable, or changes it.
func (g *generator) setenv(v string, replace bool) {
	env := g.top.at("process").list("env")
	name, _, _ := strings.Cut(v, "=")
	for i, n := range env.items {
		if strings.HasPrefix(n.str(), name+"=") {
			if replace {
				env.items[i] = text(v)
			}
			return
		}
	}
	env.add(text(v))
}

func (g *generator) environment() {
	if g.own {
		g.setenv("PATH="+defaultPath, false)
		if g.c.Bool("terminal") {
			g.setenv("TERM=xterm", false)
		}
	}
	for _, file := range g.c.List("env_file") {
		g.envFile(file)
	}
	for _, v := range g.c.List("env") {
		g.setenv(v, true)
	}
}

// envFile reads a file of secrets. Errors tell the line and never what it holds.
func (g *generator) envFile(file string) {
	b, err := g.host.File(file, true)
	if err != nil {
		g.refuse("env_file", file, err.Error())
		return
	}
	n := 0
	for line := range strings.SplitSeq(string(b), "\n") {
		n++
		if line = strings.TrimSuffix(line, "\r"); strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || name == "" || strings.ContainsAny(name, " \t,") || strings.ContainsRune(value, 0) || !utf8.ValidString(line) {
			g.refuse("env_file", file, "line "+strconv.Itoa(n)+" is not NAME=value")
			continue
		}
		g.setenv(line, true)
		if !slices.Contains(g.out.Secrets, name) {
			g.out.Secrets = append(g.out.Secrets, name)
		}
	}
}

// What podman gives, and what an init needs beside all of it but for what would reach the host.
const (
	podman = 1<<caps.CHOWN | 1<<caps.DAC_OVERRIDE | 1<<caps.FOWNER | 1<<caps.FSETID | 1<<caps.KILL | 1<<caps.NET_BIND_SERVICE | 1<<caps.SETFCAP |
		1<<caps.SETGID | 1<<caps.SETPCAP | 1<<caps.SETUID | 1<<caps.SYS_CHROOT
	never = 1<<caps.SYS_MODULE | 1<<caps.SYS_RAWIO | 1<<caps.SYS_BOOT | 1<<caps.SYS_TIME | 1<<caps.SYSLOG | 1<<caps.MAC_ADMIN | 1<<caps.MAC_OVERRIDE |
		1<<caps.WAKE_ALARM | 1<<caps.BLOCK_SUSPEND | 1<<caps.AUDIT_CONTROL | 1<<caps.AUDIT_READ | 1<<caps.PERFMON | 1<<caps.BPF | 1<<caps.CHECKPOINT_RESTORE
)

func (g *generator) capabilities() {
	if g.byProfile("no_new_privileges") {
		g.top.at("process").set("noNewPrivileges", boolean(g.c.Bool("no_new_privileges")))
	}
	if !g.byProfile("capability", "cap_add", "cap_drop") {
		return
	}
	var base, asked caps.Set
	switch {
	case g.c.Has("capability"):
		asked = g.set(g.c.List("capability"))
		base = asked
	case !g.own && !g.c.Has("profile"):
		base = g.set(g.held)
	default:
		switch g.c.Text("profile") {
		case "default":
			base = podman
		case "system":
			base = caps.All &^ never
		case "privileged":
			base = caps.All
		}
		base &= g.host.Capabilities()
	}
	add, drop := g.c.List("cap_add"), g.c.List("cap_drop")
	if slices.Contains(drop, "ALL") {
		base, asked = 0, 0
	}
	base |= g.set(add)
	asked |= g.set(add)
	for _, name := range drop {
		if c, ok := config.Capability(name); ok {
			base, asked = base&^(1<<c), asked&^(1<<c)
		}
	}
	g.held = names(base)
	c := g.top.at("process").set("capabilities", object())
	c.set("bounding", texts(names(base)...))
	if g.uid == 0 {
		c.set("effective", texts(names(base)...))
		c.set("permitted", texts(names(base)...))
		return
	}
	// Somebody who is not root has only what was asked for, and keeps it across execve.
	for _, kind := range [...]string{"effective", "inheritable", "permitted", "ambient"} {
		c.set(kind, texts(names(asked)...))
	}
}

// set has the capabilities of these names. ALL are all that there are.
func (g *generator) set(list []string) (s caps.Set) {
	for _, name := range list {
		if name == "ALL" {
			s |= caps.All & g.host.Capabilities()
		}
		if c, ok := config.Capability(name); ok {
			s |= 1 << c
		}
	}
	return s
}

func names(s caps.Set) (list []string) {
	for c := caps.Cap(0); c <= caps.Last; c++ {
		if s&(1<<c) != 0 {
			list = append(list, c.String())
		}
	}
	return list
}

func (g *generator) hooks() {
	for _, s := range g.c.Hooks {
		h := object()
		h.set("path", text(s.Text("path")))
		if s.Has("args") {
			h.set("args", texts(s.List("args")...))
		}
		h.set("env", texts(s.List("env")...))
		if n := s.Number("timeout"); n > 0 {
			h.set("timeout", number(n))
		}
		g.top.at("hooks").list(s.Text("when")).add(h)
	}
}

func (g *generator) annotations() {
	if g.want("log") && g.c.Bool("log") && (g.c.Has("log") || !g.c.Bool("terminal")) {
		g.annotate(logging, "1")
	} else if g.c.Has("log") {
		g.top.at("annotations").drop(logging)
	}
	if g.byProfile("mdwe") && g.c.Bool("mdwe") {
		g.annotate(mdwe, "refuse_exec_gain")
	} else if g.c.Has("mdwe") {
		g.top.at("annotations").drop(mdwe)
	}
	for _, list := range [...]string{"ro", "rx", "rw"} {
		paths := g.c.List("landlock_" + list)
		for _, p := range paths {
			if strings.Contains(p, ":") {
				g.refuse("landlock_"+list, p, "must not contain a colon")
			}
		}
		if paths != nil {
			g.annotate(landlock+list, strings.Join(paths, ":"))
		}
	}
	if name, _ := config.Signal(g.c.Text("stop_signal")); name != "TERM" && name != "15" {
		g.refuse("stop_signal", g.c.Text("stop_signal"), "is not offered yet: only TERM is")
	}
	if g.want("restart") && g.c.Text("restart") == "on-failure" {
		g.annotate(spec.RestartAnnotation, "on-failure")
	} else if g.c.Has("restart") {
		g.top.at("annotations").drop(spec.RestartAnnotation)
	}
	g.layer()
	if len(g.out.Secrets) > 0 {
		g.annotate(spec.SecretAnnotation, strings.Join(g.out.Secrets, ","))
	}
	for _, v := range g.c.List("annotation") {
		key, value, _ := strings.Cut(v, "=")
		g.annotate(key, value)
	}
}
