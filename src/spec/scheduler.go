// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// minRuntime is the shortest SCHED_DEADLINE runtime the kernel takes, in
// nanoseconds.
const minRuntime = 1024

// scheduler checks what sched_setattr(2) takes: each policy has values of its
// own, and a value that the policy does not know would be without effect.
func (c *checker) scheduler(path place, s *specs.Scheduler) {
	nice, priority, deadline := false, false, false
	switch s.Policy {
	case specs.SchedOther, specs.SchedBatch:
		nice = true
	case specs.SchedFIFO, specs.SchedRR:
		priority = true
	case specs.SchedDeadline:
		deadline = true
	case specs.SchedIdle:
	case specs.SchedISO:
		c.add(path.at("policy"), "SCHED_ISO is reserved, Linux does not implement it")
		return
	default:
		c.add(path.at("policy"), "unknown policy "+quote(s.Policy))
		return
	}
	if s.Nice != 0 && !nice {
		c.add(path.at("nice"), "is only for SCHED_OTHER and SCHED_BATCH")
	} else if s.Nice < -20 || s.Nice > 19 {
		c.add(path.at("nice"), "must be between -20 and 19, not "+strconv.Itoa(int(s.Nice)))
	}
	if s.Priority != 0 && !priority {
		c.add(path.at("priority"), "is only for SCHED_FIFO and SCHED_RR")
	} else if priority && (s.Priority < 1 || s.Priority > 99) {
		c.add(path.at("priority"), "must be between 1 and 99 for "+string(s.Policy)+", not "+strconv.Itoa(int(s.Priority)))
	}
	for i, f := range s.Flags {
		switch f {
		case specs.SchedFlagResetOnFork, specs.SchedFlagReclaim, specs.SchedFlagDLOverrun, specs.SchedFlagKeepPolicy,
			specs.SchedFlagKeepParams, specs.SchedFlagUtilClampMin, specs.SchedFlagUtilClampMax:
		default:
			c.add(path.entry("flags", i), "unknown flag "+quote(f))
		}
	}
	if deadline {
		c.deadline(path, s)
	} else if s.Runtime != 0 || s.Deadline != 0 || s.Period != 0 {
		c.add(path, "runtime, deadline and period are only for SCHED_DEADLINE")
	}
}

// deadline wants runtime <= deadline <= period, where no period means one as
// long as the deadline (sched(7)).
func (c *checker) deadline(path place, s *specs.Scheduler) {
	const sign = 1 << 63
	if s.Runtime < minRuntime {
		c.add(path.at("runtime"), "must be at least 1024 nanoseconds for SCHED_DEADLINE")
	}
	if s.Deadline == 0 || s.Deadline >= sign {
		c.add(path.at("deadline"), "must be between 1 and 9223372036854775807 nanoseconds for SCHED_DEADLINE")
	} else if s.Runtime > s.Deadline {
		c.add(path.at("runtime"), "must not exceed the deadline")
	}
	if s.Period >= sign {
		c.add(path.at("period"), "must be at most 9223372036854775807 nanoseconds")
	} else if s.Period != 0 && s.Deadline > s.Period {
		c.add(path.at("deadline"), "must not exceed the period")
	}
}
