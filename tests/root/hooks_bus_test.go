// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"strings"
	"syscall"
	"testing"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// Without -i the hooks of the create operation are run at once, the others when start is called, which they are a part of.
func TestHookCreated(t *testing.T) {
	newBus(t)
	b, p := created(t, each("echo KIND:ran"), script("echo ran"))
	if got := onBus(t, b.name); got["status"] != "created" {
		t.Errorf("state %v", got)
	}
	heard := said(p.err.String())
	if len(heard["prestart"]) != 1 || len(heard["createRuntime"]) != 1 || len(heard["createContainer"]) != 1 || len(heard) != 3 {
		t.Errorf("before the start: %s", p.err)
	}
	if _, err := call(b.name, "start", nil); err != nil {
		t.Error(err)
	}
	if !eventually(func() bool { // what it has printed is read by another goroutine
		heard := said(p.err.String())
		return len(heard["startContainer"]) == 1 && len(heard["poststart"]) == 1
	}) {
		t.Errorf("after the start: %s", p.err)
	}
	if heard := said(p.wait().ends(0).stderr); len(heard) != len(kinds) {
		t.Errorf("at the end: %v", heard)
	}
}

func TestHookCreatedFails(t *testing.T) {
	for _, c := range []struct{ kind, version string }{{"startContainer", "1.0.0"}, {"poststart", "1.3.0"}} {
		t.Run(c.kind, func(t *testing.T) {
			newBus(t)
			b, p := created(t, hooks(c.kind, "exit 3"), hooks("poststop", "echo poststop:ran"), version(c.version), script(forever))
			onBus(t, b.name)
			if _, err := call(b.name, "start", nil); !isStatus(err, ubus.StatusUnknownError) {
				t.Error(err)
			}
			if r := p.wait().ends(1); !strings.Contains(r.stderr, "hooks."+c.kind+"[0]") || !strings.Contains(r.stderr, "poststop:ran") {
				t.Errorf("says %q", r.stderr)
			}
		})
	}
}

// While a hook of the start runs the container answers: its state, and a kill that ends both.
func TestHookAnswers(t *testing.T) {
	for kind, state := range map[string]string{"startContainer": "created", "poststart": "running"} {
		t.Run(kind, func(t *testing.T) {
			newBus(t)
			b, p := created(t, hooks(kind, family), script("trap 'exit 5' TERM; echo up; "+forever))
			onBus(t, b.name)
			started := make(chan error)
			go func() {
				_, err := call(b.name, "start", nil)
				started <- err
			}()
			hangs(t, p)
			if got := onBus(t, b.name); got["status"] != state {
				t.Errorf("state %v", got)
			}
			if _, err := call(b.name, "start", nil); !isStatus(err, ubus.StatusInvalidArgument) {
				t.Errorf("a second start: %v", err)
			}
			if _, err := call(b.name, "exec", func(w *blob.Builder) {
				w.OpenArray("args")
				w.AddString("", "/bin/true")
				w.Close()
			}); !isStatus(err, ubus.StatusInvalidArgument) {
				t.Errorf("exec: %v", err)
			}
			if _, err := call(b.name, "kill", nil); err != nil {
				t.Error(err)
			}
			code := 143
			if kind == "poststart" { // which the hook survives
				code = 5
				if !eventually(func() bool { return len(children(p.pid())) == 1 }) {
					t.Error("the payload has not ended")
				}
				p.signal(syscall.SIGTERM)
			}
			p.wait().ends(code)
			<-started
		})
	}
}

// A killed worker leaves a container that is found on the bus all the same.
func TestHookWorkerKilledOnTheBus(t *testing.T) {
	newBus(t)
	b := newBundle(t, hooks("poststart", family), script("trap 'exit 5' TERM; echo up; "+forever))
	p := b.start().until("up\n")
	hangs(t, p)
	syscall.Kill(worker(t, p), syscall.SIGKILL)
	if got := onBus(t, b.name); got["status"] != "running" {
		t.Errorf("state %v", got)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}
