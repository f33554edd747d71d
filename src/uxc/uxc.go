// SPDX-License-Identifier: LGPL-2.1-only

// Package uxc is the command of that name: an OCI runtime, with the command line that runc and crun have, whose containers need nobody of
// ours while they live. A verb is a file, and a line in the table.
//
// What a container is made of, and how, is not here but in packages plan and spawn; what is known of it while it lives in package state.
package uxc

import (
	"errors"
	"strings"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/spawn"
	"gojail/src/state"
)

// IO is where the command writes.
type IO struct{ Out, Err func(string) }

// Program is what the command has to know of the program that it is part of.
type Program struct {
	Version  string
	Features func() string // for the verb of that name
	Limits   []plan.Rlimit // those of the caller, as far as the program has changed them for itself
	// Attached: a resident of ours is the parent, and what runs in the foreground is its child. Ended: that has ended.
	Attached, Ended bool
}

// Exit statuses of the command itself.
const (
	exitFailed = 1
	exitUsage  = 2
)

// verb is one of the command's.
type verb struct {
	name, args, about string
	options           []option
	run               func(c *call) error
}

// verbs are in the order of the help text.
func verbs() []verb {
	return []verb{
		createVerb, startVerb, runVerb, stateVerb, killVerb, deleteVerb, execVerb, psVerb, listVerb, pauseVerb, resumeVerb, updateVerb, eventsVerb,
		featuresVerb, specVerb, refusedVerb("checkpoint"), refusedVerb("restore"),
	}
}

// globals come before the verb.
var globals = []option{
	{long: "root", value: "DIR", about: "where the state of containers is (default: " + state.Root + ")"},
	{long: "log", value: "FILE", about: "errors and warnings go there as well"},
	{long: "log-format", value: "text|json", about: "how they are written there"},
	{long: "debug", about: "say what may be wondered about"},
	{long: "cgroup-manager", value: "cgroupfs|disabled", about: "disabled: without control groups"},
	{long: "systemd-cgroup", about: "refused: OpenWrt has no systemd"},
	{long: "rootless", value: "WORD", about: "accepted, without a meaning"},
	{long: "criu", value: "PATH", about: "accepted, without a meaning"},
	{long: "version", short: 'v', about: "print the version"},
	{long: "help", short: 'h', about: "this text, or that of a verb"},
}

// call is one run of a verb.
type call struct {
	verb *verb
	parsed
	program *Program
	io      IO
	env     []string
	root    string
	log     logFile
	debug   bool
	cgroups bool // containers get control groups
}

// Run is the command. args are without its own name.
func Run(args, env []string, io IO, p Program) int {
	g, rest, err := parse(globals, args, true)
	if err != nil {
		io.Err("uxc: " + err.Error() + "\n" + usageLine(nil) + "\n")
		return exitUsage
	}
	switch {
	case g.has("version"):
		io.Out("uxc version " + p.Version + "\nspec: 1.3.0\n")
		return 0
	case g.has("help"):
		io.Out(help())
		return 0
	case len(rest) == 0:
		io.Err("uxc: what is to be done?\n" + usageLine(nil) + "\n")
		return exitUsage
	case rest[0] == "help":
		rest = append(rest[1:], "--help")
	}
	list := verbs()
	for i := range list {
		if list[i].name == rest[0] {
			return runVerbOf(&list[i], g, rest[1:], env, io, p)
		}
	}
	if rest[0] == "--help" {
		io.Out(help())
		return 0
	}
	io.Err("uxc: " + plan.Line(rest[0]) + ": no such verb; see uxc --help\n" + usageLine(nil) + "\n")
	return exitUsage
}

func runVerbOf(v *verb, g parsed, args, env []string, io IO, p Program) int {
	own, rest, err := parse(v.options, args, v.name == "exec")
	if errors.Is(err, errHelp) {
		io.Out(verbHelp(v))
		return 0
	}
	c := &call{verb: v, parsed: own, program: &p, io: io, env: env, root: strings.TrimRight(g.value("root", state.Root), "/"), cgroups: true}
	c.args = rest
	if err == nil {
		err = c.global(g)
	}
	if err == nil {
		err = v.run(c)
	}
	var usage *usageError
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		io.Err("uxc: " + v.name + ": " + plan.Message(err.Error()) + "\n" + usageLine(v) + "\n")
		return exitUsage
	}
	text := v.name + ": " + plan.Message(err.Error())
	c.log.write("error", text)
	io.Err("uxc: " + text + "\n")
	if v.name == "run" || v.name == "exec" {
		return spawn.ExitStatus(err)
	}
	return exitFailed
}

// exitStatus is the end of a verb that has said all itself.
type exitStatus int

func (exitStatus) Error() string { return "" }

func (c *call) global(g parsed) (err error) {
	if c.root, err = absolute(c.root); err != nil {
		return err
	}
	c.debug = g.has("debug")
	if c.log.path = g.value("log", ""); c.log.path != "" {
		if c.log.path, err = absolute(c.log.path); err != nil {
			return err
		}
	}
	switch f := g.value("log-format", "text"); f {
	case "text":
	case "json":
		c.log.json = true
	default:
		return usage("--log-format " + f + ": it is text or json")
	}
	switch m := g.value("cgroup-manager", "cgroupfs"); m {
	case "cgroupfs":
	case "disabled":
		c.cgroups = false
	case "systemd":
		return &plan.Error{Where: "--cgroup-manager systemd", Reason: "OpenWrt has no systemd (use cgroupfs)"}
	default:
		return usage("--cgroup-manager " + m + ": it is cgroupfs or disabled")
	}
	if g.has("systemd-cgroup") {
		return &plan.Error{Where: "--systemd-cgroup", Reason: "OpenWrt has no systemd (leave it away)"}
	}
	return nil
}

// id is the only argument of most verbs.
func (c *call) id() (string, error) {
	switch {
	case len(c.args) == 0:
		return "", usage("an ID is missing")
	case len(c.args) > 1:
		return "", usage(plan.Line(c.args[1]) + ": too much")
	}
	return c.args[0], nil
}

// warn says what does not keep the verb from what it does.
func (c *call) warn(text string) {
	text = plan.Message(text)
	c.log.write("warning", text)
	c.io.Err("uxc: warning: " + text + "\n")
}

// note is for --debug.
func (c *call) note(text string) {
	if c.debug {
		text = plan.Message(text)
		c.log.write("debug", text)
		c.io.Err("uxc: " + text + "\n")
	}
}

func absolute(path string) (string, error) {
	if path == "" || path[0] == '/' {
		return path, nil
	}
	wd, err := kernel.Getwd()
	if err != nil {
		return "", err
	}
	if path == "." {
		return wd, nil
	}
	return strings.TrimSuffix(wd, "/") + "/" + strings.TrimPrefix(path, "./"), nil
}

// refusedVerb is one that there is no way to honour.
func refusedVerb(name string) verb {
	return verb{name: name, args: "ID", about: "refused", run: func(*call) error {
		return &plan.Error{Reason: "checkpoints are not supported: OpenWrt has no CRIU"}
	}}
}
