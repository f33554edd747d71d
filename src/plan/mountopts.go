// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The kinds of mount options. The table is runtime-spec's ("Linux mount options") and the few that fstab(5) and the C ujail know.
type optKind uint8

const (
	optFlag    optKind = iota // MS_* for a new file system, MOUNT_ATTR_* for a bind mount
	optBind                   // bind, rbind
	optProp                   // propagation
	optIgnored                // fstab's own
	optNofail
	optCopyUp
	optIDMap
	optDefaults
)

const (
	msRdonly      = 0x1
	msNosuid      = 0x2
	msNodev       = 0x4
	msNoexec      = 0x8
	msSynchronous = 0x10
	msRemount     = 0x20
	msMandlock    = 0x40
	msDirsync     = 0x80
	msNosymfollow = 0x100
	msNoatime     = 0x400
	msNodiratime  = 0x800
	msBind        = 0x1000
	msRec         = 0x4000
	msSilent      = 0x8000
	msRelatime    = 0x200000
	msIVersion    = 0x800000
	msStrictatime = 0x1000000
	msLazytime    = 0x2000000

	msAtime = msNoatime | msRelatime | msStrictatime // each excludes the others
)

type mountOption struct {
	name       string
	kind       optKind
	recursive  bool // the r* form exists (of flags), or is this one (of the others)
	set, clear uint32
	attr       Attr
	prop       PropagationType
}

// The first name of a flag is the one that the plan prints.
var mountOptions = [...]mountOption{
	{name: "ro", recursive: true, set: msRdonly, attr: Attr{attrRdonly, 0}},
	{name: "rw", recursive: true, clear: msRdonly, attr: Attr{0, attrRdonly}},
	{name: "nosuid", recursive: true, set: msNosuid, attr: Attr{attrNosuid, 0}},
	{name: "suid", recursive: true, clear: msNosuid, attr: Attr{0, attrNosuid}},
	{name: "nodev", recursive: true, set: msNodev, attr: Attr{attrNodev, 0}},
	{name: "dev", recursive: true, clear: msNodev, attr: Attr{0, attrNodev}},
	{name: "noexec", recursive: true, set: msNoexec, attr: Attr{attrNoexec, 0}},
	{name: "exec", recursive: true, clear: msNoexec, attr: Attr{0, attrNoexec}},
	{name: "sync", set: msSynchronous},
	{name: "async", clear: msSynchronous},
	{name: "dirsync", set: msDirsync},
	{name: "mand", set: msMandlock},
	{name: "nomand", clear: msMandlock},
	{name: "noatime", recursive: true, set: msNoatime, clear: msAtime, attr: Attr{attrNoatime, attrAtime}},
	{name: "atime", recursive: true, clear: msAtime, attr: Attr{0, attrAtime}},
	{name: "nodiratime", recursive: true, set: msNodiratime, attr: Attr{attrNodiratime, 0}},
	{name: "diratime", recursive: true, clear: msNodiratime, attr: Attr{0, attrNodiratime}},
	{name: "relatime", recursive: true, set: msRelatime, clear: msAtime, attr: Attr{0, attrAtime}},
	{name: "strictatime", recursive: true, set: msStrictatime, clear: msAtime, attr: Attr{attrStrictatime, attrAtime}},
	{name: "norelatime", recursive: true, set: msStrictatime, clear: msAtime, attr: Attr{attrStrictatime, attrAtime}},
	{name: "nostrictatime", recursive: true, clear: msAtime, attr: Attr{0, attrAtime}},
	{name: "nosymfollow", recursive: true, set: msNosymfollow, attr: Attr{attrNosymfollow, 0}},
	{name: "symfollow", recursive: true, clear: msNosymfollow, attr: Attr{0, attrNosymfollow}},
	{name: "iversion", set: msIVersion},
	{name: "noiversion", clear: msIVersion},
	{name: "lazytime", set: msLazytime},
	{name: "nolazytime", clear: msLazytime},
	{name: "silent", set: msSilent},
	{name: "loud", clear: msSilent},
	{name: "remount", set: msRemount},
	{name: "bind", kind: optBind},
	{name: "rbind", kind: optBind, recursive: true},
	{name: "private", kind: optProp, prop: Private},
	{name: "rprivate", kind: optProp, prop: Private, recursive: true},
	{name: "slave", kind: optProp, prop: Slave},
	{name: "rslave", kind: optProp, prop: Slave, recursive: true},
	{name: "shared", kind: optProp, prop: Shared},
	{name: "rshared", kind: optProp, prop: Shared, recursive: true},
	{name: "unbindable", kind: optProp, prop: Unbindable},
	{name: "runbindable", kind: optProp, prop: Unbindable, recursive: true},
	{name: "tmpcopyup", kind: optCopyUp},
	{name: "idmap", kind: optIDMap},
	{name: "ridmap", kind: optIDMap, recursive: true},
	{name: "nofail", kind: optNofail},
	{name: "defaults", kind: optDefaults},
	{name: "auto", kind: optIgnored}, {name: "noauto", kind: optIgnored}, {name: "user", kind: optIgnored},
	{name: "nouser", kind: optIgnored}, {name: "users", kind: optIgnored}, {name: "group", kind: optIgnored},
	{name: "_netdev", kind: optIgnored},
}

