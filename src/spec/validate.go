// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// maxErrors bounds what Validate reports.
const maxErrors = 100

// Validate says whether a configuration can be run at all, as far as that can
// be told without asking the host. The error is nil or Errors, which names
// everything that is wrong.
//
// It is stricter than the specification where gojail cannot do otherwise: the
// process and a mount namespace must be there. A mount's destination may be relative; it is then relative to "/", as
// config.md has it. A user namespace that is joined may be accompanied by
// mappings, as containerd and CRI-O write them: whoever joins it compares them
// with the real ones. Likewise, whether a joined network namespace is the
// host's, so that its sysctls must not be written, shows only when it is
// opened.
//
// Not looked at: names of capabilities, seccomp, resources, cgroupsPath,
// intelRdt, mount options other than those that say how ids are mapped.
func Validate(s *specs.Spec) error {
	c := checker{}
	if s == nil {
		s = new(specs.Spec)
	}
	l := s.Linux
	if l == nil {
		l = new(specs.Linux)
	}
	var top place
	c.version(top.at("ociVersion"), s.Version)
	if s.Process == nil {
		c.add(top.at("process"), "is required: the configuration names no program to run")
	} else {
		process := top.at("process")
		c.process(process, s.Process)
		c.mappedUser(process.at("user"), &s.Process.User, l)
	}
	root := top.at("root")
	if s.Root == nil {
		c.add(root, "is required: it names the root filesystem")
	} else if s.Root.Path == "" {
		c.add(root.at("path"), "must not be empty")
	}
	c.utsName(top.at("hostname"), s.Hostname, l)
	c.utsName(top.at("domainname"), s.Domainname, l)
	for i := range s.Mounts {
		c.mount(top.entry("mounts", i), &s.Mounts[i], l)
	}
	if s.Hooks != nil {
		c.hooks(top.at("hooks"), s.Hooks)
	}
	if _, ok := s.Annotations[""]; ok {
		c.add(top.at("annotations"), "a key must not be empty")
	}
	if s.Linux == nil {
		c.add(top.at("linux"), "is required: "+noMountNamespace)
	} else {
		c.linux(top.at("linux"), l)
	}
	return c.result()
}

// ValidateProcess does for a process object of its own, as `exec --process`
// takes it, what Validate does for config.json's. Whether its ids are mapped
// depends on the container and is not looked at. Paths start at the object.
func ValidateProcess(p *specs.Process) error {
	c := checker{}
	if p == nil {
		p = new(specs.Process)
	}
	c.process(place{}, p)
	return c.result()
}

// checker collects refusals.
type checker struct{ errs Errors }

func (c *checker) add(path place, reason string) {
	switch {
	case len(c.errs) < maxErrors:
		c.errs = append(c.errs, &Error{path.String(), reason})
	case len(c.errs) == maxErrors:
		c.errs = append(c.errs, &Error{Reason: "there is more, which is not shown"})
	}
}

func (c *checker) result() error {
	if len(c.errs) == 0 {
		return nil
	}
	return c.errs
}

// place is a path that becomes a string only when something is refused there.
// The zero place is the document itself.
type place struct {
	up    *place
	key   string
	named bool // a member of up: key
	i     int  // an element, 1 more than its position; of up, or of the member
}

func (p *place) at(key string) place           { return place{up: p, key: key, named: true} }
func (p *place) item(i int) place              { return place{up: p, i: i + 1} }
func (p *place) entry(key string, i int) place { return place{p, key, true, i + 1} }

func (p *place) String() string { return string(p.append(nil)) }

// append copies what it takes, so that places can live on the stack.
func (p *place) append(path []byte) []byte {
	if p == nil {
		return path
	}
	path = p.up.append(path)
	if p.named {
		path = appendMember(path, p.key)
	}
	if p.i > 0 {
		path = appendIndex(path, p.i-1)
	}
	return path
}

// absolute checks a path that must not be relative.
func (c *checker) absolute(path place, value string) {
	if !strings.HasPrefix(value, "/") {
		c.add(path, "must be an absolute path, not "+quote(value))
	}
}

// version accepts 1.0 to 1.3 with any patch level, pre-release and build
// (Semantic Versioning 2.0.0).
func (c *checker) version(path place, v string) {
	core, suffix := v, ""
	if i := strings.IndexAny(v, "-+"); i >= 0 {
		core, suffix = v[:i], v[i:]
	}
	major, rest, _ := strings.Cut(core, ".")
	minor, patch, _ := strings.Cut(rest, ".")
	switch {
	case !natural(major) || !natural(minor) || !natural(patch) || !versionSuffix(suffix):
		c.add(path, "must be a version such as \"1.2.0\", not "+quote(v))
	case major == "0":
		c.add(path, "is "+quote(v)+", which is older than the first release; 1.x is supported")
	case major != "1": // a later minor version only adds fields, and unknown fields are ignored
		c.add(path, "is "+quote(v)+", which is newer than what is supported: 1.x")
	}
}

// natural reports whether s is a number without leading zeros.
func natural(s string) bool {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return false
		}
	}
	return s == "0" || s != "" && s[0] != '0'
}

// versionSuffix reports whether s is empty or looks like -pre.release+build.
func versionSuffix(s string) bool {
	if s == "" {
		return true
	}
	build := s[0] == '+'
	empty := true
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+' && build, (c == '.' || c == '+') && empty:
			return false
		case c == '+':
			build, empty = true, true
		case c == '.':
			empty = true
		case c == '-' || digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			empty = false
		default:
			return false
		}
	}
	return !empty
}

// maxUTSName is __NEW_UTS_LEN.
const maxUTSName = 64

func (c *checker) utsName(path place, name string, l *specs.Linux) {
	if name == "" {
		return
	}
	if len(name) > maxUTSName {
		c.add(path, "must have at most 64 bytes")
	}
	if find(l, specs.UTSNamespace) == nil {
		c.add(path, "needs a uts namespace: without one it would rename the host")
	}
}

func (c *checker) hooks(path place, h *specs.Hooks) {
	// Deprecated, but it is part of 1.0.
	c.hookList(path.at("prestart"), h.Prestart) //nolint:staticcheck
	c.hookList(path.at("createRuntime"), h.CreateRuntime)
	c.hookList(path.at("createContainer"), h.CreateContainer)
	c.hookList(path.at("startContainer"), h.StartContainer)
	c.hookList(path.at("poststart"), h.Poststart)
	c.hookList(path.at("poststop"), h.Poststop)
}

func (c *checker) hookList(path place, hooks []specs.Hook) {
	for i := range hooks {
		h, here := &hooks[i], path.item(i)
		c.absolute(here.at("path"), h.Path)
		if h.Timeout != nil && *h.Timeout <= 0 {
			c.add(here.at("timeout"), "must be greater than zero")
		}
	}
}
