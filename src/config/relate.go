// SPDX-License-Identifier: LGPL-2.1-only

package config

import (
	"slices"
	"strings"
)

// names gives each container its id.
func (r *reader) names() {
	seen := map[string]*Container{}
	for _, c := range r.config.Containers {
		if c.ID == "" && c.anonymous {
			r.add(c.Error("name", "", "is required, for the section has no name"))
			continue
		}
		if c.ID == "" {
			c.ID = c.section
			if reason := check("name", c.ID); reason != "" {
				r.add(c.Error("", "", reason+": give it an option name"))
			}
		}
		if first := seen[c.ID]; first != nil {
			r.add(c.Error("name", c.ID, "is the name of section "+first.section+" already"))
			continue
		}
		seen[c.ID] = c
	}
}

// attach gives each network, port, mount, device and hook to its container, and looks at what options have to do with each other.
func (r *reader) attach() {
	for _, s := range r.others {
		name := s.Text("container")
		if name == "" {
			continue // said already
		}
		c := r.find(s, "container", name)
		if c == nil {
			continue
		}
		switch s.Type {
		case "network":
			c.Networks = append(c.Networks, s)
		case "port":
			c.Ports = append(c.Ports, s)
		case "mount":
			c.Mounts = append(c.Mounts, s)
		case "device":
			c.Devices = append(c.Devices, s)
		case "hook":
			c.Hooks = append(c.Hooks, s)
		}
		r.together(s)
	}
	for _, c := range r.config.Containers {
		r.container(c)
	}
}

// find finds the container that an option names, or says that it is not there.
func (r *reader) find(s *Section, option, name string) *Container {
	c := r.config.Find(name)
	if c == nil {
		var ids []string
		for _, o := range r.config.Containers {
			ids = append(ids, o.ID)
		}
		r.add(s.Error(option, name, "there is no such container"+meant(name, ids)))
	}
	return c
}

// together checks what the options of a section have to do with each other.
func (r *reader) together(s *Section) {
	excludes := func(a, b, why string) {
		if s.Has(a) && s.Has(b) {
			r.add(s.Error(b, "", "is of no use with "+a+why))
		}
	}
	switch s.Type {
	case "network":
		excludes("interface", "bridge", ", which names the bridge")
		static := s.Text("proto") == "static"
		if static && !s.Has("ipaddr") && !s.Has("ip6addr") {
			r.add(s.Error("ipaddr", "", "is required with proto static"))
		}
		for _, name := range [...]string{"ipaddr", "netmask", "gateway"} {
			if s.Has(name) && !static {
				r.add(s.Error(name, "", "is for proto static"))
			}
		}
		if !s.Has("interface") && !s.Has("bridge") {
			r.add(s.Error("interface", "", "is required (or bridge): the container is connected to it"))
		}
		for _, a := range s.List("ipaddr") {
			if !strings.Contains(a, "/") && !s.Has("netmask") {
				r.add(s.Error("ipaddr", a, "needs its bits, as in "+a+"/24, or a netmask"))
			}
		}
	case "mount":
		if t := s.Text("type"); !s.Has("source") && (t == "bind" || t == "rbind") {
			r.add(s.Error("source", "", "is required"))
		}
		if source := s.Text("source"); s.Text("type") == "bind" && source != "" && source[0] != '/' {
			r.add(s.Error("source", source, "must be an absolute path"))
		}
	}
}

