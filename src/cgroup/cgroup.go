// SPDX-License-Identifier: LGPL-2.1-only

// Package cgroup turns linux.resources of a config.json into what is written to the files of a control group (cgroup v2), and
// its device rules into a program for the kernel. It is pure: it neither knows what files there are nor writes one.
//
// Limits that only cgroup v1 had are refused, as nothing would hold them.
package cgroup

import (
	"math"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A Setting is one write to a file of the container's cgroup.
type Setting struct {
	File    string // "memory.max"
	Value   string
	Percent int    // 1 to 100: of the machine's memory, in bytes, in the place of Value; 0: Value
	Where   string // the member of linux.resources that it comes from: "memory.limit"
	// MayMiss: without the file nothing is asked for that does not hold anyway.
	MayMiss bool
	// Else is written where File does not exist.
	Else *Setting
}

// Controller is the controller that the file belongs to: "memory". The files of the core belong to none: "".
func (s Setting) Controller() string {
	name, _, _ := strings.Cut(s.File, ".")
	if name == "cgroup" {
		return ""
	}
	return name
}

// An Error is a limit that is refused.
type Error struct {
	Where  string // below linux.resources
	Reason string
}

func (e *Error) Error() string { return e.Where + ": " + e.Reason }

// settings collects them, and keeps the first error.
type settings struct {
	list []Setting
	err  error
}

func (s *settings) add(where, file, value string) {
	s.list = append(s.list, Setting{File: file, Value: value, Where: where})
}

func (s *settings) refuse(where, reason string) {
	if s.err == nil {
		s.err = &Error{where, reason}
	}
}

// FromSpec gives the settings in the order in which they are to be written; the device rules are Devices'. The error is an *Error.
func FromSpec(r *specs.LinuxResources) ([]Setting, error) {
	if r == nil {
		return nil, nil
	}
	s := &settings{}
	s.memory(r.Memory)
	s.cpu(r.CPU)
	if r.Pids != nil && r.Pids.Limit != nil {
		s.add("pids.limit", "pids.max", atMost(*r.Pids.Limit))
	}
	s.blockIO(r.BlockIO)
	s.hugepages(r.HugepageLimits)
	if n := r.Network; n != nil && (n.ClassID != nil || len(n.Priorities) > 0) {
		s.refuse("network", "net_cls and net_prio belong to cgroup v1: use nftables' cgroup match")
	}
	s.rdma(r.Rdma)
	s.unified(r.Unified)
	if s.err != nil {
		return nil, s.err
	}
	return s.list, nil
}

// atMost is a limit as the kernel wants it; what is not above 0 is none, as in Docker's configurations.
func atMost(v int64) string {
	if v <= 0 {
		return "max"
	}
	return strconv.FormatInt(v, 10)
}

func (s *settings) memory(m *specs.LinuxMemory) {
	if m == nil {
		return
	}
	switch {
	case m.Kernel != nil && *m.Kernel > 0: //nolint:staticcheck // deprecated, but not to be ignored
		s.refuse("memory.kernel", "cgroup v2 counts the kernel's memory in memory.limit")
	case m.KernelTCP != nil && *m.KernelTCP > 0:
		s.refuse("memory.kernelTCP", "cgroup v2 counts the kernel's memory in memory.limit")
	case m.Swappiness != nil:
		s.refuse("memory.swappiness", "cgroup v2 has no swappiness of its own: use memory.swap")
	case m.DisableOOMKiller != nil && *m.DisableOOMKiller:
		s.refuse("memory.disableOOMKiller", "cgroup v2 cannot do without: leave it out, and set oomScoreAdj")
	}
	limit := int64(0)
	if m.Limit != nil && *m.Limit != 0 {
		limit = *m.Limit
		s.add("memory.limit", "memory.max", atMost(limit))
	}
	if m.Swap != nil && *m.Swap != 0 {
		s.swap(limit, *m.Swap)
	}
	if m.Reservation != nil && *m.Reservation != 0 {
		s.add("memory.reservation", "memory.low", atMost(*m.Reservation))
	}
}

// swap: the specification's value counts memory and swap together, the kernel's swap alone.
func (s *settings) swap(limit, both int64) {
	const where, file = "memory.swap", "memory.swap.max"
	switch {
	case both < 0:
		s.list = append(s.list, Setting{File: file, Value: "max", Where: where, MayMiss: true})
	case limit <= 0:
		s.refuse(where, "is memory and swap together: without memory.limit it limits neither")
	case both < limit:
		s.refuse(where, "is memory and swap together: it must not be less than memory.limit")
	default: // a kernel without swap has no such file, and no swap
		s.list = append(s.list, Setting{File: file, Value: strconv.FormatInt(both-limit, 10), Where: where, MayMiss: both == limit})
	}
}

func (s *settings) cpu(c *specs.LinuxCPU) {
	if c == nil {
		return
	}
	const realtime = "cgroup v2 has no real-time limits: use process.scheduler"
	if c.RealtimeRuntime != nil && *c.RealtimeRuntime != 0 {
		s.refuse("cpu.realtimeRuntime", realtime)
	}
	if c.RealtimePeriod != nil && *c.RealtimePeriod != 0 {
		s.refuse("cpu.realtimePeriod", realtime)
	}
	if c.Idle != nil {
		if *c.Idle != 0 && *c.Idle != 1 {
			s.refuse("cpu.idle", "must be 0 or 1")
		}
		s.add("cpu.idle", "cpu.idle", strconv.FormatInt(*c.Idle, 10))
	}
	idle := c.Idle != nil && *c.Idle == 1 // it fixes the weight
	if c.Shares != nil && *c.Shares != 0 && !idle {
		s.add("cpu.shares", "cpu.weight", strconv.FormatUint(Weight(*c.Shares), 10))
	}
	s.bandwidth(c)
	if c.Cpus != "" {
		s.add("cpu.cpus", "cpuset.cpus", c.Cpus)
	}
	if c.Mems != "" {
		s.add("cpu.mems", "cpuset.mems", c.Mems)
	}
}

func (s *settings) bandwidth(c *specs.LinuxCPU) {
	quota := c.Quota != nil && *c.Quota != 0
	period := c.Period != nil && *c.Period != 0
	if quota || period {
		where, value := "cpu.quota", "max"
		if quota {
			value = atMost(*c.Quota)
		} else {
			where = "cpu.period"
		}
		if period {
			value += " " + strconv.FormatUint(*c.Period, 10)
		}
		s.add(where, "cpu.max", value)
	}
	if c.Burst != nil && (*c.Burst != 0 || quota) {
		s.list = append(s.list, Setting{File: "cpu.max.burst", Value: strconv.FormatUint(*c.Burst, 10), Where: "cpu.burst", MayMiss: *c.Burst == 0})
	}
}

// Weight is the cpu.weight, 1 to 10000, for cgroup v1's cpu.shares, 2 to 262144: a curve through 2 and 1, 1024 and 100, 262144 and
// 10000, so that what had the default share has the default weight. It is that of runc and crun since 2025. The conversions keep
// machines that would fuse a product and a sum from another result.
func Weight(shares uint64) uint64 {
	switch {
	case shares <= 2:
		return 1
	case shares >= 262144:
		return 10000
	}
	l := math.Log2(float64(shares))
	return uint64(math.Ceil(math.Pow(10, float64((float64(l*l)+float64(125*l))/612)-7.0/34)))
}

func (s *settings) hugepages(list []specs.LinuxHugepageLimit) {
	for i, h := range list {
		where := "hugepageLimits[" + strconv.Itoa(i) + "]"
		if !pageSize(h.Pagesize) {
			s.refuse(where+".pageSize", "must be a size such as 2MB or 1GB, not "+strconv.Quote(h.Pagesize))
		}
		value := strconv.FormatUint(h.Limit, 10)
		s.add(where, "hugetlb."+h.Pagesize+".max", value)
		s.list = append(s.list, Setting{File: "hugetlb." + h.Pagesize + ".rsvd.max", Value: value, Where: where, MayMiss: true})
	}
}

// pageSize: the kernel writes 64KB, 2MB, 1GB (runtime-spec, config-linux.md, "Huge page limits").
func pageSize(s string) bool {
	for _, unit := range [...]string{"KB", "MB", "GB"} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			v, err := strconv.ParseUint(n, 10, 16)
			return err == nil && v > 0 && n[0] != '0'
		}
	}
	return false
}

