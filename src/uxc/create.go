// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/agent"
	"gojail/src/hooks"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/spawn"
	"gojail/src/spec"
	"gojail/src/state"
)

// making are the options of create and run.
var making = []option{
	{long: "bundle", short: 'b', value: "DIR", about: "where config.json and the root file system are (default: here)"},
	{long: "config", short: 'f', value: "FILE", about: "instead of config.json of the bundle"},
	{long: "pid-file", value: "FILE", about: "the pid of the container's process is written there"},
	{long: "console-socket", value: "SOCKET", about: "who gets the master of the container's terminal"},
	{long: "preserve-fds", value: "N", about: "so many descriptors from 3 on are the container's"},
	{long: "no-new-keyring", about: "accepted: a container gets no keyring"},
	{long: "no-subreaper", about: "accepted: the command never becomes one"},
	{long: "no-pivot", about: "refused: without pivot_root the host's files would stay within reach"},
}

var createVerb = verb{name: "create", args: "ID", about: "make a container that waits for its start", options: making, run: func(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return c.create(id, waiting)
}}

// maker makes a container. It is the spawn.Parent of its process, and says what there is to be written of it.
type maker struct {
	call     *call
	entry    *state.Entry
	state    *state.State
	plan     *plan.Plan
	pidFile  string
	console  string
	terminal bool // the master of the payload's terminal was given away
}

// How a container is made.
type how int

const (
	waiting  how = iota // it waits for its start
	detached            // it runs, and needs nobody
	attached            // it runs in the foreground
)

// create makes a container.
func (c *call) create(id string, how how) (err error) {
	if c.has("no-pivot") {
		return &plan.Error{Where: "--no-pivot", Reason: "without pivot_root the files of the host stay within reach of the container (it works on a ramfs too, as the root file " +
			"system is attached to a directory of its own)"}
	}
	bundle, err := absolute(strings.TrimRight(c.value("bundle", "."), "/"))
	if err != nil {
		return err
	}
	file, err := absolute(c.value("config", bundle+"/config.json"))
	if err != nil {
		return err
	}
	b, err := kernel.ReadFile(file, spec.MaxSize)
	if err != nil {
		return err
	}
	s, err := decode(file, b)
	if err != nil {
		return err
	}
	keep, err := c.keep(s)
	if err != nil {
		return err
	}
	m := &maker{call: c, state: newState(id, bundle, s), console: c.value("console-socket", "")}
	if m.pidFile, err = absolute(c.value("pid-file", "")); err != nil {
		return err
	}
	switch {
	case s.Process.Terminal && m.console == "" && how != attached:
		return &plan.Error{Where: file + ": process.terminal", Reason: "there is nobody to give the terminal to (add --console-socket)"}
	case how == attached && (m.console != "" || keep > 0):
		return &plan.Error{Reason: "--console-socket, --preserve-fds and LISTEN_FDS are for containers that are detached"}
	case !s.Process.Terminal && m.console != "":
		return &plan.Error{Where: "--console-socket", Reason: "there is no terminal: process.terminal of " + file + " is not true"}
	}
	if m.plan, err = planOf(s, m.state, how == waiting); err != nil {
		return &plan.Error{Where: file, Reason: err.Error()}
	}
	for _, w := range m.plan.Warnings {
		c.warn(w)
	}
	for _, n := range m.plan.Notes {
		c.note(n)
	}
	if m.entry, err = state.Create(c.root, id); err != nil {
		return err
	}
	defer m.entry.Close()
	if how == attached {
		m.state.Mode, m.state.Owner = state.Supervised, state.This(kernel.Getppid())
	}
	if err = m.make(b, keep, how); err != nil {
		m.undo(err)
	}
	return err
}

// keep is how many descriptors from 3 on are the container's. Those that a service manager has handed over are (sd_listen_fds(3)).
func (c *call) keep(s *specs.Spec) (int, error) {
	text := c.value("preserve-fds", "0")
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxKeep {
		return 0, usage("--preserve-fds " + text + ": it is a number up to " + strconv.Itoa(maxKeep))
	}
	for _, e := range c.env {
		value, ok := strings.CutPrefix(e, "LISTEN_FDS=")
		handed, err := strconv.Atoi(value)
		if ok && err == nil && handed > 0 && n+handed <= maxKeep {
			n += handed
			s.Process.Env = append(s.Process.Env[:len(s.Process.Env):len(s.Process.Env)], e, "LISTEN_PID=1")
		}
	}
	for fd := 3; fd < 3+n; fd++ {
		if !kernel.IsOpen(fd) {
			return 0, &plan.Error{Where: "--preserve-fds", Reason: "descriptor " + strconv.Itoa(fd) + " is not open"}
		}
	}
	return n, nil
}

