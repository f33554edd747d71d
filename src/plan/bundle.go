// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/spec"
)

// Bundle says how an OCI bundle is to be run.
type Bundle struct {
	Name string
	Dir  string // absolute; relative paths of config.json start here
	// Ujail adds what the C ujail adds to every bundle: the file systems and devices a program expects where config.json has
	// nothing there, /proc/sys read-only but for /proc/sys/net in a network namespace of one's own, and container=ujail.
	Ujail                  bool
	Wait                   bool   // the payload is made, and executed when the supervisor is told to start it
	Detached               bool   // the same, but the supervisor may end meanwhile
	OverlayDir, TmpOverlay string // a writable layer in this directory, or on a tmpfs of this size
}

// FromSpec plans the container that s describes. s must have passed spec.Validate.
func FromSpec(s *specs.Spec, o Bundle) (*Plan, error) {
	if err := refuseLater(s); err != nil {
		return nil, err
	}
	if err := layers(s, &o); err != nil {
		return nil, err
	}
	b := &builder{plan: &Plan{Name: o.Name, Ops: make([]Op, 0, 64), secrets: s.Annotations}, dir: o.Dir}
	out := &b.plan.Outside
	out.UIDMap, out.GIDMap = idMaps(s.Linux.UIDMappings), idMaps(s.Linux.GIDMappings)
	joins, err := b.network(s, &o, b.namespaces(s.Linux.Namespaces))
	if err != nil {
		return nil, err
	}
	if b.new&NewUser == 0 && len(out.UIDMap)+len(out.GIDMap) > 0 {
		out.UIDMap, out.GIDMap = nil, nil
		b.note("linux.uidMappings and linux.gidMappings are those of the joined user namespace")
	}
	if err := b.hooksBefore(s); err != nil {
		return nil, err
	}
	b.outside(s)
	if err := b.cgroup(s, o.Name); err != nil {
		return nil, err
	}
	b.enter(joins)
	if b.ownMount {
		if err := b.rootfs(s, &o); err != nil {
			return nil, err
		}
	} else {
		b.createHooks()
		b.note("the mount namespace is joined: root, mounts, devices, maskedPaths and readonlyPaths are as its owner made them")
	}
	if s.Hostname != "" {
		b.add(Hostname{s.Hostname})
	}
	if s.Domainname != "" {
		b.add(Domainname{s.Domainname})
	}
	for _, k := range sortedKeys(s.Linux.Sysctl) {
		path, _ := spec.SysctlPath(k)
		b.add(Sysctl{k, path, s.Linux.Sysctl[k]})
	}
	if b.ownNet {
		b.add(LoopbackUp{})
	}
	if s.Process.Terminal && !b.ownMount {
		b.add(terminalOf(s.Process, false))
	}
	if err := b.process(s, &o); err != nil {
		return nil, err
	}
	return b.plan, nil
}

func (b *builder) namespaces(list []specs.LinuxNamespace) (joins []Join) {
	for _, n := range list {
		flag := namespaceOf(string(n.Type))
		if n.Path == "" {
			b.new |= flag
		} else {
			joins = append(joins, Join{Type: flag, Path: n.Path})
		}
	}
	return joins
}

// outside plans what the supervisor does for the child.
func (b *builder) outside(s *specs.Spec) {
	out := &b.plan.Outside
	out.OOMScoreAdj = s.Process.OOMScoreAdj
	for _, name := range sortedKeys(s.Linux.NetDevices) {
		to := s.Linux.NetDevices[name].Name
		if to == "" {
			to = name
		}
		out.NetDevices = append(out.NetDevices, NetDevice{name, to})
	}
	for _, clock := range sortedKeys(s.Linux.TimeOffsets) {
		t := s.Linux.TimeOffsets[clock]
		out.TimeOffsets = append(out.TimeOffsets, TimeOffset{clock, t.Secs, t.Nanosecs})
	}
}

