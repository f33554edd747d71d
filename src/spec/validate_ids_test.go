// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"io/fs"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestValidateMappings(t *testing.T) {
	ids := func(list ...specs.LinuxIDMapping) []specs.LinuxIDMapping { return list }
	id := func(container, host, size uint32) specs.LinuxIDMapping {
		return specs.LinuxIDMapping{ContainerID: container, HostID: host, Size: size}
	}
	var many []specs.LinuxIDMapping
	for i := range uint32(341) {
		many = append(many, id(i, i, 1))
	}
	for _, c := range []change{
		{"all ids", func(s *specs.Spec) { s.Linux.UIDMappings = ids(id(0, 0, 4294967295)) }, ""},
		{"340", func(s *specs.Spec) { s.Linux.UIDMappings = many[:340] }, ""},
		{"341", func(s *specs.Spec) { s.Linux.UIDMappings = many }, "linux.uidMappings: has 341 entries, the kernel takes at most 340"},
		{"neighbours", func(s *specs.Spec) { s.Linux.UIDMappings = ids(id(0, 1000, 1), id(1, 100000, 10), id(11, 1001, 5)) }, ""},
		{"size", func(s *specs.Spec) { s.Linux.GIDMappings = append(s.Linux.GIDMappings, id(70000, 70000, 0)) },
			"linux.gidMappings[1].size: must be greater than zero"},
		{"last id", func(s *specs.Spec) {
			s.Linux.UIDMappings = ids(id(0, 0, 1), id(4294967295, 5, 1), id(7, 4294967290, 6), id(20, 4294967200, 90))
		}, `linux.uidMappings[1]: reaches beyond the last id, 4294967294
linux.uidMappings[2]: reaches beyond the last id, 4294967294`},
		{"overlap inside", func(s *specs.Spec) { s.Linux.UIDMappings = ids(id(0, 0, 10), id(9, 20, 1)) }, "linux.uidMappings[1]: overlaps linux.uidMappings[0]"},
		{"overlap outside", func(s *specs.Spec) { s.Linux.GIDMappings = ids(id(0, 0, 10), id(20, 20, 5), id(10, 24, 10)) },
			"linux.gidMappings[2]: overlaps linux.gidMappings[1]"},
		{"none", func(s *specs.Spec) { s.Linux.UIDMappings, s.Linux.GIDMappings = nil, ids() },
			"linux.uidMappings: is required for a new user namespace\nlinux.gidMappings: is required for a new user namespace"},
		{"none, joined", func(s *specs.Spec) {
			s.Linux.UIDMappings, s.Linux.GIDMappings = nil, nil
			join(s, "user", "/proc/7/ns/user")
		}, ""},
		{"given, joined", func(s *specs.Spec) { join(s, "user", "/proc/7/ns/user") }, ""},
		{"no user namespace", func(s *specs.Spec) {
			s.Linux.Namespaces = s.Linux.Namespaces[:4]
		}, `linux.uidMappings: needs a user namespace: without one nothing would be mapped
linux.gidMappings: needs a user namespace: without one nothing would be mapped`},
		{"process", func(s *specs.Spec) {
			s.Process.User = specs.User{UID: 65536, GID: 65535, AdditionalGids: []uint32{7, 65537}}
		}, `process.user.uid: 65536 is not mapped by linux.uidMappings
process.user.additionalGids[1]: 65537 is not mapped by linux.gidMappings`},
		{"process, group", func(s *specs.Spec) { s.Process.User.GID = 70000 }, "process.user.gid: 70000 is not mapped by linux.gidMappings"},
		{"process, joined", func(s *specs.Spec) {
			s.Process.User.UID = 70000
			join(s, "user", "/proc/7/ns/user")
		}, ""},
	} {
		c.run(t)
	}
}

