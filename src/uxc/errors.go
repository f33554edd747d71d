// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"syscall"

	"gojail/src/plan"
	"gojail/src/state"
)

const esrch = syscall.ESRCH

// notRunning has the words that clients of runc look for, of its versions before and since 1.1.
func notRunning(id string) error {
	return &state.Error{ID: id, Reason: "container not running (os: process already finished)"}
}

func wrongState(id, verb string, now state.Status) error {
	return &plan.Error{Reason: "container " + id + ": cannot " + verb + " one that is " + string(now)}
}
