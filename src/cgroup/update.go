// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// ForUpdate gives the settings that change what a container may use that has limits already, as read gives its files: a member that means
// something only together with another one goes with the one that is in force. What may end processes, a lower limit of memory, comes last.
// The error is an *Error.
func ForUpdate(r *specs.LinuxResources, read func(file string) string) ([]Setting, error) {
	if r == nil {
		return nil, nil
	}
	full := *r
	if c := r.CPU; c != nil && c.Period != nil && *c.Period != 0 && (c.Quota == nil || *c.Quota == 0) {
		quota, _, _ := strings.Cut(read("cpu.max"), " ")
		if q, err := strconv.ParseInt(quota, 10, 64); err == nil {
			both := *c
			both.Quota, full.CPU = &q, &both
		}
	}
	if m := r.Memory; m != nil && m.Swap != nil && *m.Swap > 0 && (m.Limit == nil || *m.Limit == 0) {
		if l, err := strconv.ParseInt(strings.TrimSuffix(read("memory.max"), "\n"), 10, 64); err == nil {
			both := *m
			both.Limit, full.Memory = &l, &both
		}
	}
	list, err := FromSpec(&full)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if last := list[i]; last.File == "memory.max" { // the first one: others are asked for in so many words
			copy(list[i:], list[i+1:])
			list[len(list)-1] = last
			break
		}
	}
	if r.Memory == nil || r.Memory.CheckBeforeUpdate == nil || !*r.Memory.CheckBeforeUpdate {
		return list, nil
	}
	for _, s := range list {
		if s.File != "memory.max" && s.File != "memory.swap.max" {
			continue
		}
		used := strings.TrimSuffix(s.File, "max") + "current"
		limit, notMax := strconv.ParseInt(s.Value, 10, 64)
		now, err := strconv.ParseInt(strings.TrimSuffix(read(used), "\n"), 10, 64)
		if notMax == nil && err == nil && limit < now {
			return nil, &Error{s.Where, s.File + " would be " + s.Value + ", less than " + used + ", which is " + strconv.FormatInt(now, 10) +
				" (memory.checkBeforeUpdate)"}
		}
	}
	return list, nil
}

// Undo is what to write to a file to have it as it was when it held text, after value was written: its first line, or of a file that has one
// for each device that device's.
func Undo(file, value, text string) string {
	device, _, keyed := strings.Cut(value, " ")
	if !keyed || file == "cpu.max" {
		first, _, _ := strings.Cut(text, "\n")
		return first
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, device+" ") {
			return strings.TrimSuffix(line, "\n")
		}
	}
	switch file {
	case "io.max":
		return device + " rbps=max wbps=max riops=max wiops=max"
	case "rdma.max":
		return device + " hca_handle=max hca_object=max"
	}
	return device + " default" // io.weight, io.bfq.weight
}
