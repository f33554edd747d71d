// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gojail/src/caps"
	"gojail/src/plan"
)

// everyOp is each op with everything that makes another program of it.
func everyOp() []plan.Op {
	ops := []plan.Op{
		plan.Join{Type: plan.NewNet, Path: "/x"}, plan.Join{Type: plan.NewPID, PID: 1}, plan.Unshare{New: plan.NewNS}, plan.Sync{},
		plan.Become{UID: 1, GID: 2}, plan.Fork{}, plan.Fork{New: plan.NewPID},
		plan.Mask{Path: "/a"}, plan.ReadOnly{Path: "/a"}, plan.ReadOnly{Path: "/proc/sys", Except: "/proc/sys/net"},
		plan.Mkdir{Path: "/"}, plan.Mkdir{Path: "/a/b/c"}, plan.Symlink{To: "x", Path: "/l"}, plan.Symlink{To: "x", Path: "/a/b/l", Replace: true},
		plan.RootReadOnly{}, plan.Sysctl{Key: "a.b", Path: "a/b", Value: "1"}, plan.Sysctl{Key: "a.b", Path: "a/b"}, plan.Hostname{Name: "h"},
		plan.Domainname{Name: "d"}, plan.LoopbackUp{}, plan.Personality{Persona: 8}, plan.Scheduler{Policy: 6, Nice: -1, Runtime: 1 << 40},
		plan.IOPriority{Class: 3, Level: 7}, plan.MemoryPolicy{Mode: 4}, plan.MemoryPolicy{Mode: 2, Nodes: []uint64{1, 1 << 63}, Max: 1024},
		plan.Chdir{Path: "/a"}, plan.DropBounding{}, plan.DropBounding{Keep: ^caps.Set(0)}, plan.User{UID: -1, GID: -1}, plan.User{UID: 1, GID: 2, KeepCaps: true},
		plan.User{UID: 1, GID: 2, SetGroups: true, Groups: []uint32{3, 4, 5}}, plan.User{UID: -1, GID: 7, SetGroups: true},
		plan.Capabilities{}, plan.Capabilities{Sets: caps.Sets{Effective: caps.All, Permitted: caps.All, Inheritable: caps.All, Ambient: caps.All}}, plan.NoNewPrivs{},
		plan.Stdio{}, plan.Enter{Namespaces: plan.NewPID | plan.NewUser}, plan.Affinity{List: "0", CPUs: []uintptr{1}}, plan.Affinity{List: "700", CPUs: make([]uintptr, 23)},
		plan.Rlimits{Limits: []plan.Rlimit{{Resource: 7, Soft: 1, Hard: ^uint64(0)}}}, plan.Log{Name: "x"},
	}
	for i := range 1 << 5 {
		on := func(bit int) bool { return i>>bit&1 != 0 }
		m := plan.Mount{Type: "tmpfs", Source: "t", Target: "/a/b", CopyUp: on(0), MayFail: on(1), Ordinary: on(2)}
		if on(3) {
			m.OrBind, m.Data = "/sys", "x=y"
		}
		if on(4) {
			m.Propagation = plan.Propagation{Type: plan.Slave, Recursive: true}
		}
		ops = append(ops, m)
	}
	for i := range 1 << 8 {
		on := func(bit int) bool { return i>>bit&1 != 0 }
		b := plan.Bind{Source: "/s", Target: "/a/b", Recursive: on(0), SkipMissing: on(1), MayFail: on(2), NoCreate: on(3), OnProc: on(4), FromHost: on(5), NotDir: on(7)}
		if on(6) {
			b.Attr, b.RecAttr, b.Propagation = plan.Attr{Set: 1}, plan.Attr{Clear: 2}, plan.Propagation{Type: plan.Shared}
			b.Target = "/a"
		}
		ops = append(ops, b, plan.Remount{Target: b.Target, Attr: b.Attr, RecAttr: b.RecAttr, Propagation: b.Propagation, MayFail: b.MayFail})
	}
	for _, typ := range "cbp" {
		for i := range 1 << 3 {
			on := func(bit int) bool { return i>>bit&1 != 0 }
			d := plan.Device{Path: "/dev/x", Type: byte(typ), Major: 1, Minor: 1 << 19, Mode: 0o600, Default: on(0), Bind: on(1) && typ != 'p'}
			if on(2) {
				d.UID, d.Path = 7, "/dev/net/tun"
			}
			ops = append(ops, d)
		}
	}
	return ops
}

