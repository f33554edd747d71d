// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// valid is a configuration without fault that has every namespace.
func valid() *specs.Spec {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	l := &specs.Linux{UIDMappings: ids, GIDMappings: ids}
	for _, t := range []specs.LinuxNamespaceType{"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"} {
		l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: t})
	}
	return &specs.Spec{
		Version: specs.Version,
		Process: &specs.Process{Cwd: "/", Args: []string{"sh"}},
		Root:    &specs.Root{Path: "rootfs"},
		Linux:   l,
	}
}

// without takes a namespace away.
func without(s *specs.Spec, t specs.LinuxNamespaceType) {
	var kept []specs.LinuxNamespace
	for _, ns := range s.Linux.Namespaces {
		if ns.Type != t {
			kept = append(kept, ns)
		}
	}
	s.Linux.Namespaces = kept
	if t == specs.UserNamespace {
		s.Linux.UIDMappings, s.Linux.GIDMappings = nil, nil
	}
}

// join gives a namespace a path.
func join(s *specs.Spec, t specs.LinuxNamespaceType, path string) { find(s.Linux, t).Path = path }

type change struct {
	name   string
	change func(s *specs.Spec)
	want   string // lines
}

func (c change) run(t *testing.T) {
	t.Run(c.name, func(t *testing.T) {
		s := valid()
		c.change(s)
		err := Validate(s)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
		}
	})
}

const hostMounts = "a container without a mount namespace of its own would mount over, mask and pivot away the host's filesystems"

func TestValidateTop(t *testing.T) {
	for _, c := range []change{
		{"nothing", func(s *specs.Spec) {}, ""},
		{"no process", func(s *specs.Spec) { s.Process = nil }, "process: is required: the configuration names no program to run"},
		{"no root", func(s *specs.Spec) { s.Root = nil }, "root: is required: it names the root filesystem"},
		{"empty root", func(s *specs.Spec) { s.Root.Path = "" }, "root.path: must not be empty"},
		{"no linux", func(s *specs.Spec) { s.Linux = nil }, "linux: is required: " + hostMounts},
		{"no mount namespace", func(s *specs.Spec) { without(s, "mount") }, "linux.namespaces: must contain a mount namespace: " + hostMounts},
		{"hostname", func(s *specs.Spec) { s.Hostname = strings.Repeat("h", 64); s.Domainname = s.Hostname }, ""},
		{"long hostname", func(s *specs.Spec) { s.Hostname = strings.Repeat("h", 65); s.Domainname = s.Hostname },
			"hostname: must have at most 64 bytes\ndomainname: must have at most 64 bytes"},
		{"hostname of the host", func(s *specs.Spec) { s.Hostname, s.Domainname = "a", "b"; without(s, "uts") },
			"hostname: needs a uts namespace: without one it would rename the host\n" +
				"domainname: needs a uts namespace: without one it would rename the host"},
		{"hostname of a joined namespace", func(s *specs.Spec) { s.Hostname = "a"; join(s, "uts", "/proc/1/ns/uts") }, ""},
		{"empty annotation", func(s *specs.Spec) { s.Annotations = map[string]string{"": "x"} }, "annotations: a key must not be empty"},
		{"hooks", func(s *specs.Spec) {
			zero, minus, ten := 0, -1, 10
			s.Hooks = &specs.Hooks{
				Prestart:        []specs.Hook{{Path: "a"}}, //nolint:staticcheck
				CreateRuntime:   []specs.Hook{{Path: "/a", Timeout: &ten}, {Path: "", Timeout: &zero}},
				CreateContainer: []specs.Hook{{Path: "./a"}},
				StartContainer:  []specs.Hook{{Path: "/a", Timeout: &minus}},
				Poststart:       []specs.Hook{{Path: "a"}},
				Poststop:        []specs.Hook{{Path: "a"}},
			}
		}, `hooks.prestart[0].path: must be an absolute path, not "a"
hooks.createRuntime[1].path: must be an absolute path, not ""
hooks.createRuntime[1].timeout: must be greater than zero
hooks.createContainer[0].path: must be an absolute path, not "./a"
hooks.startContainer[0].timeout: must be greater than zero
hooks.poststart[0].path: must be an absolute path, not "a"
hooks.poststop[0].path: must be an absolute path, not "a"`},
		{"what later parts look at", func(s *specs.Spec) {
			s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: []string{"CAP_UNKNOWN"}}
			s.Process.ApparmorProfile, s.Process.SelinuxLabel = "p", "l"
			s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_UNKNOWN"}
			s.Linux.Resources = &specs.LinuxResources{Unified: map[string]string{"a/b": "c"}}
			s.Linux.IntelRdt = &specs.LinuxIntelRdt{ClosID: "../.."}
			s.Linux.CgroupsPath = "../.."
			s.Linux.MountLabel = "x"
		}, ""},
	} {
		c.run(t)
	}
}

