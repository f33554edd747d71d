// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"errors"

	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/slim"
	"gojail/src/supervise"
)

// ujail is procd's jail starter, with the command line of the C one.
func ujail(args, env []string, io stdio) int {
	logf := func(s string) { io.err(line("ujail", resident.Name(), s)) }
	o, err := slim.Parse(args)
	if err != nil {
		logf(err.Error())
		var u *slim.UsageError
		if errors.As(err, &u) {
			return supervise.ExitUsage
		}
		return supervise.ExitFailed
	}
	switch {
	case o.Help:
		io.out(slim.Usage())
		return 0
	case o.Version:
		io.out("ujail (gojail) " + version + "\n")
		return 0
	case resident.Mode() == resident.Stopped:
		return supervise.Stopped(o, logf)
	case resident.Mode() == resident.Event:
		return supervise.Event(o, logf)
	}
	return supervise.Start(o, env, logf)
}

// line is a message as it goes to stderr: of the jail, if it has a name, and one line whatever it quotes.
func line(applet, jail, s string) string {
	if jail != "" {
		s = jail + ": " + s
	}
	return plan.Line(applet+": "+s) + "\n"
}
