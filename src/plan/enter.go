// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// builder is a plan in the making and what several of its parts have to know.
type builder struct {
	plan     *Plan
	dir      string // the bundle
	new      Namespace
	inUser   bool // a new or joined user namespace
	ownNet   bool // a new network namespace
	ownMount bool // a new mount namespace: only then is anything mounted
	hooks    *specs.Hooks
	shared   string // the container whose network is joined
}

func (b *builder) add(ops ...Op)    { b.plan.Ops = append(b.plan.Ops, ops...) }
func (b *builder) note(s string)    { b.plan.Notes = append(b.plan.Notes, s) }
func (b *builder) warning(s string) { b.plan.Warnings = append(b.plan.Warnings, s) }

// enter plans how the child gets into its namespaces.
//
// Where nothing is joined, one clone makes them all (but the cgroup namespace, whose root is the cgroup at the moment it is
// made, so the child must be in its cgroup already). Otherwise the clone makes none and the child does it in an order in which
// each step is still allowed: joins of what belongs to others, the user namespace last, because it takes the right to the
// other joins away; then the new ones, which then belong to that user namespace; and pid and time in a second process.
func (b *builder) enter(joins []Join) {
	p, forks := b.plan, b.new&NewTime != 0
	var user *Join
	for i := range joins {
		forks = forks || joins[i].Type == NewPID
		if joins[i].Type == NewUser {
			user = &joins[i]
		}
	}
	b.inUser = user != nil || b.new&NewUser != 0
	b.ownNet = b.new&NewNet != 0
	b.ownMount = b.new&NewNS != 0
	if len(joins) == 0 && !forks {
		p.Clone = b.new &^ NewCgroup
		if b.new&NewCgroup != 0 {
			b.add(Unshare{NewCgroup})
		}
		b.become()
		return
	}
	for _, j := range joins {
		if j.Type != NewUser {
			b.add(j)
		}
	}
	if user != nil {
		b.add(*user)
	}
	if rest := b.new &^ NewPID; rest != 0 {
		b.add(Unshare{rest})
	}
	b.add(Sync{})
	b.become()
	if forks || b.new&NewPID != 0 {
		b.add(Fork{b.new & NewPID})
	}
}

func (b *builder) become() {
	if b.inUser {
		b.add(Become{rootOf(b.plan.Outside.UIDMap), rootOf(b.plan.Outside.GIDMap)})
	}
}

// rootOf is the id that has the rights inside: 0, or the first that is mapped.
func rootOf(maps []IDMap) uint32 {
	for _, m := range maps {
		if m.Container == 0 {
			return 0
		}
	}
	if len(maps) > 0 {
		return maps[0].Container
	}
	return 0
}

// attachPoints are directories where the new root can be attached for the moment until pivot_root: nothing may be mounted from
// below the one that is used, as it is covered then. Where mounts stay shared with the host the directory must itself be the
// root of a mount, which can be made private alone.
func (b *builder) attachPoints(shared bool, root *Root, sources []string) []string {
	rootfs := root.Source
	if o := root.Overlay; o != nil { // its layers are looked up after it is attached
		sources, rootfs = append(sources, rootfs, o.Dir), ""
	}
	if root.Image {
		rootfs = ""
	}
	sources = append(sources, "/sys/fs/cgroup") // see Mount.OrBind
	if b.inUser {
		sources = append(sources, "/dev/null") // see Device.Bind
	}
	sources = append(sources, b.hookSources()...)
	candidates := []string{"/sys/kernel", "/proc/tty", "/dev", "/tmp", "/mnt"}
	if shared {
		candidates = []string{"/sys", "/proc", "/dev"}
	}
	var out []string
next:
	for _, c := range candidates {
		if rootfs != "" && below(rootfs, c) {
			continue
		}
		for _, s := range sources {
			if below(s, c) {
				continue next
			}
		}
		out = append(out, c)
	}
	if rootfs != "" && rootfs != "/" && !shared {
		if b.hooks != nil && len(b.hooks.CreateContainer) > 0 && !slices.ContainsFunc(sources, func(s string) bool { return below(s, rootfs) }) {
			return []string{rootfs} // where such hooks look for it
		}
		out = append(out, rootfs)
	}
	return out
}

// hideRoot has the root hidden if the child clones a tree that holds the place it is attached to: the tree would show the
// container's file systems once more, writable and without masks.
func (b *builder) hideRoot() {
	at := 0
	for i, op := range b.plan.Ops {
		tree := ""
		switch o := op.(type) {
		case Root:
			at = i
			continue
		case Bind:
			if o.Recursive && !o.FromHost {
				tree = cleanPath(o.Source)
			}
		case Mount:
			tree = o.OrBind
		}
		if tree == "" {
			continue
		}
		root := b.plan.Ops[at].(Root)
		for _, dir := range root.Attach {
			root.Hidden = root.Hidden || below(dir, tree)
		}
		b.plan.Ops[at] = root
	}
}

// finishRoot plans what comes after all mounts of the configuration.
func (b *builder) finishRoot(cwd string, readonly bool, then Propagation) {
	b.hideRoot()
	if cleanPath(cwd) != "/" {
		b.add(Mkdir{cwd})
	}
	b.createHooks()
	b.readonlyLate()
	if readonly {
		b.add(RootReadOnly{})
	}
	b.add(Pivot{then})
}

// defaultDevices are those that runtime-spec ("Default Devices") and the C ujail supply.
func (b *builder) defaultDevices(have map[string]bool, ttyGID uint32) {
	for _, d := range [...]struct {
		path         string
		major, minor uint32
	}{{"/dev/null", 1, 3}, {"/dev/zero", 1, 5}, {"/dev/full", 1, 7}, {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}} {
		if have[d.path] {
			continue
		}
		op := Device{Path: d.path, Type: 'c', Major: d.major, Minor: d.minor, Mode: 0o666, Default: true, Bind: b.inUser}
		if d.minor == 0 {
			op.GID = ttyGID
		}
		b.add(op)
	}
	b.add(Symlink{To: "/proc/self/fd", Path: "/dev/fd"}, Symlink{To: "/proc/self/fd/0", Path: "/dev/stdin"}, Symlink{To: "/proc/self/fd/1", Path: "/dev/stdout"},
		Symlink{To: "/proc/self/fd/2", Path: "/dev/stderr"}, Symlink{To: "pts/ptmx", Path: "/dev/ptmx"})
}

// below: path is dir or lies in it; both are clean.
func below(path, dir string) bool {
	return path == dir || dir == "/" || len(path) > len(dir) && path[len(dir)] == '/' && path[:len(dir)] == dir
}

// cleanPath makes a container path absolute and removes empty, "." and ".." parts; ".." stops at the root, as it does inside.
func cleanPath(p string) string {
	out := make([]byte, 0, len(p)+1)
	for i := 0; i <= len(p); {
		j := i
		for j < len(p) && p[j] != '/' {
			j++
		}
		switch s := p[i:j]; s {
		case "", ".":
		case "..":
			for k := len(out) - 1; k >= 0; k-- {
				if out[k] == '/' {
					out = out[:k]
					break
				}
			}
		default:
			out = append(append(out, '/'), s...)
		}
		i = j + 1
	}
	if len(out) == 0 {
		return "/"
	}
	return string(out)
}