// everyRoot is each way to a root file system.
func everyRoot() []plan.Root {
	var roots []plan.Root
	for _, overlay := range []*plan.Overlay{nil, {TmpfsSize: "1M"}, {Dir: "/layer,with:odd\\name"}} {
		for i := range 1 << 4 {
			on := func(bit int) bool { return i>>bit&1 != 0 }
			r := plan.Root{Overlay: overlay, NoDev: on(0), Hidden: on(1), Attach: []string{"/sys/kernel"}}
			if on(2) {
				r.Attach = []string{"/sys/kernel", "/proc/tty", "/mnt"}
			}
			if on(3) {
				r.Source, r.Recursive, r.FromHost = "/srv", overlay == nil, overlay == nil && on(0)
			}
			roots = append(roots, r)
		}
	}
	return roots
}

func TestEveryOp(t *testing.T) {
	end := []plan.Op{plan.Pivot{Then: plan.Propagation{Type: plan.Shared}}, plan.Rlimits{}, plan.Exec{Args: []string{"x"}, Path: []string{"/a", "/b"}, Env: []string{"A=b"}}}
	for _, to := range []plan.PropagationType{plan.Private, plan.Slave, plan.Shared} {
		start := plan.Propagate{To: plan.Propagation{Type: to, Recursive: true}}
		for _, r := range everyRoot() {
			check(t, slices.Concat([]plan.Op{start, r, plan.Mask{Path: "/m"}}, end)...)
			check(t, slices.Concat([]plan.Op{start, r}, end)...)
		}
		root := plan.Root{Attach: []string{"/mnt"}}
		for _, op := range everyOp() {
			check(t, slices.Concat([]plan.Op{start, root, op}, end)...)
		}
	}
	all := append([]plan.Op{plan.Propagate{To: plan.Propagation{Type: plan.Private}}, plan.Root{Attach: []string{"/mnt"}}}, everyOp()...)
	check(t, append(all, end...)...)
	slices.Reverse(all[2:])
	check(t, append(all, end...)...)
	for _, console := range []bool{false, true} {
		for _, width := range []uint16{0, 80} {
			tty := []plan.Op{plan.Terminal{Width: width, Height: 25, Console: console}, plan.UseTerminal{Owner: int64(width) - 1}}
			check(t, slices.Concat([]plan.Op{plan.Root{Attach: []string{"/mnt"}}}, tty, end)...)
			check(t, append(tty, end[1:]...)...)
		}
	}
	// Without a root there are those that only change the process.
	check(t, plan.Chdir{Path: "/a"}, plan.Exec{Args: []string{"/x"}})
	check(t, plan.Exec{Args: []string{"/x", "", "y"}, Env: []string{""}})
}

// The longest paths and searches that package plan lets through do not break a skip.
func TestLongPaths(t *testing.T) {
	long := strings.Repeat("/a", 2047)
	root := []plan.Op{plan.Propagate{To: plan.Propagation{Type: plan.Private}}, plan.Root{Attach: []string{"/mnt"}}}
	for _, op := range []plan.Op{
		plan.Mount{Type: "tmpfs", Source: "t", Target: long, MayFail: true, CopyUp: true, OrBind: "/sys", Propagation: plan.Propagation{Type: plan.Slave}},
		plan.Bind{Source: "/s", Target: long, MayFail: true, SkipMissing: true}, plan.Mkdir{Path: long}, plan.Device{Path: long, Type: 'c'},
		plan.Device{Path: long, Type: 'c', Bind: true}, plan.Chdir{Path: long}, plan.Mask{Path: long}, plan.ReadOnly{Path: long, Except: long},
	} {
		check(t, append(root[:2:2], op, plan.Exec{Args: []string{"/x"}})...)
	}
	check(t, plan.Exec{Args: []string{"x"}, Path: slices.Repeat([]string{"/bin"}, 1024)})
}

