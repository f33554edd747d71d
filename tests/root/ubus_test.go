// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

// newBus is a ubusd where containers look for one.
func newBus(t *testing.T) *ubustest.Server {
	t.Helper()
	watch(t)
	if err := os.MkdirAll("/run/ubus", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove("/run/ubus") })
	s, err := ubustest.Start(ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// call calls a method of container.NAME as anybody would.
func call(name, method string, args func(w *blob.Builder)) (map[string]string, error) {
	return callWithin(patience, name, method, args)
}

func callWithin(d time.Duration, name, method string, args func(w *blob.Builder)) (map[string]string, error) {
	limit := ubus.Within(d)
	c, err := ubus.Dial(limit, ubus.Path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var w blob.Builder
	if args != nil {
		args(&w)
	}
	b, _ := w.Bytes()
	r, err := c.Call(limit, "container."+name, method, b)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for _, data := range r.Data {
		for d := blob.NewFields(data); d.Next(); {
			switch d.Type() {
			case blob.String:
				fields[d.Name()] = d.Text()
			case blob.Table:
				for in := d.Fields(); in.Next(); {
					fields[d.Name()+"."+in.Name()] = in.Text()
				}
			default:
				fields[d.Name()] = strconv.Itoa(int(d.Int()))
			}
		}
	}
	return fields, nil
}

// onBus waits until the container answers.
func onBus(t *testing.T, name string) map[string]string {
	t.Helper()
	var fields map[string]string
	var err error
	// a call that reaches a connection about to end is never answered
	if !eventually(func() bool { fields, err = callWithin(2*time.Second, name, "state", nil); return err == nil }) {
		t.Fatalf("container.%s: %v", name, err)
	}
	return fields
}

func isStatus(err error, want ubus.Status) bool {
	var s ubus.Status
	return errors.As(err, &s) && s == want
}

func sleeper(t *testing.T, edits ...edit) (*bundle, *process) {
	t.Helper()
	b := newBundle(t, append([]edit{script("trap 'exit 5' TERM; trap 'echo hup' HUP; echo up; while :; do sleep 0.01; done")}, edits...)...)
	return b, b.start().until("up\n")
}

// asleep waits until the resident has no worker, and has nothing but the payload.
func asleep(t *testing.T, p *process) {
	t.Helper()
	if !eventually(func() bool { return len(children(p.pid())) == 1 }) {
		t.Fatalf("children %v", children(p.pid()))
	}
}

func TestUbusState(t *testing.T) {
	newBus(t)
	b, p := sleeper(t, annotation("org.example.a", "one"), annotation("b", ""))
	got := onBus(t, b.name)
	want := map[string]string{"ociVersion": b.spec.Version, "id": b.name, "status": "running", "pid": strconv.Itoa(p.payload()), "bundle": b.dir,
		"annotations.org.example.a": "one", "annotations.b": ""}
	if len(got) != len(want) {
		t.Errorf("state %v, want %v", got, want)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
	asleep(t, p)
	p.signal(syscall.SIGTERM).wait().ends(5)
	if _, err := call(b.name, "state", nil); !isStatus(err, ubus.StatusNotFound) {
		t.Errorf("after the end: %v", err)
	}
}

func TestUbusKill(t *testing.T) {
	newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	signal := func(add func(w *blob.Builder)) error {
		_, err := call(b.name, "kill", add)
		return err
	}
	for _, name := range []string{"HUP", "SIGHUP"} {
		before := bytes.Count([]byte(p.out.String()), []byte("hup"))
		if err := signal(func(w *blob.Builder) { w.AddString("signal", name) }); err != nil {
			t.Error(err)
		}
		if !eventually(func() bool { return bytes.Count([]byte(p.out.String()), []byte("hup")) > before }) {
			t.Errorf("%s has not arrived", name)
		}
	}
	if err := signal(func(w *blob.Builder) { w.AddString("signal", "FLY") }); !isStatus(err, ubus.StatusInvalidArgument) {
		t.Error(err)
	}
	if err := signal(func(w *blob.Builder) { w.AddInt32("signal", 1000) }); !isStatus(err, ubus.StatusInvalidArgument) {
		t.Error(err)
	}
	if _, err := call(b.name, "start", nil); !isStatus(err, ubus.StatusInvalidArgument) {
		t.Errorf("start of a running container: %v", err)
	}
	if _, err := call(b.name, "fly", nil); !isStatus(err, ubus.StatusMethodNotFound) {
		t.Error(err)
	}
	if err := signal(func(w *blob.Builder) { w.AddInt32("signal", 15) }); err != nil {
		t.Error(err)
	}
	p.wait().ends(5)
}

// Many calls, one after the other and at once: each is answered, and the resident is afterwards what it was before.
func TestUbusManyCalls(t *testing.T) {
	newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	asleep(t, p)
	before := descriptors(t, p.pid())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				if got, err := call(b.name, "state", nil); err != nil || got["status"] != "running" {
					t.Errorf("%v %v", got, err)
				}
			}
		})
	}
	all.Wait()
	asleep(t, p)
	if after := descriptors(t, p.pid()); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	list, err := filepath.Glob(procPath(pid, "fd/*"))
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	return len(list)
}

