// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// optionTable is runtime-spec's, "Linux mount options" of config.md, but for those that are not about flags. Each of these has an
// r* form if it has attributes.
var optionTable = []struct {
	name               string
	flags, clear       uint32 // MS_* that a new file system gets, and loses if an earlier option set it
	attrs, attrsRemove uint32 // MOUNT_ATTR_* that a bind mount gets and loses
}{
	{"async", 0, unix.MS_SYNCHRONOUS, 0, 0},
	{"atime", 0, unix.MS_NOATIME, 0, unix.MOUNT_ATTR__ATIME},
	{"dev", 0, unix.MS_NODEV, 0, unix.MOUNT_ATTR_NODEV},
	{"diratime", 0, unix.MS_NODIRATIME, 0, unix.MOUNT_ATTR_NODIRATIME},
	{"dirsync", unix.MS_DIRSYNC, 0, 0, 0},
	{"exec", 0, unix.MS_NOEXEC, 0, unix.MOUNT_ATTR_NOEXEC},
	{"iversion", unix.MS_I_VERSION, 0, 0, 0},
	{"lazytime", unix.MS_LAZYTIME, 0, 0, 0},
	{"loud", 0, unix.MS_SILENT, 0, 0},
	{"mand", unix.MS_MANDLOCK, 0, 0, 0},
	{"noatime", unix.MS_NOATIME, unix.MS_STRICTATIME, unix.MOUNT_ATTR_NOATIME, unix.MOUNT_ATTR__ATIME},
	{"nodev", unix.MS_NODEV, 0, unix.MOUNT_ATTR_NODEV, 0},
	{"nodiratime", unix.MS_NODIRATIME, 0, unix.MOUNT_ATTR_NODIRATIME, 0},
	{"noexec", unix.MS_NOEXEC, 0, unix.MOUNT_ATTR_NOEXEC, 0},
	{"noiversion", 0, unix.MS_I_VERSION, 0, 0},
	{"nolazytime", 0, unix.MS_LAZYTIME, 0, 0},
	{"nomand", 0, unix.MS_MANDLOCK, 0, 0},
	{"norelatime", unix.MS_STRICTATIME, unix.MS_RELATIME, unix.MOUNT_ATTR_STRICTATIME, unix.MOUNT_ATTR__ATIME},
	{"nostrictatime", 0, unix.MS_STRICTATIME, 0, unix.MOUNT_ATTR__ATIME},
	{"nosuid", unix.MS_NOSUID, 0, unix.MOUNT_ATTR_NOSUID, 0},
	{"nosymfollow", unix.MS_NOSYMFOLLOW, 0, unix.MOUNT_ATTR_NOSYMFOLLOW, 0},
	{"relatime", unix.MS_RELATIME, unix.MS_STRICTATIME, 0, unix.MOUNT_ATTR__ATIME},
	{"ro", unix.MS_RDONLY, 0, unix.MOUNT_ATTR_RDONLY, 0},
	{"rw", 0, unix.MS_RDONLY, 0, unix.MOUNT_ATTR_RDONLY},
	{"silent", unix.MS_SILENT, 0, 0, 0},
	{"strictatime", unix.MS_STRICTATIME, unix.MS_NOATIME | unix.MS_RELATIME, unix.MOUNT_ATTR_STRICTATIME, unix.MOUNT_ATTR__ATIME},
	{"suid", 0, unix.MS_NOSUID, 0, unix.MOUNT_ATTR_NOSUID},
	{"symfollow", 0, unix.MS_NOSYMFOLLOW, 0, unix.MOUNT_ATTR_NOSYMFOLLOW},
	{"sync", unix.MS_SYNCHRONOUS, 0, 0, 0},
	{"remount", unix.MS_REMOUNT, 0, 0, 0},
}

