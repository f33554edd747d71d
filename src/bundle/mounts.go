// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import (
	"slices"
	"strconv"
	"strings"

	"gojail/src/config"
)

func mountNode(kind, source, target string, options ...string) *node {
	n := object()
	n.set("destination", text(target))
	n.set("type", text(kind))
	n.set("source", text(source))
	n.set("options", texts(options...))
	return n
}

// put replaces a mount that has the same target, or adds one.
func (g *generator) put(m *node) {
	list := g.top.list("mounts")
	target := m.get("destination").str()
	for i, o := range list.items {
		if o.get("destination").str() == target {
			list.items[i] = m
			return
		}
	}
	list.add(m)
}

func (g *generator) mounts() {
	if g.own {
		g.fileSystems()
	}
	for _, v := range g.c.List("mount") {
		m, _ := config.ParseMount(v)
		g.mount(g.c.Section, "mount", v, "", m)
	}
	for _, s := range g.c.Mounts {
		m := config.Mount{Source: s.Text("source"), Target: s.Text("target"), Options: s.List("options")}
		g.mount(s, "source", m.Source, s.Text("type"), m)
	}
	tmpfs := g.c.Profile("tmpfs")
	if !g.byProfile("tmpfs") {
		tmpfs = nil
	}
	for _, v := range append(tmpfs, g.c.List("tmpfs")...) {
		target, options, _ := strings.Cut(v, ":")
		list := []string{"nosuid", "nodev"}
		if options != "" {
			list = append(list, strings.Split(options, ",")...)
		}
		slices.Sort(list)
		g.put(mountNode("tmpfs", "tmpfs", target, slices.Compact(list)...))
	}
}

// mount adds one that an option or a section asks for.
func (g *generator) mount(s *config.Section, option, value, kind string, m config.Mount) {
	options := m.Options
	path := m.Source != "" && m.Source[0] == '/'
	if kind == "" {
		if kind = "bind"; !path { // the name of a file system
			kind = m.Source
		}
	}
	if kind == "bind" || kind == "rbind" {
		if g.host.Type(m.Source) == 0 {
			g.errs = append(g.errs, s.Error(option, value, "there is no "+m.Source+g.mountHint()))
			return
		}
		if !slices.Contains(options, "bind") && !slices.Contains(options, "rbind") {
			options = append([]string{"rbind"}, options...)
		}
		kind = "bind"
	}
	if m.Source == "" {
		m.Source = kind
	}
	g.put(mountNode(kind, m.Source, m.Target, options...))
}

// fileSystems are those that every container has.
func (g *generator) fileSystems() {
	list := g.top.list("mounts")
	list.add(mountNode("proc", "proc", "/proc", "nosuid", "noexec", "nodev"))
	list.add(mountNode("tmpfs", "tmpfs", "/dev", "nosuid", "noexec", "strictatime", "mode=755", "size=1024k"))
	pts := []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}
	if g.mapped(5) {
		pts = append(pts, "gid=5")
	}
	list.add(mountNode("devpts", "devpts", "/dev/pts", pts...))
	list.add(mountNode("tmpfs", "shm", "/dev/shm", "nosuid", "noexec", "nodev", "mode=1777", "size=16384k"))
	access := "ro"
	if g.c.Text("profile") == "privileged" {
		access = "rw"
	}
	if g.c.Bool("userns") && g.c.Network() == "host" { // its sysfs would be of another user namespace's network
		list.add(mountNode("bind", "/sys", "/sys", "rbind", "nosuid", "noexec", "nodev", "ro"))
		return
	}
	list.add(mountNode("sysfs", "sysfs", "/sys", "nosuid", "noexec", "nodev", access))
	if g.c.Text("profile") == "system" { // an init has control groups of its own
		access = "rw"
	}
	list.add(mountNode("cgroup", "cgroup", "/sys/fs/cgroup", "nosuid", "noexec", "nodev", "relatime", access))
}

// mapped tells whether the group exists in the container.
func (g *generator) mapped(gid uint64) bool {
	maps := g.linux().get("gidMappings")
	if maps == nil {
		return true
	}
	return slices.ContainsFunc(maps.items, func(m *node) bool {
		first, _ := strconv.ParseUint(m.get("containerID").raw, 10, 32)
		size, _ := strconv.ParseUint(m.get("size").raw, 10, 32)
		return gid >= first && gid < first+size
	})
}

// devices are nodes, and rules of the control group.
func (g *generator) devices() {
	rules := g.linux().at("resources").list("devices")
	if g.own {
		n := object()
		n.set("allow", boolean(g.c.Text("profile") == "privileged"))
		n.set("access", text("rwm"))
		rules.add(n)
	}
	for _, v := range g.c.List("device") {
		d, _ := config.ParseDevice(v)
		g.device(g.c.Section, "device", v, d)
	}
	for _, s := range g.c.Devices {
		d := config.Device{Path: s.Text("path"), Target: s.Text("target"), Access: s.Text("access")}
		if d.Target == "" {
			d.Target = d.Path
		}
		g.device(s, "path", d.Path, d)
	}
}

func (g *generator) device(s *config.Section, option, value string, d config.Device) {
	at, err := g.host.Device(d.Path)
	if err != nil {
		g.errs = append(g.errs, s.Error(option, value, err.Error()))
		return
	}
	if d.Target != d.Path && g.c.Bool("userns") {
		g.errs = append(g.errs, s.Error(option, value, "cannot have another path inside a user namespace, where the host's node is used"))
		return
	}
	n := object()
	n.set("path", text(d.Target))
	n.set("type", text(string(at.Type)))
	n.set("major", natural(uint64(at.Major)))
	n.set("minor", natural(uint64(at.Minor)))
	mode, uid, gid := at.Mode, at.UID, at.GID
	if s.Type == "device" {
		if s.Has("mode") {
			m, _ := strconv.ParseUint(s.Text("mode"), 8, 16)
			mode = uint32(m)
		}
		if s.Has("uid") {
			uid = uint32(s.Number("uid"))
		}
		if s.Has("gid") {
			gid = uint32(s.Number("gid"))
		}
	}
	n.set("fileMode", natural(uint64(mode)))
	n.set("uid", natural(uint64(uid)))
	n.set("gid", natural(uint64(gid)))
	list := g.linux().list("devices")
	list.items = slices.DeleteFunc(list.items, func(o *node) bool { return o.get("path").str() == d.Target })
	list.add(n)
	rule := object()
	rule.set("allow", boolean(true))
	rule.set("type", text(string(at.Type)))
	rule.set("major", natural(uint64(at.Major)))
	rule.set("minor", natural(uint64(at.Minor)))
	rule.set("access", text(d.Access))
	g.linux().at("resources").list("devices").add(rule)
}

// What runc hides, and what upstream hides beside that.
var (
	masked = []string{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
		"/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"}
	readonly = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

func (g *generator) paths() {
	put := func(key string, own, given []string) {
		list := g.linux().list(key)
		if g.own && g.c.Text("profile") != "privileged" {
			list.add(texts(own...).items...)
		}
		list.add(texts(given...).items...)
	}
	put("maskedPaths", masked, g.c.List("masked_path"))
	put("readonlyPaths", readonly, g.c.List("readonly_path"))
	for _, v := range g.c.List("sysctl") {
		key, value, _ := strings.Cut(v, "=")
		g.linux().at("sysctl").set(key, text(value))
	}
}
