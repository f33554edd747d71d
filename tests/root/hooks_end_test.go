// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// How hooks end, what follows from it, and that nothing is left of them.

// family is a hook that hangs with children that it has let go: in sessions of their own, orphans. Each holds stderr.
const family = "setsid sh -c 'echo $$; sleep 1000; :' & (sh -c 'sh -c \"sleep 1000; :\" & sleep 1000; :' &); setsid sh -c '(setsid sleep 1000 &)'; " +
	"echo hangs >&2; sleep 1000; :"

// failing are hooks that fail, and what has to be said of it.
func failing(kind string) map[string]struct {
	hook specs.Hook
	says string
} {
	one := 1
	late := shellHook(kind, family)
	late.Timeout = &one
	return map[string]struct {
		hook specs.Hook
		says string
	}{
		"status":         {shellHook(kind, "exit 3"), "has ended with status 3"},
		"signal":         {shellHook(kind, "kill -SEGV $$"), "was ended by signal 11 (segmentation fault)"},
		"missing":        {specs.Hook{Path: "/nonexistent/hook"}, "/nonexistent/hook cannot be run: no such file or directory"},
		"not executable": {specs.Hook{Path: "/etc/passwd"}, "/etc/passwd cannot be run: permission denied"},
		"timeout":        {late, "had not ended after 1 s and was killed"},
	}
}

func TestHookFails(t *testing.T) {
	for _, kind := range kinds[:4] {
		for name, c := range failing(kind) {
			t.Run(kind+" "+name, func(t *testing.T) {
				b := newBundle(t, hooks(kind, "echo "+kind+":first"), script("echo ran"))
				addHook(b.spec, kind, c.hook)
				hooks(kind, "echo "+kind+":third")(b.spec)
				hooks("poststart", "echo poststart:ran")(b.spec)
				hooks("poststop", "echo poststop:one; exit 4", "echo poststop:two")(b.spec)
				r := b.run().ends(1)
				heard := said(r.stderr)
				if r.stdout != "" || !slices.Equal(heard[kind], []string{"first"}) || len(heard["poststart"]) > 0 || !slices.Equal(heard["poststop"], []string{"one", "two"}) {
					t.Errorf("stdout %q, stderr\n%s", r.stdout, r.stderr)
				}
				for _, want := range []string{"ujail: " + b.name + ": hooks." + kind + "[1]: " + c.hook.Path + " ", c.says,
					"warning: hooks.poststop[0]: " + busybox + " has ended with status 4"} {
					if !strings.Contains(r.stderr, want) {
						t.Errorf("no %q in\n%s", want, r.stderr)
					}
				}
				if strings.Count(r.stderr, "hooks."+kind) != 1 {
					t.Errorf("says\n%s", r.stderr)
				}
			})
		}
	}
}

// Before runtime-spec 1.3 a poststart hook that fails is a warning, from then on the end of the container.
func TestHookPoststartFails(t *testing.T) {
	for name, c := range failing("poststart") {
		for _, v := range []string{"1.0.2-dev", "1.2.1", "1.3.0", "1.4.0"} {
			t.Run(name+" "+v, func(t *testing.T) {
				vital := v >= "1.3"
				b := newBundle(t, hooks("poststop", "echo poststop:ran"), version(v), script("trap 'exit 5' TERM; echo up; "+forever))
				addHook(b.spec, "poststart", c.hook)
				hooks("poststart", "echo poststart:second")(b.spec)
				p := b.start()
				want := "hooks.poststart[0]: " + c.hook.Path + " "
				if !vital {
					want = "warning: " + want
					if !eventually(func() bool { return strings.Contains(p.err.String(), "poststart:second") }) {
						t.Errorf("the second hook has not run:\n%s", p.err)
					}
					p.until("up\n").signal(syscall.SIGTERM).wait().ends(5)
				}
				r := p.wait()
				if vital {
					r.ends(1)
				}
				if text := r.stderr; !strings.Contains(text, ": "+want) || !strings.Contains(text, c.says) || !strings.Contains(text, "poststop:ran") ||
					vital == strings.Contains(text, "poststart:second") {
					t.Errorf("says\n%s", text)
				}
			})
		}
	}
}

func TestHookPoststopFails(t *testing.T) {
	b := newBundle(t, script("exit 6"))
	for _, c := range failing("poststop") {
		addHook(b.spec, "poststop", c.hook)
	}
	hooks("poststop", "echo poststop:last")(b.spec)
	r := b.run().ends(6)
	for _, c := range failing("poststop") {
		if !strings.Contains(r.stderr, c.says) {
			t.Errorf("no %q in\n%s", c.says, r.stderr)
		}
	}
	if strings.Count(r.stderr, "warning: hooks.poststop[") != 5 || !strings.Contains(r.stderr, "poststop:last") {
		t.Errorf("says\n%s", r.stderr)
	}
}

