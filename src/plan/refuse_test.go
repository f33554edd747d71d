// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/spec"
)

// full is a configuration that says something of nearly everything that is honoured.
func full() *specs.Spec {
	mode, id, umask, score := fs.FileMode(0o600), uint32(0), uint32(0o22), 0
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 10}}
	return &specs.Spec{
		Version: "1.3.0",
		Process: &specs.Process{
			User: specs.User{UID: 1, GID: 1, Umask: &umask, AdditionalGids: []uint32{2}},
			Args: []string{"sh"}, Env: []string{"A=b"}, Cwd: "/",
			Capabilities: &specs.LinuxCapabilities{},
			Rlimits:      []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Hard: 1}},
			OOMScoreAdj:  &score,
			Scheduler:    &specs.Scheduler{Policy: specs.SchedOther},
			IOPriority:   &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_BE},
		},
		Root: &specs.Root{Path: "rootfs"},
		Mounts: []specs.Mount{{Destination: "/t", Type: "tmpfs", Source: "tmpfs"},
			{Destination: "/b", Source: "/b", Options: []string{"bind"}, UIDMappings: ids, GIDMappings: ids}},
		Linux: &specs.Linux{
			Namespaces:  []specs.LinuxNamespace{{Type: "user"}, {Type: "mount"}, {Type: "uts"}, {Type: "network"}, {Type: "ipc"}, {Type: "time"}},
			UIDMappings: ids, GIDMappings: ids,
			Sysctl:       map[string]string{"net.ipv4.ip_forward": "0"},
			Devices:      []specs.LinuxDevice{{Path: "/dev/x", Type: "c", Major: 1, Minor: 3, FileMode: &mode, UID: &id, GID: &id}},
			NetDevices:   map[string]specs.LinuxNetDevice{"eth0": {}},
			MemoryPolicy: &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0"},
			Personality:  &specs.LinuxPersonality{Domain: specs.PerLinux},
			TimeOffsets:  map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1}},
		},
	}
}

func ref[T any](v T) *T { return &v }

// The parts of linux.resources, made where they are missing.
func limits(s *specs.Spec) *specs.LinuxResources {
	if s.Linux.Resources == nil {
		s.Linux.Resources = &specs.LinuxResources{Memory: &specs.LinuxMemory{}, CPU: &specs.LinuxCPU{}, BlockIO: &specs.LinuxBlockIO{}}
	}
	return s.Linux.Resources
}
func memory(s *specs.Spec) *specs.LinuxMemory   { return limits(s).Memory }
func cpu(s *specs.Spec) *specs.LinuxCPU         { return limits(s).CPU }
func blockIO(s *specs.Spec) *specs.LinuxBlockIO { return limits(s).BlockIO }

var throttle = []specs.LinuxThrottleDevice{{Rate: 1}}

// A fate is what becomes of a member of config.json.
type fate int

const (
	honoured fate = iota // the plan changes
	refused              // with the member's name
	ignored              // and Ignored says so
)

type member struct {
	path   string
	fate   fate
	change func(*specs.Spec)
}

