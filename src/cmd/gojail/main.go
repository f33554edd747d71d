// SPDX-License-Identifier: LGPL-2.1-only

// Gojail is one binary with several names: what it is called as says what it does.
//
// Synopsis:
//
//	ujail [OPTIONS] -- COMMAND [ARGS]     run a program in a jail, or an OCI bundle (-J)
//	uxc VERB [OPTIONS] ID                 an OCI runtime
//	gojail plan BUNDLE                    print what starting a bundle would do
//	gojail plan -- [UJAIL OPTIONS] -- COMMAND [ARGS]
//	gojail plan --exec [OPTIONS] BUNDLE COMMAND [ARGS]
//	uci2oci check|generate|show|diff      OCI bundles of /etc/config/container
//	gojail check [-c DIR] [--json]        what this host has and lacks for containers
//	gojail up [-c DIR] [NAME...]          run containers in the foreground, without procd
//	gojail features                       print what is supported, as the OCI runtime-spec has it
//	gojail version | help
//	containers list | call METHOD         what rpcd asks for the web interface
//	jailnet status [--json] [CONTAINER] | up CONTAINER | down CONTAINER | repair
//
// jailnet-lease is what udhcpc calls with a lease.
package main

import (
	"syscall"

	"gojail/src/kernel"
	"gojail/src/resident"
	"gojail/src/spawn"
)

// version is set by the Makefile.
var version = "unknown"

// stdio is where an applet writes.
type stdio struct{ out, err func(string) }

func main() {
	spawn.Inherit(resident.Awake())
	io := stdio{func(s string) { _ = kernel.WriteAll(1, "stdout", []byte(s)) }, complain}
	syscall.Exit(run(resident.Args(), resident.Environ(syscall.Environ()), io))
}

// complain writes to stderr. That nobody reads must not end a start.
func complain(s string) { _ = kernel.WriteAll(2, "stderr", []byte(s)) }

// run is main with its surroundings as arguments.
func run(args, env []string, io stdio) int {
	name, program := "gojail", ""
	if len(args) > 0 {
		name, program = base(args[0]), args[0]
		args = args[1:]
	}
	switch name {
	case "ujail":
		if resident.Mode() == resident.Plain {
			io.err("ujail: this binary was linked without -E jail_entry and cannot supervise: build it with make\n")
			return 2
		}
		return ujail(args, env, io)
	case "containers":
		return containers(args, io)
	case "uci2oci":
		return uci2oci(args, io)
	case "uxc":
		return runtime(args, env, io)
	case "gojail":
		return gojail(args, env, io)
	case "jailnet":
		return network(args, io)
	case "jailnet-lease":
		return lease(program, args, env, io)
	}
	io.err(line(name, "", "no such applet; there are: containers, gojail, jailnet, uci2oci, ujail, uxc"))
	return 2
}

func base(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}