// poststop hooks are run once, in whatever way a container ends that has been made; never for one that could not be.
func TestHookPoststop(t *testing.T) {
	up := script("echo up; " + forever)
	for name, c := range map[string]struct {
		edit edit
		end  func(t *testing.T, p *process)
		code int
		runs int
	}{
		"exits":        {script("exit 3"), nil, 3, 1},
		"KILL":         {up, func(t *testing.T, p *process) { syscall.Kill(p.until("up\n").payload(), syscall.SIGKILL) }, 137, 1},
		"TERM":         {up, func(_ *testing.T, p *process) { p.until("up\n").signal(syscall.SIGTERM) }, 137, 1},
		"not executed": {args("/bin/nothing"), nil, 127, 1},
		"hook fails":   {hooks("createRuntime", "exit 1"), nil, 1, 1},
		"killed in a hook": {hooks("startContainer", "echo hangs; "+family), func(t *testing.T, p *process) {
			hangs(t, p)
			for _, c := range children(p.pid()) {
				if c != worker(t, p) {
					syscall.Kill(c, syscall.SIGKILL)
				}
			}
		}, 137, 1},
		"worker killed": {hooks("createContainer", family), func(t *testing.T, p *process) {
			hangs(t, p)
			syscall.Kill(worker(t, p), syscall.SIGKILL)
		}, 137, 1},
		"cannot be made": {mount("/x", "nofs", "nofs"), nil, 1, 0},
		"no bundle":      {func(s *specs.Spec) { s.Root.Path = "nowhere" }, nil, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newBundle(t, c.edit, hooks("poststop", "echo poststop:$(cat | grep -c '\"status\":\"stopped\"')")).start("-t", "1")
			if c.end != nil {
				c.end(t, p)
			}
			r := p.wait().ends(c.code)
			if got := said(r.stderr)["poststop"]; len(got) != c.runs || c.runs > 0 && got[0] != "1" {
				t.Errorf("poststop %q in\n%s", got, r.stderr)
			}
		})
	}
}

// hangs waits until the hook with its family is there.
func hangs(t *testing.T, p *process) {
	t.Helper()
	if !eventually(func() bool { return strings.Contains(p.err.String(), "hangs") || len(p.ended) > 0 }) || len(p.ended) > 0 {
		t.Fatalf("it does not hang: %s", p.err)
	}
}

// worker is the child of the supervisor that is not the container's process: the one whose child is a hook's minder.
func worker(t *testing.T, p *process) int {
	t.Helper()
	self, _ := os.Readlink(procPath(p.pid(), "exe"))
	for _, c := range children(p.pid()) {
		if exe, _ := os.Readlink(procPath(c, "exe")); exe == self && len(minders(c)) > 0 {
			return c
		}
	}
	t.Fatalf("no worker: %v", children(p.pid()))
	return 0
}

// A pid namespace that belongs to another lives on: a hook that is given up is searched for in it.
func TestHookTimeoutInJoinedPIDs(t *testing.T) {
	pid := target(t, allNamespaces, 0)
	for _, kind := range []string{"createContainer", "startContainer"} {
		t.Run(kind, func(t *testing.T) {
			b := newBundle(t, join(specs.PIDNamespace, pid), hooks(kind, family), timed(kind, 1), script("echo ran"))
			if r := b.run().ends(1); !strings.Contains(r.stderr, "had not ended after 1 s and was killed\n") {
				t.Errorf("says %q", r.stderr)
			}
			if list := strays(); strings.Contains(list, "; ") { // the target is one
				t.Errorf("left: %s", list)
			}
		})
	}
}

// minders are the children of a worker, which may be any of its threads'.
func minders(worker int) (list []int) {
	files, _ := filepath.Glob(procPath(worker, "task/*/children"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, f := range strings.Fields(string(text)) {
			pid, _ := strconv.Atoi(f)
			list = append(list, pid)
		}
	}
	return list
}

// Whatever is ended while a hook hangs: all ends, and nothing of the hook is left (the leak check sees to that).
func TestHookHangs(t *testing.T) {
	for _, kind := range kinds[:5] {
		for name, c := range map[string]struct {
			signal syscall.Signal
			to     func(t *testing.T, p *process) int
			t      string
			code   int
		}{
			"TERM":            {syscall.SIGTERM, func(_ *testing.T, p *process) int { return p.pid() }, "2", 143},
			"TERM at once":    {syscall.SIGTERM, func(_ *testing.T, p *process) int { return p.pid() }, "0", 143},
			"worker killed":   {syscall.SIGKILL, worker, "2", 137},
			"resident killed": {syscall.SIGKILL, func(_ *testing.T, p *process) int { return p.pid() }, "2", 0},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				b := newBundle(t, hooks(kind, family), script("trap 'exit 5' TERM; echo up; "+forever))
				p := b.start("-t", c.t)
				hangs(t, p)
				if err := syscall.Kill(c.to(t, p), c.signal); err != nil {
					t.Fatal(err)
				}
				code := c.code
				if kind == "poststart" { // the payload runs
					p.until("up\n")
					switch name {
					case "worker killed":
						p.signal(syscall.SIGTERM)
						code = 5
					case "TERM":
						code = 5
					case "TERM at once":
						code = p.wait().code // 5, or 137 if the kill was faster
					}
				}
				if name == "resident killed" {
					p.wait()
				} else {
					p.wait().ends(code)
				}
				if !eventually(func() bool { return strays() == "" }) {
					t.Errorf("left: %s", strays())
				}
				if name == "resident killed" { // the next start removes what it could not
					b.spec.Hooks = nil
					script("exit 4")(b.spec)
					b.run().ends(4)
				}
			})
		}
	}
}

