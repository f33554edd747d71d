// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"errors"
	"strconv"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/agent"
	"gojail/src/hostfs"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/spawn"
	"gojail/src/spec"
	"gojail/src/state"
	"gojail/src/supervise"
)

var execVerb = verb{name: "exec", args: "ID COMMAND [ARGS]", about: "run a process in a container that runs",
	options: []option{
		{long: "process", short: 'p', value: "FILE", about: "a process object of runtime-spec says what is run, and how"},
		{long: "tty", short: 't', about: "with a terminal"},
		{long: "env", short: 'e', value: "NAME=VALUE", many: true, about: "added to the environment"},
		{long: "cwd", short: 'w', value: "DIR", about: "working directory"},
		{long: "user", short: 'u', value: "UID[:GID]", about: "who it is; names are those of the container"},
		{long: "additional-gids", short: 'g', value: "GID", many: true, about: "groups it is in as well"},
		{long: "cap", short: 'c', value: "CAP", many: true, about: "a capability more"},
		{long: "no-new-privs", about: "it can gain no privileges"},
		{long: "detach", short: 'd', about: "do not wait for its end"},
		{long: "pid-file", value: "FILE", about: "its pid is written there"},
		{long: "console-socket", value: "SOCKET", about: "who gets the master of its terminal"},
		{long: "preserve-fds", value: "N", about: "so many descriptors from 3 on are its own"},
		{long: "ignore-paused", about: "also if the container is paused: it runs when that goes on"},
		{long: "process-label", value: "LABEL", about: "refused: OpenWrt has no SELinux"},
		{long: "apparmor", value: "PROFILE", about: "refused: OpenWrt has no AppArmor"},
	},
	run: (*call).exec}

func (c *call) exec() error {
	if len(c.args) == 0 {
		return usage("an ID is missing")
	}
	st, err := state.Load(c.root, c.args[0])
	if err != nil {
		return err
	}
	switch now := st.Now(c.root); {
	case now == state.Running || now == state.Paused && c.has("ignore-paused"):
	case now == state.Stopped:
		return notRunning(st.ID)
	default:
		return wrongState(st.ID, "exec in", now)
	}
	s, err := c.kept(st.ID)
	if err != nil {
		return err
	}
	running := plan.RunningFrom(s, plan.Bundle{Name: st.ID, Dir: st.Bundle, Ujail: st.Ujail})
	running.Inherit = true
	p, err := c.process(running, st)
	if err != nil {
		return err
	}
	keep, err := c.keep(&specs.Spec{Process: p})
	if err != nil {
		return err
	}
	todo, err := running.Exec(p)
	if err != nil {
		return err
	}
	for _, w := range todo.Warnings {
		c.warn(w)
	}
	return c.execute(st, todo, p.Terminal, keep)
}

// process is what is asked for.
func (c *call) process(running *plan.Running, st *state.State) (p *specs.Process, err error) {
	file := c.value("process", "")
	switch {
	case file != "" && len(c.args) > 1:
		return nil, usage("--process says what is run: the command is too much")
	case file == "" && len(c.args) == 1:
		return nil, usage("a command is missing")
	case file != "":
		b, err := kernel.ReadFile(file, spec.MaxSize)
		if err != nil {
			return nil, err
		}
		if p, err = spec.DecodeProcess(b); err == nil {
			err = spec.ValidateProcess(p)
		}
		if err != nil {
			return nil, &plan.Error{Where: file, Reason: err.Error()}
		}
	default:
		q := &plan.Request{Args: c.args[1:], Env: c.values["env"], Cwd: c.value("cwd", ""), User: c.value("user", ""), Caps: c.values["cap"]}
		if p, err = running.Process(q, hostfs.FS("/proc/"+strconv.Itoa(st.Process.PID)+"/root")); err != nil {
			return nil, err
		}
	}
	for _, text := range c.values["additional-gids"] {
		for g := range strings.SplitSeq(text, ",") {
			gid, err := strconv.ParseUint(g, 10, 32)
			if err != nil {
				return nil, usage("--additional-gids " + text + ": numbers are wanted")
			}
			p.User.AdditionalGids = append(p.User.AdditionalGids[:len(p.User.AdditionalGids):len(p.User.AdditionalGids)], uint32(gid))
		}
	}
	p.Terminal = p.Terminal || c.has("tty")
	p.NoNewPrivileges = p.NoNewPrivileges || c.has("no-new-privs")
	if l := c.value("process-label", ""); l != "" {
		p.SelinuxLabel = l
	}
	if a := c.value("apparmor", ""); a != "" {
		p.ApparmorProfile = a
	}
	return p, nil
}

// execParent is the spawn.Parent of a process in a container.
type execParent struct{ pid int }

func (e *execParent) Announce(pid int, first bool) error {
	if !first {
		e.pid = pid
	}
	return nil
}

func (e *execParent) Group(int, []string) error { return nil }

func (e *execParent) LifeLine() int { return -1 }

func (c *call) execute(st *state.State, todo *plan.Plan, terminal bool, keep int) error {
	console := c.value("console-socket", "")
	switch {
	case terminal && console == "" && !c.program.Attached:
		return &plan.Error{Where: "--tty", Reason: "there is nobody to give the terminal to (add --console-socket)"}
	case !terminal && console != "":
		return usage("--console-socket: there is no terminal (add --tty)")
	case c.program.Attached && console != "":
		return usage("--console-socket: is for --detach")
	case c.program.Attached && keep > 0:
		return &plan.Error{Where: "--preserve-fds", Reason: "is for --detach, and so is LISTEN_FDS"}
	}
	pidfd, err := kernel.PidfdOpen(st.Process.PID)
	if err != nil || !st.Process.Alive() {
		return notRunning(st.ID)
	}
	defer kernel.Close(pidfd)
	parent := &execParent{}
	cfg := &spawn.Config{Parent: parent, Limits: c.program.Limits, Keep: keep, Pidfd: pidfd, Stdio: -1, Cgroup: -1}
	cfg.Terminal = func(master int) error {
		defer kernel.Close(master)
		return sendTerminal(console, master)
	}
	cfg.Listener = func(path, metadata string, pid, listener int) error {
		h := hooksState(st)
		return agent.Pass(&h, path, metadata, string(state.Running), st.Process.PID, pid, listener)
	}
	if g, err := groupOf(st); err == nil {
		defer g.Close()
		cfg.Cgroup = g.FD()
	}
	begin := func() error {
		if c.program.Attached {
			a := supervise.Attached{PidFile: c.value("pid-file", "")}
			return a.Run(todo, cfg)
		}
		_, err := spawn.Start(todo, cfg)
		return err
	}
	err = begin()
	if cfg.Cgroup >= 0 && errors.Is(err, syscall.EBUSY) {
		// The container has made groups of its own, for which its own has to be empty: then that of its process is right.
		group, gerr := kernel.CgroupOf(st.Process.PID)
		if gerr != nil {
			return gerr
		}
		defer group.Close()
		cfg.Cgroup = group.FD()
		err = begin()
	}
	if err != nil {
		return err
	}
	if file := c.value("pid-file", ""); file != "" && !c.program.Attached {
		return kernel.WriteFile(file, []byte(strconv.Itoa(parent.pid)), 0o644)
	}
	return nil
}