// Every member of config.json, or of all below it, with a change that it is tried with.
var members = []member{
	{"process.terminal", honoured, func(s *specs.Spec) { s.Process.Terminal = true }},
	{"process.consoleSize.height", honoured, func(s *specs.Spec) { terminal(s, 80, 26) }},
	{"process.consoleSize.width", honoured, func(s *specs.Spec) { terminal(s, 81, 25) }},
	{"process.consoleSize", ignored, func(s *specs.Spec) { s.Process.ConsoleSize = &specs.Box{Height: 1, Width: 2} }},
	{"process.user.uid", honoured, func(s *specs.Spec) { s.Process.User.UID = 2 }},
	{"process.user.gid", honoured, func(s *specs.Spec) { s.Process.User.GID = 2 }},
	{"process.user.umask", honoured, func(s *specs.Spec) { s.Process.User.Umask = ref(uint32(0o77)) }},
	{"process.user.additionalGids", honoured, func(s *specs.Spec) { s.Process.User.AdditionalGids = []uint32{3} }},
	{"process.args", honoured, func(s *specs.Spec) { s.Process.Args = append(s.Process.Args, "") }},
	{"process.env", honoured, func(s *specs.Spec) { s.Process.Env = nil }},
	{"process.cwd", honoured, func(s *specs.Spec) { s.Process.Cwd = "/x" }},
	{"process.capabilities.bounding", honoured, func(s *specs.Spec) { s.Process.Capabilities.Bounding = []string{"CAP_KILL"} }},
	{"process.capabilities.effective", honoured, func(s *specs.Spec) { s.Process.Capabilities.Effective = []string{"CAP_KILL"} }},
	{"process.capabilities.inheritable", honoured, func(s *specs.Spec) { s.Process.Capabilities.Inheritable = []string{"CAP_KILL"} }},
	{"process.capabilities.permitted", honoured, func(s *specs.Spec) { s.Process.Capabilities.Permitted = []string{"CAP_KILL"} }},
	{"process.capabilities.ambient", honoured, func(s *specs.Spec) { s.Process.Capabilities.Ambient = []string{"CAP_KILL"} }},
	{"process.rlimits[].type", honoured, func(s *specs.Spec) { s.Process.Rlimits[0].Type = "RLIMIT_CPU" }},
	{"process.rlimits[].hard", honoured, func(s *specs.Spec) { s.Process.Rlimits[0].Hard = 2 }},
	{"process.rlimits[].soft", honoured, func(s *specs.Spec) { s.Process.Rlimits[0].Soft = 1 }},
	{"process.noNewPrivileges", honoured, func(s *specs.Spec) { s.Process.NoNewPrivileges = true }},
	{"process.apparmorProfile", refused, func(s *specs.Spec) { s.Process.ApparmorProfile = "x" }},
	{"process.oomScoreAdj", honoured, func(s *specs.Spec) { s.Process.OOMScoreAdj = ref(500) }},
	{"process.scheduler.policy", honoured, func(s *specs.Spec) { s.Process.Scheduler.Policy = specs.SchedBatch }},
	{"process.scheduler.nice", honoured, func(s *specs.Spec) { s.Process.Scheduler.Nice = 1 }},
	{"process.scheduler.priority", honoured, func(s *specs.Spec) { fifo(s, 2) }},
	{"process.scheduler.flags", honoured, func(s *specs.Spec) { s.Process.Scheduler.Flags = []specs.LinuxSchedulerFlag{specs.SchedFlagReclaim} }},
	{"process.scheduler.runtime", honoured, func(s *specs.Spec) { deadline(s, 2048, 8000, 9000) }},
	{"process.scheduler.deadline", honoured, func(s *specs.Spec) { deadline(s, 1024, 7000, 9000) }},
	{"process.scheduler.period", honoured, func(s *specs.Spec) { deadline(s, 1024, 8000, 8500) }},
	{"process.selinuxLabel", refused, func(s *specs.Spec) { s.Process.SelinuxLabel = "x" }},
	{"process.ioPriority.class", honoured, func(s *specs.Spec) { s.Process.IOPriority.Class = specs.IOPRIO_CLASS_RT }},
	{"process.ioPriority.priority", honoured, func(s *specs.Spec) { s.Process.IOPriority.Priority = 1 }},
	{"process.execCPUAffinity", ignored, func(s *specs.Spec) { s.Process.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0"} }},
	{"root.path", honoured, func(s *specs.Spec) { s.Root.Path = "/r" }},
	{"root.readonly", honoured, func(s *specs.Spec) { s.Root.Readonly = true }},
	{"hostname", honoured, func(s *specs.Spec) { s.Hostname = "h" }},
	{"domainname", honoured, func(s *specs.Spec) { s.Domainname = "d" }},
	{"mounts[].destination", honoured, func(s *specs.Spec) { s.Mounts[0].Destination = "/x" }},
	{"mounts[].type", honoured, func(s *specs.Spec) { s.Mounts[0].Type = "ramfs" }},
	{"mounts[].source", honoured, func(s *specs.Spec) { s.Mounts[0].Source = "x" }},
	{"mounts[].options", honoured, func(s *specs.Spec) { s.Mounts[0].Options = []string{"ro"} }},
	{"mounts[].uidMappings", honoured, func(s *specs.Spec) { s.Mounts[1].UIDMappings = []specs.LinuxIDMapping{{Size: 1}} }},
	{"mounts[].gidMappings", honoured, func(s *specs.Spec) { s.Mounts[1].GIDMappings = []specs.LinuxIDMapping{{Size: 1}} }},
	{"hooks.prestart", honoured, func(s *specs.Spec) { s.Hooks = &specs.Hooks{Prestart: hook} }},
	{"hooks.createRuntime", honoured, func(s *specs.Spec) { s.Hooks = &specs.Hooks{CreateRuntime: hook} }},
	{"hooks.createContainer", honoured, func(s *specs.Spec) { s.Hooks = &specs.Hooks{CreateContainer: hook} }},
	{"hooks.startContainer", honoured, func(s *specs.Spec) { s.Hooks = &specs.Hooks{StartContainer: hook} }},
	{"hooks.poststart", honoured, func(s *specs.Spec) { s.Hooks = &specs.Hooks{Poststart: hook} }},
	{"hooks.poststop", honoured, func(s *specs.Spec) { s.Hooks = &specs.Hooks{Poststop: hook} }},
	{"annotations", ignored, func(s *specs.Spec) { s.Annotations = map[string]string{"a": "b"} }},
	{"linux.uidMappings", honoured, func(s *specs.Spec) { s.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: 7, Size: 10}} }},
	{"linux.gidMappings", honoured, func(s *specs.Spec) { s.Linux.GIDMappings = []specs.LinuxIDMapping{{HostID: 7, Size: 10}} }},
	{"linux.sysctl", honoured, func(s *specs.Spec) { s.Linux.Sysctl["net.ipv4.ip_forward"] = "1" }},
	{"linux.resources.devices", honoured, func(s *specs.Spec) {
		limits(s).Devices = []specs.LinuxDeviceCgroup{{Allow: true}}
	}},
	{"linux.resources.memory.limit", honoured, func(s *specs.Spec) { memory(s).Limit = ref(int64(1)) }},
	{"linux.resources.memory.reservation", honoured, func(s *specs.Spec) { memory(s).Reservation = ref(int64(1)) }},
	{"linux.resources.memory.swap", honoured, func(s *specs.Spec) { memory(s).Swap = ref(int64(-1)) }},
	{"linux.resources.memory.kernel", refused, func(s *specs.Spec) { memory(s).Kernel = ref(int64(1)) }}, //nolint:staticcheck // deprecated, not gone
	{"linux.resources.memory.kernelTCP", refused, func(s *specs.Spec) { memory(s).KernelTCP = ref(int64(1)) }},
	{"linux.resources.memory.swappiness", refused, func(s *specs.Spec) { memory(s).Swappiness = ref(uint64(1)) }},
	{"linux.resources.memory.disableOOMKiller", refused, func(s *specs.Spec) { memory(s).DisableOOMKiller = ref(true) }},
	{"linux.resources.memory.useHierarchy", ignored, func(s *specs.Spec) { memory(s).UseHierarchy = ref(true) }},
	{"linux.resources.memory.checkBeforeUpdate", ignored, func(s *specs.Spec) { memory(s).CheckBeforeUpdate = ref(true) }},
	{"linux.resources.cpu.shares", honoured, func(s *specs.Spec) { cpu(s).Shares = ref(uint64(2)) }},
	{"linux.resources.cpu.quota", honoured, func(s *specs.Spec) { cpu(s).Quota = ref(int64(1000)) }},
	{"linux.resources.cpu.burst", honoured, func(s *specs.Spec) { cpu(s).Burst = ref(uint64(1)) }},
	{"linux.resources.cpu.period", honoured, func(s *specs.Spec) { cpu(s).Period = ref(uint64(1000)) }},
	{"linux.resources.cpu.realtimeRuntime", refused, func(s *specs.Spec) { cpu(s).RealtimeRuntime = ref(int64(1)) }},
	{"linux.resources.cpu.realtimePeriod", refused, func(s *specs.Spec) { cpu(s).RealtimePeriod = ref(uint64(1)) }},
	{"linux.resources.cpu.cpus", honoured, func(s *specs.Spec) { cpu(s).Cpus = "0" }},
	{"linux.resources.cpu.mems", honoured, func(s *specs.Spec) { cpu(s).Mems = "0" }},
	{"linux.resources.cpu.idle", honoured, func(s *specs.Spec) { cpu(s).Idle = ref(int64(1)) }},
	{"linux.resources.pids", honoured, func(s *specs.Spec) { limits(s).Pids = &specs.LinuxPids{Limit: ref(int64(-1))} }},
	{"linux.resources.blockIO.weight", honoured, func(s *specs.Spec) { blockIO(s).Weight = ref(uint16(10)) }},
	{"linux.resources.blockIO.leafWeight", refused, func(s *specs.Spec) { blockIO(s).LeafWeight = ref(uint16(10)) }},
	{"linux.resources.blockIO.weightDevice", honoured, func(s *specs.Spec) {
		blockIO(s).WeightDevice = []specs.LinuxWeightDevice{{Weight: ref(uint16(10))}}
	}},
	{"linux.resources.blockIO.throttleReadBpsDevice", honoured, func(s *specs.Spec) { blockIO(s).ThrottleReadBpsDevice = throttle }},
	{"linux.resources.blockIO.throttleWriteBpsDevice", honoured, func(s *specs.Spec) { blockIO(s).ThrottleWriteBpsDevice = throttle }},
	{"linux.resources.blockIO.throttleReadIOPSDevice", honoured, func(s *specs.Spec) { blockIO(s).ThrottleReadIOPSDevice = throttle }},
	{"linux.resources.blockIO.throttleWriteIOPSDevice", honoured, func(s *specs.Spec) { blockIO(s).ThrottleWriteIOPSDevice = throttle }},
	{"linux.resources.hugepageLimits", honoured, func(s *specs.Spec) {
		limits(s).HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: "2MB"}}
	}},
	{"linux.resources.network", refused, func(s *specs.Spec) { limits(s).Network = &specs.LinuxNetwork{ClassID: ref(uint32(1))} }},
	{"linux.resources.rdma", honoured, func(s *specs.Spec) {
		limits(s).Rdma = map[string]specs.LinuxRdma{"x": {HcaHandles: ref(uint32(1))}}
	}},
	{"linux.resources.unified", honoured, func(s *specs.Spec) { limits(s).Unified = map[string]string{"memory.high": "1"} }},
	{"linux.cgroupsPath", honoured, func(s *specs.Spec) { s.Linux.CgroupsPath = "/x" }},
	{"linux.namespaces[].type", honoured, func(s *specs.Spec) { s.Linux.Namespaces[4].Type = "cgroup" }},
	{"linux.namespaces[].path", honoured, func(s *specs.Spec) { s.Linux.Namespaces[4].Path = "/x" }},
	{"linux.devices[].path", honoured, func(s *specs.Spec) { s.Linux.Devices[0].Path = "/dev/y" }},
	{"linux.devices[].type", honoured, func(s *specs.Spec) { s.Linux.Devices[0].Type = "b" }},
	{"linux.devices[].major", honoured, func(s *specs.Spec) { s.Linux.Devices[0].Major = 2 }},
	{"linux.devices[].minor", honoured, func(s *specs.Spec) { s.Linux.Devices[0].Minor = 2 }},
	{"linux.devices[].fileMode", honoured, func(s *specs.Spec) { s.Linux.Devices[0].FileMode = nil }},
	{"linux.devices[].uid", honoured, func(s *specs.Spec) { s.Linux.Devices[0].UID = ref(uint32(1)) }},
	{"linux.devices[].gid", honoured, func(s *specs.Spec) { s.Linux.Devices[0].GID = ref(uint32(1)) }},
	{"linux.netDevices", honoured, func(s *specs.Spec) { s.Linux.NetDevices["eth0"] = specs.LinuxNetDevice{Name: "lan"} }},
	{"linux.seccomp", honoured, func(s *specs.Spec) { s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow} }},
	{"linux.rootfsPropagation", honoured, func(s *specs.Spec) { s.Linux.RootfsPropagation = "rslave" }},
	{"linux.maskedPaths", honoured, func(s *specs.Spec) { s.Linux.MaskedPaths = []string{"/x"} }},
	{"linux.readonlyPaths", honoured, func(s *specs.Spec) { s.Linux.ReadonlyPaths = []string{"/x"} }},
	{"linux.mountLabel", refused, func(s *specs.Spec) { s.Linux.MountLabel = "x" }},
	{"linux.intelRdt", refused, func(s *specs.Spec) { s.Linux.IntelRdt = &specs.LinuxIntelRdt{} }},
	{"linux.memoryPolicy.mode", honoured, func(s *specs.Spec) { s.Linux.MemoryPolicy.Mode = specs.MpolInterleave }},
	{"linux.memoryPolicy.nodes", honoured, func(s *specs.Spec) { s.Linux.MemoryPolicy.Nodes = "1" }},
	{"linux.memoryPolicy.flags", honoured, func(s *specs.Spec) { s.Linux.MemoryPolicy.Flags = []specs.MemoryPolicyFlagType{specs.MpolFStaticNodes} }},
	{"linux.personality.domain", honoured, func(s *specs.Spec) { s.Linux.Personality.Domain = specs.PerLinux32 }},
	{"linux.personality.flags", refused, func(s *specs.Spec) { s.Linux.Personality.Flags = []specs.LinuxPersonalityFlag{"x"} }},
	{"linux.timeOffsets", honoured, func(s *specs.Spec) { s.Linux.TimeOffsets["boottime"] = specs.LinuxTimeOffset{Secs: 2} }},
}

