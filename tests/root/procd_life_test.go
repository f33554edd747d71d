// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/blob"
	"gojail/src/ubus"
	"gojail/tests/procd"
)

// The life of services and containers under the real procd.

// lives is a service that says what happens to it, and ends with 3 on TERM.
func lives(more string) *procd.Instance {
	return &procd.Instance{Command: sh(`trap "echo HUP" HUP; trap "exit 3" TERM; echo up ` + more + `; ` + forever), Stdout: true, Stderr: true,
		Jail: &procd.Jail{Name: newName(), Procfs: true}}
}

// container adds a bundle as a container of its name, until the test ends.
func container(t *testing.T, p *procd.Procd, b *bundle, in procd.Instance) string {
	t.Helper()
	b.command() // writes config.json
	in.Bundle = b.dir
	if in.Jail == nil {
		in.Jail = &procd.Jail{}
	}
	in.Jail.Name = b.name
	in.Stdout, in.Stderr = true, true
	p.Add("container", b.name, &in)
	t.Cleanup(func() { stopped(t, p, "container", b.name) })
	return b.name
}

func immediately() procd.Instance { return procd.Instance{Jail: &procd.Jail{Immediately: true}} }

// A container that was not told to start at once is created and waits.
func TestProcdContainerCreated(t *testing.T) {
	p := procds(t)
	b := newBundle(t, script("echo ran; exit 4"))
	mark := p.Mark()
	name := container(t, p, b, procd.Instance{})
	if got := onBus(t, name); got["status"] != "created" {
		t.Errorf("state %v", got)
	}
	if out, status := p.Command("list", "container.*"); out != "container."+name+"\n" || status != 0 {
		t.Errorf("ubus list: %q, %d", out, status)
	}
	if out, status := p.Command("call", "container."+name, "start"); out != "" || status != 0 {
		t.Errorf("ubus call start: %q, %d", out, status)
	}
	if s := p.Until("container", name, "ended", isEnded); s.ExitCode != 4 {
		t.Errorf("exit status %d", s.ExitCode)
	}
	printed(t, p, mark, "ran\n", "")
	if out, status := p.Command("list", "container.*"); out != "" || status != int(ubus.StatusNotFound) {
		t.Errorf("ubus list after the end: %q, %d", out, status)
	}
}

// What the ubus command shows of a container and does to it.
func TestProcdContainerRunning(t *testing.T) {
	p := procds(t)
	b := newBundle(t, script(`trap "exit 5" TERM; trap "echo HUP" HUP; echo up; `+forever), annotation("org.example", "1"))
	mark := p.Mark()
	name := container(t, p, b, immediately())
	s := p.Until("container", name, "running", isRunning)
	printed(t, p, mark, "up\n", "")
	onBus(t, name)
	out, status := p.Command("-S", "call", "container."+name, "state")
	pid := strconv.Itoa(payloadOf(t, s.PID))
	want := `{"ociVersion":"` + b.spec.Version + `","id":"` + name + `","status":"running","pid":` + pid + `,"bundle":"` + b.dir + `","annotations":{"org.example":"1"}}` + "\n"
	if out != want || status != 0 {
		t.Errorf("ubus call state: %s%d, want %s", out, status, want)
	}
	out, _ = p.Command("-v", "list", "container."+name)
	if _, methods, _ := strings.Cut(out, "\n"); !strings.HasPrefix(methods, "\t\"start\":{}\n\t\"state\":{}\n\t\"kill\":{\"signal\":\"Integer\"}\n") {
		t.Errorf("ubus -v list: %s", out)
	}
	const invalid = 256 - int(ubus.StatusInvalidArgument) // as the command has it
	if out, status := p.Command("call", "container."+name, "start"); status != invalid {
		t.Errorf("a second start: %q, %d", out, status)
	}
	if _, status := p.Command("call", "container."+name, "kill", `{"signal":1}`); status != 0 {
		t.Errorf("ubus call kill: %d", status)
	}
	printed(t, p, mark, "up\nHUP\n", "")
	if _, status := p.Command("call", "container."+name, "kill", `{"signal":9}`); status != 0 {
		t.Errorf("ubus call kill: %d", status)
	}
	if s := p.Until("container", name, "ended", isEnded); s.ExitCode != 137 {
		t.Errorf("exit status %d", s.ExitCode)
	}
	// an unchanged, stopped instance starts when it is added again
	container(t, p, b, immediately())
	p.Until("container", name, "running", isRunning)
	printed(t, p, mark, "up\nHUP\nup\n", "")
	p.Delete("container", name)
	p.Until("container", name, "gone", isGone)
}

