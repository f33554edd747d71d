// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"strconv"
	"strings"

	"gojail/src/state"
)

var listVerb = verb{name: "list", about: "list the containers",
	options: []option{
		{long: "format", short: 'f', value: "table|json", about: "how they are listed (default: table)"},
		{long: "quiet", short: 'q', about: "IDs alone"},
	},
	run: func(c *call) error {
		if len(c.args) > 0 {
			return usage("takes no arguments")
		}
		list, err := state.List(c.root)
		if err != nil {
			return err
		}
		switch f := c.value("format", "table"); {
		case c.has("quiet"):
			for _, st := range list {
				c.io.Out(st.ID + "\n")
			}
		case f == "json":
			b := []byte{'['}
			for i, st := range list {
				if i > 0 {
					b = append(b, ',')
				}
				b = append(b, stateJSON(st, st.Now(c.root), "")...)
			}
			c.io.Out(string(b) + "]\n")
		case f == "table":
			rows := [][]string{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}}
			for _, st := range list {
				pid, now := st.Process.PID, st.Now(c.root)
				if now == state.Stopped {
					pid = 0
				}
				rows = append(rows, []string{st.ID, strconv.Itoa(pid), string(now), st.Bundle, st.Time(), "root"})
			}
			c.io.Out(table(rows))
		default:
			return usage("--format " + f + ": it is table or json")
		}
		return nil
	}}

// table has the columns below each other.
func table(rows [][]string) string {
	var width []int
	for _, row := range rows {
		for i, s := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], len(s))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, s := range row {
			b.WriteString(s)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-len(s)+2))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