func TestValidateVersion(t *testing.T) {
	for _, v := range []string{
		"1.0.0", "1.0.2-dev", "1.0.0-rc6", "1.0.0-rc.1", "1.1.0+dev", "1.2.0-rc.1-dev", "1.3.0", "1.3.99", "1.2.1-a+b.c", "1.0.0--", "1.0.0+a-b",
	} {
		change{v, func(s *specs.Spec) { s.Version = v }, ""}.run(t)
	}
	for v, want := range map[string]string{
		"":          "must be a version such as \"1.2.0\", not \"\"",
		"1":         "must be a version such as \"1.2.0\", not \"1\"",
		"1.2":       "must be a version such as \"1.2.0\", not \"1.2\"",
		"1.2.":      "must be a version such as \"1.2.0\", not \"1.2.\"",
		"v1.2.0":    "must be a version such as \"1.2.0\", not \"v1.2.0\"",
		"1.02.0":    "must be a version such as \"1.2.0\", not \"1.02.0\"",
		"1.0.0.0":   "must be a version such as \"1.2.0\", not \"1.0.0.0\"",
		"1.0.0-":    "must be a version such as \"1.2.0\", not \"1.0.0-\"",
		"1.0.0-a..": "must be a version such as \"1.2.0\", not \"1.0.0-a..\"",
		"1.0.0-.a":  "must be a version such as \"1.2.0\", not \"1.0.0-.a\"",
		"1.0.0-+a":  "must be a version such as \"1.2.0\", not \"1.0.0-+a\"",
		"1.0.0+a+b": "must be a version such as \"1.2.0\", not \"1.0.0+a+b\"",
		"1.0.0-ä":   "must be a version such as \"1.2.0\", not \"1.0.0-ä\"",
		" 1.0.0":    "must be a version such as \"1.2.0\", not \" 1.0.0\"",
		"0.1.0":     "is \"0.1.0\", which is older than the first release; 1.x is supported",
		"0.6.0-dev": "is \"0.6.0-dev\", which is older than the first release; 1.x is supported",
		"2.0.0":     "is \"2.0.0\", which is newer than what is supported: 1.x",
	} {
		change{v, func(s *specs.Spec) { s.Version = v }, "ociVersion: " + want}.run(t)
	}
}

func TestValidateLinux(t *testing.T) {
	for _, c := range []change{
		{"namespaces", func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: "pid"}, specs.LinuxNamespace{Type: "net"},
				specs.LinuxNamespace{Type: "pid"}, specs.LinuxNamespace{})
			join(s, "ipc", "proc/1/ns/ipc")
			join(s, "network", "/run/netns/a")
		}, `linux.namespaces[3].path: must be an absolute path, not "proc/1/ns/ipc"
linux.namespaces[8].type: there are two namespaces of type pid
linux.namespaces[9].type: unknown namespace "net"
linux.namespaces[10].type: there are two namespaces of type pid
linux.namespaces[11].type: unknown namespace ""`},
		{"rootfsPropagation", func(s *specs.Spec) { s.Linux.RootfsPropagation = "rslave" }, ""},
		{"unknown rootfsPropagation", func(s *specs.Spec) { s.Linux.RootfsPropagation = "Shared" },
			`linux.rootfsPropagation: must be [r]shared, [r]slave, [r]private or [r]unbindable, not "Shared"`},
		{"paths", func(s *specs.Spec) {
			s.Linux.MaskedPaths = []string{"/proc/kcore", "sys", ""}
			s.Linux.ReadonlyPaths = []string{"proc", "/x"}
		}, `linux.maskedPaths[1]: must be an absolute path, not "sys"
linux.maskedPaths[2]: must be an absolute path, not ""
linux.readonlyPaths[0]: must be an absolute path, not "proc"`},
		{"personality", func(s *specs.Spec) { s.Linux.Personality = &specs.LinuxPersonality{Domain: "LINUX32"} }, ""},
		{"unknown personality", func(s *specs.Spec) {
			s.Linux.Personality = &specs.LinuxPersonality{Domain: "BSD", Flags: []specs.LinuxPersonalityFlag{"ADDR_NO_RANDOMIZE"}}
		}, `linux.personality.domain: must be LINUX or LINUX32, not "BSD"
linux.personality.flags: must be empty: the specification defines no flag`},
		{"timeOffsets", func(s *specs.Spec) {
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {Secs: -5, Nanosecs: 999999999}, "boottime": {Nanosecs: 1e9}, "realtime": {}}
		}, `linux.timeOffsets.boottime.nanosecs: must be less than 1000000000
linux.timeOffsets.realtime: unknown clock; a time namespace has monotonic and boottime`},
		{"timeOffsets of the host", func(s *specs.Spec) {
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {Secs: 1}}
			without(s, "time")
		}, "linux.timeOffsets: needs a time namespace: the host's clocks cannot be shifted"},
		{"timeOffsets of a joined namespace", func(s *specs.Spec) {
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {Secs: 1}}
			join(s, "time", "/proc/1/ns/time")
		}, "linux.timeOffsets: is only for a new time namespace: the clocks of one that is joined are set already"},
		{"no timeOffset", func(s *specs.Spec) {
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{}
			without(s, "time")
		}, ""},
	} {
		c.run(t)
	}
}