// payloadOf is the child of the ujail with this pid, once it has no worker.
func payloadOf(t *testing.T, ujail int) int {
	t.Helper()
	if !eventually(func() bool { return len(children(ujail)) == 1 }) {
		t.Fatalf("children of ujail: %v", children(ujail))
	}
	return children(ujail)[0]
}

// A service that fails is started again, as often as it says, and no more.
func TestProcdRespawn(t *testing.T) {
	p := procds(t)
	in := &procd.Instance{Command: sh("echo ran; exit 7"), Stdout: true, Stderr: true, Respawn: []string{"3600", "0", "2"}, Jail: &procd.Jail{Name: newName(), Procfs: true}}
	mark := p.Mark()
	name := service(t, p, in)
	printed(t, p, mark, "ran\nran\nran\n", "")
	if s := p.Until("service", name, "ended", isEnded); s.ExitCode != 7 {
		t.Errorf("exit status %d", s.ExitCode)
	}
	t.Run("killed", func(t *testing.T) {
		in := lives("")
		in.Respawn = []string{"3600", "0", "100"}
		mark, want := p.Mark(), ""
		name := service(t, p, in)
		for range 5 {
			want += "up\n"
			printed(t, p, mark, want, "")
			s := p.Until("service", name, "running", isRunning)
			victim := s.PID // the supervisor: its payload goes with it
			if len(want)%2 == 0 {
				victim = payloadOf(t, s.PID)
			}
			if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			p.Until("service", name, "started again", func(now procd.State) bool { return now.Running && now.PID != s.PID })
		}
		printed(t, p, mark, want+"up\n", "")
	})
	t.Run("not any more", func(t *testing.T) {
		in := lives("")
		in.Respawn = []string{"3600", "0", "100"}
		mark := p.Mark()
		name := service(t, p, in)
		printed(t, p, mark, "up\n", "")
		p.SetState("service", name, false)
		if s := p.Until("service", name, "ended", isEnded); s.ExitCode != 3 {
			t.Errorf("exit status %d", s.ExitCode)
		}
		p.SetState("service", name, true)
		printed(t, p, mark, "up\nup\n", "")
	})
}

// procd itself never sends KILL to a jail.
func TestProcdTermTimeout(t *testing.T) {
	p := procds(t)
	for _, object := range []string{"service", "container"} {
		t.Run(object, func(t *testing.T) {
			const deaf = `trap "echo no" TERM; echo up; ` + forever
			mark := p.Mark()
			var name string
			if object == "service" {
				name = service(t, p, &procd.Instance{Command: sh(deaf), Stdout: true, Stderr: true, TermTimeout: 1, Jail: &procd.Jail{Name: newName(), Procfs: true}})
			} else {
				in := immediately()
				in.TermTimeout = 1
				name = container(t, p, newBundle(t, script(deaf)), in)
			}
			printed(t, p, mark, "up\n", "")
			p.SetState(object, name, false)
			if s := p.Until(object, name, "ended", isEnded); s.ExitCode != 137 {
				t.Errorf("exit status %d", s.ExitCode)
			}
			printed(t, p, mark, "up\nno\n", "")
		})
	}
}

// The service's pid file has the supervisor, the jail's has the payload.
func TestProcdPidFiles(t *testing.T) {
	p := procds(t)
	dir := hostFiles(t, nil)
	in := lives("")
	in.PidFile, in.Jail.PidFile = dir+"/service.pid", dir+"/jail.pid"
	mark := p.Mark()
	name := service(t, p, in)
	printed(t, p, mark, "up\n", "")
	s := p.State("service", name)
	for file, want := range map[string]int{in.PidFile: s.PID, in.Jail.PidFile: payloadOf(t, s.PID)} {
		if text, err := os.ReadFile(file); err != nil || string(text) != strconv.Itoa(want)+"\n" {
			t.Errorf("%s: %q, %v, want %d", file, text, err, want)
		}
	}
	stopped(t, p, "service", name)
	if _, err := os.Lstat(in.PidFile); err == nil {
		t.Error("the service's pid file is left")
	}
}