// container checks what the options of a container have to do with each other.
func (r *reader) container(c *Container) {
	bundle := c.Has("bundle")
	switch {
	case bundle && c.Has("rootfs"):
		r.add(c.Error("rootfs", "", "is of no use with bundle, which has its own"))
	case !bundle && !c.Has("rootfs"):
		r.add(c.Error("rootfs", "", "is required (or bundle)"))
	}
	switch command := c.List("command"); {
	case !bundle && !c.Has("command"):
		r.add(c.Error("command", "", "is required"))
	case c.Has("command") && (len(command) == 0 || command[0] == ""):
		r.add(c.Error("command", "", "must name a program"))
	}
	for _, pair := range [...][3]string{{"overlay_size", "overlay", "tmpfs"}, {"overlay_dir", "overlay", "disk"}} {
		if c.Has(pair[0]) && c.Text(pair[1]) != pair[2] {
			r.add(c.Error(pair[0], "", "is for "+pair[1]+" "+pair[2]))
		}
	}
	if c.Has("swap") && !c.Has("memory") && !bundle {
		r.add(c.Error("swap", "", "is beside memory, which has no limit: give that as well"))
	}
	for _, name := range [...]string{"uidmap", "gidmap"} {
		switch {
		case c.Has(name) && !c.Bool("userns"):
			r.add(c.Error(name, "", "is for userns 1"))
		case c.Has("uidmap") != c.Has("gidmap") && !c.Has(name):
			r.add(c.Error(name, "", "is required, as the other map is given"))
		}
	}
	if c.Has("idmap") && c.Bool("idmap") && !c.Bool("userns") {
		r.add(c.Error("idmap", "", "is for userns 1"))
	}
	if c.Bool("userns") && c.Text("profile") == "privileged" {
		r.add(c.Error("userns", "", "is not for the profile privileged, which is to be root outside"))
	}
	r.network(c)
	for _, name := range c.List("depends") {
		switch o := r.find(c.Section, "depends", name); {
		case o == c:
			r.add(c.Error("depends", name, "is the container itself"))
		case o != nil && !slices.Contains(c.After, o):
			c.After = append(c.After, o)
		}
	}
}

func (r *reader) network(c *Container) {
	kind := c.Network()
	if name, ok := strings.CutPrefix(kind, "container:"); ok {
		switch c.NetworkOf = r.find(c.Section, "network", name); {
		case c.NetworkOf == c:
			r.add(c.Error("network", kind, "is the container itself"))
		case c.NetworkOf != nil:
			c.After = append(c.After, c.NetworkOf)
		}
	}
	if kind != "bridge" && kind != "routed" {
		for _, list := range [...][]*Section{c.Networks, c.Ports} {
			if len(list) > 0 {
				r.add(list[0].Error("container", c.ID, "has network "+kind+": a section "+list[0].Type+" is for bridge or routed"))
			}
		}
	}
	seen := map[string]bool{}
	for _, n := range c.Networks {
		if name := n.Text("ifname"); seen[name] {
			r.add(n.Error("ifname", name, "is the name of another interface of "+c.ID))
		} else {
			seen[name] = true
		}
		if kind == "routed" {
			continue
		}
		for _, option := range [...]string{"egress", "host_port"} {
			if n.Has(option) {
				r.add(n.Error(option, "", "is for network routed"))
			}
		}
	}
}

// Network is the option network, or what it is where it is not given.
func (c *Container) Network() string {
	switch kind := c.Text("network"); {
	case kind != "":
		return kind
	case len(c.Networks) > 0:
		return "bridge"
	}
	return "none"
}

// order looks for circles of containers that wait for each other.
func (r *reader) order() {
	state := map[*Container]int{} // 1: being looked at, 2: done
	var path []*Container
	var visit func(c *Container)
	visit = func(c *Container) {
		switch state[c] {
		case 1:
			words := ""
			for _, o := range path[slices.Index(path, c):] {
				words += o.ID + " -> "
			}
			r.add(path[len(path)-1].Error("depends", "", "each would wait for the other: "+words+c.ID))
			return
		case 2:
			return
		}
		state[c] = 1
		path = append(path, c)
		for _, o := range c.After {
			if o != c {
				visit(o)
			}
		}
		path = path[:len(path)-1]
		state[c] = 2
	}
	for _, c := range r.config.Containers {
		visit(c)
	}
}

// Ordered are the containers, each after those that it needs.
func (c *Config) Ordered() []*Container {
	var list []*Container
	var visit func(o *Container)
	visit = func(o *Container) {
		if slices.Contains(list, o) {
			return
		}
		for _, before := range o.After {
			visit(before)
		}
		list = append(list, o)
	}
	for _, o := range c.Containers {
		visit(o)
	}
	return list
}
