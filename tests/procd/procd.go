// SPDX-License-Identifier: LGPL-2.1-only

package procd

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// patience ends what hangs; nothing is judged by it.
const patience = 30 * time.Second

// The real programs, if somebody says where they are. They need their libraries where they look for them, and a place outside /tmp
// and /run, which are empty where the tests run.
var (
	program = os.Getenv("PROCD")
	ubusd   = os.Getenv("UBUSD")
	command = os.Getenv("UBUS")
)

// A Procd is the real procd, with the real ubusd, in the namespaces of the caller: for a caller who has some of his own. It is not
// pid 1 and so starts nothing by itself, but services and containers work as on a router.
type Procd struct {
	t   testing.TB
	bus *ubus.Client
	cmd *exec.Cmd
	// Syslog is the log that procd and its services write to.
	Syslog *Syslog
	// Ubusd is the running bus.
	Ubusd *exec.Cmd
}

// Skip skips the test if the real programs are not there.
func Skip(t testing.TB) {
	t.Helper()
	if program == "" || ubusd == "" || command == "" {
		t.Skip("SKIPPED: not run under the real procd: $PROCD, $UBUSD and $UBUS do not say where it, ubusd and the ubus command are")
	}
}

// Start starts them, with ujail as /sbin/ujail. All that they have made is gone after the test.
func Start(t testing.TB, ujail string) *Procd {
	t.Helper()
	Skip(t)
	p := &Procd{t: t, Syslog: Listen(t)}
	mountUjail(t, ujail)
	if err := os.MkdirAll("/run/ubus", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove("/run/ubus") })
	p.startUbusd()
	t.Cleanup(func() { end(p.Ubusd); os.Remove(ubus.Path) })
	t.Cleanup(removeCgroups)
	p.cmd = exec.Command(program, "-S")
	p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SECRET=procd's own"}
	p.cmd.Stdout, p.cmd.Stderr = os.Stderr, os.Stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(p.cmd) })
	p.connect()
	t.Cleanup(func() { p.bus.Close() })
	t.Cleanup(p.deleteAll)
	return p
}

// startUbusd starts the bus.
func (p *Procd) startUbusd() {
	p.t.Helper()
	p.Ubusd = exec.Command(ubusd, "-s", ubus.Path)
	p.Ubusd.Stderr = os.Stderr
	if err := p.Ubusd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// KillUbusd kills the bus.
func (p *Procd) KillUbusd() { end(p.Ubusd) }

// StartUbusd starts it anew, and waits until procd is there too.
func (p *Procd) StartUbusd() {
	p.t.Helper()
	p.startUbusd()
	p.bus.Close()
	p.connect()
}

// connect connects to the bus, and waits until procd is there too.
func (p *Procd) connect() {
	p.t.Helper()
	until := ubus.Within(patience)
	var err error
	if p.bus, err = ubus.Redial(until, ubus.Path, &ubus.Backoff{Min: 5 * time.Millisecond, Max: 5 * time.Millisecond}); err != nil {
		p.t.Fatal(err)
	}
	if _, err = p.bus.WaitFor(until, "container"); err != nil {
		p.t.Fatal(err)
	}
}

// end is for a program that is not asked.
func end(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait()
}

// mountUjail puts the program in its place, above the host's files.
func mountUjail(t testing.TB, ujail string) {
	t.Helper()
	const dir = "/usr/sbin" // /sbin is a link to it
	work, err := os.MkdirTemp("/mnt", "sbin")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(work) })
	text, err := os.ReadFile(ujail)
	if err == nil {
		err = errors.Join(os.Mkdir(work+"/upper", 0o755), os.Mkdir(work+"/work", 0o755), os.WriteFile(work+"/upper/ujail", text, 0o755))
	}
	if err == nil {
		err = unix.Mount("overlay", dir, "overlay", 0, "lowerdir="+dir+",upperdir="+work+"/upper,workdir="+work+"/work")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
}

// cgroups is where procd puts its instances; it leaves them there.
const cgroups = "/sys/fs/cgroup/services"

func removeCgroups() {
	services, _ := os.ReadDir(cgroups)
	for _, s := range services {
		RemoveCgroups(s.Name())
	}
}

// RemoveCgroups removes those of a service that is gone.
func RemoveCgroups(service string) {
	instances, _ := os.ReadDir(cgroups + "/" + service)
	for _, i := range instances {
		_ = os.Remove(cgroups + "/" + service + "/" + i.Name())
	}
	_ = os.Remove(cgroups + "/" + service)
	_ = os.Remove(cgroups) // the last one
}

