// SPDX-License-Identifier: LGPL-2.1-only

// Package supervise is what a worker does for each event in a container's life: start it, and clean up when it has ended. The
// process that lives as long as the container is package resident's; a worker lives for milliseconds.
package supervise

import (
	"runtime"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/slim"
	"gojail/src/spawn"
	"gojail/src/spec"
	"gojail/src/state"
)

// Exit statuses of ujail itself; everything else is the payload's.
const (
	ExitFailed = 1
	ExitUsage  = 2
)

// Logf takes one line for the user, without a newline and without the name of the jail, which it adds.
type Logf func(line string)

// Start is the first worker: it starts the jail that the options describe. Its result is ujail's exit status if that was not
// possible, and 0 if the payload runs.
func Start(o *slim.Options, env []string, logf Logf) int {
	say := func(s string) { logf(plan.Message(s)) }
	if !kernel.IsRoot() {
		say("must be run as root")
		return ExitFailed
	}
	if major, minor, text := kernel.Release(); !newEnough(major, minor) {
		say("this kernel is Linux " + text + ": at least 5.15 is needed (OpenWrt 23.05 and later have it)")
		return ExitFailed
	}
	p, r, err := planFor(o, env)
	wait := &waiting{record: r, logf: logf, term: terminal{master: -1, tty: -1}}
	if err == nil {
		for _, w := range p.Warnings {
			say("warning: " + w)
		}
		for _, line := range report(p, o.Debug) {
			logf(line)
		}
		if r != nil {
			err = claim(r.name)
		}
		if err == nil {
			err = run(p, o, wait)
		}
		if err == nil && r != nil {
			_ = leave(r) // if this worker does not live to hand over, the next one finds it
			wait.publish(o, state.Running)
			err = wait.poststart(p, wait.pid)
		}
	}
	if err == nil {
		_ = resident.Hurry()
	}
	wait.started(err)
	if err == nil && r == nil {
		wait.term.offer(o.Name)
	}
	if err == nil && r != nil {
		if wait.bus == nil {
			wait.bus = offer(r, logf)
			wait.term.offerTo(wait.bus, r.name)
		}
		if err := handOver(r, wait.bus); err != nil {
			say("warning: the container runs, but is not on the bus: " + err.Error())
		}
	}
	if err == nil || err == spawn.ErrCancelled {
		return 0
	}
	say(err.Error())
	return spawn.ExitStatus(err)
}

// report is what -d shows: from 1 on what a user may wonder about, from 2 on everything.
func report(p *plan.Plan, level int) (lines []string) {
	switch {
	case level > 1:
		lines = strings.Split(strings.TrimSuffix(p.Text(), "\n"), "\n")
	case level > 0:
		for _, n := range p.Notes {
			lines = append(lines, "note: "+plan.Message(n))
		}
	}
	return lines
}

// Plan is the plan for these options.
func Plan(o *slim.Options, env []string) (*plan.Plan, error) {
	p, _, err := planFor(o, env)
	return p, err
}

// planFor is the plan, and of a bundle what the object on the bus tells of it.
func planFor(o *slim.Options, env []string) (*plan.Plan, *record, error) {
	if o.Bundle != "" {
		return bundlePlan(o)
	}
	p, err := slimPlan(o, env)
	return p, nil, err
}

