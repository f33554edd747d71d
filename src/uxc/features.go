// SPDX-License-Identifier: LGPL-2.1-only

package uxc

var featuresVerb = verb{name: "features", about: "print what is supported, as JSON", run: func(c *call) error {
	c.io.Out(c.program.Features())
	return nil
}}
