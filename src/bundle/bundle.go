// SPDX-License-Identifier: LGPL-2.1-only

// Package bundle makes OCI bundles of the containers of /etc/config/container: a config.json for each, the same to the byte for the
// same configuration and the same Host. It writes nothing and asks only the Host. Somebody's bundle is not made anew, but changed.
package bundle

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gojail/src/caps"
	"gojail/src/config"
	"gojail/src/passwd"
	"gojail/src/spec"
)

// Annotations that tell the runtime what config.json has no member for.
const (
	// logging is the runtime's: see package plan.
	logging  = "org.openwrt.gojail.log"
	idmap    = "org.openwrt.gojail.rootfs.idmap"
	mdwe     = "org.openwrt.ujail.mdwe"
	landlock = "org.openwrt.ujail.landlock."
)

// DefaultProfile is where the default seccomp profile is.
const DefaultProfile = "/etc/seccomp/container.json"

// A Host answers what a bundle depends on.
type Host interface {
	Arch() string           // as GOARCH
	Memory() uint64         // bytes of RAM
	Controllers() []string  // of cgroup v2
	Capabilities() caps.Set // those that it has to give
	// Device finds a device node: type (c or b), numbers, permissions (07777) and owner.
	Device(path string) (Node, error)
	// Type is what is at a path: 'd' a directory, '-' a file, another letter as ls has it, 0 nothing.
	Type(path string) byte
	// File reads a file of the host. One that is private may be read and written by root alone, or is refused.
	File(path string, private bool) ([]byte, error)
	// RootFile reads a file in a root directory, links followed inside of it. What is not there is nil without an error.
	RootFile(root, path string) ([]byte, error)
}

// A Node is a device node.
type Node struct {
	Type         byte
	Major, Minor uint32
	Mode         uint32
	UID, GID     uint32
}

// A Bundle is what a container is run from.
type Bundle struct {
	Container *config.Container
	Config    []byte // config.json
	Layer     string // the directory of a layer on disk, or ""
	Secrets   []string
	Warnings  []string // what its profile has and this host cannot give
}

// Dir is the name of the bundle's directory: it changes with its content.
func (b *Bundle) Dir() string {
	h := fnv.New64a()
	h.Write(b.Config)
	sum := strconv.FormatUint(h.Sum64(), 16)
	return b.Container.ID + "-" + strings.Repeat("0", 16-len(sum)) + sum
}

// New makes a container's bundle. The error is config.Errors.
func New(cfg *config.Config, c *config.Container, h Host) (*Bundle, error) {
	g := &generator{cfg: cfg, c: c, host: h, own: !c.Has("bundle"), out: &Bundle{Container: c}}
	g.utf8()
	if g.errs == nil {
		g.start()
	}
	if g.errs == nil {
		g.all()
	}
	if g.errs == nil {
		g.out.Config = g.top.encode()
		g.validate()
	}
	if g.errs != nil {
		return nil, g.errs
	}
	return g.out, nil
}

type generator struct {
	cfg    *config.Config
	c      *config.Container
	host   Host
	own    bool // not somebody's bundle
	top    *node
	root   string // the directory that is its root, "" if it is not one
	out    *Bundle
	errs   config.Errors
	uid    uint32
	gid    uint32
	groups []uint32
	held   []string // capabilities that the program may have
}

//go:noinline
func (g *generator) refuse(option, value, reason string) {
	g.errs = append(g.errs, g.c.Error(option, value, reason))
}

func (g *generator) warn(s string) { g.out.Warnings = append(g.out.Warnings, g.c.ID+": "+s) }

// want tells whether the option counts: somebody's bundle is changed only in what was asked for. byProfile are those that the
// profile decides.
//
//go:noinline
func (g *generator) want(option string) bool { return g.own || g.c.Has(option) }

//go:noinline
func (g *generator) byProfile(options ...string) bool {
	return g.own || g.c.Has("profile") || slices.ContainsFunc(options, g.c.Has)
}

func (g *generator) utf8() {
	for _, o := range config.Options() {
		if o.Section != "container" {
			continue
		}
		for _, v := range g.c.List(o.Name) {
			if !utf8.ValidString(v) {
				g.refuse(o.Name, strings.ToValidUTF8(v, "?"), "is not UTF-8, which a config.json has to be")
			}
		}
	}
}

// start is what everything is applied to: an empty configuration, or that of somebody's bundle.
func (g *generator) start() {
	if g.own {
		g.top = object()
		g.top.set("ociVersion", text("1.0.2"))
		p := g.top.at("process")
		p.set("terminal", boolean(false))
		p.at("user")
		p.list("args")
		p.list("env")
		g.top.at("root")
		g.top.set("hostname", text(""))
		g.top.list("mounts")
		for _, key := range [...]string{"hooks", "annotations", "linux"} {
			g.top.at(key)
		}
		return
	}
	dir := strings.TrimRight(g.c.Text("bundle"), "/")
	b, err := g.host.File(dir+"/config.json", false)
	if err != nil {
		g.refuse("bundle", dir, err.Error())
		return
	}
	s, err := spec.Decode(b)
	if err == nil && (s.Root == nil || s.Process == nil || s.Linux == nil) {
		err = &spec.Error{Reason: "has no root, no process, or nothing for Linux"}
	}
	if err != nil {
		g.refuse("bundle", dir, "config.json: "+err.Error())
		return
	}
	g.top = parse(string(b))
	absolute := func(n *node, key string) {
		if path := n.get(key).str(); path != "" && path[0] != '/' {
			n.set(key, text(dir+"/"+strings.TrimPrefix(path, "./")))
		}
	}
	root := g.top.at("root")
	absolute(root, "path")
	g.root = root.get("path").str()
	for _, m := range g.top.list("mounts").items {
		options := m.get("options").strs()
		if slices.Contains(options, "bind") || slices.Contains(options, "rbind") || m.get("type").str() == "bind" {
			absolute(m, "source")
		}
	}
	if strings.Contains(s.Linux.CgroupsPath, ":") { // systemd's
		g.linux().drop("cgroupsPath")
	}
	g.uid, g.gid = s.Process.User.UID, s.Process.User.GID
	g.groups = s.Process.User.AdditionalGids
	if c := s.Process.Capabilities; c != nil {
		g.held = c.Bounding
	}
}

