// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"gojail/src/agent"
	"gojail/src/hooks"
)

func (r *record) passListener(path, metadata, status string, container, pid, listener int) error {
	s := r.state()
	return agent.Pass(&s, path, metadata, status, container, pid, listener)
}

// state is what hooks and agents are told of the container.
func (r *record) state() hooks.State {
	s := hooks.State{Version: r.version, ID: r.name, Bundle: r.bundle}
	for _, a := range r.annotations {
		s.Annotations = append(s.Annotations, hooks.Annotation{Key: a.key, Value: a.value})
	}
	return s
}
