// SPDX-License-Identifier: LGPL-2.1-only

package procd

import (
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

// A Fake has procd's object `container` on a bus for tests, as far as bundles need it: add, delete, list and state, with procd's rules
// for what is started, restarted and left (service/instance.c). It starts a container again at once, whatever its respawn says.
type Fake struct {
	Starts []string // names, in the order in which they were started
	ujail  string
	lock   sync.Mutex
	ended  sync.WaitGroup
	known  map[string]*faked
	object *ubustest.Offered
}

type faked struct {
	bundle  string
	term    uint32
	respawn []string
	process *exec.Cmd // nil: it does not run
	halt    bool      // it is not to be started again
	again   bool      // it is to be, when it has ended
	exit    int
}

// StartFake offers the object. At the end of the test its containers are ended.
func StartFake(t testing.TB, bus, ujail string) *Fake {
	t.Helper()
	f := &Fake{ujail: ujail, known: map[string]*faked{}}
	var methods []ubus.Method
	for _, name := range []string{"add", "delete", "list", "state"} {
		methods = append(methods, ubus.Method{Name: name})
	}
	var err error
	if f.object, err = ubustest.Offer(bus, "container", methods, f.handle); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.object.Close()
		f.lock.Lock()
		for _, in := range f.known {
			f.stop(in)
		}
		f.lock.Unlock()
		f.ended.Wait()
	})
	return f
}

func (f *Fake) handle(in *ubus.Incoming) ([]byte, ubus.Status) {
	if in.FD >= 0 {
		kernel.Close(in.FD)
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	name, instance := "", &faked{term: 5}
	spawn, given := false, false
	for d := blob.NewFields(in.Data); d.Next(); {
		switch d.Name() {
		case "name":
			name = d.Text()
		case "spawn":
			spawn, given = d.Bool(), true
		case "instances":
			for i := d.Fields(); i.Next(); {
				instance.read(i.Fields())
			}
		}
	}
	known := f.known[name]
	switch {
	case in.Method == "list":
		b, err := f.list()
		if err != nil {
			return nil, ubus.StatusUnknownError
		}
		return b, ubus.StatusOK
	case in.Method == "add" && known == nil:
		f.known[name] = instance
		f.start(name, instance)
	case in.Method == "add":
		f.change(name, known, instance)
	case known == nil:
		return nil, ubus.StatusNotFound
	case in.Method == "delete":
		f.stop(known)
		delete(f.known, name)
	case !given:
		return nil, ubus.StatusInvalidArgument
	case spawn && known.process == nil:
		f.start(name, known)
	case !spawn:
		f.stop(known)
	}
	return nil, ubus.StatusOK
}

func (in *faked) read(d *blob.Decoder) {
	for d.Next() {
		switch d.Name() {
		case "bundle":
			in.bundle = d.Text()
		case "term_timeout":
			in.term = uint32(d.Int())
		case "respawn":
			for e := d.Fields(); e.Next(); {
				in.respawn = append(in.respawn, e.Text())
			}
		}
	}
}

func (f *Fake) change(name string, old, in *faked) {
	changed := old.bundle != in.bundle || old.term != in.term
	old.bundle, old.term, old.respawn = in.bundle, in.term, in.respawn
	switch {
	case old.process == nil:
		f.start(name, old)
	case changed:
		old.again = true
		old.process.Process.Signal(syscall.SIGTERM)
	}
}

func (f *Fake) start(name string, in *faked) {
	in.halt, in.again = false, false
	in.process = exec.Command(f.ujail, "-t", strconv.Itoa(int(in.term)), "-n", name, "-i", "-J", in.bundle)
	if err := in.process.Start(); err != nil {
		panic(err)
	}
	f.Starts = append(f.Starts, name)
	f.ended.Add(1)
	go func(process *exec.Cmd) {
		defer f.ended.Done()
		process.Wait()
		f.lock.Lock()
		defer f.lock.Unlock()
		in.process, in.exit = nil, process.ProcessState.ExitCode()
		if f.known[name] == in && (in.again || in.respawn != nil && !in.halt) {
			f.start(name, in)
		}
	}(in.process)
}

func (f *Fake) stop(in *faked) {
	in.halt, in.again = true, false
	if in.process != nil {
		in.process.Process.Signal(syscall.SIGTERM)
	}
}

func (f *Fake) list() ([]byte, error) {
	var w blob.Builder
	for name, in := range f.known {
		w.OpenTable(name)
		w.OpenTable("instances")
		w.OpenTable(name)
		w.AddBool("running", in.process != nil)
		if in.process != nil {
			w.AddUint32("pid", uint32(in.process.Process.Pid))
		} else {
			w.AddUint32("exit_code", uint32(in.exit))
		}
		w.AddString("bundle", in.bundle)
		w.AddUint32("term_timeout", in.term)
		if in.respawn != nil {
			w.OpenTable("respawn")
			for i, word := range []string{"threshold", "timeout", "retry"} {
				n, _ := strconv.ParseUint(in.respawn[i], 10, 32)
				w.AddUint32(word, uint32(n))
			}
			w.Close()
		}
		w.Close()
		w.Close()
		w.Close()
	}
	return w.Bytes()
}

// Forget makes the list of starts empty, and gives what it was.
func (f *Fake) Forget() []string {
	f.lock.Lock()
	defer f.lock.Unlock()
	list := f.Starts
	f.Starts = nil
	return list
}

// Rest waits until none of its containers runs.
func (f *Fake) Rest() {
	for rest := false; !rest; time.Sleep(time.Millisecond) {
		f.lock.Lock()
		rest = true
		for _, in := range f.known {
			rest = rest && in.process == nil
		}
		f.lock.Unlock()
	}
}
