// SPDX-License-Identifier: LGPL-2.1-only

package hooks

import (
	"strconv"

	"gojail/src/spec"
)

// A State is what hooks are told of their container.
type State struct {
	Version, ID, Bundle string
	Annotations         []Annotation
}

// An Annotation is one of config.json's.
type Annotation struct{ Key, Value string }

// JSON is the state as runtime-spec's schema/state-schema.json has it. A pid of 0 is none.
func (s *State) JSON(status string, pid int) []byte {
	b := make([]byte, 0, 512)
	member := func(before, key, value string) {
		b = spec.AppendJSON(append(b, before...), key)
		b = spec.AppendJSON(append(b, ':'), value)
	}
	member("{", "ociVersion", s.Version)
	member(",", "id", s.ID)
	member(",", "status", status)
	if pid > 0 {
		b = strconv.AppendInt(append(b, `,"pid":`...), int64(pid), 10)
	}
	member(",", "bundle", s.Bundle)
	if len(s.Annotations) > 0 {
		before := `,"annotations":{`
		for _, a := range s.Annotations {
			member(before, a.Key, a.Value)
			before = ","
		}
		b = append(b, '}')
	}
	return append(b, '}', '\n')
}