func slimPlan(o *slim.Options, env []string) (*plan.Plan, error) {
	facts := plan.Facts{Files: files(""), Root: files(""), Env: env}
	var err error
	if o.OverlayDir, err = absolute(o.OverlayDir); err != nil {
		return nil, err
	}
	if o.Rootfs, err = absolute(o.Rootfs); err != nil {
		return nil, err
	}
	facts.Root = files(o.Rootfs)
	var c *specs.LinuxCapabilities
	if o.Capabilities != "" {
		b, err := kernel.ReadFile(o.Capabilities, spec.MaxSize)
		if err != nil {
			return nil, err
		}
		if c, err = spec.DecodeCapabilities(b); err != nil {
			return nil, &plan.Error{Where: o.Capabilities, Reason: err.Error()}
		}
	}
	var p *specs.LinuxSeccomp
	if o.Seccomp != "" {
		b, err := kernel.ReadFile(o.Seccomp, spec.MaxSize)
		if err != nil {
			return nil, err
		}
		t := spec.Target{Arch: runtime.GOARCH}
		if c != nil {
			t.Holds = func(capability string) bool { return slices.Contains(c.Bounding, capability) }
		}
		if p, err = spec.DecodeSeccomp(b, t); err != nil {
			return nil, &plan.Error{Where: "-S " + o.Seccomp, Reason: err.Error()}
		}
	}
	return plan.FromSlim(o, c, p, facts)
}

func bundlePlan(o *slim.Options) (*plan.Plan, *record, error) {
	var err error
	if o.OverlayDir, err = absolute(o.OverlayDir); err != nil {
		return nil, nil, err
	}
	dir, err := absolute(o.Bundle)
	if err != nil {
		return nil, nil, err
	}
	file := dir + "/config.json"
	b, err := kernel.ReadFile(file, spec.MaxSize)
	if err != nil {
		return nil, nil, err
	}
	s, err := spec.Decode(b)
	if err == nil {
		err = spec.Validate(s)
	}
	if err != nil {
		return nil, nil, &plan.Error{Where: file, Reason: err.Error()}
	}
	p, err := plan.FromSpec(s, asked(s, o, dir))
	if err != nil {
		return nil, nil, &plan.Error{Where: file, Reason: err.Error()}
	}
	r := &record{name: o.Name, bundle: dir, version: s.Version, config: spec.Compact(b)}
	for _, op := range p.Ops {
		if root, ok := op.(plan.Root); ok {
			r.rootfs = root.Source
		}
	}
	for k, v := range s.Annotations {
		r.annotations = append(r.annotations, annotation{k, v})
	}
	slices.SortFunc(r.annotations, func(a, b annotation) int { return strings.Compare(a.key, b.key) })
	return p, r, nil
}

// asked is how ujail's options want a bundle run, as far as they do not change its configuration.
func asked(s *specs.Spec, o *slim.Options, dir string) plan.Bundle {
	if o.NoNewPrivs {
		s.Process.NoNewPrivileges = true
	}
	if o.Console {
		s.Process.Terminal = true
	}
	return plan.Bundle{Name: o.Name, Dir: dir, Ujail: true, Wait: !o.Immediately, OverlayDir: o.OverlayDir, TmpOverlay: o.TmpOverlaySize}
}

// parent is the resident as package spawn wants it.
type parent struct {
	killMS  uint32
	pidFile string
	written bool                        // the pid file
	pid     int                         // of the payload
	first   bool                        // it only makes the next one
	cgroup  string                      // where the container's is; "": it has none
	groups  []string                    // the directories that are removed with it
	made    func(groups []string) error // if it is not nil: told of them
}

// Announce also writes the pid file: before the payload runs, so that who waits for it finds the file.
func (p *parent) Announce(pid int, first bool) error {
	p.pid = pid
	if err := resident.Announce(pid, p.killMS, first); err != nil || first {
		return err
	}
	return p.writePidFile()
}

func (p *parent) writePidFile() error {
	if p.pidFile == "" {
		return nil
	}
	p.written = true
	return kernel.WriteFile(p.pidFile, []byte(itoa(p.pid)+"\n"), 0o644)
}

// maker is the resident where it can make the payload's process itself.
type maker struct{ *parent }

func (p maker) Make(flags uint32, sync, cgroup int, first bool) error {
	p.first = first
	return resident.Make(flags, sync, cgroup, p.killMS, first)
}

func (p maker) Ahead() bool { return p.pidFile == "" }

