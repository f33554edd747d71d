// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/procd"
	"gojail/src/resident"
	"gojail/src/slim"
	"gojail/src/spec"
	"gojail/src/ubus"
)

// onFailure tells whether the container is not to be started again if it ends with 0. procd, which starts it again whatever its
// status, has to be told so before it sees the end.
func (r *record) onFailure() bool {
	for _, a := range r.annotations {
		if a.key == spec.RestartAnnotation {
			return a.value == "on-failure"
		}
	}
	return false
}

// noRespawn has procd leave a container alone that has ended well by itself. One that procd has ended may be about to be started anew,
// and procd would not do that any more. Without procd, or under another parent, there is nobody to tell.
func noRespawn(logf Logf) {
	r, err := left()
	if err != nil || !r.onFailure() || resident.Asked() || resident.Status() != 0 {
		return
	}
	c, err := ubus.Dial(ubus.Within(busLimit), slim.UbusSocket)
	if err != nil {
		return
	}
	defer c.Close()
	p := procd.Client{Bus: c, Until: func() ubus.Until { return ubus.Within(busLimit) }}
	list, err := p.List()
	if err != nil {
		return
	}
	for i := range list {
		if list[i].Name != r.name || list[i].PID != kernel.Getppid() {
			continue
		}
		if err := p.NoRespawn(r.name); err != nil {
			logf(plan.Message("warning: procd starts the container again: " + err.Error()))
		}
	}
}
