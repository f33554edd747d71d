// SPDX-License-Identifier: LGPL-2.1-only

package main

import "gojail/src/rpcd"

// containers is the applet that rpcd calls as /usr/libexec/rpcd/containers, and that calls itself for what takes its time.
func containers(args []string, out stdio) int {
	switch {
	case len(args) == 1 && args[0] == "list":
		out.out(rpcd.Methods())
		return 0
	case len(args) == 2 && args[0] == "call":
		input, err := rpcd.Input(0)
		if err != nil {
			out.err(line("containers", args[1], err.Error()))
			return 1
		}
		answer, ok := rpcd.Router().Call(args[1], input)
		if !ok {
			out.err(line("containers", args[1], "no such method"))
			return 2
		}
		out.out(answer)
		return 0
	case len(args) == 3 && args[0] == "job":
		if err := rpcd.Router().Job(args[1], args[2]); err != nil {
			out.err(line("containers", args[2], err.Error()))
			return 1
		}
		return 0
	}
	out.err("containers is what rpcd asks for the web interface: containers list | call METHOD\n")
	return 2
}
