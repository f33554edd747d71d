// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"net"
	"syscall"
	"testing"
	"time"

	"gojail/src/ubus"
	"gojail/tests/procd"
)

// What happens to the real ubusd while a container runs under the real procd. With the ubusd for tests: TestUbus*.

// onRealBus is a container in the state that its name says, with its supervisor asleep.
func onRealBus(t *testing.T, p *procd.Procd, state string) (name string, ujail int, mark int) {
	t.Helper()
	mark = p.Mark()
	in := immediately()
	in.Jail.Immediately = state == "running"
	name = container(t, p, newBundle(t, script(`trap "exit 5" TERM; trap "echo HUP" HUP; echo up; `+forever)), in)
	ujail = p.Until("container", name, "running", isRunning).PID
	if got := onBus(t, name); got["status"] != state {
		t.Fatalf("state %v", got)
	}
	if state == "running" {
		printed(t, p, mark, "up\n", "")
		payloadOf(t, ujail)
	}
	return name, ujail, mark
}

// works checks that a container is there, and ends it.
func works(t *testing.T, p *procd.Procd, name, state string, ujail, mark int) {
	t.Helper()
	if got := onBus(t, name); got["status"] != state {
		t.Errorf("state %v", got)
	}
	if s := p.State("container", name); s.PID != ujail {
		t.Errorf("%+v, want pid %d", s, ujail)
	}
	if state == "created" {
		if _, err := call(name, "start", nil); err != nil {
			t.Error(err)
		}
		printed(t, p, mark, "up\n", "")
	}
	p.SetState("container", name, false)
	if s := p.Until("container", name, "ended", isEnded); s.ExitCode != 5 {
		t.Errorf("exit status %d", s.ExitCode)
	}
}

func TestProcdUbusdRestarts(t *testing.T) {
	for _, state := range []string{"running", "created"} {
		t.Run(state, func(t *testing.T) {
			p := procds(t)
			name, ujail, mark := onRealBus(t, p, state)
			p.KillUbusd()
			p.StartUbusd()
			works(t, p, name, state, ujail, mark)
		})
	}
}

func TestProcdUbusdKilled(t *testing.T) {
	p := procds(t)
	name, ujail, mark := onRealBus(t, p, "running")
	p.KillUbusd()
	if err := syscall.Kill(ujail, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	printed(t, p, mark, "up\nHUP\n", "")
	if err := syscall.Kill(ujail, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return !alive(ujail) }) {
		t.Error("does not end")
	}
	p.StartUbusd()
	if s := p.Until("container", name, "ended", isEnded); s.ExitCode != 5 {
		t.Errorf("exit status %d", s.ExitCode)
	}
}

// A bus that is stopped holds up neither signals nor an end nor a start.
func TestProcdUbusdStopped(t *testing.T) {
	p := procds(t)
	name, ujail, mark := onRealBus(t, p, "running")
	ended, endedUjail, _ := onRealBus(t, p, "running")
	created, _, _ := onRealBus(t, p, "created")
	p.Ubusd.Process.Signal(syscall.SIGSTOP)
	t.Cleanup(func() { p.Ubusd.Process.Signal(syscall.SIGCONT) })
	newBundle(t, script("exit 3")).run().ends(3)
	slimRun(t, "-p", sh("exit 4")...).ends(4)
	if err := syscall.Kill(ujail, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	printed(t, p, mark, "up\nup\nHUP\n", "")
	if err := syscall.Kill(endedUjail, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return !alive(endedUjail) }) {
		t.Error("does not end")
	}
	p.Ubusd.Process.Signal(syscall.SIGCONT)
	p.Until("container", ended, "ended", isEnded)
	works(t, p, name, "running", ujail, mark)
	if got := onBus(t, created); got["status"] != "created" {
		t.Errorf("state %v", got)
	}
}

// Clients that write garbage, and clients that call and do not wait for the answer.
func TestProcdUbusdFlooded(t *testing.T) {
	p := procds(t)
	name, ujail, mark := onRealBus(t, p, "running")
	before := descriptors(t, ujail)
	for n := range 50 {
		c, err := net.Dial("unix", ubus.Path)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		for i := range b {
			b[i] = byte(random.IntN(256))
		}
		c.SetWriteDeadline(time.Now().Add(patience))
		c.Write(b) // ubusd may have had enough of it before the end
		c.Close()
		bus, err := ubus.Dial(ubus.Within(patience), ubus.Path)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := bus.LookupID(ubus.Within(patience), "container."+name); err != nil {
			t.Error(err)
		} else if _, err := bus.Invoke(ubus.Look(), id, "state", b[:n], -1); err == nil {
			t.Error("an answer before it was waited for")
		}
		bus.Close()
	}
	onBus(t, name)
	payloadOf(t, ujail)
	if after := descriptors(t, ujail); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	works(t, p, name, "running", ujail, mark)
}