func (b *builder) rootfs(s *specs.Spec, o *Bundle) error {
	l := s.Linux
	prop := propagationOf(l.RootfsPropagation)
	first := Propagation{Private, true}
	if prop.Type == Slave || prop.Type == Shared {
		first = Propagation{prop.Type, true}
	}
	root := Root{Source: b.hostPath(s.Root.Path), Recursive: true, FromHost: b.inUser, NoDev: b.denyDevices(s, o.Ujail)}
	if o.OverlayDir != "" || o.TmpOverlay != "" {
		root.Overlay, root.Recursive, root.FromHost = &Overlay{o.TmpOverlay, o.OverlayDir, b.inUser}, false, false
		b.overlayDirs(o.OverlayDir)
	}
	var err error
	if root.Mapped, err = b.mappedRoot(s); err != nil {
		return err
	}
	root.FromHost = root.FromHost || root.Mapped != nil
	if err := image(s, &root); err != nil {
		return err
	}
	sources := []string{}
	targets := make([]string, len(s.Mounts))
	for i := range s.Mounts {
		targets[i] = cleanPath(s.Mounts[i].Destination)
		isBind := func(o string) bool { return o == "bind" || o == "rbind" }
		if src := s.Mounts[i].Source; strings.HasPrefix(src, "/") || slices.ContainsFunc(s.Mounts[i].Options, isBind) {
			sources = append(sources, cleanPath(b.hostPath(src)))
		}
	}
	root.Attach = b.attachPoints(prop.Type == Shared, &root, sources)
	if len(root.Attach) == 0 {
		return refuse("mounts", "no directory is left to build the root in: mounts come from /sys, /proc, /dev and /tmp at once")
	}
	b.add(Propagate{first}, root)
	addUjail := func(int) {}
	if o.Ujail {
		list, after := b.ujailMounts(targets)
		addUjail = func(i int) {
			for k := range list {
				if after[k] == i {
					b.add(list[k])
				}
			}
		}
	}
	addUjail(-1)
	devBound := false
	for i := range s.Mounts {
		op, err := b.mountOp(i, &s.Mounts[i])
		if err != nil {
			return err
		}
		b.plan.mounts = append(b.plan.mounts, len(b.plan.Ops))
		b.add(op)
		if _, bound := op.(Bind); bound {
			devBound = devBound || targets[i] == "/dev"
		} else {
			addUjail(i)
		}
	}
	switch {
	case b.plan.Outside.Network != nil || b.shared != "":
		b.networkFiles(o.Name, targets)
	case o.Ujail && !b.ownNet && !slices.Contains(targets, "/etc/resolv.conf") && !slices.Contains(targets, "/etc"):
		b.add(Bind{Source: "/etc/resolv.conf", Target: "/etc/resolv.conf", Attr: Attr{attrRdonly, 0}, SkipMissing: true, NoCreate: true})
	}
	if err := b.devices(l.Devices, devBound); err != nil {
		return err
	}
	if s.Process.Terminal {
		b.add(terminalOf(s.Process, true))
	}
	procSys := o.Ujail && !slices.Contains(targets, "/proc/sys")
	for i, path := range l.ReadonlyPaths {
		switch path = cleanPath(path); path {
		case "/":
			return refuse("linux.readonlyPaths["+itoa(i)+"]", "is the root itself: use root.readonly")
		case "/proc/sys":
			procSys = false
		}
		b.add(ReadOnly{Path: path})
	}
	for i, path := range l.MaskedPaths {
		switch path = cleanPath(path); path {
		case "/":
			return refuse("linux.maskedPaths["+itoa(i)+"]", "is the root itself: nothing would be left to run")
		case "/proc/sys":
			procSys = false
		}
		b.add(Mask{path})
	}
	if procSys {
		b.procSys()
	}
	b.finishRoot(s.Process.Cwd, s.Root.Readonly, prop)
	return nil
}

// IDMapAnnotation asks, with the value 1, for a root file system that is mapped as the container's user namespace is: what belongs to root
// there, as in every image, is the container's root's, and what that makes is root's there.
const IDMapAnnotation = "org.openwrt.gojail.rootfs.idmap"

func (b *builder) mappedRoot(s *specs.Spec) (*Mapped, error) {
	const where = "annotations[" + IDMapAnnotation + "]"
	switch v := s.Annotations[IDMapAnnotation]; {
	case v == "" || v == "0":
		return nil, nil
	case v != "1":
		return nil, refuse(where, quoted(v)+" is neither 0 nor 1")
	case b.new&NewUser == 0:
		return nil, refuse(where, "needs a new user namespace: its mappings are those of the root file system")
	}
	out := &b.plan.Outside
	return &Mapped{UID: out.UIDMap, GID: out.GIDMap}, nil
}