func TestValidateMounts(t *testing.T) {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 5}}
	for _, c := range []struct {
		name  string
		m     specs.Mount
		users bool
		want  string
	}{
		{"absolute", specs.Mount{Destination: "/a"}, false, ""},
		{"relative", specs.Mount{Destination: "a/b"}, false, ""},
		{"nowhere", specs.Mount{}, false, ".destination: must not be empty"},
		{"mapped", specs.Mount{Destination: "/a", Options: []string{"rbind", "ridmap"}, UIDMappings: ids, GIDMappings: ids}, false, ""},
		{"mapped without the option", specs.Mount{Destination: "/a", Options: []string{"bind"}, UIDMappings: ids, GIDMappings: ids}, false, ""},
		{"like the container", specs.Mount{Destination: "/a", Options: []string{"idmap", "bind"}}, true, ""},
		{"like the host", specs.Mount{Destination: "/a", Options: []string{"idmap", "bind"}}, false,
			": idmap needs uidMappings and gidMappings, or a user namespace to take them from"},
		{"only uids", specs.Mount{Destination: "/a", Options: []string{"bind"}, UIDMappings: ids}, true, ".gidMappings: is required when uidMappings is given"},
		{"only gids", specs.Mount{Destination: "/a", Options: []string{"bind"}, GIDMappings: ids}, true, ".uidMappings: is required when gidMappings is given"},
		{"not a bind mount", specs.Mount{Destination: "/a", Type: "tmpfs", UIDMappings: ids, GIDMappings: ids}, true,
			": ids can be mapped only on a bind mount; the options name neither bind nor rbind"},
		{"option on no bind mount", specs.Mount{Destination: "/a", Type: "bind", Options: []string{"idmap"}}, true,
			": ids can be mapped only on a bind mount; the options name neither bind nor rbind"},
		{"bad mapping", specs.Mount{Destination: "/a", Options: []string{"bind"}, UIDMappings: ids, GIDMappings: append(ids, ids...)}, true,
			".gidMappings[1]: overlaps mounts[1].gidMappings[0]"},
	} {
		if c.want != "" {
			c.want = "mounts[1]" + c.want
		}
		change{c.name, func(s *specs.Spec) {
			if !c.users {
				without(s, "user")
			}
			s.Mounts = []specs.Mount{{Destination: "/proc"}, c.m}
		}, c.want}.run(t)
	}
}

func TestValidateDevices(t *testing.T) {
	mode, noMode := ref(fs.FileMode(0o20660)), ref(fs.FileMode(1<<20))
	owner, nobody := uint32(5), uint32(4294967295)
	for _, c := range []struct {
		name string
		d    specs.LinuxDevice
		want string
	}{
		{"char", specs.LinuxDevice{Path: "/dev/ttyS0", Type: "c", Major: 4, Minor: 64, FileMode: mode, UID: &owner, GID: &owner}, ""},
		{"unbuffered", specs.LinuxDevice{Path: "/dev//snd/./a", Type: "u", Major: 4095, Minor: 1048575}, ""},
		{"block", specs.LinuxDevice{Path: "/dev/sda", Type: "b"}, ""},
		{"fifo", specs.LinuxDevice{Path: "/dev/f", Type: "p", Major: -1, Minor: -1}, ""},
		{"type", specs.LinuxDevice{Path: "/dev/a", Type: "a"}, `.type: must be c, u, b or p, not "a"`},
		{"major", specs.LinuxDevice{Path: "/dev/a", Type: "c", Major: 4096}, ".major: must be between 0 and 4095, not 4096"},
		{"minor", specs.LinuxDevice{Path: "/dev/a", Type: "c", Minor: -1}, ".minor: must be between 0 and 1048575, not -1"},
		{"huge minor", specs.LinuxDevice{Path: "/dev/a", Type: "b", Minor: 1 << 40}, ".minor: must be between 0 and 1048575, not 1099511627776"},
		{"mode", specs.LinuxDevice{Path: "/dev/a", Type: "b", FileMode: noMode}, ".fileMode: must be a file mode, at most 4095 (octal 7777)"},
		{"uid", specs.LinuxDevice{Path: "/dev/a", Type: "b", UID: &nobody}, `.uid: must not be 4294967295, which the kernel takes for "unchanged"`},
		{"gid", specs.LinuxDevice{Path: "/dev/a", Type: "b", GID: &nobody}, `.gid: must not be 4294967295, which the kernel takes for "unchanged"`},
		{"elsewhere", specs.LinuxDevice{Path: "/srv/null", Type: "c"}, ""},
		{"the root", specs.LinuxDevice{Path: "/", Type: "c"}, `.path: must be an absolute path without "..", not "/"`},
		{"relative", specs.LinuxDevice{Path: "dev/null", Type: "c"}, `.path: must be an absolute path without "..", not "dev/null"`},
		{"out", specs.LinuxDevice{Path: "/dev/../etc/passwd", Type: "c"}, `.path: must be an absolute path without "..", not "/dev/../etc/passwd"`},
		{"out and in", specs.LinuxDevice{Path: "/dev/x/../null", Type: "c"}, `.path: must be an absolute path without "..", not "/dev/x/../null"`},
		{"up at the end", specs.LinuxDevice{Path: "/dev/x/y/..", Type: "c"}, `.path: must be an absolute path without "..", not "/dev/x/y/.."`},
		{"twice", specs.LinuxDevice{Path: "/dev/./first", Type: "c"}, `.path: "/dev/./first" is created by linux.devices[0] already`},
	} {
		if c.want != "" {
			c.want = "linux.devices[1]" + c.want
		}
		change{c.name, func(s *specs.Spec) {
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/first", Type: "p"}, c.d}
		}, c.want}.run(t)
	}
}

