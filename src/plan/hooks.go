// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A HookKind says when and where a hook is run (runtime-spec, config.md, "POSIX-platform Hooks").
type HookKind string

// The kinds in the order of a container's life.
const (
	Prestart        HookKind = "prestart"        // when all is mounted, in the supervisor's namespaces
	CreateRuntime   HookKind = "createRuntime"   // after them, there too
	CreateContainer HookKind = "createContainer" // after them, in the container's namespaces but before pivot_root
	StartContainer  HookKind = "startContainer"  // before the payload is executed, as what it will be
	Poststart       HookKind = "poststart"       // when the payload runs, in the supervisor's namespaces
	Poststop        HookKind = "poststop"        // when all is undone, there too
)

// HookKinds lists them.
func HookKinds() []string {
	return []string{string(Prestart), string(CreateRuntime), string(CreateContainer), string(StartContainer), string(Poststart), string(Poststop)}
}

// Inside tells whether a hook is run in the container's namespaces.
func (k HookKind) Inside() bool { return k == CreateContainer || k == StartContainer }

type (
	// Hook has the supervisor run a program and goes on when that has ended well.
	Hook struct {
		Kind      HookKind
		Index     int // in its list
		Path      string
		Args, Env []string // no Args: Path alone
		Timeout   uint32   // seconds; 0: none
	}
	// Made tells the supervisor that the container exists: from here on its poststop hooks are run when it has ended.
	Made struct{}
)

// Where is the place of the hook in the configuration.
func (o Hook) Where() string { return "hooks." + string(o.Kind) + "[" + itoa(o.Index) + "]" }

// Argv is what the program gets as its arguments, its name included.
func (o Hook) Argv() []string {
	if len(o.Args) == 0 {
		return []string{o.Path}
	}
	return o.Args
}

// Words names the hook and its program.
func (o Hook) Words() string { return "run " + o.Where() + " " + o.Path }

// Words says what it is for.
func (Made) Words() string { return "tell the supervisor that the container exists" }

func (Made) detail() string { return " (poststop hooks are run, whatever ends it from here on)" }

func (o Hook) detail() string {
	var n notes
	n.add(o.Kind == CreateContainer, "in the container's namespaces")
	n.add(o.Kind == StartContainer, "in the container, as its process")
	words := func(list []string) (s string) {
		for _, w := range list {
			s += " " + quoted(w)
		}
		return s
	}
	n.add(true, "args"+words(o.Argv()))
	n.add(len(o.Env) > 0, "env"+words(o.Env))
	n.add(o.Timeout > 0, "at most "+utoa(o.Timeout)+" s")
	return n.detail()
}

func hooksOf(kind HookKind, list []specs.Hook) []Hook {
	var out []Hook
	for i := range list {
		h := Hook{Kind: kind, Index: i, Path: list[i].Path, Args: list[i].Args, Env: list[i].Env}
		if t := list[i].Timeout; t != nil && *t > 0 {
			h.Timeout = uint32(min(*t, 1<<31-1))
		}
		out = append(out, h)
	}
	return out
}

// PoststopHooks are those that a configuration has for the end, the same as in its plan.
func PoststopHooks(s *specs.Spec) []Hook {
	if s.Hooks == nil {
		return nil
	}
	return hooksOf(Poststop, s.Hooks.Poststop)
}

func (b *builder) addHooks(kind HookKind, list []specs.Hook) {
	for _, h := range hooksOf(kind, list) {
		b.add(h)
	}
}

// hooksBefore refuses what cannot be done, before anything is planned, and plans what is run outside of the plan's ops.
func (b *builder) hooksBefore(s *specs.Spec) error {
	if s.Hooks == nil {
		return nil
	}
	b.hooks = s.Hooks
	if len(s.Hooks.CreateContainer) > 0 && b.new&NewNS == 0 {
		return refuse("hooks.createContainer", "programs of the host would be run on the files of the joined mount namespace, whose owner could then "+
			"change them (use createRuntime or startContainer)")
	}
	b.plan.Poststart = hooksOf(Poststart, s.Hooks.Poststart)
	b.plan.Poststop = PoststopHooks(s)
	b.plan.PoststartVital = !strings.HasPrefix(s.Version, "1.0.") && !strings.HasPrefix(s.Version, "1.1.") && !strings.HasPrefix(s.Version, "1.2.")
	return nil
}

// createHooks plans those of the create operation.
func (b *builder) createHooks() {
	h := b.hooks
	if h == nil {
		return
	}
	if len(h.Poststop) > 0 {
		b.add(Made{})
	}
	b.addHooks(Prestart, h.Prestart) //nolint:staticcheck // deprecated, not gone
	b.addHooks(CreateRuntime, h.CreateRuntime)
	b.addHooks(CreateContainer, h.CreateContainer)
}

// startHooks plans those of the start operation, which the payload's filter is in force for.
func (b *builder) startHooks(filter *Seccomp) error {
	if b.hooks == nil {
		return nil
	}
	if filter != nil && filter.Filter.Notifies && len(b.hooks.StartContainer) > 0 {
		return refuse("hooks.startContainer", "linux.seccomp has a listener, which such hooks cannot be given")
	}
	b.addHooks(StartContainer, b.hooks.StartContainer)
	return nil
}

// hookSources are paths of the host that hooks of the container's namespaces need: nothing may cover them.
func (b *builder) hookSources() (paths []string) {
	if b.hooks == nil {
		return nil
	}
	for _, h := range b.hooks.CreateContainer {
		paths = append(paths, cleanPath(h.Path))
	}
	return paths
}

// Process are those ops that make a startContainer hook what the payload will be, but for its time on the processor.
func (p *Plan) Process() []Op {
	var out []Op
	for _, op := range p.Ops {
		switch op.(type) {
		case Personality, Rlimits, Chdir, Seccomp, DropBounding, User, Capabilities, NoNewPrivs:
			out = append(out, op)
		}
	}
	return out
}

// Namespaces are those that the container's process does not share with the supervisor, or joins.
func (p *Plan) Namespaces() Namespace {
	n := p.Clone
	for _, op := range p.Ops {
		switch o := op.(type) {
		case Join:
			n |= o.Type
		case Unshare:
			n |= o.New
		case Fork:
			n |= o.New
		}
	}
	return n
}

// OwnPIDs tells whether the container's process is the first of a pid namespace: all in that end with it.
func (p *Plan) OwnPIDs() bool {
	for _, op := range p.Ops {
		if o, ok := op.(Fork); ok && o.New&NewPID != 0 {
			return true
		}
	}
	return p.Clone&NewPID != 0
}

// Become is how a process that has joined the container's user namespace gets its root's ids; nil if there is none.
func (p *Plan) Become() []Op {
	for _, op := range p.Ops {
		if o, ok := op.(Become); ok {
			return []Op{o}
		}
	}
	return nil
}

// Umask is the payload's.
func (p *Plan) Umask() uint32 {
	if e, ok := p.Ops[len(p.Ops)-1].(Exec); ok {
		return e.Umask
	}
	return 0o022
}
