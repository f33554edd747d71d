// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"strings"
	"time"

	"gojail/src/config"
	"gojail/src/host"
	"gojail/src/kernel"
	"gojail/src/procd"
	"gojail/src/slim"
	"gojail/src/state"
	"gojail/src/ubus"
)

const syncUsage = `gojail sync: make procd's containers those of /etc/config/container

  gojail sync [-c DIR] [-o DIR] [NAME...]    what has changed is restarted, what is new started, what is gone stopped; what was stopped by
                                          hand or has ended stays as it is. With names: these are started, whether enabled or not
  gojail sync --start [NAME...]              also what was stopped or has ended, if it is enabled
  gojail sync --stop [NAME...]               stop them, and wait for their end
  gojail sync --status [NAME...]             print the state of each; ends with 3 if none of them runs

  -c DIR  UCI's directory (/etc/config)
  -o DIR  where the bundles are (option bundle_dir of globals)
`

const (
	callLimit  = 5 * time.Second  // for procd's answer
	afterLimit = 10 * time.Second // for what others need to run
	endLimit   = 10 * time.Second // for the end of a container, beside its own timeout
	lookEvery  = 50 * time.Millisecond
)

// A syncing is one run of the verb.
type syncing struct {
	generation
	query procd.Query
	procd procd.Client
}

// syncContainers is the command sync.
func syncContainers(args []string, io stdio) int {
	s := &syncing{generation: generation{io: io, name: "gojail"}}
	rest, status := args[:0:0], false
	for _, a := range args {
		switch a {
		case "--start":
			s.query.All = true
		case "--stop":
			s.query.Stop = true
		case "--status":
			status = true
		case "--help", "-h":
			io.out(syncUsage)
			return 0
		default:
			rest = append(rest, a)
		}
	}
	if !s.options(rest) {
		io.err(syncUsage)
		return 2
	}
	if status {
		return s.status()
	}
	s.query.Names = s.names
	s.names = nil
	s.all()
	if s.failed {
		return 1
	}
	return 0
}

// status prints what is there, without asking procd.
func (s *syncing) status() int {
	if !s.load() {
		return 1
	}
	code := 3 // as rc.common has it
	for _, c := range s.chosen() {
		now := state.Stopped
		if o, err := state.Load(state.Root, c.ID); err == nil {
			now = o.Now(state.Root)
		}
		if now == state.Running || now == state.Paused {
			code = 0
		}
		s.io.out(c.ID + ": " + string(now) + "\n")
	}
	if s.failed {
		return 1
	}
	return code
}

func (s *syncing) all() {
	loaded := s.load()
	if !loaded && !s.query.Stop {
		return
	}
	if s.out == "" { // a configuration that cannot be read must not keep containers from being stopped
		s.failed = false
		s.out = bundleDir()
	}
	s.query.Ours = s.out
	s.query.Stopped = func(name string) bool { return kernel.Exists(s.mark(name)) }
	var want []procd.Want
	if loaded {
		want = s.wanted()
	}
	bus, err := ubus.Dial(ubus.Within(callLimit), slim.UbusSocket)
	if err != nil {
		s.complain("sync: " + err.Error() + " (is ubusd running? without procd: gojail up)")
		return
	}
	defer bus.Close()
	s.procd = procd.Client{Bus: bus, Until: func() ubus.Until { return ubus.Within(callLimit) }}
	have, err := s.procd.List()
	if err != nil {
		s.complain("sync: " + err.Error())
		return
	}
	s.find(have, want)
	steps := procd.Decide(want, have, &s.query)
	for i := range steps {
		s.do(&steps[i])
	}
	if s.query.Stop {
		s.awaitEnds(steps)
	}
	s.tidy(want, have, steps)
}

// find complains of names that are neither here nor there.
func (s *syncing) find(have []procd.Have, want []procd.Want) {
next:
	for i, name := range s.query.Names {
		if s.cfg != nil {
			if c := s.cfg.Find(name); c != nil {
				s.query.Names[i] = c.ID
				continue
			}
		}
		for _, h := range have {
			if s.query.Stop && h.Name == name {
				continue next
			}
		}
		s.complain(name + ": there is no such container")
	}
}

// wanted makes the bundles. One that cannot be made leaves its container as it is.
func (s *syncing) wanted() (list []procd.Want) {
	named := map[*config.Container]bool{}
	for _, name := range s.query.Names {
		named[s.cfg.Find(name)] = true
	}
	for _, c := range s.cfg.Ordered() {
		w := procd.Want{Container: procd.Container{Name: c.ID, TermTimeout: uint32(c.Number("stop_timeout"))}, Boot: c.Bool("enabled")}
		if c.Text("restart") != "never" {
			w.Respawn = procd.Respawn{On: true, Threshold: uint32(c.Number("restart_window")), Timeout: uint32(c.Number("restart_delay")),
				Retry: uint32(c.Number("restart_retries"))}
		}
		for _, o := range c.After {
			w.After = append(w.After, o.ID)
		}
		for _, path := range c.List("require_mount") {
			if !kernel.IsMountpoint(path) {
				w.Lacking = append(w.Lacking, path)
			}
		}
		// without its mount a container has nothing to be made from
		if len(w.Lacking) == 0 && !s.query.Stop && (len(s.query.Names) == 0 || named[c]) {
			s.make(c, &w)
		}
		list = append(list, w)
	}
	return list
}