// MountOptions lists the options this package knows by name, the r* forms included; all others go to the file system as data.
func MountOptions() []string {
	var names []string
	for i := range mountOptions {
		o := &mountOptions[i]
		names = append(names, o.name)
		if o.kind == optFlag && o.recursive {
			names = append(names, "r"+o.name)
		}
	}
	return names
}

// lookupOption finds an option; recursive is for the r* form of a flag.
func lookupOption(name string) (opt *mountOption, recursive bool) {
	for i := range mountOptions {
		o := &mountOptions[i]
		if o.name == name {
			return o, o.kind != optFlag && o.recursive
		}
		if o.kind == optFlag && o.recursive && len(name) == len(o.name)+1 && name[0] == 'r' && name[1:] == o.name {
			return o, true
		}
	}
	return nil, false
}

// options is what the options of one mount amount to.
type options struct {
	bind, rec      bool
	flags          uint32
	attr, recAttr  Attr
	prop           Propagation
	data           []string
	nofail, copyUp bool
	idmap, ridmap  bool
	plain          string // a flag that a bind mount has no attribute for
}

func parseOptions(list []string) options {
	var o options
	for _, name := range list {
		opt, recursive := lookupOption(name)
		if opt == nil {
			o.data = append(o.data, name)
			continue
		}
		switch opt.kind {
		case optFlag:
			o.flags = o.flags&^opt.clear | opt.set
			if recursive {
				o.recAttr.apply(opt.attr)
				o.attr.forget(opt.attr) // it is applied last
			} else {
				o.attr.apply(opt.attr)
			}
			if opt.attr == (Attr{}) && opt.set != 0 && opt.set&(msSilent|msMandlock|msRemount) == 0 {
				o.plain = name
			}
		case optBind:
			o.bind = true
			o.rec = o.rec || recursive
		case optProp:
			o.prop = Propagation{opt.prop, recursive}
		case optNofail:
			o.nofail = true
		case optCopyUp:
			o.copyUp = true
		case optIDMap:
			o.idmap, o.ridmap = true, recursive
		}
	}
	return o
}

// apply adds a later option to what earlier ones said. Any change of the access time mode needs its whole field cleared.
func (a *Attr) apply(b Attr) {
	a.Set = a.Set&^b.Clear | b.Set
	a.Clear = a.Clear&^(b.Set&^attrAtime) | b.Clear
}

// forget takes back what earlier options said of the same bits.
func (a *Attr) forget(b Attr) {
	a.Set &^= b.Set | b.Clear
	a.Clear &^= b.Set | b.Clear
}

