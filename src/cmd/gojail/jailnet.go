// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"strings"

	"gojail/src/jailnet"
)

const networkUsage = `jailnet: the networks of containers

  jailnet status [--json] [CONTAINER]   interfaces, addresses, what they are connected to, counters
  jailnet down CONTAINER                pull the cable: the host's ends are set down
  jailnet up CONTAINER                  connect them again, to a bridge that was made anew as well
  jailnet repair                        take away what dead containers have left, and connect the others again
`

// network is the applet jailnet.
func network(args []string, io stdio) int {
	command, rest := "", args
	if len(args) > 0 {
		command, rest = args[0], args[1:]
	}
	var err error
	switch {
	case command == "status" && len(rest) <= 2:
		asJSON, only := false, ""
		for _, a := range rest {
			switch {
			case a == "--json" || a == "-j":
				asJSON = true
			case strings.HasPrefix(a, "-") || only != "":
				io.err(networkUsage)
				return 2
			default:
				only = a
			}
		}
		var list []jailnet.Status
		if list, err = jailnet.List(only); err != nil {
			break
		}
		if asJSON {
			io.out(jailnet.JSON(list))
		} else {
			io.out(jailnet.Text(list))
		}
		if only != "" && len(list) == 0 {
			io.err(line("jailnet", only, "no container of that name has a network of its own here"))
			return 1
		}
	case command == "up" && len(rest) == 1:
		err = jailnet.Connect(rest[0])
	case command == "down" && len(rest) == 1:
		err = jailnet.Disconnect(rest[0])
	case command == "repair" && len(rest) == 0:
		err = jailnet.Repair(func(s string) { io.out(s + "\n") })
	case command == "--help" || command == "-h" || command == "help":
		io.out(networkUsage)
	default:
		io.err(networkUsage)
		return 2
	}
	if err != nil {
		io.err(line("jailnet", "", err.Error()))
		return 1
	}
	return 0
}

// lease is what udhcpc calls: by a link in the container's directory, with what has happened as its argument and the lease in its
// environment.
func lease(program string, args, env []string, io stdio) int {
	if len(args) == 0 {
		io.err(line("jailnet-lease", "", "is for udhcpc to call"))
		return 2
	}
	get := func(name string) string {
		for _, e := range env {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value
			}
		}
		return ""
	}
	dir, _, _ := cutLast(program)
	if err := jailnet.Apply(dir, args[0], get); err != nil {
		io.err(line("jailnet-lease", base(dir), err.Error()))
		return 1
	}
	return 0
}

func cutLast(path string) (dir, name string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
