// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/blob"
	"gojail/src/cgroup"
	states "gojail/src/state"
	"gojail/src/ubus"
)

// published waits until a container is in /run/gojail with this status.
func published(t *testing.T, name string, status states.Status) *states.State {
	t.Helper()
	var s *states.State
	var err error
	if !eventually(func() bool {
		s, err = states.Load(states.Root, name)
		return err == nil && s.Now(states.Root) == status
	}) {
		t.Fatalf("%+v, %v; want it %s", s, err, status)
	}
	return s
}

// gone checks that nothing is left of a container there.
func gone(t *testing.T, name string) {
	t.Helper()
	if list, err := os.ReadDir(states.Root + "/" + name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// A supervised container is in /run/gojail from when its payload runs, or waits for its start, to its end, in whatever way that comes.
func TestStatePublished(t *testing.T) {
	for name, c := range map[string]struct {
		edits []edit
		end   func(b *bundle, p *process)
	}{
		"TERM":           {nil, func(_ *bundle, p *process) { p.signal(syscall.SIGTERM) }},
		"KILL":           {nil, func(_ *bundle, p *process) { syscall.Kill(p.payload(), syscall.SIGKILL) }},
		"poststop hooks": {[]edit{hooks("poststop", "grep -q '\"status\":\"running\"' /run/gojail/*/state && echo is published >&2")}, func(_ *bundle, p *process) { p.signal(syscall.SIGTERM) }},
		"processes left": {[]edit{withoutNamespace(specs.PIDNamespace), script("sleep 1000 & trap 'exit 5' TERM; echo up; " + forever)}, func(_ *bundle, p *process) { p.signal(syscall.SIGTERM) }},
	} {
		t.Run(name, func(t *testing.T) {
			b, p := sleeper(t, append(c.edits, annotation("a", "1"), annotation("b", ""))...)
			s := published(t, b.name, states.Running)
			own := "/containers/" + b.name + "/" + b.name
			if s.Bundle != b.dir || s.OCI != b.spec.Version || s.Mode != states.Supervised || s.Process != states.This(p.payload()) || s.Owner != states.This(p.pid()) ||
				s.Rootfs != b.root() || s.Cgroup != own || len(s.Groups) == 0 || s.Groups[len(s.Groups)-1] != groups+own || !s.Ujail || s.Time() == "" ||
				len(s.Annotations) != 2 || s.Annotations[0] != (states.Annotation{Key: "a", Value: "1"}) {
				t.Errorf("%+v", s)
			}
			c.end(b, p)
			if r := p.wait(); strings.Contains(r.stderr, "is published") != (name == "poststop hooks") {
				t.Errorf("says %q", r.stderr)
			}
			gone(t, b.name)
		})
	}
	t.Run("created", func(t *testing.T) {
		newBus(t)
		b, p := created(t, script(untilTerm))
		first := published(t, b.name, states.Created)
		onBus(t, b.name)
		wants(t, b.name, "start", ubus.StatusOK, "", nil)
		s := published(t, b.name, states.Running)
		if s.Created != first.Created || s.Process != first.Process {
			t.Errorf("%+v, then %+v", first, s)
		}
		p.until("ready")
		wants(t, b.name, "pause", ubus.StatusOK, "", nil)
		published(t, b.name, states.Paused)
		p.signal(syscall.SIGTERM).wait().ends(0)
		gone(t, b.name)
	})
	t.Run("created and ended", func(t *testing.T) {
		b, p := created(t, script(untilTerm))
		published(t, b.name, states.Created)
		p.signal(syscall.SIGTERM).wait().ends(143)
		gone(t, b.name)
	})
	t.Run("a slim jail", func(t *testing.T) {
		p := start(t, slim("-n slimmy -p", sh(untilTerm)...)).until("ready")
		gone(t, "slimmy")
		p.signal(syscall.SIGTERM).wait().ends(0)
	})
}

// A worker that has not lived to write the state has a successor that does.
func TestStateWorkerKilled(t *testing.T) {
	for name, at := range map[string][]uint64{"before it is there": {unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2}, "half made": {unix.SYS_FLOCK}} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, script(untilTerm))
			seen := make(chan bool)
			killed := false
			go func() {
				var s *states.State
				var err error
				ok := eventually(func() bool {
					s, err = states.Load(states.Root, b.name)
					return err == nil && s.Now(states.Root) == states.Running && s.Rootfs == b.root()
				})
				if ok {
					ok = syscall.Kill(s.Owner.PID, syscall.SIGTERM) == nil
				}
				seen <- ok
			}()
			tr, text := trace(t, b.command(), func(_, _ int, nr uint64) bool {
				kill := !killed && slices.Contains(at, nr)
				killed = killed || kill
				return kill
			})
			if !<-seen || !killed || tr.code != 0 || tr.end != 0 || !strings.Contains(text, "another one takes its place") {
				t.Errorf("killed: %v, exit status %d, %v: %s", killed, tr.code, tr.end, text)
			}
			gone(t, b.name)
		})
	}
}