// mountOp turns one entry of config.json's mounts into its op.
func (b *builder) mountOp(i int, m *specs.Mount) (Op, error) {
	where := "mounts[" + itoa(i) + "]"
	o := parseOptions(m.Options)
	target := cleanPath(m.Destination)
	if target == "/" {
		return nil, refuse(where+".destination", "nothing can be mounted over the root itself: use root.path")
	}
	switch {
	case o.copyUp && (m.Type != "tmpfs" || o.bind):
		return nil, refuse(where+".options", "tmpcopyup is for a new tmpfs only")
	case o.flags&msRemount != 0:
		return b.remountOp(where, &o, target)
	}
	if o.bind || m.Type == "bind" || m.Type == "rbind" {
		o.rec = o.rec || m.Type == "rbind"
		return b.bindOp(where, m, &o, target)
	}
	if o.idmap || len(m.UIDMappings)+len(m.GIDMappings) > 0 {
		return nil, refuse(where, "id mappings are for bind mounts only")
	}
	if m.Type == "" {
		return nil, refuse(where+".type", "a mount that is not a bind mount needs a file system type")
	}
	op := Mount{Type: m.Type, Source: m.Source, Target: target, Flags: o.flags, Data: strings.Join(o.data, ","), Propagation: o.prop,
		MayFail: o.nofail, CopyUp: o.copyUp}
	switch m.Type {
	case "proc", "sysfs":
		op.Ordinary = true
		if m.Type == "sysfs" && b.inUser && !b.ownNet {
			op.OrBind = "/sys"
		}
	case "cgroup", "cgroup2":
		op.Type, op.Data, op.OrBind = "cgroup2", "", "/sys/fs/cgroup"
	}
	if op.Source == "" {
		op.Source = op.Type
	}
	if len(op.Data) > 4095 {
		return nil, refuse(where+".options", "the options for the file system are longer than a page")
	}
	if below(target, "/proc") && (op.Type != "proc" || target != "/proc") {
		return nil, refuse(where+".destination", target+" is in /proc: only bind mounts of a few files are allowed there")
	}
	return op, nil
}

// remountOp changes the attributes of what is mounted on target, and never its file system, which may be the host's.
func (b *builder) remountOp(where string, o *options, target string) (Op, error) {
	if len(o.data) > 0 {
		return nil, refuse(where+".options", quoted(o.data[0])+" belongs to the file system: remount changes the attributes of a mount only")
	}
	b.plainNote(where, o)
	return Remount{Target: target, Attr: o.attr, RecAttr: o.recAttr, Propagation: o.prop, MayFail: o.nofail}, nil
}

// plainNote tells of an option that a mount cannot have apart from its file system.
func (b *builder) plainNote(where string, o *options) {
	if o.plain != "" {
		b.note(where + ".options: " + o.plain + " is the file system's: the mount keeps what that has")
	}
}

func (b *builder) bindOp(where string, m *specs.Mount, o *options, target string) (Op, error) {
	if m.Source == "" {
		return nil, refuse(where+".source", "a bind mount needs a source")
	}
	if len(o.data) > 0 {
		return nil, refuse(where+".options", quoted(o.data[0])+" is not a mount option, and a bind mount passes none to the file system")
	}
	b.plainNote(where, o)
	op := Bind{Source: b.hostPath(m.Source), Target: target, Recursive: o.rec, Attr: o.attr, RecAttr: o.recAttr, Propagation: o.prop,
		MayFail: o.nofail, FromHost: b.inUser}
	if below(target, "/proc") {
		if !procFile(target) {
			return nil, refuse(where+".destination", target+" is in /proc: a bind mount there would let the container deceive those who look (CVE-2019-16884)")
		}
		op.OnProc = true
	}
	mapped := len(m.UIDMappings)+len(m.GIDMappings) > 0
	if mapped || o.idmap {
		op.Mapped = &Mapped{UID: idMaps(m.UIDMappings), GID: idMaps(m.GIDMappings), Recursive: o.ridmap}
		if !mapped {
			op.Mapped.UID, op.Mapped.GID = b.plan.Outside.UIDMap, b.plan.Outside.GIDMap
			if len(op.Mapped.UID) == 0 {
				return nil, refuse(where+".options", "idmap without mappings needs a new user namespace with its own")
			}
		}
		op.FromHost = true
	}
	return op, nil
}

// procFile: the files below /proc that runc and crun let a bind mount cover (lxcfs needs them).
func procFile(path string) bool {
	switch path {
	case "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime", "/proc/loadavg",
		"/proc/slabinfo", "/proc/partitions", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled":
		return true
	}
	return false
}

func idMaps(in []specs.LinuxIDMapping) []IDMap {
	out := make([]IDMap, len(in))
	for i, m := range in {
		out[i] = IDMap{m.ContainerID, m.HostID, m.Size}
	}
	return out
}