func (p maker) Made() (pid int, moved bool, err error) {
	if pid, moved, err = resident.Made(); err != nil {
		return 0, false, err
	}
	p.pid = pid
	if !p.first {
		err = p.writePidFile()
	}
	return pid, moved, err
}

func (p maker) Give(sync, file int, addr uintptr, size, insns, data int, fds []int) error {
	return resident.Give(sync, file, addr, size, insns, data, fds)
}

// removePidFile is for a start that failed: the file names a process that is no more. What was not written by us, or is no file
// (/dev/null), stays.
func (p *parent) removePidFile() {
	if !p.written {
		return
	}
	if r, err := kernel.OpenRegular("", p.pidFile); err == nil && r != nil {
		r.Close()
		_ = kernel.Unlink(p.pidFile)
	}
}

func (p *parent) LifeLine() int { return resident.LifeLine() }

func run(p *plan.Plan, o *slim.Options, wait *waiting) (err error) {
	if len(plan.Leftovers(o)) > 0 || wait.record != nil && wait.onFailure() {
		if err := resident.WantStopped(0); err != nil {
			return err
		}
	}
	made, err := spawn.MakeDirs(p.Outside.Dirs)
	defer func() {
		if err != nil {
			spawn.Unmake(made)
		}
	}()
	if err != nil {
		return err
	}
	parent := &parent{killMS: uint32(o.TermTimeout) * 1000, pidFile: o.PidFile}
	wait.parent = parent
	status := stateCreating
	cfg := &spawn.Config{Parent: parent, Limits: originalLimits(), Terminal: wait.term.made}
	if resident.CanMake() {
		cfg.Parent = maker{parent}
	}
	cfg.Created = func(sync int) error {
		status = stateCreated
		wait.publish(o, state.Created)
		return wait.created(parent.pid, sync)
	}
	cfg.Listener = func(path, metadata string, pid, listener int) error {
		return wait.passListener(path, metadata, status, pid, pid, listener)
	}
	cfg.Printed = func(stdout, stderr int) error {
		if err := resident.Hold(resident.Stdout, stdout); err != nil {
			return err
		}
		return resident.Hold(resident.Stderr, stderr)
	}
	if err = wait.network(p, o, cfg); err != nil {
		return err
	}
	cfg.Made = func() error { return wait.exists(p.Poststop) }
	cfg.Hook = func(h *plan.Hook, at spawn.HookPoint) error { return wait.hook(p, h, at) }
	wait.pid, err = spawn.Start(p, cfg)
	if err != nil {
		parent.removePidFile()
		return err
	}
	if o.Debug > 0 {
		wait.logf("note: runs as process " + itoa(wait.pid))
	}
	return resident.Started()
}

// originalLimits are those that the caller of ujail had set.
func originalLimits() (list []plan.Rlimit) {
	names := [...]string{"nofile", "as", "data", "fsize"}
	for i, l := range resident.Limits() {
		list = append(list, plan.Rlimit{Name: names[i], Resource: l.Resource, Soft: l.Soft, Hard: l.Hard})
	}
	return list
}

// Stopped is the worker that runs when the container has ended.
func Stopped(o *slim.Options, logf Logf) int {
	if err := endGroup(); err != nil {
		logf(plan.Message(err.Error()))
	}
	for _, d := range plan.Leftovers(o) {
		_ = kernel.Rmdir(d.Path) // one that holds something is somebody's
	}
	endNetwork(o)
	noRespawn(logf)
	poststop(logf)
	return 0
}

// newEnough: openat2, close_range with CLOSE_RANGE_CLOEXEC, mount_setattr with nosymfollow, clone3 into a cgroup, cgroup.kill.
func newEnough(major, minor int) bool { return major > 5 || major == 5 && minor >= 15 }

func absolute(path string) (string, error) {
	if path == "" || path[0] == '/' {
		return path, nil
	}
	wd, err := kernel.Getwd()
	if err != nil {
		return "", err
	}
	return wd + "/" + path, nil
}