// A payload that has ended does not keep a supervisor from being ended while a poststart hook hangs.
func TestHookPoststartOutlivesThePayload(t *testing.T) {
	p := newBundle(t, hooks("poststart", family), script("exit 9")).start("-t", "1")
	hangs(t, p)
	if !eventually(func() bool { return len(children(p.pid())) == 1 }) {
		t.Fatal("the payload has not ended")
	}
	p.signal(syscall.SIGTERM).wait().ends(9)
}

// Children that a hook has left when it has ended by itself are its own affair.
func TestHookLeavesADaemon(t *testing.T) {
	b := newBundle(t, hooks("createRuntime", "setsid sh -c 'echo $$ >/tmp/daemon; exec sleep 1000' </dev/null >/dev/null 2>&1 & while ! [ -s /tmp/daemon ]; do sleep 0.01; done"))
	t.Cleanup(func() { os.Remove("/tmp/daemon") })
	b.run().ends(0)
	text, err := os.ReadFile("/tmp/daemon")
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || !alive(pid) {
		t.Fatalf("%v: process %d does not live", err, pid)
	}
	syscall.Kill(pid, syscall.SIGKILL)
}

// The end of a container is bounded: by the timeouts of its poststop hooks, or where they have none by ten seconds each. Both ways at
// once, as they take their time.
func TestHookPoststopLimit(t *testing.T) {
	long := newBundle(t, hooks("poststop", "sleep 11; echo poststop:done"), timed("poststop", 30)).start()
	hung := newBundle(t, hooks("poststop", family)).start()
	if r := long.wait().ends(0); !strings.Contains(r.stderr, "poststop:done") {
		t.Errorf("says %q", r.stderr)
	}
	if r := hung.wait().ends(0); !strings.Contains(r.stderr, "warning: hooks.poststop[0]: "+busybox+" had not ended after 10 s and was killed") {
		t.Errorf("says %q", r.stderr)
	}
}

// A minder that is killed takes its hook along.
func TestHookMinderKilled(t *testing.T) {
	for _, kind := range kinds[:5] {
		t.Run(kind, func(t *testing.T) {
			b := newBundle(t, hooks(kind, "echo hangs >&2; exec sleep 1000"), version("1.3.0"), script(forever))
			p := b.start()
			hangs(t, p)
			for _, minder := range minders(worker(t, p)) {
				syscall.Kill(minder, syscall.SIGKILL)
			}
			if r := p.wait().ends(1); !strings.Contains(r.stderr, "hooks."+kind+"[0]: ") || !strings.Contains(r.stderr, "was ended with what minds it") {
				t.Errorf("says %q", r.stderr)
			}
		})
	}
}

// Whoever is killed, and when: all ends, nothing is left, and poststop is never run twice.
func TestHookKilledAtRandom(t *testing.T) {
	b := newBundle(t, each("setsid sleep 0.02 & sleep 0.004; echo KIND:ran; wait"), script("exit 3"))
	c := b.command("-t", "1")
	for i := range rounds(t, 40) {
		p := start(t, c)
		time.Sleep(time.Duration(random.IntN(120000)) * time.Microsecond)
		switch target := random.IntN(4); target {
		case 0:
			p.cmd.Process.Signal(syscall.SIGTERM)
		case 1:
			p.cmd.Process.Signal(syscall.SIGKILL)
		default: // one of those between the supervisor and the hook
			list := children(p.pid())
			for _, c := range list {
				list = append(list, minders(c)...)
			}
			if len(list) > 0 {
				syscall.Kill(list[random.IntN(len(list))], syscall.SIGKILL)
			}
		}
		r := p.wait()
		if n := len(said(r.stderr)["poststop"]); n > 1 {
			t.Errorf("round %d: poststop has run %d times:\n%s", i, n, r.stderr)
		}
		if !eventually(func() bool { return strays() == "" }) {
			t.Fatalf("round %d left %s\n%s", i, strays(), r.stderr)
		}
	}
	run(t, c).ends(3) // and removes what a killed supervisor could not
}
