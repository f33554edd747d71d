// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"errors"
	"strings"

	"gojail/src/plan"
	"gojail/src/slim"
	"gojail/src/supervise"
)

const usage = `gojail: containers and jailed services for OpenWrt

  gojail plan BUNDLE                      print what starting an OCI bundle would do; nothing is done
  gojail plan -- [UJAIL OPTIONS] -- COMMAND [ARGS]
                                          the same for a slim jail
  gojail plan --exec [OPTIONS] BUNDLE COMMAND [ARGS]
                                          the same for a process in a container of that bundle that runs; options:
                                          -u USER[:GROUP] -w DIR -e NAME=VALUE -c CAP
  gojail check [-c DIR] [--json] [NAME...]
                                          what this host has and lacks for containers, and for those of UCI's DIR
  gojail up [-c DIR] [-o DIR] [NAME...]   run the containers of UCI's DIR here, without procd, until they end or Ctrl-C
  gojail sync [--start|--stop] [NAME...]  make procd's containers those of /etc/config/container
  gojail import [ROOT]                    print a first /etc/config/container, with the containers of /etc/uxc
  gojail features                         what is supported, as JSON (OCI runtime-spec, features.md)
  gojail version                          print the version
  gojail help                             this text

The same file is ujail where it is called so: see ujail --help; and uci2oci: see uci2oci help.
`

// gojail is the applet of this project's own commands.
func gojail(args, env []string, io stdio) int {
	if len(args) == 0 {
		io.err(usage)
		return 2
	}
	switch args[0] {
	case "plan":
		return printPlan(args[1:], env, io)
	case "check":
		return checkHost(args[1:], io)
	case "up":
		return up(args[1:], env, io)
	case "import":
		return importContainers(args[1:], io)
	case "sync":
		return syncContainers(args[1:], io)
	case "features":
		io.out(features())
	case "version", "--version", "-V":
		io.out("gojail " + version + "\n")
	case "help", "--help", "-h":
		io.out(usage)
	default:
		io.err(line("gojail", "", args[0]+": no such command; see gojail help"))
		return 2
	}
	return 0
}

func printPlan(args, env []string, io stdio) int {
	var o *slim.Options
	var err error
	switch {
	case len(args) > 0 && args[0] == "--exec":
		return printExec(args[1:], io)
	case len(args) > 1 && args[0] == "--":
		o, err = slim.Parse(args[1:])
	case len(args) == 1 && !strings.HasPrefix(args[0], "-"):
		o = &slim.Options{Bundle: args[0], Name: base(strings.TrimRight(args[0], "/"))}
	default:
		io.err("gojail: usage: gojail plan BUNDLE, or gojail plan -- [UJAIL OPTIONS] -- COMMAND [ARGS], or gojail plan --exec [OPTIONS] BUNDLE COMMAND\n")
		return 2
	}
	if err == nil {
		p, perr := supervise.Plan(o, env)
		if perr == nil {
			io.out(p.Text())
			return 0
		}
		err = perr
	}
	var u *slim.UsageError
	io.err(line("gojail", "plan", plan.Message(err.Error())))
	if errors.As(err, &u) {
		return 2
	}
	return 1
}

func printExec(args []string, io stdio) int {
	q, err := plan.ParseRequest(args)
	if err == nil && len(q.Args) < 2 {
		err = &plan.Error{Reason: "a bundle and a command are wanted"}
	}
	if err != nil {
		io.err("gojail: plan --exec: " + plan.Message(err.Error()) + "\n")
		return 2
	}
	bundle := q.Args[0]
	q.Args = q.Args[1:]
	p, err := supervise.ExecPlan(&slim.Options{Bundle: bundle, Name: base(strings.TrimRight(bundle, "/"))}, q)
	if err != nil {
		io.err("gojail: plan --exec: " + plan.Message(err.Error()) + "\n")
		return 1
	}
	io.out(p.Text())
	return 0
}
