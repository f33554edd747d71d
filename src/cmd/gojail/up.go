// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	goruntime "runtime"
	"syscall"

	"gojail/src/config"
	"gojail/src/foreground"
	"gojail/src/host"
	"gojail/src/kernel"
)

// self is this program, for another process.
const self = "/proc/self/exe"

// catch is the shell's part of up: it turns the signals that end a program into those that Go can be told to wait for.
const catch = `trap 'kill -USR1 $p' INT; trap 'kill -USR2 $p' TERM HUP
"$0" up --caught "$@" & p=$!
while :; do wait $p; s=$?; kill -0 $p 2>/dev/null || exit $s; done`

// up runs the configured containers here, without procd.
func up(args, env []string, io stdio) int {
	if len(args) == 0 || args[0] != "--caught" {
		io.err(line("gojail", "", "up: "+caught(args, env).Error()))
		return 1
	}
	args = args[1:]
	if err := kernel.EndWithParent(foreground.Terminate); err != nil {
		io.err(line("gojail", "", "up: "+err.Error()))
		return 1
	}
	g := &generation{io: io, name: "gojail"}
	switch {
	case !g.options(args):
		return 2
	case !kernel.IsRoot():
		g.complain("up: must be run as root")
		return 1
	case !g.load():
		return 1
	}
	var units []foreground.Unit
	for _, c := range g.asked() {
		if b := g.bundle(c); b != nil {
			b.Foreground()
			path, _, err := host.Put(g.out, b)
			if err != nil {
				g.errors(err)
				continue
			}
			units = append(units, foreground.Unit{Container: c, Bundle: path})
		}
	}
	status := 1
	if !g.failed {
		status = foreground.Run(units, self, env, foreground.Output{Out: func(s string) { io.out(s + "\n") }, Err: func(s string) { io.err(s + "\n") }})
	}
	for _, u := range units {
		host.Clean(u.Bundle)
	}
	return status
}

// caught executes the shell.
func caught(args, env []string) error {
	var path [4096]byte
	n, err := syscall.Readlink(self, path[:])
	if err != nil {
		return err
	}
	goruntime.LockOSThread()
	if err := kernel.BlockSignals(foreground.Interrupt, foreground.Terminate); err != nil {
		return err
	}
	return syscall.Exec("/bin/sh", append([]string{"sh", "-c", catch, string(path[:n])}, args...), env)
}

// asked are the containers that were named, with those that they need; without names those that are enabled.
func (g *generation) asked() (list []*config.Container) {
	want := map[*config.Container]bool{}
	var need func(c *config.Container)
	need = func(c *config.Container) {
		if !want[c] {
			want[c] = true
			for _, o := range c.After {
				need(o)
			}
		}
	}
	for _, c := range g.chosen() {
		if len(g.names) > 0 || c.Bool("enabled") {
			need(c)
		}
	}
	for _, c := range g.cfg.Ordered() {
		if want[c] {
			list = append(list, c)
		}
	}
	if len(list) == 0 && !g.failed {
		g.complain("up: there is no container to run")
	}
	return list
}