func (s *syncing) make(c *config.Container, w *procd.Want) {
	b := s.bundle(c)
	if b == nil {
		w.Err = errUnmade
		return
	}
	path, _, err := host.Put(s.out, b)
	if err != nil {
		s.errors(err)
		w.Err = err
	}
	w.Bundle = path
}

// errUnmade: why has been said.
var errUnmade = &state.Error{Reason: "it cannot be made"}

func (s *syncing) do(p *procd.Step) {
	var err error
	switch p.Verb {
	case procd.Start, procd.Change:
		s.awaitStart(p)
		_ = kernel.Unlink(s.mark(p.Name))
		err = s.procd.Add(&p.Container)
	case procd.Stop:
		if s.query.Stop && len(s.query.Names) > 0 {
			s.setMark(p.Name)
		}
		err = s.procd.Delete(p.Name)
	case procd.Keep:
		return
	}
	if err != nil {
		s.complain("sync: " + p.Name + ": " + err.Error())
		return
	}
	said := p.Name + ": " + p.Verb.String()
	if p.Why != "" {
		said += ": " + p.Why
	}
	s.io.out(said + "\n")
}

// awaitStart waits for what the container needs to run, for a while: it may come later, and then the container is there as well.
func (s *syncing) awaitStart(p *procd.Step) {
	for _, name := range p.After {
		runs := func() bool {
			o, err := state.Load(state.Root, name)
			return err == nil && o.Now(state.Root) == state.Running
		}
		if !waitFor(runs, afterLimit) {
			s.io.err(line(s.name, "", "sync: warning: "+p.Name+": starts, though "+name+" does not run"))
		}
	}
}

// awaitEnds waits for the end of what procd has been told to end, also of what it was told before and does not know any more.
func (s *syncing) awaitEnds(steps []procd.Step) {
	for i := range steps {
		s.awaitEnd(steps[i].Name, steps[i].TermTimeout)
	}
	if len(s.query.Names) > 0 {
		return
	}
	list, err := state.List(state.Root)
	if err != nil {
		return
	}
	for _, o := range list {
		if o.Mode == state.Supervised && strings.HasPrefix(o.Bundle, s.out+"/") {
			s.awaitEnd(o.ID, 0)
		}
	}
}

func (s *syncing) awaitEnd(name string, seconds uint32) {
	ended := func() bool {
		o, err := state.Load(state.Root, name)
		return err != nil || !o.Owner.Alive()
	}
	if !waitFor(ended, time.Duration(seconds)*time.Second+endLimit) {
		s.complain("sync: " + name + ": has not ended")
	}
}

func waitFor(what func() bool, limit time.Duration) bool {
	for end := time.Now().Add(limit); ; time.Sleep(lookEvery) {
		if what() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// mark is a file that is there if the container was stopped by hand. It goes with the machine's next start, as procd's list does.
func (s *syncing) mark(name string) string { return s.marks() + "/" + name }

func (s *syncing) marks() string { return s.out + "/.stopped" }

func (s *syncing) setMark(name string) {
	err := kernel.MakeDirs(s.marks(), 0o700)
	if err == nil {
		err = kernel.WriteFile(s.mark(name), nil, 0o600)
	}
	if err != nil && !kernel.Exists(s.mark(name)) {
		s.io.err(line(s.name, "", "sync: warning: "+name+": a reload will start it again: "+err.Error()))
	}
}

// tidy removes bundles that nothing is made from and nothing runs from.
func (s *syncing) tidy(want []procd.Want, have []procd.Have, steps []procd.Step) {
	var keep []string
	for i := range want {
		keep = append(keep, want[i].Bundle)
	}
next:
	for i := range have { // also what procd is about to start again
		for j := range steps {
			if steps[j].Name == have[i].Name && (steps[j].Verb == procd.Stop || steps[j].Verb == procd.Change) {
				continue next
			}
		}
		keep = append(keep, have[i].Bundle)
	}
	for _, old := range host.Old(s.out, keep) {
		host.Clean(old[0])
	}
}

// bundleDir is where the bundles are if the configuration does not say.
func bundleDir() string {
	for _, o := range config.Options() {
		if o.Section == "globals" && o.Name == "bundle_dir" {
			return o.Default
		}
	}
	panic("no option bundle_dir")
}
