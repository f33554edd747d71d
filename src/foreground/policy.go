// SPDX-License-Identifier: LGPL-2.1-only

package foreground

import (
	"strconv"
	"time"

	"gojail/src/config"
)

// most is the longest pause that doubling makes.
const most = time.Minute

// A policy says whether a container that has ended is started again.
type policy struct {
	kind    string // always, on-failure, never
	delay   time.Duration
	retries int // in the window; 0 is for ever
	window  time.Duration
}

func policyOf(c *config.Container) policy {
	seconds := func(option string) time.Duration { return time.Duration(c.Number(option)) * time.Second }
	return policy{c.Text("restart"), seconds("restart_delay"), int(c.Number("restart_retries")), seconds("restart_window")}
}

// next tells what to do when it has ended with this status: start it again after the pause, or why not; that is empty where nothing is
// wrong. ends are when it has ended before, without this time; those within the window are given back.
func (p *policy) next(status int, ends []time.Time, now time.Time) (again bool, pause time.Duration, why string, kept []time.Time) {
	for _, t := range ends {
		if now.Sub(t) < p.window {
			kept = append(kept, t)
		}
	}
	kept = append(kept, now)
	switch {
	case p.kind == "never", p.kind == "on-failure" && status == 0:
		return false, 0, "", kept
	case p.retries > 0 && len(kept) > p.retries:
		return false, 0, "it has ended " + strconv.Itoa(len(kept)) + " times within " + strconv.Itoa(int(p.window/time.Second)) + " seconds", kept
	}
	pause = p.delay
	for i := 1; i < len(kept) && pause < most; i++ {
		pause *= 2
	}
	return true, min(pause, max(most, p.delay)), "", kept
}