func check(t *testing.T, ops ...plan.Op) {
	t.Helper()
	p := &plan.Plan{Ops: ops}
	for _, missing := range []bool{false, true} {
		c := compile(p, handles(p, missing))
		for _, fault := range verify(&c.Program) {
			t.Errorf("%+v: %s", ops[:min(len(ops), 3)], fault)
		}
	}
}

// The program for a user namespace that only holds an id mapping.
func TestIdleProgram(t *testing.T) {
	p := Idle(10, 11)
	if p.Len() != 5 || p.insns[0].nr != unix.SYS_CLOSE || p.insns[0].arg[0] != 10 || p.insns[2].nr != unix.SYS_READ || p.insns[2].arg[0] != 11 {
		t.Errorf("%+v", p.insns)
	}
}

// The verifier finds what it is for.
func TestVerifier(t *testing.T) {
	good := func() *compiler {
		c := &compiler{h: &Handles{}}
		c.how, c.empty, c.scratch = c.words64(0, 0, 0), c.str(""), c.room(256)
		c.move(rRoot, num(9))
		c.resolve("/a", rTarget).mayFail(unix.ENOENT)
		at := c.skipIf(rTarget, 1<<31, 0)
		c.resolve("/b", rTarget)
		c.land(at)
		c.close(rTarget)
		c.call(unix.SYS_EXECVEAT, num(3), c.empty, c.vec([]string{"a", ""}), c.vec(nil), num(0))
		return c
	}
	if faults := verify(&good().Program); len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, c := range []struct {
		name   string
		change func(c *compiler)
		want   string
	}{
		{"register", func(c *compiler) { c.insns[1].out = uint8(rTmp) + 1 }, "result goes to register 9"},
		{"register argument", func(c *compiler) { c.insns[1].arg[0], c.insns[1].argk[0] = 16, argReg }, "argument 0 is register 16"},
		{"kind", func(c *compiler) { c.insns[1].kind = 77 }, "unknown kind"},
		{"pointer", func(c *compiler) { c.insns[1].arg[1] = uintptr(len(c.data)) }, "argument 1 points to"},
		{"no pointer", func(c *compiler) { c.insns[1].argk[1] = argValue }, "is no pointer"},
		{"a pointer too many", func(c *compiler) { c.insns[1].argk[3] = argPtr }, "should not be a pointer"},
		{"struct at the end", func(c *compiler) { c.insns[1].arg[2] = uintptr(len(c.data) - 8) }, "points to less than 24 bytes"},
		{"skip", func(c *compiler) { c.insns[2].skip = 4 }, "skips to 7 of 6"},
		{"catch", func(c *compiler) { c.insns[1].catch = 5 }, "catches at 6 of 6"},
		{"caught without a descriptor", func(c *compiler) { c.insns[3].catch = 1 }, "argument 0 is open or failed"},
		{"never opened", func(c *compiler) { c.insns[4].arg[0] = uintptr(rTree) }, "argument 0 is unset"},
		{"closed twice", func(c *compiler) { c.insns[3] = c.insns[4]; c.insns[2].skip = 0 }, "argument 0 is"},
		{"lost", func(c *compiler) { c.insns[3].out = noReg }, "a descriptor is lost"},
		{"past the end", func(c *compiler) { c.insns[5].nr = unix.SYS_CHDIR; c.insns[5].arg[1], c.insns[5].argk[1] = 0, argValue }, "past the end"},
		{"unknown call", func(c *compiler) { c.insns[4].nr = unix.SYS_GETPID }, "a system call that programs do not have"},
		{"no end", func(c *compiler) {
			c.data[len(c.data)-1] = 'x'
			c.insns[1].arg[1] = uintptr(len(c.data) - 1)
		}, "has no end"},
		{"vector", func(c *compiler) { c.fixes = nil }, "the vector of argument 2 has"},
		{"fix", func(c *compiler) { c.fixes = append(c.fixes, 3) }, "fix at 3"},
		{"vital", func(c *compiler) { c.insns[1].vital, c.insns[1].catch = true, 1 }, "without a supervisor"},
	} {
		p := good()
		c.change(p)
		if got := strings.Join(verify(&p.Program), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
