// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// needs skips a test where cgroup v2 lacks a controller; in the virtual machine (make test-vm) none may be missing.
func needs(t *testing.T, controllers ...string) {
	t.Helper()
	b, _ := os.ReadFile(groups + "/cgroup.controllers")
	have := strings.Fields(string(b))
	for _, c := range controllers {
		found := false
		for _, h := range have {
			found = found || h == c
		}
		switch {
		case found:
		case os.Getenv("GOJAIL_VM") != "":
			t.Fatalf("the machine has no controller %s, only %v", c, have)
		default:
			t.Skipf("SKIPPED: this machine has no controller %s: make test-vm", c)
		}
	}
}

func limited(change func(*specs.LinuxResources)) edit {
	return func(s *specs.Spec) {
		s.Linux.Resources = &specs.LinuxResources{}
		change(s.Linux.Resources)
	}
}

// ownGroup shows the container its control group at /mnt.
func ownGroup(s *specs.Spec) {
	namespace(specs.CgroupNamespace, "")(s)
	mount("/mnt", "cgroup", "cgroup", "ro")(s)
}

func pointer[T any](v T) *T { return &v }

// Each limit as the kernel tells it.
func TestVMLimits(t *testing.T) {
	needs(t, "memory", "cpu", "cpuset", "pids", "io")
	show := script("cd /mnt && for f in memory.max memory.low memory.high cpu.max cpu.max.burst cpu.weight cpuset.cpus cpuset.mems pids.max; do echo $f $(cat $f); done; cat /proc/self/cgroup")
	b := newBundle(t, show, ownGroup, limited(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: pointer(int64(64 << 20)), Reservation: pointer(int64(32 << 20)), Swap: pointer(int64(64 << 20))}
		r.CPU = &specs.LinuxCPU{Shares: pointer(uint64(1024)), Quota: pointer(int64(50000)), Period: pointer(uint64(100000)), Burst: pointer(uint64(10000)), Cpus: "0", Mems: "0"}
		r.Pids = &specs.LinuxPids{Limit: pointer(int64(32))}
		r.Unified = map[string]string{"memory.high": "48M"}
	}))
	b.run().prints("memory.max 67108864\nmemory.low 33554432\nmemory.high 50331648\ncpu.max 50000 100000\ncpu.max.burst 10000\n" +
		"cpu.weight 100\ncpuset.cpus 0\ncpuset.mems 0\npids.max 32\n0::/\n")
}

// A user namespace changes nothing about it.
func TestVMLimitsUserNamespace(t *testing.T) {
	needs(t, "memory", "pids")
	b := newBundle(t, script("cat /mnt/memory.max /mnt/pids.max"), ownGroup, shifted, limited(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: pointer(int64(16 << 20))}
		r.Pids = &specs.LinuxPids{Limit: pointer(int64(7))}
	}))
	b.run().prints("16777216\n7\n")
}

// More memory than allowed: KILL, and the rest of the machine does not notice.
func TestVMOutOfMemory(t *testing.T) {
	needs(t, "memory")
	b := newBundle(t, args("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"), limited(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: pointer(int64(16 << 20)), Swap: pointer(int64(16 << 20))}
	}))
	b.run().ends(137)
}

func TestVMPids(t *testing.T) {
	needs(t, "pids")
	b := newBundle(t, script("for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; echo more"), limited(func(r *specs.LinuxResources) {
		r.Pids = &specs.LinuxPids{Limit: pointer(int64(5))}
	}))
	r := b.run()
	if r.code == 0 || !strings.Contains(r.stderr, "fork") {
		t.Errorf("ended with %d, said %q", r.code, r.stderr)
	}
	b = newBundle(t, args("/bin/true"), limited(func(r *specs.LinuxResources) {
		r.Unified = map[string]string{"pids.max": "0"}
	}))
	b.run().refused("make the container's process", "linux.resources.pids.limit")
}

// What the kernel does not take names file and value, and nothing runs.
func TestVMBadValues(t *testing.T) {
	needs(t, "memory", "cpu", "cpuset", "io")
	for want, change := range map[string]func(*specs.LinuxResources){
		"cpuset.cpus":           func(r *specs.LinuxResources) { r.CPU = &specs.LinuxCPU{Cpus: "4000"} },
		"cpu.max":               func(r *specs.LinuxResources) { r.CPU = &specs.LinuxCPU{Quota: pointer(int64(1))} },
		"unified.memory.high":   func(r *specs.LinuxResources) { r.Unified = map[string]string{"memory.high": "much"} },
		"unified.memory.nosuch": func(r *specs.LinuxResources) { r.Unified = map[string]string{"memory.nosuch": "1"} },
		"io.max": func(r *specs.LinuxResources) {
			d := specs.LinuxThrottleDevice{Rate: 1}
			d.Major, d.Minor = 250, 250
			r.BlockIO = &specs.LinuxBlockIO{ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{d}}
		},
	} {
		newBundle(t, args("/bin/echo", "ran"), limited(change)).run().refused("linux.resources.", want)
	}
}

// What is asked for less often.
func TestVMOtherLimits(t *testing.T) {
	needs(t, "cpu", "hugetlb", "io")
	show := script("cd /mnt && cat hugetlb.2MB.max cpu.idle cpu.weight io.max")
	b := newBundle(t, show, ownGroup, limited(func(r *specs.LinuxResources) {
		loop := specs.LinuxThrottleDevice{Rate: 1 << 20}
		loop.Major = 7
		r.HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 4 << 20}}
		r.CPU = &specs.LinuxCPU{Idle: pointer(int64(1))}
		r.BlockIO = &specs.LinuxBlockIO{ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{loop}}
	}))
	b.run().prints("4194304\n1\n0\n7:0 rbps=1048576 wbps=max riops=max wiops=max\n")
}

// OpenWrt's annotation: a share of the machine's memory.
func TestVMMemoryPercent(t *testing.T) {
	needs(t, "memory")
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	total, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	b := newBundle(t, script("cat /mnt/memory.max"), ownGroup, annotation("org.openwrt.cgroup.memory.pct", "25"))
	r := b.run().ok()
	if got, err := strconv.Atoi(strings.TrimSpace(r.stdout)); err != nil || got < total*1024/4-8192 || got > total*1024/4 {
		t.Errorf("the limit is %q, of %d KiB", r.stdout, total)
	}
}