const maxKeep = 1000

func (m *maker) make(config []byte, keep int, how how) (err error) {
	p, st, c := m.plan, m.state, m.call
	if g := p.Outside.Cgroup; g != nil && c.cgroups {
		st.Cgroup = g.Path
	} else {
		p.Outside.Cgroup = nil
	}
	if err := m.entry.SaveConfig(config); err != nil {
		return err
	}
	if err := m.entry.Save(st); err != nil {
		return err
	}
	if st.Dirs, err = spawn.MakeDirs(p.Outside.Dirs); err != nil {
		return err
	}
	cfg := &spawn.Config{Parent: m, Limits: c.program.Limits, Keep: keep, Terminal: m.giveTerminal, Made: m.exists, Hook: m.hook}
	cfg.Printed = func(int, int) error { return nil }
	cfg.Created = func(int) error { return m.created(cfg.Detached.Length) }
	cfg.Listener = m.listener
	switch how {
	case attached:
		return m.attach(cfg)
	case waiting:
		cfg.Detached = &spawn.Detached{}
		if cfg.Detached.Socket, err = kernel.ListenPackets(m.entry.Dir(), state.Socket); err != nil {
			return err
		}
		defer kernel.Close(cfg.Detached.Socket)
	}
	pid, err := spawn.Start(p, cfg)
	if err != nil || how == waiting {
		return err
	}
	if st.Process.PID != pid {
		return spawn.ErrCancelled
	}
	st.Status = state.Running
	if err := m.entry.Save(st); err != nil {
		return err
	}
	if err := c.poststart(p, st); err != nil {
		return err
	}
	return m.writePidFile()
}

// Announce is for spawn.Start. The process waits, and dies with us until it is created.
func (m *maker) Announce(pid int, first bool) error {
	m.state.Process = state.This(pid)
	if first {
		return nil
	}
	return m.entry.Save(m.state)
}

// Group notes what is to be removed with the container.
func (m *maker) Group(_ int, made []string) error {
	m.state.Groups = made
	return m.entry.Save(m.state)
}

// LifeLine is none: the container lives on without us.
func (m *maker) LifeLine() int { return -1 }

// created is the last that create does: from here on the container needs nobody.
func (m *maker) created(length int) error {
	m.state.Status, m.state.Program = state.Created, length
	if err := m.writePidFile(); err != nil {
		return err
	}
	return m.entry.Save(m.state)
}

func (m *maker) writePidFile() error {
	if m.pidFile == "" {
		return nil
	}
	return kernel.WriteFile(m.pidFile, []byte(strconv.Itoa(m.state.Process.PID)), 0o644)
}

// exists is the moment from which on there are poststop hooks to be run.
func (m *maker) exists() error {
	m.state.Made = true
	return m.entry.Save(m.state)
}

func (m *maker) hook(h *plan.Hook, at spawn.HookPoint) error {
	status := state.Creating
	if h.Kind == plan.StartContainer {
		status = state.Created
	}
	r := m.call.runner(m.state)
	defer r.Close()
	r.Gone = at.Sync
	return r.Run(h, string(status), &hooks.Container{Plan: m.plan, PID: at.PID, Root: at.Root, Group: at.Group})
}

func (m *maker) listener(path, metadata string, pid, listener int) error {
	h := hooksState(m.state)
	return agent.Pass(&h, path, metadata, string(m.state.Status), pid, pid, listener)
}

// giveTerminal gives the master of the container's terminal to who waits for it: one message, with the descriptor.
func (m *maker) giveTerminal(master int) error {
	defer kernel.Close(master)
	m.terminal = true
	return sendTerminal(m.console, master)
}

func sendTerminal(path string, master int) error {
	socket, err := kernel.ConnectUnix(path)
	if err != nil {
		return &plan.Error{Where: "--console-socket", Reason: err.Error()}
	}
	defer kernel.Close(socket)
	name := "/dev/ptmx"
	if n, err := kernel.ReadLink("/proc/self/fd/" + strconv.Itoa(master)); err == nil {
		name = n
	}
	if _, err := kernel.SendFD(socket, []byte(name), master); err != nil {
		return &plan.Error{Where: "--console-socket", Reason: err.Error()}
	}
	return nil
}

// undo leaves nothing of a container that could not be made.
func (m *maker) undo(why error) {
	if m.pidFile != "" && m.state.Status != state.Creating {
		_ = kernel.Unlink(m.pidFile)
	}
	if err := m.call.takeAway(m.entry, m.state); err != nil {
		m.call.warn(err.Error())
	}
}