func TestValidateMemoryPolicy(t *testing.T) {
	for _, c := range []struct {
		name string
		p    specs.LinuxMemoryPolicy
		want string
	}{
		{"default", specs.LinuxMemoryPolicy{Mode: "MPOL_DEFAULT"}, ""},
		{"bind", specs.LinuxMemoryPolicy{Mode: "MPOL_BIND", Nodes: "0-3,7", Flags: []specs.MemoryPolicyFlagType{"MPOL_F_NUMA_BALANCING", "MPOL_F_STATIC_NODES"}}, ""},
		{"preferred", specs.LinuxMemoryPolicy{Mode: "MPOL_PREFERRED"}, ""},
		{"many", specs.LinuxMemoryPolicy{Mode: "MPOL_PREFERRED_MANY", Nodes: "1023", Flags: []specs.MemoryPolicyFlagType{"MPOL_F_RELATIVE_NODES"}}, ""},
		{"unknown mode", specs.LinuxMemoryPolicy{Mode: "BIND"}, `.mode: unknown mode "BIND"`},
		{"nodes for none", specs.LinuxMemoryPolicy{Mode: "MPOL_LOCAL", Nodes: "0"}, ".nodes: must be empty for MPOL_LOCAL"},
		{"none for nodes", specs.LinuxMemoryPolicy{Mode: "MPOL_INTERLEAVE", Nodes: " "}, ".nodes: must name a node for MPOL_INTERLEAVE"},
		{"bad nodes", specs.LinuxMemoryPolicy{Mode: "MPOL_WEIGHTED_INTERLEAVE", Nodes: "0-1024"},
			`.nodes: must be a list of numbers up to 1023 such as "0-3,7", not "0-1024"`},
		{"unknown flag", specs.LinuxMemoryPolicy{Mode: "MPOL_BIND", Nodes: "0", Flags: []specs.MemoryPolicyFlagType{"x"}}, `.flags[0]: unknown flag "x"`},
		{"both", specs.LinuxMemoryPolicy{Mode: "MPOL_BIND", Nodes: "0", Flags: []specs.MemoryPolicyFlagType{"MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"}},
			".flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other"},
		{"flag without nodes", specs.LinuxMemoryPolicy{Mode: "MPOL_PREFERRED", Flags: []specs.MemoryPolicyFlagType{"MPOL_F_STATIC_NODES"}},
			".flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes"},
		{"balancing", specs.LinuxMemoryPolicy{Mode: "MPOL_INTERLEAVE", Nodes: "0", Flags: []specs.MemoryPolicyFlagType{"MPOL_F_NUMA_BALANCING"}},
			".flags: MPOL_F_NUMA_BALANCING is only for MPOL_BIND and MPOL_PREFERRED_MANY"},
	} {
		if c.want != "" {
			c.want = "linux.memoryPolicy" + c.want
		}
		change{c.name, func(s *specs.Spec) { s.Linux.MemoryPolicy = &c.p }, c.want}.run(t)
	}
}

