// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"path"
	"slices"
	"strings"
	"testing"
)

func TestCleanPath(t *testing.T) {
	for in, want := range map[string]string{
		"": "/", "/": "/", "///": "/", ".": "/", "..": "/", "/..": "/", "/../..": "/", "a": "/a", "a/b/": "/a/b", "/a//b/./c": "/a/b/c",
		"/a/../b": "/b", "/a/b/../../..": "/", "/a/../../b": "/b", "../a": "/a", "/...": "/...", "/.a/..b/c..": "/.a/..b/c..", "/a/.. ": "/a/.. ",
	} {
		if got := cleanPath(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// What a configuration can hold is taken apart in one go: with a copy for each part these would take hours.
func TestHugeInput(t *testing.T) {
	const n = 1 << 20
	parts := strings.Repeat("/a", n)
	if got := cleanPath(parts + "/"); got != parts {
		t.Errorf("cleanPath gives %d bytes, want %d", len(got), len(parts))
	}
	if got := cleanPath(parts + strings.Repeat("/..", n)); got != "/" {
		t.Errorf("cleanPath gives %d bytes, want /", len(got))
	}
	if got := cleanHost("/" + parts); got != parts {
		t.Errorf("cleanHost gives %d bytes, want %d", len(got), len(parts))
	}
	words := strings.Split(strings.Repeat("w ", n)+"w", " ")
	if got := (Exec{Args: words, Env: words}).text(nil); !strings.HasSuffix(got, "\n  env w\n  env w") {
		t.Errorf("an Exec ends in %q", got[max(0, len(got)-40):])
	}
	u := User{UID: 1, GID: 2, Groups: make([]uint32, n), SetGroups: true}
	if got := u.Words(); got != "set uid 1 gid 2 and 1048576 groups" {
		t.Errorf("%.100q", got)
	}
	if got := u.detail(); got != " (groups"+strings.Repeat(" 0", n)+")" {
		t.Errorf("%.100q", got)
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, s := range []string{"", "/", "a/../..//./b/", "/proc/../proc/./self", "\x00/..", "....//", strings.Repeat("a/", 40) + ".."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := cleanPath(in)
		if want := path.Clean("/" + in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
		if cleanPath(got) != got {
			t.Errorf("%q is %q, and cleaned again %q", in, got, cleanPath(got))
		}
	})
}

func FuzzCleanHost(f *testing.F) {
	for _, s := range []string{"", "/", "a/../..//./b/", "//./a/", "\x00/..", ".../"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := cleanHost(in)
		if !strings.HasPrefix(got, "/") || cleanHost(got) != got || strings.Contains(got+"/", "//") && got != "/" || strings.Contains(got+"/", "/./") {
			t.Errorf("%q is %q", in, got)
		}
		// What links make of ".." is not known here: each one stays.
		up := func(s string) int {
			return strings.Count("/"+strings.ReplaceAll(s, "/", "//")+"/", "/../")
		}
		if up(got) != up(in) || path.Clean(got) != path.Clean("/"+in) {
			t.Errorf("%q is %q", in, got)
		}
	})
}

func TestBelow(t *testing.T) {
	for _, c := range []struct {
		path, dir string
		want      bool
	}{
		{"/", "/", true}, {"/a", "/", true}, {"/a/b", "/", true}, {"/a", "/a", true}, {"/a/b", "/a", true}, {"/a/b/c", "/a", true},
		{"/", "/a", false}, {"/ab", "/a", false}, {"/a", "/ab", false}, {"/a", "/a/b", false}, {"/b/a", "/a", false},
	} {
		if got := below(c.path, c.dir); got != c.want {
			t.Errorf("below(%s, %s) is %v", c.path, c.dir, got)
		}
	}
}

func TestAttachPoints(t *testing.T) {
	for _, c := range []struct {
		name    string
		shared  bool
		inUser  bool
		root    Root
		sources []string
		want    string
	}{
		{"nothing in the way", false, false, Root{Source: "/srv/root"}, nil, "/sys/kernel /proc/tty /dev /tmp /mnt /srv/root"},
		{"new tmpfs", false, false, Root{}, nil, "/sys/kernel /proc/tty /dev /tmp /mnt"},
		{"the host's root", false, false, Root{Source: "/"}, nil, "/sys/kernel /proc/tty /dev /tmp /mnt"},
		{"rootfs in a place", false, false, Root{Source: "/tmp/a"}, nil, "/sys/kernel /proc/tty /dev /mnt /tmp/a"},
		{"rootfs is a place", false, false, Root{Source: "/mnt"}, nil, "/sys/kernel /proc/tty /dev /tmp /mnt"},
		{"sources", false, false, Root{Source: "/srv/root"}, []string{"/sys/kernel", "/tmp/x/y", "/mntx", "/"}, "/proc/tty /dev /mnt /srv/root"},
		{"sources everywhere", false, false, Root{}, []string{"/sys/kernel/a", "/proc/tty/a", "/dev/a", "/tmp/a", "/mnt/a"}, ""},
		{"only the rootfs is left", false, false, Root{Source: "/r"}, []string{"/sys/kernel/a", "/proc/tty/a", "/dev/a", "/tmp/a", "/mnt/a", "/r/a"}, "/r"},
		{"host's device nodes", false, true, Root{Source: "/srv/root"}, nil, "/sys/kernel /proc/tty /tmp /mnt /srv/root"},
		{"layers", false, false, Root{Source: "/mnt/lower", Overlay: &Overlay{Dir: "/tmp/layer"}}, nil, "/sys/kernel /proc/tty /dev"},
		{"a layer over nothing", false, false, Root{Overlay: &Overlay{TmpfsSize: "1M"}}, nil, "/sys/kernel /proc/tty /dev /tmp /mnt"},
		{"shared", true, false, Root{Source: "/srv/root"}, nil, "/proc /dev"},
		{"shared, device nodes", true, true, Root{Source: "/srv/root"}, nil, "/proc"},
		{"shared, a source in /proc", true, false, Root{Source: "/srv/root"}, []string{"/proc/cpuinfo"}, "/dev"},
	} {
		b := builder{inUser: c.inUser}
		sources := slices.Clone(c.sources)
		got := b.attachPoints(c.shared, &c.root, c.sources)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if !slices.Equal(sources, c.sources) {
			t.Errorf("%s: the sources were changed", c.name)
		}
	}
}

// A tree that the child clones after the root is attached must not hold the root.
func TestHideRoot(t *testing.T) {
	for _, c := range []struct {
		name string
		op   Op
		want bool
	}{
		{"recursive /", Bind{Source: "/", Recursive: true}, true},
		{"recursive /sys", Bind{Source: "/sys", Recursive: true}, true},
		{"recursive /sys/", Bind{Source: "/srv/../sys/", Recursive: true}, true},
		{"recursive /sys/kernel", Bind{Source: "/sys/kernel", Recursive: true}, true},
		{"a file system beside", Bind{Source: "/sys/fs", Recursive: true}, false},
		{"without submounts", Bind{Source: "/"}, false},
		{"opened before", Bind{Source: "/", Recursive: true, FromHost: true}, false},
		{"the host's sysfs", Mount{Type: "sysfs", OrBind: "/sys"}, true},
		{"the host's control groups", Mount{Type: "cgroup2", OrBind: "/sys/fs/cgroup"}, false},
		{"a file system", Mount{Type: "tmpfs"}, false},
	} {
		b := builder{plan: &Plan{}}
		b.add(Propagate{}, Root{Attach: []string{"/sys/kernel", "/proc/tty"}}, Bind{Source: "/etc"}, c.op, Mask{"/x"})
		b.hideRoot()
		if got := b.plan.Ops[1].(Root).Hidden; got != c.want {
			t.Errorf("%s: hidden is %v", c.name, got)
		}
	}
	b := builder{plan: &Plan{Ops: []Op{Join{Type: NewNS}, Exec{}}}}
	b.hideRoot() // without a root there is nothing to hide
}

// However a container gets its namespaces: each one once, the user namespace last of those joined, and those that take effect in
// children only followed by a second process.
func TestEnter(t *testing.T) {
	kinds := []Namespace{NewUser, NewNS, NewPID, NewNet, NewIPC, NewUTS, NewCgroup, NewTime}
	for state := range 3 * 3 * 3 * 3 * 3 * 3 * 3 * 3 { // each kind is left alone, new or joined
		b := builder{plan: &Plan{}}
		var joins []Join
		var joined Namespace
		for i, s := 0, state; i < len(kinds); i, s = i+1, s/3 {
			switch s % 3 {
			case 1:
				b.new |= kinds[i]
			case 2:
				joined |= kinds[i]
				joins = append(joins, Join{Type: kinds[i], Path: "/ns"})
			}
		}
		want := b.new
		b.enter(joins)
		made, entered := b.plan.Clone, Namespace(0)
		forked, synced, became := false, false, false
		for _, op := range b.plan.Ops {
			switch o := op.(type) {
			case Join:
				if entered&NewUser != 0 || synced || forked {
					t.Fatalf("new %s, joined %s: %s comes too late", want, joined, o.Words())
				}
				entered |= o.Type
			case Unshare:
				if made&o.New != 0 || o.New&NewPID != 0 || o.New == 0 || o.New&NewUser != 0 && became {
					t.Fatalf("new %s, joined %s: %s", want, joined, o.Words())
				}
				made |= o.New
			case Sync:
				if synced = true; made != want&^NewPID {
					t.Fatalf("new %s, joined %s: the supervisor is told before all is made", want, joined)
				}
			case Become:
				became = true
			case Fork:
				if forked = true; !synced {
					t.Fatalf("new %s, joined %s: the second process comes before the maps are written", want, joined)
				}
				made |= o.New
			}
		}
		if made != want || entered != joined || b.inUser != ((made|entered)&NewUser != 0) || became != b.inUser {
			t.Fatalf("new %s, joined %s: made %s and joined %s", want, joined, made, entered)
		}
		if needs := want&NewTime != 0 || joined&NewPID != 0; needs && !forked || forked && !synced {
			t.Fatalf("new %s, joined %s: second process %v", want, joined, forked)
		}
		if b.plan.Clone&(NewCgroup|NewTime) != 0 {
			t.Fatalf("clone makes %s", b.plan.Clone)
		}
		if b.ownNet != (want&NewNet != 0) || b.ownMount != (want&NewNS != 0) {
			t.Fatalf("new %s: own network %v, own mounts %v", want, b.ownNet, b.ownMount)
		}
	}
}

func TestRootOf(t *testing.T) {
	for _, c := range []struct {
		maps []IDMap
		want uint32
	}{
		{nil, 0}, {[]IDMap{{0, 5, 1}}, 0}, {[]IDMap{{7, 5, 1}, {0, 9, 1}}, 0}, {[]IDMap{{7, 5, 1}, {3, 9, 1}}, 7},
	} {
		if got := rootOf(c.maps); got != c.want {
			t.Errorf("%v: %d, want %d", c.maps, got, c.want)
		}
	}
}
