// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/caps"
	"gojail/src/elfdep"
	"gojail/src/passwd"
	"gojail/src/slim"
)

// FromSlim plans the jail that ujail's own options describe. c is the content of the -C file, p that of the -S file, nil without one.
func FromSlim(o *slim.Options, c *specs.LinuxCapabilities, p *specs.LinuxSeccomp, f Facts) (*Plan, error) {
	b := &builder{plan: &Plan{Name: o.Name, Ops: make([]Op, 0, 64)}}
	for _, t := range o.NewNamespaces() {
		b.new |= namespaceOf(string(t))
	}
	var joins []Join
	for _, j := range o.Join {
		for _, t := range j.Types {
			joins = append(joins, Join{Type: namespaceOf(string(t)), PID: j.PID})
		}
	}
	who, err := b.identity(o, &f)
	if err != nil {
		return nil, err
	}
	b.enter(joins)
	args := o.Args
	if b.ownMount {
		if args, err = b.slimRoot(o, &f); err != nil {
			return nil, err
		}
	}
	if o.UTSNS && o.Hostname != "" {
		b.add(Hostname{o.Hostname})
	}
	if b.ownNet {
		b.add(LoopbackUp{})
	}
	if o.Console {
		if !b.ownMount {
			b.add(Terminal{})
		}
		b.add(UseTerminal{Owner: who.UID})
	}
	b.add(Rlimits{})
	if c != nil {
		sets, err := caps.FromSpecAt("-C "+o.Capabilities, c)
		if err != nil {
			return nil, err
		}
		b.ambient(&sets, "-C "+o.Capabilities)
		who.KeepCaps = true
		b.add(DropBounding{sets.Bounding})
		b.addUser(who)
		b.add(Capabilities{sets})
	} else {
		b.addUser(who)
	}
	if o.NoNewPrivs || p != nil {
		b.add(NoNewPrivs{})
	}
	env := []string{"container=ujail"}
	for i, name := range o.Env {
		if slices.Contains(o.Env[:i], name) {
			continue
		}
		for _, e := range f.Env {
			if strings.HasPrefix(e, name+"=") {
				env = append(env, e)
				break
			}
		}
	}
	if p != nil {
		op, err := slimSeccomp(o.Seccomp, p)
		if err != nil {
			return nil, err
		}
		for _, n := range op.Filter.Notes {
			b.note("-S " + o.Seccomp + ": " + n)
		}
		b.add(*op)
	}
	if err := b.exec(args, env, 0o022); err != nil {
		return nil, err
	}
	return b.plan, nil
}

func (b *builder) addUser(u User) {
	if u.UID >= 0 || u.GID >= 0 || u.SetGroups {
		b.add(u)
	}
}

// identity looks up -U and -G in the root that they belong to. A user namespace maps one id of each kind, root inside, and the
// supplementary groups.
func (b *builder) identity(o *slim.Options, f *Facts) (User, error) {
	who := User{UID: -1, GID: -1}
	if o.User != "" {
		text, err := readText(f.Root, "/etc/passwd")
		if err != nil {
			return who, refuse("-U "+o.User, err.Error())
		}
		u, err := passwd.LookupUser(text, o.User)
		if err != nil {
			return who, refuse("-U "+o.User, err.Error()+of(o.Rootfs))
		}
		who.UID, who.GID, who.SetGroups = int64(u.UID), int64(u.GID), true
		switch text, err = readText(f.Root, "/etc/group"); {
		case u.GID == passwd.NoID && o.Group == "":
			return who, refuse("-U "+o.User, "is in nobody's name in /etc/passwd"+of(o.Rootfs)+": a bare number needs a group as well, by -G")
		case u.GID == passwd.NoID:
			who.GID = -1
		case err == nil:
			who.Groups = passwd.Groups(text, u.Name, u.GID)
		}
	}
	if o.Group != "" {
		text, err := readText(f.Root, "/etc/group")
		if err != nil {
			return who, refuse("-G "+o.Group, err.Error())
		}
		gid, err := passwd.LookupGroup(text, o.Group)
		if err != nil {
			return who, refuse("-G "+o.Group, err.Error()+of(o.Rootfs))
		}
		who.GID = int64(gid)
	}
	if b.new&NewUser == 0 {
		return who, nil
	}
	const nobody = 65534
	uid, gid := uint32(nobody), uint32(nobody)
	if who.UID >= 0 {
		uid = uint32(who.UID)
	}
	if who.GID >= 0 {
		gid = uint32(who.GID)
	}
	out := &b.plan.Outside
	out.UIDMap = []IDMap{{0, uid, 1}}
	out.GIDMap = []IDMap{{0, gid, 1}}
	inside := User{UID: 0, GID: 0, SetGroups: true}
	for _, g := range who.Groups {
		if g != gid && g != 0 {
			out.GIDMap = append(out.GIDMap, IDMap{g, g, 1})
			inside.Groups = append(inside.Groups, g)
		}
	}
	return inside, nil
}

