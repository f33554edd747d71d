// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"testing"

	"golang.org/x/sys/unix"

	"gojail/src/blob"
	"gojail/src/ubus"
	"gojail/tests/procd"
)

// The console of a container, which the real procd has been given and hands to who attaches to it.
func TestProcdConsole(t *testing.T) {
	for name, in := range map[string]procd.Instance{
		"bundle": immediately(), "-y": {Jail: &procd.Jail{Immediately: true, Console: true}}, "created": {},
	} {
		t.Run(name, func(t *testing.T) {
			p := procds(t)
			edits := []edit{args("/bin/sh")}
			if name != "-y" {
				edits = append(edits, terminal)
			}
			c := container(t, p, newBundle(t, edits...), in)
			ujail := p.Until("container", c, "running", isRunning).PID
			onBus(t, c)
			var y *tty
			if !eventually(func() bool { y = attach(t, c); return y != nil }) {
				t.Fatal("procd has no console")
			}
			if name == "created" {
				if _, err := call(c, "start", nil); err != nil {
					t.Fatal(err)
				}
			}
			y.keys("\n").expect("# ").does("echo $((6*7))", "42")
			if err := resize(c, 90, 40); err != nil {
				t.Error(err)
			}
			y.does("stty size", "40 90").does(startedSleep, "has started").keys("\x03").does("echo $?", "130")
			payloadOf(t, ujail) // no worker looks after it
			y.keys("exit 6\n")
			if s := p.Until("container", c, "ended", isEnded); s.ExitCode != 6 {
				t.Errorf("exit status %d", s.ExitCode)
			}
		})
	}
}

// attach is what `uxc attach` does; nil if procd has no console.
func attach(t *testing.T, name string) *tty {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	c, err := ubus.Dial(ubus.Within(patience), ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id, err := c.LookupID(ubus.Within(patience), "container")
	if err != nil {
		t.Fatal(err)
	}
	var w blob.Builder
	w.AddString("name", name)
	b, _ := w.Bytes()
	if _, err := c.Invoke(ubus.Within(patience), id, "console_attach", b, pair[1]); isStatus(err, ubus.StatusNotSupported) {
		unix.Close(pair[0])
		return nil
	} else if err != nil {
		t.Fatal(err)
	}
	return attached(t, pair[0])
}