// Call calls a method of any object.
func (p *Procd) Call(object, method string, args func(w *blob.Builder)) ([][]byte, error) {
	var w blob.Builder
	if args != nil {
		args(&w)
	}
	b, err := w.Bytes()
	if err != nil {
		return nil, err
	}
	r, err := p.bus.Call(ubus.Within(patience), object, method, b)
	return r.Data, err
}

func (p *Procd) must(object, method string, args func(w *blob.Builder)) [][]byte {
	p.t.Helper()
	data, err := p.Call(object, method, args)
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

// Add is `ubus call service add`, or container in the place of service, with one instance that has the service's name.
func (p *Procd) Add(object, name string, in *Instance) {
	p.t.Helper()
	p.must(object, "add", func(w *blob.Builder) {
		w.AddString("name", name)
		w.OpenTable("instances")
		in.put(w, name)
		w.Close()
	})
}

// Delete has procd stop the service, or the container, and forget it.
func (p *Procd) Delete(object, name string) {
	p.t.Helper()
	p.must(object, "delete", func(w *blob.Builder) { w.AddString("name", name) })
}

// Signal sends a signal to the service's processes.
func (p *Procd) Signal(name string, s syscall.Signal) {
	p.t.Helper()
	p.must("service", "signal", func(w *blob.Builder) {
		w.AddString("name", name)
		w.AddInt32("signal", int32(s))
	})
}

// SetState starts or stops the instances; who is stopped stays known.
func (p *Procd) SetState(object, name string, spawn bool) {
	p.t.Helper()
	p.must(object, "state", func(w *blob.Builder) {
		w.AddBool("spawn", spawn)
		w.AddString("name", name)
	})
}

// A State is what procd says of an instance.
type State struct {
	Known    bool
	Running  bool
	PID      int // of ujail
	ExitCode int // once it has ended
}

// State asks for it.
func (p *Procd) State(object, name string) (s State) {
	p.t.Helper()
	for _, b := range p.must(object, "list", func(w *blob.Builder) { w.AddString("name", name) }) {
		for service := blob.NewFields(b); service.Next(); {
			for part := service.Fields(); part.Next(); {
				if part.Name() != "instances" {
					continue
				}
				for in := part.Fields(); in.Next(); {
					s.Known = true
					for f := in.Fields(); f.Next(); {
						switch f.Name() {
						case "running":
							s.Running = f.Bool()
						case "pid":
							s.PID = int(f.Int())
						case "exit_code":
							s.ExitCode = int(f.Int())
						}
					}
				}
			}
		}
	}
	return s
}

// Until waits for a state.
func (p *Procd) Until(object, name, what string, ok func(s State) bool) State {
	p.t.Helper()
	var s State
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if s = p.State(object, name); ok(s) {
			return s
		}
	}
	p.t.Fatalf("%s %s is not %s: %+v", object, name, what, s)
	return s
}

// deleteAll ends what the test has left, so that it does not outlive procd.
func (p *Procd) deleteAll() {
	for _, object := range []string{"service", "container"} {
		data, err := p.Call(object, "list", nil)
		if err != nil {
			p.t.Error(err)
			return
		}
		for _, b := range data {
			for d := blob.NewFields(b); d.Next(); {
				if d.Name() != "ubus" { // procd's own
					p.Delete(object, d.Name())
					p.Until(object, d.Name(), "gone", func(s State) bool { return !s.Known })
				}
			}
		}
	}
}

// Command runs the real ubus command and gives its standard output and exit status.
func (p *Procd) Command(args ...string) (string, int) {
	p.t.Helper()
	cmd := exec.Command(command, args...)
	out, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		p.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Mark is a place in the log, for Printed.
func (p *Procd) Mark() int { return len(p.Syslog.Lines(0)) }

// Printed is what services have printed since mark, as procd passes it to logd: "<PRIORITY>time name[pid]: line".
func (p *Procd) Printed(mark int) (stdout, stderr string) {
	for _, l := range p.Syslog.Lines(mark) {
		head, text, ok := strings.Cut(l, "]: ")
		switch {
		case ok && strings.HasPrefix(head, "<30>"): // daemon.info
			stdout += text + "\n"
		case ok && strings.HasPrefix(head, "<27>"): // daemon.err
			stderr += text + "\n"
		}
	}
	return stdout, stderr
}