func TestValidateNetDevices(t *testing.T) {
	const bad = "is no name for a network device: 1 to 15 bytes without '/', ':' and white space, not '.' or '..'"
	type devices = map[string]specs.LinuxNetDevice
	for _, c := range []struct {
		name string
		d    devices
		want string
	}{
		{"moved", devices{"eth0": {}, "eth1": {Name: "lan1"}, "eth2": {Name: "eth%d"}, "eth3": {Name: "eth%d"}, "vh-0123456789ab": {}}, ""},
		{"exchanged", devices{"eth0": {Name: "eth1"}, "eth1": {Name: "eth0"}}, ""},
		{"long", devices{"abcdefghijklmnop": {}}, "linux.netDevices.abcdefghijklmnop: " + bad},
		{"long target", devices{"a": {Name: "abcdefghijklmnop"}}, "linux.netDevices.a.name: " + bad},
		{"empty", devices{"": {Name: "a"}}, `linux.netDevices[""]: ` + bad},
		{"dots", devices{"..": {Name: "."}}, `linux.netDevices[".."]: ` + bad + "\n" + `linux.netDevices[".."].name: ` + bad},
		{"characters", devices{"a/b": {}, "a:b": {}, "a b": {}, "a\tb": {}, "a\u00e0": {}}, `linux.netDevices["a\tb"]: ` + bad + "\n" +
			`linux.netDevices["a b"]: ` + bad + "\n" + `linux.netDevices["a/b"]: ` + bad + "\n" + `linux.netDevices["a:b"]: ` + bad + "\n" +
			`linux.netDevices["aà"]: ` + bad},
		{"template", devices{"a": {Name: "%s"}, "b": {Name: "%d%d"}, "c": {Name: "x%dy"}}, `linux.netDevices.a.name: '%' may only be part of a %d at the end
linux.netDevices.b.name: '%' may only be part of a %d at the end
linux.netDevices.c.name: '%' may only be part of a %d at the end`},
		{"same target", devices{"a": {Name: "x"}, "b": {Name: "x"}, "x": {}}, `linux.netDevices.b.name: "x" is the name of linux.netDevices.a already
linux.netDevices.x: "x" is the name of linux.netDevices.a already`},
	} {
		change{c.name, func(s *specs.Spec) { s.Linux.NetDevices = c.d }, c.want}.run(t)
	}
	change{"no namespace", func(s *specs.Spec) {
		without(s, "network")
		s.Linux.NetDevices = devices{"eth0": {}}
	}, "linux.netDevices: needs a network namespace to move the devices to"}.run(t)
}