func TestOptionTable(t *testing.T) {
	var all []string
	for _, o := range optionTable {
		all = append(all, o.name)
		got := parseOptions([]string{o.name})
		if want := (Attr{o.attrs, o.attrsRemove}); got.flags != o.flags || got.attr != want || got.recAttr != (Attr{}) {
			t.Errorf("%s: flags %#x, attributes %#x and %#x; want %#x, %#x", o.name, got.flags, got.attr, got.recAttr, o.flags, want)
		}
		for _, earlier := range optionTable {
			if earlier.flags&o.clear != 0 {
				if got := parseOptions([]string{earlier.name, o.name}); got.flags != o.flags {
					t.Errorf("%s after %s: flags %#x, want %#x", o.name, earlier.name, got.flags, o.flags)
				}
			}
		}
		if o.attrs|o.attrsRemove == 0 {
			if got := parseOptions([]string{"r" + o.name}); len(got.data) != 1 {
				t.Errorf("r%s is taken for an option", o.name)
			}
			continue
		}
		all = append(all, "r"+o.name)
		got = parseOptions([]string{"r" + o.name})
		if want := (Attr{o.attrs, o.attrsRemove}); got.flags != o.flags || got.attr != (Attr{}) || got.recAttr != want {
			t.Errorf("r%s: flags %#x, attributes %#x and %#x; want %#x, recursive %#x", o.name, got.flags, got.attr, got.recAttr, o.flags, want)
		}
	}
	for name, want := range map[string]options{
		"bind":        {bind: true},
		"rbind":       {bind: true, rec: true},
		"private":     {prop: Propagation{unix.MS_PRIVATE, false}},
		"rprivate":    {prop: Propagation{unix.MS_PRIVATE, true}},
		"shared":      {prop: Propagation{unix.MS_SHARED, false}},
		"rshared":     {prop: Propagation{unix.MS_SHARED, true}},
		"slave":       {prop: Propagation{unix.MS_SLAVE, false}},
		"rslave":      {prop: Propagation{unix.MS_SLAVE, true}},
		"unbindable":  {prop: Propagation{unix.MS_UNBINDABLE, false}},
		"runbindable": {prop: Propagation{unix.MS_UNBINDABLE, true}},
		"tmpcopyup":   {copyUp: true},
		"idmap":       {idmap: true},
		"ridmap":      {idmap: true, ridmap: true},
		"defaults":    {},
	} {
		all = append(all, name)
		got := parseOptions([]string{name})
		if got.bind != want.bind || got.rec != want.rec || got.prop != want.prop || got.copyUp != want.copyUp || got.idmap != want.idmap ||
			got.ridmap != want.ridmap || got.flags != 0 || got.attr != (Attr{}) || got.recAttr != (Attr{}) || got.data != nil || got.nofail {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// Beside the specification's there are those of fstab(5) that change nothing, and nofail.
	for _, name := range MountOptions() {
		if !slices.Contains(all, name) && !slices.Contains([]string{"nofail", "auto", "noauto", "user", "nouser", "users", "group", "_netdev"}, name) {
			t.Errorf("%s is no option of the specification", name)
		}
	}
	for _, name := range all {
		if !slices.Contains(MountOptions(), name) {
			t.Errorf("%s is not listed", name)
		}
	}
	if !parseOptions([]string{"nofail"}).nofail {
		t.Error("nofail has no effect")
	}
	if got := parseOptions([]string{"size=1M", "ro", "rro=1", "", "Ro"}); !slices.Equal(got.data, []string{"size=1M", "rro=1", "", "Ro"}) {
		t.Errorf("data: %q", got.data)
	}
}

// What a mount is like: as /proc/PID/mountinfo has it.
type mountState struct {
	attrs      uint32 // MOUNT_ATTR_*
	superblock uint32 // MS_* that are the file system's
}

// setattr is what mount_setattr(2) does.
func (m *mountState) setattr(t *testing.T, a Attr) {
	t.Helper()
	if a.Set&unix.MOUNT_ATTR__ATIME != 0 && a.Clear&unix.MOUNT_ATTR__ATIME != unix.MOUNT_ATTR__ATIME {
		t.Fatalf("%#x: EINVAL: the access time has to be cleared before it is set", a)
	}
	m.attrs = m.attrs&^a.Clear | a.Set
}

// newMount is what mount(2) makes of flags (path_mount in fs/namespace.c).
func newMount(flags uint32) (m mountState) {
	for _, f := range [...][2]uint32{{unix.MS_RDONLY, unix.MOUNT_ATTR_RDONLY}, {unix.MS_NOSUID, unix.MOUNT_ATTR_NOSUID}, {unix.MS_NODEV, unix.MOUNT_ATTR_NODEV},
		{unix.MS_NOEXEC, unix.MOUNT_ATTR_NOEXEC}, {unix.MS_NODIRATIME, unix.MOUNT_ATTR_NODIRATIME}, {unix.MS_NOSYMFOLLOW, unix.MOUNT_ATTR_NOSYMFOLLOW}} {
		if flags&f[0] != 0 {
			m.attrs |= f[1]
		}
	}
	switch {
	case flags&unix.MS_STRICTATIME != 0:
		m.attrs |= unix.MOUNT_ATTR_STRICTATIME
	case flags&unix.MS_NOATIME != 0:
		m.attrs |= unix.MOUNT_ATTR_NOATIME
	}
	m.superblock = flags & (unix.MS_SYNCHRONOUS | unix.MS_MANDLOCK | unix.MS_DIRSYNC | unix.MS_SILENT | unix.MS_I_VERSION | unix.MS_LAZYTIME)
	return m
}

// The last option that says something of an attribute holds, whatever stands before it, on new file systems and on what is bound:
// there for its submounts too, if it is recursive.
func TestLaterOptionsHold(t *testing.T) {
	every := MountOptions()
	for _, before := range every {
		for _, between := range append(every, "") {
			for _, o := range optionTable {
				for _, r := range []string{"", "r"} {
					if r != "" && o.attrs|o.attrsRemove == 0 {
						continue
					}
					list := []string{before, between, r + o.name}
					opts := parseOptions(list)
					about := o.attrs | o.attrsRemove
					if m := newMount(opts.flags); m.attrs&about != o.attrs {
						t.Fatalf("%q on a new file system: attributes %#x, want %#x", list, m.attrs&about, o.attrs)
					} else if m.superblock&o.clear != 0 || m.superblock&o.flags != newMount(o.flags).superblock {
						t.Fatalf("%q on a new file system: flags %#x", list, m.superblock)
					}
					top, sub := mountState{attrs: ^uint32(0) &^ unix.MOUNT_ATTR__ATIME}, mountState{}
					for _, m := range []*mountState{&top, &sub} {
						m.setattr(t, opts.recAttr)
					}
					top.setattr(t, opts.attr)
					if top.attrs&about != o.attrs || r != "" && sub.attrs&about != o.attrs {
						t.Fatalf("%q on a bind mount: attributes %#x, submounts %#x, want %#x", list, top.attrs&about, sub.attrs&about, o.attrs)
					}
				}
			}
		}
	}
	for _, p := range []string{"shared", "rslave", "private", "runbindable"} {
		if got := parseOptions([]string{"rshared", "slave", p}).prop.String(); got != p {
			t.Errorf("%s is %s after others", p, got)
		}
	}
}

func TestMountOp(t *testing.T) {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 5}}
	for _, c := range []struct {
		name    string
		b       builder
		mount   specs.Mount
		want    Op
		refused string
	}{
		{"bind by type", builder{}, specs.Mount{Destination: "/a", Type: "bind", Source: "/s"}, Bind{Source: "/s", Target: "/a"}, ""},
		{"rbind by type", builder{}, specs.Mount{Destination: "/a", Type: "rbind", Source: "/s"}, Bind{Source: "/s", Target: "/a", Recursive: true}, ""},
		{"bind of some type", builder{}, specs.Mount{Destination: "/a", Type: "none", Source: "/s", Options: []string{"rbind"}},
			Bind{Source: "/s", Target: "/a", Recursive: true}, ""},
		{"bind in a user namespace", builder{inUser: true}, specs.Mount{Destination: "/a", Source: "s", Options: []string{"bind"}},
			Bind{Source: "/s", Target: "/a", FromHost: true}, ""},
		{"sysfs in a user namespace", builder{inUser: true}, specs.Mount{Destination: "/sys", Type: "sysfs"},
			Mount{Type: "sysfs", Source: "sysfs", Target: "/sys", Ordinary: true, OrBind: "/sys"}, ""},
		{"sysfs with an own network", builder{inUser: true, ownNet: true}, specs.Mount{Destination: "/sys", Type: "sysfs"},
			Mount{Type: "sysfs", Source: "sysfs", Target: "/sys", Ordinary: true}, ""},
		{"data of a page", builder{}, specs.Mount{Destination: "/a", Type: "tmpfs", Options: []string{strings.Repeat("x", 4095)}},
			Mount{Type: "tmpfs", Source: "tmpfs", Target: "/a", Data: strings.Repeat("x", 4095)}, ""},
		{"more data", builder{}, specs.Mount{Destination: "/a", Type: "tmpfs", Options: []string{strings.Repeat("x", 4095), "y"}}, nil, "mounts[7].options: "},
		{"cgroup has no data", builder{}, specs.Mount{Destination: "/c", Type: "cgroup", Options: []string{"memory"}},
			Mount{Type: "cgroup2", Source: "cgroup2", Target: "/c", OrBind: "/sys/fs/cgroup"}, ""},
		{"mapped by the container", builder{plan: &Plan{Outside: Outside{UIDMap: []IDMap{{0, 7, 1}}, GIDMap: []IDMap{{0, 8, 1}}}}},
			specs.Mount{Destination: "/a", Source: "/s", Options: []string{"bind", "ridmap"}},
			Bind{Source: "/s", Target: "/a", FromHost: true, Mapped: &Mapped{[]IDMap{{0, 7, 1}}, []IDMap{{0, 8, 1}}, true}}, ""},
		{"mapped by nothing", builder{plan: &Plan{}}, specs.Mount{Destination: "/a", Source: "/s", Options: []string{"bind", "idmap"}}, nil, "mounts[7].options: idmap"},
		{"mapped file system", builder{}, specs.Mount{Destination: "/a", Type: "tmpfs", UIDMappings: ids, GIDMappings: ids}, nil, "mounts[7]: id mappings"},
		{"proc elsewhere", builder{}, specs.Mount{Destination: "/host/proc", Type: "proc", Source: "none"},
			Mount{Type: "proc", Source: "none", Target: "/host/proc", Ordinary: true}, ""},
		{"proc itself", builder{}, specs.Mount{Destination: "/./proc/", Type: "proc"}, Mount{Type: "proc", Source: "proc", Target: "/proc", Ordinary: true}, ""},
		{"below proc", builder{}, specs.Mount{Destination: "/proc/1", Type: "proc"}, nil, "mounts[7].destination: /proc/1 is in /proc"},
		{"a neighbour of proc", builder{}, specs.Mount{Destination: "/process", Type: "tmpfs"}, Mount{Type: "tmpfs", Source: "tmpfs", Target: "/process"}, ""},
		{"tmpfs on proc", builder{}, specs.Mount{Destination: "/proc", Type: "tmpfs"}, nil, "mounts[7].destination: /proc is in /proc"},
		{"file of proc", builder{}, specs.Mount{Destination: "/proc/stat", Type: "bind", Source: "/s"}, Bind{Source: "/s", Target: "/proc/stat", OnProc: true}, ""},
		{"other file of proc", builder{}, specs.Mount{Destination: "/proc/status", Type: "bind", Source: "/s"}, nil, "mounts[7].destination: /proc/status is in /proc"},
		{"out and back into proc", builder{}, specs.Mount{Destination: "/a/../proc/x", Type: "bind", Source: "/s"}, nil, "mounts[7].destination: /proc/x is in /proc"},
		{"no source", builder{}, specs.Mount{Destination: "/a", Type: "bind"}, nil, "mounts[7].source: "},
		{"no type", builder{}, specs.Mount{Destination: "/a", Source: "/s", Options: []string{"ro"}}, nil, "mounts[7].type: "},
		{"the root", builder{}, specs.Mount{Destination: "//", Type: "bind", Source: "/s"}, nil, "mounts[7].destination: "},
		{"remount", builder{}, specs.Mount{Destination: "/a", Type: "bind", Source: "/s", Options: []string{"ro", "remount"}},
			Remount{Target: "/a", Attr: Attr{Set: attrRdonly}}, ""},
		{"remount a file system", builder{}, specs.Mount{Destination: "/a", Type: "tmpfs", Source: "/s", Options: []string{"remount", "size=1M"}}, nil,
			"mounts[7].options: size=1M belongs to the file system"},
		{"tmpcopyup of a bind mount", builder{}, specs.Mount{Destination: "/a", Type: "tmpfs", Source: "/s", Options: []string{"bind", "tmpcopyup"}}, nil,
			"mounts[7].options: tmpcopyup"},
		{"data of a bind mount", builder{}, specs.Mount{Destination: "/a", Type: "bind", Source: "/s", Options: []string{"mode=7"}}, nil, "mounts[7].options: mode=7"},
		{"lazytime of a bind mount", builder{}, specs.Mount{Destination: "/a", Type: "bind", Source: "/s", Options: []string{"lazytime", "ro"}},
			Bind{Source: "/s", Target: "/a", Attr: Attr{Set: attrRdonly}}, ""},
	} {
		if c.b.plan == nil {
			c.b.plan = &Plan{}
		}
		got, err := c.b.mountOp(7, &c.mount)
		switch {
		case c.refused != "":
			if err == nil || !strings.HasPrefix(err.Error(), c.refused) {
				t.Errorf("%s: %v, want %s", c.name, err, c.refused)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case !sameOp(got, c.want):
			t.Errorf("%s: got  %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func sameOp(a, b Op) bool {
	x, isBind := a.(Bind)
	y, wantBind := b.(Bind)
	if !isBind || !wantBind {
		return a == b
	}
	if (x.Mapped == nil) != (y.Mapped == nil) || x.Mapped != nil && (!slices.Equal(x.Mapped.UID, y.Mapped.UID) ||
		!slices.Equal(x.Mapped.GID, y.Mapped.GID) || x.Mapped.Recursive != y.Mapped.Recursive) {
		return false
	}
	x.Mapped, y.Mapped = nil, nil
	return x == y
}
