// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The world has cgroup v2 without controllers: what needs them is in tests/vm.

const groups = "/sys/fs/cgroup"

func deviceRules(list ...specs.LinuxDeviceCgroup) edit {
	return func(s *specs.Spec) { s.Linux.Resources = &specs.LinuxResources{Devices: list} }
}

var denyAll = specs.LinuxDeviceCgroup{Access: "rwm"}

func cgroupsPath(path string) edit { return func(s *specs.Spec) { s.Linux.CgroupsPath = path } }

func TestOCICgroup(t *testing.T) {
	for path, want := range map[string]string{"": "/containers/%/%", "/a/b/c": "/a/b/c", "x": "/containers/%/x"} {
		b := newBundle(t, script("grep ^0:: /proc/self/cgroup"), cgroupsPath(path))
		b.run().prints("0::" + strings.ReplaceAll(want, "%", b.name) + "\n")
	}
}

// One's own control group is the root of a cgroup namespace that is made with it.
func TestOCICgroupNamespace(t *testing.T) {
	b := newBundle(t, script("grep ^0:: /proc/self/cgroup"), namespace(specs.CgroupNamespace, ""))
	b.run().prints("0::/\n")
}

// The control group goes with the container, whatever its processes do; watch, which all tests have, finds what is left.
func TestD33CgroupRemoved(t *testing.T) {
	t.Run("processes that stay", func(t *testing.T) {
		b := newBundle(t, script("sleep 1000 & sleep 1000 & echo up; exit 3"), withoutNamespace(specs.PIDNamespace))
		b.run().ends(3)
	})
	t.Run("groups of its own", func(t *testing.T) {
		b := newBundle(t, script("mkdir -p /cg/a/b; echo up; exec sleep 1000"), namespace(specs.CgroupNamespace, ""),
			mount("/cg", "cgroup", "cgroup", "rw"))
		p := b.start().until("up\n")
		if _, err := os.Stat(groups + "/containers/" + b.name + "/" + b.name + "/a/b"); err != nil {
			t.Error(err)
		}
		payload := p.payload()
		p.signal(syscall.SIGHUP) // which a pid 1 does not notice; a shell that is still there would notice INT
		syscall.Kill(payload, syscall.SIGKILL)
		p.wait().ends(137)
	})
	t.Run("a start that fails", func(t *testing.T) { newBundle(t, args("/none")).run().ends(127) })
	t.Run("a start that is refused", func(t *testing.T) {
		newBundle(t, bind("/none", "/mnt")).run().refused("/none")
	})
}

func TestCgroupInUse(t *testing.T) {
	first := newBundle(t, script("echo up; exec sleep 1000"), cgroupsPath("/mine/x"))
	p := first.start().until("up\n")
	newBundle(t, args("/bin/true"), cgroupsPath("/mine/x")).run().refused("linux.cgroupsPath", "processes are in it")
	payload := p.payload()
	p.signal(syscall.SIGTERM)
	syscall.Kill(payload, syscall.SIGKILL)
	p.wait()
}

func TestD4LimitsAreNotDropped(t *testing.T) {
	memory, pids := int64(64<<20), int64(100)
	controllers, _ := os.ReadFile("/sys/fs/cgroup/cgroup.controllers")
	for where, c := range map[string]struct {
		file, value string
		limits      specs.LinuxResources
	}{
		"memory.limit":        {"memory.max", "67108864\n", specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &memory}}},
		"pids.limit":          {"pids.max", "100\n", specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &pids}}},
		"unified.memory.high": {"memory.high", "67108864\n", specs.LinuxResources{Unified: map[string]string{"memory.high": "64M"}}},
	} {
		b := newBundle(t, args("/bin/cat", "/cg/"+c.file), namespace(specs.CgroupNamespace, ""), mount("/cg", "cgroup", "cgroup", "ro"),
			func(s *specs.Spec) { s.Linux.Resources = &c.limits })
		if controller, _, _ := strings.Cut(c.file, "."); slices.Contains(strings.Fields(string(controllers)), controller) {
			b.run().prints(c.value)
		} else {
			b.run().refused("linux.resources."+where, "no controller")
		}
	}
}

func TestMemoryPercentRefused(t *testing.T) {
	percent := func(text string) *bundle {
		return newBundle(t, args("/bin/echo", "ran"), annotation("org.openwrt.cgroup.memory.pct", text))
	}
	for _, text := range words("0 101 -1 a 5.5 %") {
		percent(text).run().refused("annotations[org.openwrt.cgroup.memory.pct]", "from 1 to 100")
	}
	if !hasController("memory") {
		percent("25").run().refused("linux.resources.memory.limit (org.openwrt.cgroup.memory.pct)", "no controller memory")
	}
}

// A limit that needs no controller, and one that the kernel does not take.
func TestOCIUnified(t *testing.T) {
	unified := func(value string) edit {
		return func(s *specs.Spec) {
			s.Linux.Resources = &specs.LinuxResources{Unified: map[string]string{"cgroup.max.descendants": value}}
		}
	}
	b := newBundle(t, script("cat /cg/cgroup.max.descendants"), namespace(specs.CgroupNamespace, ""), mount("/cg", "cgroup", "cgroup", "ro"), unified("7"))
	b.run().prints("7\n")
	newBundle(t, args("/bin/echo", "ran"), unified("many")).run().
		refused("linux.resources.unified.cgroup.max.descendants", `write "many" to`, "cgroup.max.descendants", "does not take the value")
}

// No node may be opened that the rules do not allow, whoever made it; those of the default list may.
func TestOCIDeviceRules(t *testing.T) {
	number := func(v int64) *int64 { return &v }
	kmsg := specs.LinuxDeviceCgroup{Allow: true, Type: "c", Major: number(1), Minor: number(11), Access: "r"}
	try := script("rm -f /dev/kmsg; mknod /dev/kmsg c 1 11 && for d in null zero kmsg; do " +
		`(exec <"/dev/$d") 2>/dev/null && echo $d r; (exec >"/dev/$d") 2>/dev/null && echo $d w; done; true`)
	caps := capabilities("CAP_MKNOD", "CAP_SYSLOG", "CAP_SYS_ADMIN")
	const always = "null r\nnull w\nzero r\nzero w\n"
	newBundle(t, try, caps, deviceRules(denyAll)).run().prints(always)
	newBundle(t, try, caps, deviceRules(denyAll, kmsg)).run().prints(always + "kmsg r\n")
	newBundle(t, try, caps, deviceRules(kmsg, denyAll)).run().prints(always)
	newBundle(t, try, caps, deviceRules(denyAll, specs.LinuxDeviceCgroup{Allow: true})).run().prints(always + "kmsg r\nkmsg w\n")
	newBundle(t, try, caps, deviceRules(denyAll), func(s *specs.Spec) {
		s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/kmsg", Type: "c", Major: 1, Minor: 11}}
	}).run().prints(always + "kmsg r\nkmsg w\n")
	newBundle(t, args("/bin/true"), deviceRules(specs.LinuxDeviceCgroup{Type: "q"})).run().refused("linux.resources.devices[0].type")
}