// before changes what the change of some members is compared with.
var before = map[string]func(*specs.Spec){
	"process.consoleSize.height": func(s *specs.Spec) { terminal(s, 80, 25) },
	"process.consoleSize.width":  func(s *specs.Spec) { terminal(s, 80, 25) },
	"process.scheduler.priority": func(s *specs.Spec) { fifo(s, 1) },
	"process.scheduler.runtime":  func(s *specs.Spec) { deadline(s, 1024, 8000, 9000) },
	"process.scheduler.deadline": func(s *specs.Spec) { deadline(s, 1024, 8000, 9000) },
	"process.scheduler.period":   func(s *specs.Spec) { deadline(s, 1024, 8000, 9000) },
}

func terminal(s *specs.Spec, width, height uint) {
	s.Process.Terminal, s.Process.ConsoleSize = true, &specs.Box{Height: height, Width: width}
}

func fifo(s *specs.Spec, priority int32) {
	s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedFIFO, Priority: priority}
}

func deadline(s *specs.Spec, runtime, deadline, period uint64) {
	s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedDeadline, Runtime: runtime, Deadline: deadline, Period: period}
}

var hook = []specs.Hook{{Path: "/bin/true"}}

// No member of config.json is silently dropped: it is honoured, or refused with its name, or listed as ignored.
func TestEveryMember(t *testing.T) {
	plan := func(s *specs.Spec) (string, error) {
		if err := spec.Validate(s); err != nil {
			return "", err
		}
		p, err := FromSpec(s, Bundle{Name: "x", Dir: "/b"})
		if err != nil {
			return "", err
		}
		return p.Text(), nil
	}
	for _, m := range members {
		s := full()
		if f := before[m.path]; f != nil {
			f(s)
		}
		before, err := plan(s)
		if err != nil {
			t.Fatal(m.path, err)
		}
		s = full()
		m.change(s)
		after, err := plan(s)
		switch name := strings.ReplaceAll(m.path, "[]", "[0]"); m.fate {
		case honoured:
			if err != nil || after == before {
				t.Errorf("%s has no effect (%v)", m.path, err)
			}
		case refused:
			if err == nil || !strings.HasPrefix(err.Error(), name) {
				t.Errorf("%s: %v", m.path, err)
			}
			if !m.listed(Refused()) && m.path != "linux.personality.flags" { // no value of that is defined at all
				t.Errorf("%s is not listed by Refused", m.path)
			}
		case ignored:
			if err != nil || after != before {
				t.Errorf("%s is listed as ignored, but changes something (%v)", m.path, err)
			}
			if !m.listed(Ignored()) {
				t.Errorf("%s is not listed by Ignored", m.path)
			}
		}
	}
}

