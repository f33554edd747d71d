// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"strings"

	"gojail/src/etcuxc"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/uci"
)

// firstConfig is /etc/config/container before anybody has written it.
const firstConfig = `# Containers: see uci2oci options, or the README, for what can be said of them; /etc/init.d/container reload makes it so.
#
#config container 'web'
#	option rootfs '/srv/web'
#	option command '/usr/sbin/httpd -f'
#	option memory '64M'

`

// importContainers prints a first configuration, with the containers of the C uxc. Nothing is lost: what has no option of its own is an
// annotation, and a container that cannot be started as before is not started at boot.
func importContainers(args []string, io stdio) int {
	root := ""
	switch {
	case len(args) == 1 && !strings.HasPrefix(args[0], "-"):
		root = strings.TrimRight(args[0], "/")
	case len(args) > 0:
		io.err("gojail: usage: gojail import [ROOT]\n")
		return 2
	}
	entries, errs := etcuxc.List(root + etcuxc.Dir)
	for _, err := range errs {
		io.err(line("gojail", "import", plan.Message(err.Error())))
	}
	fstab, err := kernel.ReadFile(root+"/etc/config/fstab", uci.MaxSize)
	volumes := &uci.Package{}
	if err == nil {
		if p, err := uci.Parse("fstab", fstab); err == nil {
			volumes = p
		}
	}
	p := &uci.Package{Name: "container"}
	add(p, "globals", "globals")
	for _, e := range entries {
		imported(p, e, volumes, io)
	}
	io.out(firstConfig + string(p.Text()))
	return 0
}

func add(p *uci.Package, kind, name string) *uci.Section {
	s := &uci.Section{Type: kind, Name: name}
	p.Sections = append(p.Sections, s)
	return s
}

func imported(p *uci.Package, e *etcuxc.Entry, fstab *uci.Package, io stdio) {
	section := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, e.Name)
	for p.Section(section) != nil {
		section += "_"
	}
	s := add(p, "container", section)
	set := func(name string, values ...string) {
		o := &uci.Option{Name: name, List: name == "require_mount" || name == "annotation"}
		for _, v := range values {
			o.Values = append(o.Values, uci.Value{Text: v})
		}
		if len(values) > 0 && values[0] != "" {
			s.Options = append(s.Options, o)
		}
	}
	if section != e.Name {
		set("name", e.Name)
	}
	set("bundle", e.Bundle)
	boot := e.Autostart
	var targets, rest []string
	for _, v := range e.Volumes {
		if t := target(fstab, v); t != "" {
			targets = append(targets, t)
			continue
		}
		rest = append(rest, "org.openwrt.uxc.volume="+v)
		boot = false
		io.err(line("gojail", "import", "warning: "+e.Name+": volume "+v+": /etc/config/fstab does not say where it is mounted: it is not started at boot (add require_mount and enabled)"))
	}
	set("enabled", map[bool]string{false: "0", true: "1"}[boot])
	set("restart", "never") // as it was
	if e.TemporarySize != "" {
		set("overlay", "tmpfs")
		set("overlay_size", e.TemporarySize)
	} else if e.WritePath != "" {
		set("overlay", "disk")
		set("overlay_dir", e.WritePath)
	}
	set("require_mount", targets...)
	if e.PidFile != "" {
		rest = append(rest, "org.openwrt.uxc.pidfile="+e.PidFile)
	}
	if e.Jail != "" && e.Jail != e.Name {
		rest = append(rest, "org.openwrt.uxc.jail="+e.Jail)
	}
	set("annotation", rest...)
}

// target is where /etc/config/fstab mounts a volume: by the name of the section, with _ for -, or by the UUID.
func target(fstab *uci.Package, volume string) string {
	text := func(s *uci.Section, name string) string {
		if o := s.Option(name); o != nil && len(o.Values) > 0 {
			return o.Values[0].Text
		}
		return ""
	}
	for _, s := range fstab.Sections {
		if s.Type == "mount" && (!s.Anonymous && s.Name == strings.ReplaceAll(volume, "-", "_") || text(s, "uuid") == volume) {
			return text(s, "target")
		}
	}
	return ""
}
