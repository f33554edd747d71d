// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

import (
	"slices"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func (s *settings) blockIO(b *specs.LinuxBlockIO) {
	if b == nil {
		return
	}
	if b.LeafWeight != nil && *b.LeafWeight != 0 {
		s.refuse("blockIO.leafWeight", "belongs to cgroup v1: use weight")
	}
	if b.Weight != nil && *b.Weight != 0 {
		s.weight("blockIO.weight", "", *b.Weight)
	}
	for i, w := range b.WeightDevice {
		where := item("blockIO.weightDevice", i)
		if w.LeafWeight != nil && *w.LeafWeight != 0 {
			s.refuse(where+".leafWeight", "belongs to cgroup v1: use weight")
		}
		if w.Weight != nil && *w.Weight != 0 {
			s.weight(where+".weight", device(w.Major, w.Minor)+" ", *w.Weight)
		}
	}
	s.throttle("blockIO.throttleReadBpsDevice", "rbps", b.ThrottleReadBpsDevice)
	s.throttle("blockIO.throttleWriteBpsDevice", "wbps", b.ThrottleWriteBpsDevice)
	s.throttle("blockIO.throttleReadIOPSDevice", "riops", b.ThrottleReadIOPSDevice)
	s.throttle("blockIO.throttleWriteIOPSDevice", "wiops", b.ThrottleWriteIOPSDevice)
}

// weight: the scheduler BFQ has the scale of cgroup v1, 1 to 1000; io.weight goes from 1 to 10000.
func (s *settings) weight(where, prefix string, w uint16) {
	if w < 10 || w > 1000 {
		s.refuse(where, "must be between 10 and 1000, not "+strconv.Itoa(int(w)))
	}
	other := 1 + (uint64(w)-10)*9999/990
	s.list = append(s.list, Setting{
		File: "io.bfq.weight", Value: prefix + strconv.Itoa(int(w)), Where: where,
		Else: &Setting{File: "io.weight", Value: prefix + strconv.FormatUint(other, 10), Where: where},
	})
}

// throttle: 0 takes a limit away.
func (s *settings) throttle(where, key string, list []specs.LinuxThrottleDevice) {
	for i, t := range list {
		value := "max"
		if t.Rate != 0 {
			value = strconv.FormatUint(t.Rate, 10)
		}
		s.add(item(where, i), "io.max", device(t.Major, t.Minor)+" "+key+"="+value)
	}
}

func device(major, minor int64) string {
	return strconv.FormatInt(major, 10) + ":" + strconv.FormatInt(minor, 10)
}

func item(where string, i int) string { return where + "[" + strconv.Itoa(i) + "]" }

func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
