// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import "gojail/src/plan"

var runVerb = verb{name: "run", args: "ID", about: "make a container and start it",
	options: append([]option{
		{long: "detach", short: 'd', about: "do not wait for its end"},
		{long: "keep", about: "what is known of it stays when it has ended (delete takes it away)"},
	}, making...),
	run: func(c *call) error {
		id, err := c.id()
		switch {
		case err != nil:
			return err
		case !c.has("detach"):
			return &plan.Error{Reason: "in the foreground: not yet (add --detach)"}
		}
		return c.create(id, false)
	}}