func (s *settings) rdma(m map[string]specs.LinuxRdma) {
	for _, device := range sortedKeys(m) {
		r, where := m[device], "rdma."+device
		value := device
		if r.HcaHandles != nil {
			value += " hca_handle=" + strconv.FormatUint(uint64(*r.HcaHandles), 10)
		}
		if r.HcaObjects != nil {
			value += " hca_object=" + strconv.FormatUint(uint64(*r.HcaObjects), 10)
		}
		switch {
		case value == device:
			s.refuse(where, "must have hcaHandles or hcaObjects")
		case device == "" || strings.ContainsAny(device, " \n"):
			s.refuse(where, "is no name of a device")
		}
		s.add(where, "rdma.max", value)
	}
}

// unified holds files of cgroup v2 by their names. Those of the core decide what the container's processes are and where: they are
// ours, but for two limits.
func (s *settings) unified(m map[string]string) {
	for _, file := range sortedKeys(m) {
		where := "unified." + file
		name, rest, _ := strings.Cut(file, ".")
		switch {
		case name == "" || rest == "" || strings.Contains(file, "/") || strings.ContainsFunc(file, func(r rune) bool { return r <= ' ' || r > '~' }):
			s.refuse(where, "is no file of a control group, such as memory.high")
		case name == "cgroup" && file != "cgroup.max.depth" && file != "cgroup.max.descendants":
			s.refuse(where, "may not be set: it is the runtime's")
		}
		s.add(where, file, m[file])
	}
}