// all applies every option.
func (g *generator) all() {
	g.network()
	g.rootfs()
	g.process()
	g.user()
	g.environment()
	g.capabilities()
	g.limits()
	g.namespaces()
	g.mounts()
	g.devices()
	g.paths()
	g.seccomp()
	g.hooks()
	g.annotations()
}

func (g *generator) rootfs() {
	if g.want("readonly") {
		g.top.at("root").set("readonly", boolean(g.c.Bool("readonly")))
	}
	if !g.own {
		return
	}
	path := g.c.Text("rootfs")
	switch g.host.Type(path) {
	case 'd':
		g.root = path
		g.top.at("root").members = slices.Insert(g.top.at("root").members, 0, member{"path", text(path)})
	case '-':
		g.top.at("root").members = slices.Insert(g.top.at("root").members, 0, member{"path", text("rootfs")})
		g.top.at("annotations").set(spec.ImageAnnotation, text(path))
	case 0:
		g.refuse("rootfs", path, "there is no such directory or image"+g.mountHint())
	default:
		g.refuse("rootfs", path, "is neither a directory nor an image file")
	}
}

func (g *generator) mountHint() string {
	if g.c.Has("require_mount") {
		return " (is it mounted?)"
	}
	return ""
}

// layer is the annotation for the writable layer.
func (g *generator) layer() {
	switch g.c.Text("overlay") {
	case "tmpfs":
		g.annotate(spec.OverlayAnnotation, "tmpfs:"+g.c.Text("overlay_size"))
	case "disk":
		dir := g.c.Text("overlay_dir")
		if dir == "" {
			dir = strings.TrimRight(g.cfg.Globals.Text("storage"), "/") + "/" + g.c.ID
		}
		g.out.Layer = dir
		g.annotate(spec.OverlayAnnotation, "disk:"+dir)
	}
}

//go:noinline
func (g *generator) annotate(key, value string) { g.top.at("annotations").set(key, text(value)) }

// user finds the ids of the program in the root's files.
func (g *generator) user() {
	given := g.want("user")
	lookup := func(file string) []byte {
		if g.root == "" {
			return nil
		}
		b, err := g.host.RootFile(g.root, file)
		if err != nil {
			g.refuse("user", "", err.Error())
		}
		return b
	}
	users, groups := lookup("/etc/passwd"), lookup("/etc/group")
	name, home := "", ""
	if given {
		u, err := passwd.LookupUser(users, g.c.Text("user"))
		if err != nil {
			g.refuse("user", g.c.Text("user"), err.Error()+g.imageHint())
		}
		if g.uid, g.gid = u.UID, u.GID; u.GID == passwd.NoID {
			g.gid = 0
		}
		name, home = u.Name, u.Home
	}
	if g.c.Has("group") {
		gid, err := passwd.LookupGroup(groups, g.c.Text("group"))
		if err != nil {
			g.refuse("group", g.c.Text("group"), err.Error()+g.imageHint())
		}
		g.gid = gid
	}
	if given && name != "" {
		g.groups = passwd.Groups(groups, name, g.gid)
	}
	for _, v := range g.c.List("additional_gid") {
		gid, err := passwd.LookupGroup(groups, v)
		if err != nil {
			g.refuse("additional_gid", v, err.Error()+g.imageHint())
		}
		if gid != g.gid && !slices.Contains(g.groups, gid) {
			g.groups = append(g.groups, gid)
		}
	}
	u := g.top.at("process").at("user")
	u.set("uid", natural(uint64(g.uid)))
	u.set("gid", natural(uint64(g.gid)))
	if g.want("umask") {
		mask, _ := strconv.ParseUint(g.c.Text("umask"), 8, 16)
		u.set("umask", natural(mask))
	}
	u.drop("additionalGids")
	slices.Sort(g.groups)
	for _, gid := range slices.Compact(g.groups) {
		if gid != g.gid {
			u.list("additionalGids").add(natural(uint64(gid)))
		}
	}
	if given && home != "" {
		g.setenv("HOME="+home, true)
	}
}

func (g *generator) imageHint() string {
	if g.root == "" {
		return " (an image is not looked into: give a number)"
	}
	return ""
}

// validate is the last word: what was generated is what the runtime takes.
func (g *generator) validate() {
	s, err := spec.Decode(g.out.Config)
	if err == nil {
		err = spec.Validate(s)
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			g.refuse("", "", "config.json would not be valid: "+line)
		}
	}
}