func of(rootfs string) string {
	if rootfs == "" {
		return ""
	}
	return " of " + rootfs
}

func readText(files elfdep.FS, name string) ([]byte, error) {
	file, info, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	if file == nil || !info.Regular {
		return nil, errors.New(name + " is not a regular file")
	}
	defer file.Close()
	text := make([]byte, maxText)
	n, err := file.ReadAt(text, 0)
	if n == 0 && err != nil && err != io.EOF {
		return nil, err
	}
	return text[:n], nil
}

const maxText = 1 << 20

// stage collects the mounts of a slim jail by their targets: the first on a target wins, whatever it is, and parents come before
// what is mounted in them.
type stage struct {
	targets []string
	ops     map[string]Op
	sources []string
	inUser  bool
}

func (s *stage) put(target string, op Op) {
	if _, taken := s.ops[target]; taken {
		return
	}
	s.targets = append(s.targets, target)
	s.ops[target] = op
	if b, ok := op.(Bind); ok {
		s.sources = append(s.sources, cleanPath(b.Source))
	}
}

func (s *stage) bind(source, target string, writable, optional bool) {
	op := Bind{Source: source, Target: target, SkipMissing: optional, FromHost: s.inUser, OnProc: !writable && below(target, "/proc")}
	op.NotDir = op.OnProc && !below(cleanPath(source), "/proc")
	if !writable {
		op.Attr.Set = attrRdonly
	}
	s.put(target, op)
}

// slimRoot plans the root file system: a tmpfs, or -R, with everything that is named, needed or usual.
func (b *builder) slimRoot(o *slim.Options, f *Facts) (args []string, err error) {
	s := &stage{ops: make(map[string]Op, 64), inUser: b.inUser}
	deps := elfdep.New(f.Files, elfdep.Search{Path: lookupEnv(f.Env, "PATH")})
	for _, m := range o.Mounts {
		where := "-" + string(m.Option) + " " + m.Source
		if cleanPath(m.Target) == "/" {
			return nil, refuse(where+":"+m.Target, "nothing can be mounted over the root itself: use -R")
		}
		if m.Writable && below(m.Target, "/proc") || m.Target == "/proc" && cleanPath(m.Source) != "/proc" {
			return nil, refuse(where+":"+m.Target, "is in /proc: only single files can be mounted there, read-only (CVE-2019-16884)")
		}
		if m.Optional && missingItself(f.Files, m.Source) {
			b.note(where + ": skipped, it does not exist")
			continue
		}
		s.bind(m.Source, m.Target, m.Writable, m.Optional)
		if m.Deps {
			if err := s.needs(deps, m.Source); err != nil {
				if o.Require {
					return nil, refuse(where, err.Error()+" (without -E it would be a warning)")
				}
				b.warning(where + ": " + err.Error())
			}
		}
	}
	args = o.Args
	if o.Rootfs == "" {
		if args, err = b.command(s, deps, args, f); err != nil {
			return nil, err
		}
		if o.User != "" || o.Group != "" {
			s.bind("/etc/passwd", "/etc/passwd", false, false)
			s.bind("/etc/group", "/etc/group", false, false)
		}
		s.bind("/etc/nsswitch.conf", "/etc/nsswitch.conf", false, true)
	}
	if b.ownNet {
		dir := resolvDir(o)
		b.plan.Outside.Dirs = append(b.plan.Outside.Dirs, dir)
		s.put("/dev/resolv.conf.d", Bind{Source: dir.Path, Target: "/dev/resolv.conf.d", FromHost: b.inUser,
			Attr: Attr{attrRdonly | attrNosuid | attrNodev | attrNoexec, 0}})
	} else {
		s.bind("/etc/resolv.conf", "/etc/resolv.conf", false, true)
		if op, ok := s.ops["/etc/resolv.conf"].(Bind); ok && o.Rootfs != "" && op.SkipMissing {
			op.NoCreate = true // nothing is made in somebody's rootfs that he did not ask for
			s.ops["/etc/resolv.conf"] = op
		}
	}
	for _, m := range b.baseMounts(o.Procfs, o.Sysfs) {
		s.put(m.Target, m)
	}
	if o.Procfs {
		op := ReadOnly{Path: "/proc/sys"}
		if b.ownNet {
			op.Except = "/proc/sys/net"
		}
		s.put("/proc/sys", op)
		for _, path := range [...]string{"/proc/kcore", "/proc/sysrq-trigger", "/proc/latency_stats", "/proc/timer_list",
			"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi"} {
			s.put(path, Mask{path})
		}
	}
	if o.Sysfs {
		s.put("/sys/firmware", Mask{"/sys/firmware"})
	}
	root := Root{Source: o.Rootfs, FromHost: b.inUser && o.Rootfs != ""}
	if o.OverlayDir != "" || o.TmpOverlaySize != "" {
		root.Overlay, root.FromHost = &Overlay{Dir: o.OverlayDir, TmpfsSize: o.TmpOverlaySize, InUser: b.inUser}, false
		if o.OverlayDir != "" {
			root.Overlay.TmpfsSize = ""
		}
		b.overlayDirs(o.OverlayDir)
	}
	root.Attach = b.attachPoints(false, &root, s.sources)
	if len(root.Attach) == 0 {
		return nil, refuse("-r", "no directory is left to build the root in: mounts come from /sys, /proc, /dev, /tmp and /mnt at once")
	}
	b.add(Propagate{Propagation{Private, true}}, root)
	slices.Sort(s.targets)
	for _, t := range s.targets {
		b.add(s.ops[t])
	}
	b.defaultDevices(nil, b.ttyGroup())
	if o.Console {
		b.add(Terminal{Console: true})
	}
	if layered := root.Overlay != nil; b.ownNet && (o.Rootfs == "" || layered) {
		b.add(Symlink{To: "../dev/resolv.conf.d/resolv.conf.auto", Path: "/etc/resolv.conf", Replace: layered})
	}
	b.hideRoot()
	if o.ReadonlyRoot {
		b.add(RootReadOnly{})
	}
	b.add(Pivot{})
	return args, nil
}