// The object comes back by itself, whatever has happened to the bus.
func TestUbusComesBack(t *testing.T) {
	for name, fault := range map[string]func(t *testing.T, s *ubustest.Server){
		"disconnected": func(_ *testing.T, s *ubustest.Server) { s.Disconnect() },
		"garbage":      func(_ *testing.T, s *ubustest.Server) { s.Inject(bytes.Repeat([]byte{0xa5}, 1<<16)) },
		"restarted": func(t *testing.T, s *ubustest.Server) {
			s.Close()
			again, err := ubustest.Start(ubus.Path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(again.Close)
		},
		"stopped for a while": func(_ *testing.T, s *ubustest.Server) {
			s.Hang(true)
			s.Disconnect()
			time.AfterFunc(1500*time.Millisecond, func() { s.Hang(false) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			watch(t)
			if err := os.MkdirAll("/run/ubus", 0o755); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove("/run/ubus") })
			s, err := ubustest.Start(ubus.Path)
			if err != nil {
				t.Fatal(err)
			}
			if name != "restarted" {
				t.Cleanup(s.Close)
			}
			b, p := sleeper(t)
			onBus(t, b.name)
			asleep(t, p)
			before := descriptors(t, p.pid())
			fault(t, s)
			onBus(t, b.name)
			asleep(t, p)
			if after := descriptors(t, p.pid()); after != before {
				t.Errorf("%d descriptors, %d before", after, before)
			}
			p.signal(syscall.SIGTERM).wait().ends(5)
		})
	}
}

// A bus that hangs holds up neither the start nor the end.
func TestUbusHangs(t *testing.T) {
	newBus(t).Hang(true)
	b := newBundle(t, script("echo ran; exit 3"))
	if r := b.run().ends(3); r.stdout != "ran\n" {
		t.Errorf("%q", r.stdout)
	}
}

// created starts a bundle without -i.
func created(t *testing.T, edits ...edit) (*bundle, *process) {
	t.Helper()
	b := newBundle(t, edits...)
	c := b.command()
	c.args = slices.DeleteFunc(c.args, func(a string) bool { return a == "-i" })
	return b, start(t, c)
}

// A container without -i is there, with its process and its state, and its payload runs when start is called (D7, D25).
func TestD25Created(t *testing.T) {
	newBus(t)
	b, p := created(t, script("echo ran; exit 4"))
	got := onBus(t, b.name)
	pid, _ := strconv.Atoi(got["pid"])
	if got["status"] != "created" || !alive(pid) || p.out.String() != "" {
		t.Errorf("state %v, printed %q", got, p.out)
	}
	if _, err := call(b.name, "kill", func(w *blob.Builder) { w.AddInt32("signal", 0) }); err != nil {
		t.Error(err)
	}
	if _, err := call(b.name, "start", nil); err != nil {
		t.Error(err)
	}
	if r := p.wait().ends(4); r.stdout != "ran\n" {
		t.Errorf("printed %q", r.stdout)
	}
}

func TestD7StartAtOnce(t *testing.T) {
	newBus(t)
	b, p := created(t, script("echo up; exec sleep 1000"))
	var err error
	if !eventually(func() bool { _, err = call(b.name, "start", nil); return err == nil }) {
		t.Fatal(err)
	}
	if _, err := call(b.name, "start", nil); !isStatus(err, ubus.StatusInvalidArgument) {
		t.Errorf("a second start: %v", err)
	}
	if got := onBus(t, b.name); got["status"] != "running" || got["pid"] != strconv.Itoa(p.payload()) {
		t.Errorf("state %v", got)
	}
	syscall.Kill(p.until("up\n").payload(), syscall.SIGKILL)
	p.wait().ends(137)
}

// What ends a container that waits for its start.
func TestCreatedEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(t *testing.T, b *bundle, p *process)
		code int
	}{
		"TERM": {func(_ *testing.T, _ *bundle, p *process) { p.signal(syscall.SIGTERM) }, 143},
		"kill on the bus": {func(t *testing.T, b *bundle, _ *process) {
			if _, err := call(b.name, "kill", nil); err != nil {
				t.Error(err)
			}
		}, 143},
		"KILL of the process": {func(t *testing.T, b *bundle, _ *process) {
			pid, _ := strconv.Atoi(onBus(t, b.name)["pid"])
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}, 137},
	} {
		t.Run(name, func(t *testing.T) {
			newBus(t)
			b, p := created(t, script("echo ran"))
			onBus(t, b.name)
			c.end(t, b, p)
			if r := p.wait().ends(c.code); r.stdout != "" {
				t.Errorf("printed %q", r.stdout)
			}
		})
	}
}

// The call of start says that the payload could not be executed.
func TestCreatedStartFails(t *testing.T) {
	newBus(t)
	b, p := created(t, args("/bin/broken"))
	b.write("bin/broken", "#!/nonexistent\n", 0o755)
	onBus(t, b.name)
	if _, err := call(b.name, "start", nil); !isStatus(err, ubus.StatusUnknownError) {
		t.Error(err)
	}
	p.wait().ends(127)
}

// A bus that comes later finds the container waiting.
func TestCreatedBeforeTheBus(t *testing.T) {
	watch(t)
	b, p := created(t, script("exit 6"))
	if !eventually(func() bool { return strings.Contains(p.err.String(), "no ubusd") }) {
		t.Fatalf("says %q", p.err)
	}
	newBus(t)
	if got := onBus(t, b.name); got["status"] != "created" {
		t.Errorf("state %v", got)
	}
	if _, err := call(b.name, "start", nil); err != nil {
		t.Error(err)
	}
	p.wait().ends(6)
}
