// SPDX-License-Identifier: LGPL-2.1-only

package rpcd

import (
	"slices"
	"strconv"
	"strings"
	"syscall"

	"gojail/src/bundle"
	"gojail/src/config"
	"gojail/src/host"
	"gojail/src/jailnet"
	"gojail/src/kernel"
	"gojail/src/state"
)

// A view is what is known at one moment.
type view struct {
	cfg       *config.Config // nil where it cannot be read
	wrong     []string       // why
	states    []*state.State
	instances map[string]instance
	networks  []jailnet.Status
	now       int64
}

func (s *Server) look() *view {
	v := &view{now: uptime(), instances: s.instances()}
	cfg, err := s.load()
	if v.cfg = cfg; err != nil {
		v.wrong = problems(err)
	}
	v.states, _ = state.List(s.State)
	v.networks, _ = jailnet.List("")
	return v
}

// load reads the configuration. No file is one without containers: so it is before the first.
func (s *Server) load() (*config.Config, error) {
	cfg, err := host.Load(s.ConfigDir)
	if kernel.ErrnoOf(err) == syscall.ENOENT {
		return config.Parse(host.ConfigDir+"/container", nil)
	}
	return cfg, err
}

// names are all containers: those of the configuration in its order, then those that run without.
func (v *view) names() (list []string) {
	if v.cfg != nil {
		for _, c := range v.cfg.Containers {
			list = append(list, c.ID)
		}
	}
	var others []string
	for _, st := range v.states {
		others = append(others, st.ID)
	}
	for name := range v.instances {
		others = append(others, name)
	}
	slices.Sort(others)
	for _, name := range others {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

func (v *view) state(name string) *state.State {
	for _, st := range v.states {
		if st.ID == name {
			return st
		}
	}
	return nil
}

// list tells of all containers.
func (s *Server) list(_ *call, w *object) error {
	v := s.look()
	w.number("uptime", v.now)
	w.number("memory", int64(kernel.TotalMemory()))
	w.list("problems", v.wrong)
	w.open("containers", '[')
	for _, name := range v.names() {
		w.open("", '{')
		s.container(v, name, w)
		w.close('}')
	}
	w.close(']')
	return nil
}

// status tells of one, with what this machine lacks for it and the last message of a start that has failed.
func (s *Server) status(c *call, w *object) error {
	v := s.look()
	if !slices.Contains(v.names(), c.name) {
		return &Error{"there is no container " + c.name}
	}
	w.number("uptime", v.now)
	s.container(v, c.name, w)
	if v.cfg == nil {
		return nil
	}
	if o := v.cfg.Find(c.name); o != nil {
		definition(o, w)
		if b, err := bundle.New(v.cfg, o, host.Machine{}); err == nil {
			if lacks := host.Lacks(v.cfg, b); lacks != nil {
				w.list("lacks", problems(lacks))
			}
			w.list("warnings", b.Warnings)
		}
	}
	if i := v.instances[c.name]; !i.running && i.exit != 0 {
		w.some("last_error", s.lastError(c.name))
	}
	return nil
}

// container writes what list and status have in common.
func (s *Server) container(v *view, name string, w *object) {
	w.text("name", name)
	var o *config.Container
	if v.cfg != nil {
		if found := v.cfg.Find(name); found != nil && found.ID == name {
			o = found
		}
	}
	w.yes("defined", o != nil)
	w.yes("checked", v.cfg != nil)
	st := v.state(name)
	s.running(v, name, st, w)
	s.job(name, w)
	if o == nil {
		return
	}
	w.yes("enabled", o.Bool("enabled"))
	for _, option := range [...]string{"profile", "rootfs", "bundle", "overlay", "restart"} {
		w.some(option, o.Text(option))
	}
	w.text("network", o.Network())
	w.open("ports", '[')
	for _, p := range o.Ports {
		w.open("", '{')
		for _, option := range [...]string{"src", "proto", "src_dport", "dest_port"} {
			w.some(option, p.Text(option))
		}
		w.close('}')
	}
	w.close(']')
	b, err := bundle.New(v.cfg, o, host.Machine{})
	if err != nil {
		w.list("problems", problems(err))
		return
	}
	// A container of another's making, by hand or by podman, has a bundle elsewhere: nothing can be said of it.
	if dir := strings.TrimRight(v.cfg.Globals.Text("bundle_dir"), "/"); st != nil && strings.HasPrefix(st.Bundle, dir+"/") {
		w.yes("changed", st.Bundle != dir+"/"+b.Dir())
	}
}

// running writes how the container is.
func (s *Server) running(v *view, name string, st *state.State, w *object) {
	i, known := v.instances[name]
	status := state.Stopped
	if st != nil {
		status = st.Now(s.State)
	}
	word := string(status)
	switch {
	case status != state.Stopped:
		w.number("pid", int64(st.Process.PID))
		w.number("age", max(0, v.now-int64(st.Process.Start)*1000/ticks))
	case i.running:
		word = "starting"
	case known && i.exit != 0:
		word = "failed"
		w.number("exit", i.exit)
	}
	w.text("state", word)
	w.open("interfaces", '[')
	for k := range v.networks {
		if n := &v.networks[k]; n.Container == name && n.Alive {
			w.open("", '{')
			w.text("ifname", n.Name)
			w.yes("up", n.Up && n.Joined)
			w.text("proto", n.Proto)
			w.some("on", n.On)
			w.list("addresses", n.Addresses)
			w.close('}')
		}
	}
	w.close(']')
}

// secret are options whose values are for those only who may write.
var secret = [...]string{"env", "annotation"}

// definition writes the options that were given, of what may be secret only the names.
func definition(o *config.Container, w *object) {
	w.open("options", '{')
	for _, option := range config.Options() {
		if option.Section != "container" || !o.Has(option.Name) {
			continue
		}
		list := o.List(option.Name)
		if slices.Contains(secret[:], option.Name) {
			for i := range list {
				list[i], _, _ = strings.Cut(list[i], "=")
			}
		}
		w.list(option.Name, list)
	}
	w.close('}')
	w.open("sections", '{')
	for _, kind := range [...]struct {
		name string
		list []*config.Section
	}{{"network", o.Networks}, {"port", o.Ports}, {"mount", o.Mounts}, {"device", o.Devices}, {"hook", o.Hooks}} {
		w.number(kind.name, int64(len(kind.list)))
	}
	w.close('}')
}

// host is what this machine has and lacks, for each container too.
func (s *Server) host(_ *call, w *object) error {
	cfg, err := s.load()
	storage := "/srv/containers"
	if err == nil {
		storage = cfg.Globals.Text("storage")
	} else {
		w.list("problems", problems(err))
	}
	_, _, release := kernel.Release()
	w.text("kernel", release)
	w.number("memory", int64(kernel.TotalMemory()))
	text, _ := kernel.ReadProc("/proc/meminfo")
	w.number("available", available(text))
	w.open("storage", '{')
	free, refused := host.Space(storage)
	w.text("path", storage)
	w.number("free", int64(free))
	w.some("refused", refused)
	w.close('}')
	w.open("lacks", '[')
	for _, f := range host.Features() {
		if !f.Has {
			w.open("", '{')
			w.text("feature", f.Name)
			w.text("for", f.For)
			w.close('}')
		}
	}
	w.close(']')
	w.open("containers", '{')
	if err == nil {
		for _, c := range cfg.Containers {
			b, err := bundle.New(cfg, c, host.Machine{})
			if err == nil {
				if lacks := host.Lacks(cfg, b); lacks != nil {
					err = lacks
				}
			}
			if err != nil {
				w.list(c.ID, problems(err))
			}
		}
	}
	w.close('}')
	return nil
}

// available is the memory that could be had, of /proc/meminfo, in bytes.
func available(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemAvailable:" {
			n, _ := strconv.ParseInt(f[1], 10, 53)
			return n << 10
		}
	}
	return 0
}
