// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/cgroup"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/spawn"
	"gojail/src/spec"
	"gojail/src/state"
)

var updateVerb = verb{name: "update", args: "ID", about: "change what a container may use",
	options: []option{
		{long: "resources", short: 'r', value: "FILE|-", about: "linux.resources of runtime-spec, as far as they change; - is standard input"},
		{long: "memory", value: "BYTES", about: "limit of memory; -1: none"},
		{long: "memory-reservation", value: "BYTES", about: "memory that is not taken while others have some"},
		{long: "memory-swap", value: "BYTES", about: "limit of memory and swap together; -1: none"},
		{long: "cpu-quota", value: "USEC", about: "time of processors in each period"},
		{long: "cpu-period", value: "USEC", about: "that period"},
		{long: "cpu-share", value: "N", about: "weight against others, 2 to 262144"},
		{long: "cpuset-cpus", value: "LIST", about: "processors"},
		{long: "cpuset-mems", value: "LIST", about: "memory nodes"},
		{long: "pids-limit", value: "N", about: "processes; -1: any number"},
		{long: "blkio-weight", value: "N", about: "weight of input and output, 10 to 1000"},
	},
	run: (*call).update}

func (c *call) update() error {
	id, err := c.id()
	if err != nil {
		return err
	}
	r, err := c.resources()
	if err != nil {
		return err
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
	list, err := cgroup.ForUpdate(r, func(file string) string {
		s, _ := g.Read(file)
		return s
	})
	var rules []cgroup.Rule
	if err == nil && len(r.Devices) > 0 {
		s, kept := c.kept(id)
		if kept != nil {
			return kept
		}
		rules, err = cgroup.Rules(r.Devices, s.Linux.Devices)
	}
	if err != nil {
		return &plan.Error{Where: "resources", Reason: err.Error()}
	}
	return spawn.Update(g, list, rules)
}

// resources are those of the file, and of the options.
func (c *call) resources() (r *specs.LinuxResources, err error) {
	r = &specs.LinuxResources{}
	if file := c.value("resources", ""); file != "" {
		var b []byte
		if file == "-" {
			b, err = kernel.ReadAll(0, spec.MaxSize)
		} else {
			b, err = kernel.ReadFile(file, spec.MaxSize)
		}
		if err != nil {
			return nil, err
		}
		if r, err = spec.DecodeResources(b); err != nil {
			return nil, &plan.Error{Where: file, Reason: err.Error()}
		}
	}
	number := func(name string, set func(int64)) {
		if text := c.value(name, ""); text != "" && err == nil {
			n, e := strconv.ParseInt(text, 10, 64)
			if e != nil || n < -1 {
				err = usage("--" + name + " " + text + ": a number is wanted")
				return
			}
			set(n)
		}
	}
	memory := func() *specs.LinuxMemory {
		if r.Memory == nil {
			r.Memory = &specs.LinuxMemory{}
		}
		return r.Memory
	}
	cpu := func() *specs.LinuxCPU {
		if r.CPU == nil {
			r.CPU = &specs.LinuxCPU{}
		}
		return r.CPU
	}
	number("memory", func(n int64) { memory().Limit = &n })
	number("memory-reservation", func(n int64) { memory().Reservation = &n })
	number("memory-swap", func(n int64) { memory().Swap = &n })
	number("cpu-quota", func(n int64) { cpu().Quota = &n })
	number("cpu-period", func(n int64) { v := uint64(n); cpu().Period = &v })
	number("cpu-share", func(n int64) { v := uint64(n); cpu().Shares = &v })
	number("pids-limit", func(n int64) { r.Pids = &specs.LinuxPids{Limit: &n} })
	number("blkio-weight", func(n int64) { v := uint16(n); r.BlockIO = &specs.LinuxBlockIO{Weight: &v} })
	if v := c.value("cpuset-cpus", ""); v != "" {
		cpu().Cpus = v
	}
	if v := c.value("cpuset-mems", ""); v != "" {
		cpu().Mems = v
	}
	return r, err
}