// What happens when a service is added again.
func TestProcdReload(t *testing.T) {
	p := procds(t)
	add := func(t *testing.T, change func(in *procd.Instance)) (again func(change func(in *procd.Instance)), mark int, name string, pid int) {
		in := lives("1")
		change(in)
		mark = p.Mark()
		name = service(t, p, in)
		printed(t, p, mark, "up 1\n", "")
		return func(change func(in *procd.Instance)) { change(in); p.Add("service", name, in) }, mark, name, p.State("service", name).PID
	}
	nothing := func(*procd.Instance) {}
	other := func(in *procd.Instance) { in.Command = lives("2").Command }
	t.Run("unchanged", func(t *testing.T) {
		again, mark, name, pid := add(t, nothing)
		again(nothing)
		p.Signal(name, syscall.SIGHUP)
		printed(t, p, mark, "up 1\nHUP\n", "")
		if s := p.State("service", name); s.PID != pid {
			t.Errorf("%+v, want pid %d", s, pid)
		}
	})
	t.Run("changed", func(t *testing.T) {
		again, mark, name, pid := add(t, nothing)
		again(other)
		printed(t, p, mark, "up 1\nup 2\n", "")
		if s := p.State("service", name); !s.Running || s.PID == pid {
			t.Errorf("%+v", s)
		}
	})
	t.Run("mount changed", func(t *testing.T) {
		again, mark, _, _ := add(t, nothing)
		again(func(in *procd.Instance) { in.Jail.Mount = map[string]string{"/etc/hosts": "0"} })
		printed(t, p, mark, "up 1\nup 1\n", "")
	})
	t.Run("reload_signal", func(t *testing.T) {
		again, mark, name, pid := add(t, func(in *procd.Instance) { in.ReloadSignal = int(syscall.SIGHUP) })
		again(other)
		printed(t, p, mark, "up 1\nHUP\n", "")
		if s := p.State("service", name); s.PID != pid {
			t.Errorf("%+v, want pid %d", s, pid)
		}
	})
}

// Many at once, of both kinds, come and go, and nothing is left of them.
func TestProcdMany(t *testing.T) {
	p := procds(t)
	const each = 15
	var names [2][]string
	mark, want := p.Mark(), strings.Repeat("up\n", 2*each)
	for range each {
		names[0] = append(names[0], service(t, p, lives("")))
		names[1] = append(names[1], container(t, p, newBundle(t, script(`trap "exit 5" TERM; echo up; `+forever)), immediately()))
	}
	printed(t, p, mark, want, "")
	for _, name := range names[1] {
		onBus(t, name)
	}
	for i := range each {
		p.Delete("service", names[0][i])
		p.Delete("container", names[1][i])
	}
	for i := range each {
		stopped(t, p, "service", names[0][i])
		stopped(t, p, "container", names[1][i])
	}
	if found, err := p.Call("container", "list", nil); err != nil || len(found) != 1 || blob.Text(found[0]) != "{}" {
		t.Errorf("%q, %v", found, err)
	}
	if out, _ := p.Command("list", "container.*"); out != "" {
		t.Errorf("still on the bus: %s", out)
	}
}

// Deleted as soon as it is added: TERM comes at any moment of the start.
func TestProcdDeleteAtOnce(t *testing.T) {
	p := procds(t)
	for range rounds(t, 20) {
		in, now := lives(""), immediately()
		in.TermTimeout, now.TermTimeout = 1, 1 // a shell that has not come to its trap does not hear TERM
		slim := service(t, p, in)
		created := container(t, p, newBundle(t, script(untilTerm)), procd.Instance{})
		running := container(t, p, newBundle(t, script(untilTerm), terminal), now)
		for object, names := range map[string][]string{"service": {slim}, "container": {created, running}} {
			for _, name := range names {
				executed(t, p.Until(object, name, "running", isRunning).PID)
			}
		}
		time.Sleep(time.Duration(random.IntN(10000)) * time.Microsecond)
		stopped(t, p, "container", running)
		stopped(t, p, "container", created)
		stopped(t, p, "service", slim)
	}
	if out, _ := p.Command("list", "container.*"); out != "" {
		t.Errorf("still on the bus: %s", out)
	}
}

// executed waits until a child of procd has become ujail. A signal that comes before is lost: the child still has procd's handlers.
func executed(t *testing.T, pid int) {
	t.Helper()
	if !eventually(func() bool {
		exe, err := os.Readlink(procPath(pid, "exe"))
		return err != nil || strings.HasSuffix(exe, "/ujail")
	}) {
		t.Fatalf("process %d is not ujail", pid)
	}
}

// A bundle that is refused: procd has the status, and logd the reason.
func TestProcdBadBundle(t *testing.T) {
	p := procds(t)
	b := newBundle(t, func(s *specs.Spec) { s.Process.Args = nil })
	mark := p.Mark()
	name := container(t, p, b, immediately())
	if s := p.Until("container", name, "ended", isEnded); s.ExitCode != 1 {
		t.Errorf("exit status %d", s.ExitCode)
	}
	printed(t, p, mark, "", "ujail: "+name+": "+b.dir+"/config.json: process.args: is required\n")
}
