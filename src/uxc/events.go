// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"strconv"
	"strings"
	"time"

	"gojail/src/kernel"
	"gojail/src/spec"
	"gojail/src/state"
)

var eventsVerb = verb{name: "events", args: "ID", about: "print what a container uses, as JSON, again and again",
	options: []option{
		{long: "stats", about: "once"},
		{long: "interval", value: "SECONDS", about: "time between two lines (default: 5)"},
	},
	run: func(c *call) error {
		id, err := c.id()
		if err != nil {
			return err
		}
		text := strings.TrimSuffix(c.value("interval", "5"), "s")
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 {
			return usage("--interval " + text + ": seconds are wanted")
		}
		st, err := state.Load(c.root, id)
		if err != nil {
			return err
		}
		if now := st.Now(c.root); now == state.Stopped || now == state.Creating {
			return notRunning(id)
		}
		g, err := groupOf(st)
		if err != nil {
			return err
		}
		defer g.Close()
		pidfd, err := kernel.PidfdOpen(st.Process.PID)
		if err != nil {
			return notRunning(id)
		}
		defer kernel.Close(pidfd)
		for {
			c.io.Out(string(statsLine(id, func(file string) string {
				s, _ := g.Read(file)
				return s
			})))
			if c.has("stats") || kernel.PidfdEnded(pidfd, time.Now().Add(time.Duration(seconds)*time.Second)) {
				return nil
			}
		}
	}}

// statsLine is a line of statistics in runc's form, from the files of a control group; what the kernel does not have is 0.
func statsLine(id string, read func(file string) string) []byte {
	b := spec.AppendJSON([]byte(`{"type":"stats","id":`), id)
	open := func(s string) { b = append(b, s...) }
	number := func(key string, v uint64) {
		if c := b[len(b)-1]; c != '{' {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(append(append(b, '"'), key...), `":`...), v, 10)
	}
	parse := func(s string) uint64 { // "max" and nothing are 0
		v, _ := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
		return v
	}
	limit := func(file string) uint64 {
		if s := strings.TrimSpace(read(file)); s != "max" {
			return parse(s)
		}
		return 1<<64 - 1
	}
	cpu := read("cpu.stat")
	open(`,"data":{"cpu":{"usage":{`)
	number("total", 1000*parse(kernel.Field(cpu, "usage_usec")))
	number("kernel", 1000*parse(kernel.Field(cpu, "system_usec")))
	number("user", 1000*parse(kernel.Field(cpu, "user_usec")))
	open(`},"throttling":{`)
	number("periods", parse(kernel.Field(cpu, "nr_periods")))
	number("throttledPeriods", parse(kernel.Field(cpu, "nr_throttled")))
	number("throttledTime", 1000*parse(kernel.Field(cpu, "throttled_usec")))
	memory := read("memory.stat")
	events := read("memory.events")
	open(`}},"memory":{`)
	number("cache", parse(kernel.Field(memory, "file")))
	open(`,"usage":{`)
	number("limit", limit("memory.max"))
	number("usage", parse(read("memory.current")))
	number("max", parse(read("memory.peak")))
	number("failcnt", parse(kernel.Field(events, "max")))
	open(`},"swap":{`)
	number("limit", limit("memory.swap.max"))
	number("usage", parse(read("memory.swap.current")))
	open(`},"raw":{`)
	for line := range strings.Lines(memory) {
		if key, value, ok := strings.Cut(line, " "); ok {
			number(key, parse(value))
		}
	}
	open(`}},"pids":{`)
	number("current", parse(read("pids.current")))
	if l := limit("pids.max"); l != 1<<64-1 {
		number("limit", l)
	}
	open(`},"blkio":{},"hugetlb":{},"intel_rdt":{},"network_interfaces":null}}` + "\n")
	return b
}
