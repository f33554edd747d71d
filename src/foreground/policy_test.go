// SPDX-License-Identifier: LGPL-2.1-only

package foreground

import (
	"testing"
	"time"
)

func TestPolicy(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, c := range []struct {
		name    string
		p       policy
		status  int
		before  []int // seconds ago
		again   bool
		seconds int
		why     string
	}{
		{"never", policy{"never", time.Second, 5, time.Hour}, 1, nil, false, 0, ""},
		{"success", policy{"on-failure", time.Second, 5, time.Hour}, 0, nil, false, 0, ""},
		{"failure", policy{"on-failure", 5 * time.Second, 5, time.Hour}, 1, nil, true, 5, ""},
		{"always", policy{"always", 5 * time.Second, 5, time.Hour}, 0, nil, true, 5, ""},
		{"second", policy{"always", 5 * time.Second, 5, time.Hour}, 0, []int{10}, true, 10, ""},
		{"fourth", policy{"always", 5 * time.Second, 5, time.Hour}, 0, []int{90, 60, 10}, true, 40, ""},
		{"a minute at most", policy{"always", 5 * time.Second, 0, time.Hour}, 0, []int{90, 80, 70, 60, 50, 40, 30, 20, 10, 5}, true, 60, ""},
		{"or the delay", policy{"always", 90 * time.Second, 0, time.Hour}, 0, []int{10}, true, 90, ""},
		{"no delay", policy{"always", 0, 0, time.Hour}, 0, []int{10, 5}, true, 0, ""},
		{"too often", policy{"always", 0, 2, time.Hour}, 1, []int{10, 5}, false, 0, "it has ended 3 times within 3600 seconds"},
		{"long ago", policy{"always", time.Second, 2, time.Minute}, 1, []int{100, 60, 5}, true, 2, ""},
	} {
		var ends []time.Time
		for _, s := range c.before {
			ends = append(ends, start.Add(-time.Duration(s)*time.Second))
		}
		again, pause, why, kept := c.p.next(c.status, ends, start)
		if again != c.again || pause != time.Duration(c.seconds)*time.Second || why != c.why || kept[len(kept)-1] != start {
			t.Errorf("%s: %v, %v, %q, %d kept", c.name, again, pause, why, len(kept))
		}
	}
}