// resolvDir is where the jail's own netifd puts its name servers.
func resolvDir(o *slim.Options) HostDir {
	return HostDir{Path: "/tmp/resolv.conf-" + o.Name + ".d", Mode: 0o755}
}

// Leftovers are the directories that a start with these options may have made and that its end removes if they are empty.
func Leftovers(o *slim.Options) []HostDir {
	if o.Bundle == "" && o.NetNS && o.MountNS() {
		return []HostDir{resolvDir(o)}
	}
	return nil
}

func (b *builder) ttyGroup() uint32 {
	if b.inUser {
		return 0
	}
	return 5
}

// needs stages what a file needs to run.
func (s *stage) needs(deps *elfdep.Resolver, file string) error {
	list, err := deps.Deps(cleanHost(file))
	if err != nil {
		return err
	}
	for _, path := range list {
		s.bind(path, cleanPath(path), false, false)
	}
	return nil
}

func missingItself(files elfdep.FS, name string) bool {
	file, _, err := files.Open(cleanHost(name))
	if file != nil {
		file.Close()
	}
	return err != nil
}

// command stages the program to run. A name without a slash is looked up on the host, as the caller's shell would.
func (b *builder) command(s *stage, deps *elfdep.Resolver, args []string, f *Facts) ([]string, error) {
	name := args[0]
	if !strings.Contains(name, "/") {
		path := lookupEnv(f.Env, "PATH")
		if path == "" {
			path = defaultPath
		}
		found := ""
		for _, dir := range strings.Split(path, ":") {
			if !strings.HasPrefix(dir, "/") {
				continue
			}
			file, info, err := f.Files.Open(cleanHost(dir + "/" + name))
			if file != nil {
				file.Close()
			}
			if err == nil && info.Regular && info.Executable {
				found = cleanHost(dir + "/" + name)
				break
			}
		}
		if found == "" {
			return nil, &Error{Where: name, Reason: "executable file not found in " + path, Exit: 127}
		}
		args = append([]string{found}, args[1:]...)
		name = found
	}
	if name[0] != '/' {
		return nil, refuse(name, "the command of a jail needs an absolute path")
	}
	s.bind(name, cleanPath(name), false, false)
	if err := s.needs(deps, name); err != nil {
		e := &Error{Where: name, Reason: "cannot be run in the jail: " + err.Error()}
		if errors.Is(err, fs.ErrNotExist) {
			e.Exit = 127
		}
		if missingItself(f.Files, name) {
			e.Reason = "no such file"
		}
		return nil, e
	}
	return args, nil
}