// Who polls states and figures wakes nobody up: the supervisor sleeps on, and starts no worker.
func TestStatePolling(t *testing.T) {
	newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	asleep(t, p)
	switches := func() string {
		text, err := os.ReadFile(procPath(p.pid(), "status"))
		if err != nil {
			t.Fatal(err)
		}
		return status(t, string(text), "voluntary_ctxt_switches") + " " + status(t, string(text), "nonvoluntary_ctxt_switches")
	}
	before := ""
	eventually(func() bool { last := before; before = switches(); return before == last }) // it has dozed off
	for range 300 {
		s, err := states.Load(states.Root, b.name)
		if err != nil || s.Now(states.Root) != states.Running {
			t.Fatal(s, err)
		}
		var w blob.Builder
		cgroup.Stats(&w, func(file string) string {
			text, _ := os.ReadFile(groups + s.Cgroup + "/" + file)
			return string(text)
		})
		if figures, err := w.Bytes(); err != nil || !strings.Contains(blob.Text(figures), "usage_usec") {
			t.Fatal(blob.Text(figures), err)
		}
	}
	if after := switches(); after != before {
		t.Errorf("context switches of the supervisor: %s, before %s", after, before)
	}
	// that a call wakes it shows that this is the way to see it
	onBus(t, b.name)
	if after := switches(); after == before {
		t.Error("a call on the bus has not woken the supervisor")
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// Without a place to write to a container runs all the same.
func TestStateNowhere(t *testing.T) {
	for _, options := range []string{"", "-d 1"} {
		b := newBundle(t, script("sleep 0.3; exit 3"))
		c := shelled(busybox+" mount -t tmpfs -o ro none /run", b.command(words(options)...))
		c.attr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		if r := run(t, c).ends(3); strings.Contains(r.stderr, "note: it is not in /run/gojail") != (options != "") {
			t.Errorf("%q: says %q", options, r.stderr)
		}
	}
}

// becomes executes a script as another user: the kernel forgets then that the process is to die with its parent.
func becomes(text string) edit {
	return func(s *specs.Spec) {
		script("exec su -s /bin/sh web -c '" + text + "'")(s)
		capabilities("CAP_SETUID", "CAP_SETGID")(s)
	}
}

// What has outlived its killed supervisor the next start of that name ends.
func TestOrphans(t *testing.T) {
	const sleeps = "trap \"exit 5\" TERM; trap \"\" HUP; echo up; while :; do sleep 0.01; done"
	for name, c := range map[string]struct {
		edits   []edit
		without bool // cgroup v2
		pause   bool
	}{
		"pid namespace":      {edits: []edit{becomes(sleeps)}},
		"none":               {edits: []edit{becomes("sleep 1000 & " + sleeps), withoutNamespace(specs.PIDNamespace)}},
		"own control group":  {edits: []edit{becomes(sleeps), cgroupsPath("/orphans/x")}},
		"paused":             {edits: []edit{script(strings.ReplaceAll(sleeps, `""`, "''")), withoutNamespace(specs.PIDNamespace)}, pause: true},
		"without cgroup v2":  {edits: []edit{becomes(sleeps)}, without: true},
		"seccomp and limits": {edits: []edit{becomes(sleeps), filter(specs.ActAllow)}},
	} {
		t.Run(name, func(t *testing.T) {
			newBus(t)
			b := newBundle(t, c.edits...)
			command := b.command()
			if c.without {
				command = withoutCgroup2(command)
			}
			p := start(t, command).until("up\n")
			s := published(t, b.name, states.Running)
			payload := p.payload()
			if c.pause {
				onBus(t, b.name)
				wants(t, b.name, "pause", ubus.StatusOK, "", nil)
			}
			// as long as it has its supervisor it is nobody else's
			if r := run(t, command).ends(1); !strings.Contains(r.stderr, "a container of this name is running") {
				t.Errorf("says %q", r.stderr)
			}
			if !alive(payload) || !s.Process.Alive() {
				t.Fatal("a second start has ended the first one's payload")
			}
			p.cmd.Process.Kill()
			if !eventually(func() bool { return !alive(p.pid()) }) {
				t.Fatal("the supervisor lives on")
			}
			if !c.pause && !alive(payload) {
				t.Fatal("the payload has not survived: nothing is tested")
			}
			next := start(t, command).until("up\n")
			if alive(payload) && s.Process.Alive() {
				t.Error("the orphan lives on")
			}
			<-p.ended // nobody holds its output any more
			p.res = &result{}
			if again := published(t, b.name, states.Running); again.Process == s.Process {
				t.Errorf("%+v", again)
			}
			next.signal(syscall.SIGTERM).wait().ends(5)
			gone(t, b.name)
		})
	}
}

// A control group that another container has by now is none of a dead one's.
func TestOrphansOfAnother(t *testing.T) {
	b, p := sleeper(t, cgroupsPath("/shared/x"))
	dead := newBundle(t, script("exit 3"))
	s := published(t, b.name, states.Running)
	stale := *s
	stale.ID, stale.Owner.Start, stale.Process.Start = dead.name, stale.Owner.Start+1, stale.Process.Start+1
	e, err := states.Create(states.Root, dead.name)
	if err == nil {
		err = e.Save(&stale)
	}
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	dead.run().ends(3)
	gone(t, dead.name)
	if !s.Process.Alive() {
		t.Error("a container that runs was ended")
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// What cannot be read, or is half made, keeps no container from running.
func TestStateDamaged(t *testing.T) {
	for name, text := range map[string]string{"garbage": "\x00{", "a later version": `{"version":99,"id":"x"}`, "nothing": ""} {
		b := newBundle(t, script("exit 3"))
		dir := states.Root + "/" + b.name
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if name != "nothing" {
			if err := os.WriteFile(dir+"/state", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(dir+"/lock", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b.run().ends(3)
		os.RemoveAll(dir)
	}
}

// A directory that nobody has lived to write a state into is in nobody's way.
func TestStateNeverWritten(t *testing.T) {
	b := newBundle(t, script(untilTerm))
	dir := "/run/gojail/" + b.name
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, file := range words("lock .state.new") {
		writeFile(t, dir+"/"+file, "", 0o600)
	}
	p := b.start().until("ready")
	if !eventually(func() bool { _, err := os.Stat(dir + "/state"); return err == nil }) {
		t.Error("it has no state")
	}
	p.signal(syscall.SIGTERM).wait().ends(0)
	if _, err := os.Stat(dir); err == nil {
		t.Error("its directory is left")
	}
}
