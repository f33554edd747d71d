// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gojail/tests/procd"
)

// Under the real procd and ubusd, where $PROCD, $UBUSD and $UBUS name them.

// procds starts procd for a test.
func procds(t *testing.T) *procd.Procd {
	t.Helper()
	procd.Skip(t)
	watch(t)
	return procd.Start(t, programPath)
}

func isRunning(s procd.State) bool { return s.Running }
func isEnded(s procd.State) bool   { return s.Known && !s.Running }
func isGone(s procd.State) bool    { return !s.Known }

// service adds an instance as a service of its jail's name, until the test ends.
func service(t *testing.T, p *procd.Procd, in *procd.Instance) (name string) {
	t.Helper()
	name = in.Jail.Name
	p.Add("service", name, in)
	t.Cleanup(func() { stopped(t, p, "service", name) })
	return name
}

// stopped deletes a service, if it is still there, and waits until it is gone.
func stopped(t *testing.T, p *procd.Procd, object, name string) {
	t.Helper()
	if p.State(object, name).Known {
		p.Delete(object, name)
	}
	p.Until(object, name, "gone", isGone)
	procd.RemoveCgroups(name)
}

// printed waits for what services have printed since mark.
func printed(t *testing.T, p *procd.Procd, mark int, stdout, stderr string) {
	t.Helper()
	var out, err string
	if !eventually(func() bool { out, err = p.Printed(mark); return out == stdout && err == stderr }) {
		t.Errorf("printed %q, want %q; said %q, want %q", out, stdout, err, stderr)
	}
}

// The table of attributes.
func TestProcdService(t *testing.T) {
	p := procds(t)
	for name, c := range procdCases() {
		t.Run(name, func(t *testing.T) {
			c.ready(t)
			mark := p.Mark()
			name := service(t, p, &c.in)
			if s := p.Until("service", name, "ended", isEnded); s.ExitCode != c.code {
				t.Errorf("exit status %d, want %d", s.ExitCode, c.code)
			}
			printed(t, p, mark, c.want, c.stderr)
		})
	}
}

// procd writes the command lines that TestProcdLine takes for granted.
func TestProcdCommandLine(t *testing.T) {
	p := procds(t)
	for name, c := range procdCases() {
		t.Run(name, func(t *testing.T) {
			c.ready(t)
			if c.in.Command = sh(untilTerm); c.in.Extroot != "" {
				c.in.Command = []string{"/bin/sh", "-c", untilTerm}
			}
			mark, ready := p.Mark(), "ready\n"
			if c.in.Jail.Console {
				ready = "ready\r\n"
			}
			name := service(t, p, &c.in)
			s := p.Until("service", name, "running", isRunning)
			printed(t, p, mark, ready, "")
			text, err := os.ReadFile(procPath(s.PID, "cmdline"))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"); !slices.Equal(got, c.in.Line()) {
				t.Errorf("command line\n%q, want\n%q", got, c.in.Line())
			}
		})
	}
}