// procSys: /proc/sys is read-only, but a network namespace of one's own can be configured.
func (b *builder) procSys() {
	op := ReadOnly{Path: "/proc/sys"}
	if b.ownNet {
		op.Except = "/proc/sys/net"
	}
	b.add(op)
}

// ujailMounts finds the C ujail's file systems that config.json has nothing for, each with the number of the last mount that its
// place lies in, -1 for none: it comes after that one, before what the configuration mounts in it, and is not covered by it.
// Nothing is added to what is bound from elsewhere.
func (b *builder) ujailMounts(targets []string) (list []Mount, after []int) {
	for _, m := range b.baseMounts(true, true) {
		in, taken := -1, false
		for i, t := range targets {
			if below(m.Target, t) {
				in, taken = i, taken || m.Target == t
			}
		}
		if !taken {
			list, after = append(list, m), append(after, in)
		}
	}
	return list, after
}

// baseMounts are the file systems that the C ujail mounts without being told.
func (b *builder) baseMounts(proc, sys bool) []Mount {
	gid := "5"
	if b.inUser {
		gid = utoa(rootOf(b.plan.Outside.GIDMap))
	}
	m := []Mount{
		{Type: "tmpfs", Source: "tmpfs", Target: "/dev", Flags: msNoatime | msNoexec | msNosuid, Data: "size=1M,mode=755"},
		{Type: "devpts", Source: "devpts", Target: "/dev/pts", Flags: msNoatime | msNoexec | msNosuid,
			Data: "newinstance,ptmxmode=0666,mode=0620,gid=" + gid, MayFail: true},
		{Type: "tmpfs", Source: "shm", Target: "/dev/shm", Flags: msNosuid | msNoexec | msNodev, Data: "mode=1777"},
	}
	if proc {
		m = append(m, Mount{Type: "proc", Source: "proc", Target: "/proc", Flags: msNodev | msNoexec | msNosuid, Ordinary: true})
	}
	if sys {
		op := Mount{Type: "sysfs", Source: "sysfs", Target: "/sys", Flags: msNodev | msNoexec | msNosuid | msRdonly, Ordinary: true}
		if b.inUser && !b.ownNet {
			op.OrBind = "/sys"
		}
		m = append(m, op)
	}
	return m
}

// overlayDirs has the layer's directories made. Their owner is who mounts the overlay: it would be read-only otherwise.
func (b *builder) overlayDirs(dir string) {
	if dir == "" {
		return
	}
	out := &b.plan.Outside
	for _, name := range [...]string{"/upper", "/work"} {
		out.Dirs = append(out.Dirs, HostDir{Path: dir + name, Mode: 0o755, Keep: true, Owner: out.Root()})
	}
}

// devices plans linux.devices and the default ones. With a bind mount on /dev the nodes are somebody else's.
func (b *builder) devices(list []specs.LinuxDevice, devBound bool) error {
	have := map[string]bool{}
	for _, d := range list {
		op := Device{Path: cleanPath(d.Path), Type: d.Type[0], Mode: 0o666, Bind: b.inUser && d.Type != "p"}
		if op.Type == 'u' {
			op.Type = 'c'
		}
		if op.Type != 'p' {
			op.Major, op.Minor = uint32(d.Major), uint32(d.Minor)
		}
		if d.FileMode != nil {
			op.Mode = uint32(*d.FileMode) & 0o7777
		}
		if d.UID != nil {
			op.UID = *d.UID
		}
		if d.GID != nil {
			op.GID = *d.GID
		}
		have[op.Path] = true
		b.add(op)
	}
	if !devBound {
		b.defaultDevices(have, 0)
	}
	return nil
}

func (b *builder) hostPath(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = b.dir + "/" + p
	}
	return cleanHost(p)
}

// cleanHost removes empty and "." parts. ".." stays: on the host it means what the links before it make of it.
func cleanHost(p string) string {
	out := make([]byte, 0, len(p)+1)
	for s := range strings.SplitSeq(p, "/") {
		if s != "" && s != "." {
			out = append(append(out, '/'), s...)
		}
	}
	if len(out) == 0 {
		return "/"
	}
	return string(out)
}

func propagationOf(s string) Propagation {
	o := parseOptions([]string{s})
	return o.prop
}

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

func itoa(v int) string { return strconv.Itoa(v) }