func TestValidateSysctl(t *testing.T) {
	for _, c := range []struct {
		name string
		lost specs.LinuxNamespaceType
		want string // after the path
	}{
		{"net.ipv4.ip_forward", "", ""},
		{"net/ipv4/ip_forward", "", ""},
		{"net.ipv4.conf.eth0/100.rp_filter", "", ""},
		{"net.ipv4.ip_forward", "network", "needs a network namespace: without one it would change the host's"},
		{"net/ipv4/ip_forward", "network", "needs a network namespace: without one it would change the host's"},
		{"kernel.shmmax", "", ""},
		{"kernel.msg_next_id", "", ""},
		{"kernel/sem", "", ""},
		{"fs.mqueue.msg_max", "", ""},
		{"fs.mqueue.msg_max", "ipc", "needs an ipc namespace: without one it would change the host's"},
		{"kernel.sem", "ipc", "needs an ipc namespace: without one it would change the host's"},
		{"kernel.domainname", "", ""},
		{"kernel.domainname", "uts", "needs a uts namespace: without one it would change the host's"},
		{"kernel.hostname", "", "is refused: it conflicts with the member hostname, which sets the same"},
		{"user.max_net_namespaces", "", ""},
		{"user.max_net_namespaces", "user", "needs a user namespace: without one it would change the host's"},
		{"vm.swappiness", "", "belongs to no namespace: it would change the whole host"},
		{"kernel.core_pattern", "", "belongs to no namespace: it would change the whole host"},
		{"kernel.semaphore", "", "belongs to no namespace: it would change the whole host"},
		{"fs.mqueue", "", "belongs to no namespace: it would change the whole host"},
		{"networking.x", "", "belongs to no namespace: it would change the whole host"},
		{"net", "", "belongs to no namespace: it would change the whole host"},
		{"net/../kernel/core_pattern", "", "is no name of a kernel parameter"},
		{"net/ipv4/./x", "", "is no name of a kernel parameter"},
		{"net.//.kernel.core_pattern", "", "is no name of a kernel parameter"},
		{"net..ipv4", "", "is no name of a kernel parameter"},
		{"net./.x", "", "is no name of a kernel parameter"},
		{"net.", "", "is no name of a kernel parameter"},
		{"/net/ipv4/ip_forward", "", "is no name of a kernel parameter"},
		{".net", "", "is no name of a kernel parameter"},
		{"..", "", "is no name of a kernel parameter"},
		{"", "", "is no name of a kernel parameter"},
	} {
		if c.want != "" {
			c.want = member("linux.sysctl", c.name) + ": " + c.want
		}
		change{c.name + " without " + string(c.lost), func(s *specs.Spec) {
			without(s, c.lost)
			s.Linux.Sysctl = map[string]string{c.name: "1"}
		}, c.want}.run(t)
	}
	change{"twice", func(s *specs.Spec) {
		s.Linux.Sysctl = map[string]string{"net.a.b": "1", "net/a/b": "2", "net.a": "", "vm.x": ""}
	}, `linux.sysctl["net/a/b"]: is the same parameter as linux.sysctl["net.a.b"]
linux.sysctl["vm.x"]: belongs to no namespace: it would change the whole host`}.run(t)
}

func TestSysctlPath(t *testing.T) {
	for name, want := range map[string]string{
		"net.ipv4.ip_forward":              "net/ipv4/ip_forward",
		"net/ipv4/ip_forward":              "net/ipv4/ip_forward",
		"net/ipv4/conf/eth0.100/rp_filter": "net/ipv4/conf/eth0.100/rp_filter",
		"net.ipv4.conf.eth0/100.rp_filter": "net/ipv4/conf/eth0.100/rp_filter",
		"single":                           "single",
	} {
		if got, ok := SysctlPath(name); got != want || !ok {
			t.Errorf("%s: %q %v", name, got, ok)
		}
	}
}

// All that is wrong is reported, in the same order every time, but not without
// end.
func TestValidateReportsAll(t *testing.T) {
	err := Validate(&specs.Spec{Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: "x"}}}})
	want := `ociVersion: must be a version such as "1.2.0", not ""
process: is required: the configuration names no program to run
root: is required: it names the root filesystem
linux.namespaces[0].type: unknown namespace "x"
linux.namespaces: must contain a mount namespace: ` + hostMounts
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	if one := (*Error)(nil); !errors.As(err, &one) || one.Path != "ociVersion" {
		t.Errorf("%v", one)
	}
	if err := Validate(nil); err == nil {
		t.Error("no configuration at all is accepted")
	}
	s := valid()
	for i := range 1000 {
		s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, strconv.Itoa(i))
	}
	err = Validate(s)
	list := Errors(nil)
	if !errors.As(err, &list) || len(list) != maxErrors+1 || list[maxErrors].Error() != "there is more, which is not shown" {
		t.Errorf("%d errors", len(list))
	}
}
