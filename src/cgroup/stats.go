// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

import (
	"strconv"
	"strings"

	"gojail/src/blob"
)

// Stats writes what a control group has counted, as read gives its files; "" is one that the kernel does not have, or cannot tell of. What is
// not there is left out, and so is a limit that is none. Names are the kernel's, but for limits ("limit") and the figures of a single file
// ("current", "peak"); numbers are in its units: bytes, microseconds, percent.
//
//	cpu       usage_usec user_usec system_usec nr_periods nr_throttled throttled_usec ..., limit {quota_usec, period_usec}
//	memory    current peak limit reservation, swap {current, peak, limit}, stat {anon, file, ...}, events {max, oom, oom_kill, ...}
//	pids      current peak limit, events {max}
//	io        MAJOR:MINOR {rbytes wbytes rios wios ...}
//	pressure  cpu, memory, io {some, full {avg10 avg60 avg300 total}}
func Stats(w *blob.Builder, read func(file string) string) {
	s := stats{w, read}
	w.OpenTable("cpu")
	s.flat("cpu.stat")
	if quota, period, ok := strings.Cut(strings.TrimSuffix(read("cpu.max"), "\n"), " "); ok && quota != "max" {
		w.OpenTable("limit")
		s.number("quota_usec", quota)
		s.number("period_usec", period)
		w.Close()
	}
	w.Close()
	if read("memory.current") != "" {
		w.OpenTable("memory")
		s.single("memory", "reservation", "low")
		w.OpenTable("swap")
		s.single("memory.swap")
		w.Close()
		w.OpenTable("stat")
		s.flat("memory.stat")
		w.Close()
		w.OpenTable("events")
		s.flat("memory.events")
		w.Close()
		w.Close()
	}
	if read("pids.current") != "" {
		w.OpenTable("pids")
		s.single("pids")
		w.OpenTable("events")
		s.flat("pids.events")
		w.Close()
		w.Close()
	}
	if read("io.stat") != "" {
		w.OpenTable("io")
		s.nested("io.stat", s.number)
		w.Close()
	}
	if read("cpu.pressure") == "" {
		return
	}
	w.OpenTable("pressure")
	for _, name := range [...]string{"cpu", "memory", "io"} {
		w.OpenTable(name)
		s.nested(name+".pressure", func(key, value string) {
			if percent, hundredths, ok := strings.Cut(value, "."); ok && len(hundredths) == 2 {
				if v, err := strconv.ParseUint(percent+hundredths, 10, 32); err == nil {
					w.AddDouble(key, float64(v)/100)
				}
				return
			}
			s.number(key, value)
		})
		w.Close()
	}
	w.Close()
}

type stats struct {
	w    *blob.Builder
	read func(file string) string
}

// number adds a whole number, and nothing that is none: "max".
func (s stats) number(key, value string) {
	if v, err := strconv.ParseInt(value, 10, 64); err == nil {
		s.w.AddInt64(key, v)
	}
}

// single adds what stands in files of one number each: the current value, the highest, the limit, and others as name, file.
func (s stats) single(of string, others ...string) {
	for i, list := 0, append([]string{"current", "current", "peak", "peak", "limit", "max"}, others...); i < len(list); i += 2 {
		s.number(list[i], strings.TrimSuffix(s.read(of+"."+list[i+1]), "\n"))
	}
}

// flat adds a file of lines "key value".
func (s stats) flat(file string) {
	for line := range strings.Lines(s.read(file)) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok {
			s.number(key, value)
		}
	}
}

// nested adds a file of lines "name key=value key=value".
func (s stats) nested(file string, add func(key, value string)) {
	for line := range strings.Lines(s.read(file)) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if rest == "" {
			continue
		}
		s.w.OpenTable(name)
		for f := range strings.FieldsSeq(rest) {
			if key, value, ok := strings.Cut(f, "="); ok {
				add(key, value)
			}
		}
		s.w.Close()
	}
}
