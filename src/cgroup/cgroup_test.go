// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

import (
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func ref[T any](v T) *T { return &v }

type resources = specs.LinuxResources

// text is the settings as a shell would write them.
func text(list []Setting) (out []string) {
	for _, s := range list {
		line := s.File + "=" + s.Value
		if s.MayMiss {
			line += " (may miss)"
		}
		if s.Else != nil {
			line += " else " + s.Else.File + "=" + s.Else.Value
		}
		out = append(out, line)
	}
	return out
}

func TestFromSpec(t *testing.T) {
	dev := func(rate uint64) []specs.LinuxThrottleDevice {
		d := specs.LinuxThrottleDevice{Rate: rate}
		d.Major, d.Minor = 8, 16
		return []specs.LinuxThrottleDevice{d}
	}
	heavy := specs.LinuxWeightDevice{Weight: ref(uint16(1000))}
	heavy.Major, heavy.Minor = 8, 0
	for name, c := range map[string]struct {
		from resources
		want []string
	}{
		"nothing":       {resources{}, nil},
		"empty objects": {resources{Memory: &specs.LinuxMemory{}, CPU: &specs.LinuxCPU{}, Pids: &specs.LinuxPids{}, BlockIO: &specs.LinuxBlockIO{}}, nil},
		"zeros are Docker's nothing": {resources{
			Memory: &specs.LinuxMemory{Limit: ref(int64(0)), Swap: ref(int64(0)), Reservation: ref(int64(0)), DisableOOMKiller: ref(false)},
			CPU:    &specs.LinuxCPU{Shares: ref(uint64(0)), Quota: ref(int64(0)), Period: ref(uint64(0))},
		}, nil},
		"memory": {resources{Memory: &specs.LinuxMemory{Limit: ref(int64(64 << 20)), Swap: ref(int64(96 << 20)), Reservation: ref(int64(32 << 20))}},
			[]string{"memory.max=67108864", "memory.swap.max=33554432", "memory.low=33554432"}},
		"D20 swap equal to memory is none, also where the kernel has none": {resources{Memory: &specs.LinuxMemory{Limit: ref(int64(64)), Swap: ref(int64(64))}},
			[]string{"memory.max=64", "memory.swap.max=0 (may miss)"}},
		"without limits": {resources{Memory: &specs.LinuxMemory{Limit: ref(int64(-1)), Swap: ref(int64(-1))}, Pids: &specs.LinuxPids{Limit: ref(int64(-1))}},
			[]string{"memory.max=max", "memory.swap.max=max (may miss)", "pids.max=max"}},
		"cpu": {resources{CPU: &specs.LinuxCPU{Shares: ref(uint64(1024)), Quota: ref(int64(50000)), Period: ref(uint64(100000)), Burst: ref(uint64(1000)), Cpus: "0-1", Mems: "0"}},
			[]string{"cpu.weight=100", "cpu.max=50000 100000", "cpu.max.burst=1000", "cpuset.cpus=0-1", "cpuset.mems=0"}},
		"quota alone":             {resources{CPU: &specs.LinuxCPU{Quota: ref(int64(20000))}}, []string{"cpu.max=20000"}},
		"period alone":            {resources{CPU: &specs.LinuxCPU{Period: ref(uint64(5000))}}, []string{"cpu.max=max 5000"}},
		"no quota":                {resources{CPU: &specs.LinuxCPU{Quota: ref(int64(-1))}}, []string{"cpu.max=max"}},
		"idle has no weight":      {resources{CPU: &specs.LinuxCPU{Idle: ref(int64(1)), Shares: ref(uint64(512))}}, []string{"cpu.idle=1"}},
		"no burst needs no file":  {resources{CPU: &specs.LinuxCPU{Quota: ref(int64(1000)), Burst: ref(uint64(0))}}, []string{"cpu.max=1000", "cpu.max.burst=0 (may miss)"}},
		"pids":                    {resources{Pids: &specs.LinuxPids{Limit: ref(int64(64))}}, []string{"pids.max=64"}},
		"huge pages":              {resources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 4 << 20}}}, []string{"hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304 (may miss)"}},
		"rdma":                    {resources{Rdma: map[string]specs.LinuxRdma{"mlx5": {HcaHandles: ref(uint32(3)), HcaObjects: ref(uint32(10))}}}, []string{"rdma.max=mlx5 hca_handle=3 hca_object=10"}},
		"unified, in their order": {resources{Unified: map[string]string{"memory.high": "10M", "cgroup.max.depth": "1", "io.latency": "8:0 target=1"}}, []string{"cgroup.max.depth=1", "io.latency=8:0 target=1", "memory.high=10M"}},
		"io": {resources{BlockIO: &specs.LinuxBlockIO{
			Weight: ref(uint16(10)), WeightDevice: []specs.LinuxWeightDevice{heavy},
			ThrottleReadBpsDevice: dev(1000), ThrottleWriteBpsDevice: dev(2000), ThrottleReadIOPSDevice: dev(30), ThrottleWriteIOPSDevice: dev(0),
		}}, []string{"io.bfq.weight=10 else io.weight=1", "io.bfq.weight=8:0 1000 else io.weight=8:0 10000", "io.max=8:16 rbps=1000", "io.max=8:16 wbps=2000", "io.max=8:16 riops=30", "io.max=8:16 wiops=max"}},
	} {
		got, err := FromSpec(&c.from)
		if err != nil || !slices.Equal(text(got), c.want) {
			t.Errorf("%s: %q, %v; want %q", name, text(got), err, c.want)
		}
	}
	if got, err := FromSpec(nil); got != nil || err != nil {
		t.Error(got, err)
	}
}