func (m *member) listed(list []string) bool {
	for _, l := range list {
		l, _, _ = strings.Cut(l, " ")
		if l == m.path || strings.HasPrefix(m.path, l+".") {
			return true
		}
	}
	return false
}

// The table is complete: it has every member of the specification's types that is for Linux.
func TestMembersAreAll(t *testing.T) {
	covered := func(path string) bool {
		for _, m := range members {
			if path == m.path || strings.HasPrefix(path, m.path+".") || strings.HasPrefix(path, m.path+"[]") || strings.HasPrefix(path, m.path+"{}") {
				return true
			}
		}
		return false
	}
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer:
			walk(path, typ.Elem())
			return
		case reflect.Slice:
			path, typ = path+"[]", typ.Elem()
		case reflect.Map:
			path, typ = path+"{}", typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			if !covered(path) {
				t.Errorf("%s is not in the table", path)
			}
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if p := f.Tag.Get("platform"); p != "" && !strings.Contains(p, "linux") {
				if !strings.Contains(strings.Join(Ignored(), " "), name) && name != "username" {
					t.Errorf("%s.%s is not listed by Ignored", path, name)
				}
				continue
			}
			switch {
			case name == "":
				walk(path, f.Type) // embedded
			case path == "" && name != "ociVersion":
				walk(name, f.Type)
			case path != "":
				walk(path+"."+name, f.Type)
			}
		}
	}
	walk("", reflect.TypeFor[specs.Spec]())
	if b, err := json.Marshal(full()); err != nil || len(b) < 1000 {
		t.Errorf("the configuration says little: %s %v", b, err)
	}
}
