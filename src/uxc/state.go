// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"strconv"

	"gojail/src/spec"
	"gojail/src/state"
)

var stateVerb = verb{name: "state", args: "ID", about: "print the state of a container as JSON", run: func(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	st, err := state.Load(c.root, id)
	if err != nil {
		return err
	}
	c.io.Out(string(stateJSON(st, st.Now(c.root), "\n  ")) + "\n")
	return nil
}}

// stateJSON is the state as runtime-spec's runtime.md has it, with what runc adds. before stands before each member.
func stateJSON(st *state.State, now state.Status, before string) []byte {
	b := append(make([]byte, 0, 1024), '{')
	comma := ""
	key := func(k string) {
		b = append(append(append(b, comma...), before...), '"')
		b = append(append(b, k...), '"', ':')
		if before != "" {
			b = append(b, ' ')
		}
		comma = ","
	}
	text := func(k, v string) {
		key(k)
		b = spec.AppendJSON(b, v)
	}
	text("ociVersion", st.OCI)
	text("id", st.ID)
	pid := st.Process.PID
	if now == state.Stopped || now == state.Creating {
		pid = 0
	}
	key("pid")
	b = strconv.AppendInt(b, int64(pid), 10)
	text("status", string(now))
	text("bundle", st.Bundle)
	text("rootfs", st.Rootfs)
	text("created", st.Time())
	text("owner", "")
	if len(st.Annotations) > 0 {
		key("annotations")
		for i, a := range st.Annotations {
			b = spec.AppendJSON(append(b, "{,"[min(i, 1)]), a.Key)
			b = spec.AppendJSON(append(b, ':'), a.Value)
		}
		b = append(b, '}')
	}
	if before != "" {
		b = append(b, '\n')
	}
	return append(b, '}')
}