func TestRefused(t *testing.T) {
	for want, r := range map[string]resources{
		"memory.kernel":                {Memory: &specs.LinuxMemory{Kernel: ref(int64(1))}}, //nolint:staticcheck // deprecated
		"memory.kernelTCP":             {Memory: &specs.LinuxMemory{KernelTCP: ref(int64(1))}},
		"memory.swappiness":            {Memory: &specs.LinuxMemory{Swappiness: ref(uint64(0))}},
		"memory.disableOOMKiller":      {Memory: &specs.LinuxMemory{DisableOOMKiller: ref(true)}},
		"memory.swap: is memory and":   {Memory: &specs.LinuxMemory{Swap: ref(int64(1))}},
		"memory.swap: is memory":       {Memory: &specs.LinuxMemory{Limit: ref(int64(2)), Swap: ref(int64(1))}},
		"cpu.realtimeRuntime":          {CPU: &specs.LinuxCPU{RealtimeRuntime: ref(int64(1))}},
		"cpu.realtimePeriod":           {CPU: &specs.LinuxCPU{RealtimePeriod: ref(uint64(1))}},
		"cpu.idle":                     {CPU: &specs.LinuxCPU{Idle: ref(int64(2))}},
		"blockIO.leafWeight":           {BlockIO: &specs.LinuxBlockIO{LeafWeight: ref(uint16(10))}},
		"blockIO.weight":               {BlockIO: &specs.LinuxBlockIO{Weight: ref(uint16(9))}},
		"blockIO.weightDevice[0].leaf": {BlockIO: &specs.LinuxBlockIO{WeightDevice: []specs.LinuxWeightDevice{{LeafWeight: ref(uint16(10))}}}},
		"hugepageLimits[0].pageSize":   {HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2M/../x"}}},
		"network":                      {Network: &specs.LinuxNetwork{ClassID: ref(uint32(1))}},
		"rdma.a":                       {Rdma: map[string]specs.LinuxRdma{"a": {}}},
		"rdma.a b":                     {Rdma: map[string]specs.LinuxRdma{"a b": {HcaHandles: ref(uint32(1))}}},
		"unified.memory":               {Unified: map[string]string{"memory": "1"}},
		"unified../x":                  {Unified: map[string]string{"./x": "1"}},
		"unified.cgroup.procs":         {Unified: map[string]string{"cgroup.procs": "1"}},
	} {
		got, err := FromSpec(&r)
		if err == nil || got != nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, got, err)
		}
	}
}

func TestController(t *testing.T) {
	for file, want := range map[string]string{"memory.swap.max": "memory", "io.bfq.weight": "io", "cgroup.freeze": "", "hugetlb.2MB.max": "hugetlb"} {
		if got := (Setting{File: file}).Controller(); got != want {
			t.Errorf("%s: %q", file, got)
		}
	}
}

func TestWeight(t *testing.T) {
	last := uint64(0)
	for shares, want := range map[uint64]uint64{0: 1, 2: 1, 1024: 100, 262144: 10000, 1 << 40: 10000} {
		if got := Weight(shares); got != want {
			t.Errorf("%d shares: %d, want %d", shares, got, want)
		}
	}
	for shares := uint64(2); shares <= 262144; shares += 7 {
		w := Weight(shares)
		if w < last || w < 1 || w > 10000 {
			t.Fatalf("%d shares: %d after %d", shares, w, last)
		}
		last = w
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"", "/containers/web/web"},
		{"/a/b", "/a/b"},
		{"//a/./b/", "/a/b"},
		{"x", "/containers/web/x"},
		{"/a/../b", "cgroupsPath: must not"},
		{"../../b", "cgroupsPath: must not"},
		{"/", "cgroupsPath: is the root"},
		{"system.slice:crun:web", "cgroupsPath: slice"},
		{"/a\nb", "cgroupsPath: must consist"},
		{"/" + strings.Repeat("a", 256), "cgroupsPath: must consist"},
	} {
		got, err := Path(c.path, "web")
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%q: %q, want %q", c.path, got, c.want)
		}
	}
}
