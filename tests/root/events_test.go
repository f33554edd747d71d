// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
	"gojail/tests/procd"
)

// An actor makes one event and checks what comes of it.
type actor struct {
	name  string
	share int // of a thousand events, or so
	act   func(e *events, r *rand.Rand) func()
}

var actors = []actor{
	{"state", 250, func(e *events, r *rand.Rand) func() {
		var d dialled
		return func() {
			e.held.RLock()
			defer e.held.RUnlock()
			c := e.dial(&d)
			answers, err := c.c.Invoke(ubus.Within(patience), c.object, "state", nil, -1)
			if err != nil || !bytes.Contains(bytes.Join(answers.Data, nil), []byte("running\x00")) {
				e.t.Errorf("state: %v", err)
			}
		}
	}},
	{"kill", 120, func(e *events, r *rand.Rand) func() {
		count := map[syscall.Signal]int{}
		return func() {
			e.held.RLock()
			defer e.held.RUnlock()
			s := called[r.IntN(len(called))]
			if _, err := call(e.b.name, "kill", func(w *blob.Builder) { w.AddInt32("signal", int32(s)) }); err != nil {
				e.t.Errorf("kill: %v", err)
				return
			}
			count[s]++
			e.hears(fmt.Sprintf("signal %d %d", s, count[s]))
		}
	}},
	{"signals", 200, func(e *events, r *rand.Rand) func() {
		count := map[syscall.Signal]int{}
		return func() {
			some := r.Perm(len(direct))[:1+r.IntN(len(direct))]
			for _, i := range some {
				e.p.cmd.Process.Signal(direct[i])
			}
			for _, i := range some {
				count[direct[i]]++
				e.hears(fmt.Sprintf("signal %d %d", direct[i], count[direct[i]]))
			}
		}
	}},
	{"console", 130, func(e *events, r *rand.Rand) func() {
		n := 0
		return func() {
			n++
			text := fmt.Sprint(n, strings.Repeat("x", r.IntN(200)))
			e.y.keys(text + "\n")
			e.hears("line " + text)
		}
	}},
	{"size", 50, func(e *events, r *rand.Rand) func() {
		width := 100
		var d dialled
		return func() {
			width = 100 + (width-99)%1000 // another one each time
			if r.IntN(2) == 0 {
				e.y.resize(uint16(width), 7)
			} else {
				e.held.RLock()
				defer e.held.RUnlock()
				c := e.dial(&d)
				if _, err := c.c.Invoke(ubus.Within(patience), c.object, "resize", sizes(int32(width), 7), -1); err != nil {
					e.t.Errorf("resize: %v", err)
				}
			}
			if !e.hears(fmt.Sprintf("size %d 7", width)) {
				return
			}
			e.mu.Lock()
			delete(e.said, fmt.Sprintf("size %d 7", width))
			e.mu.Unlock()
		}
	}},
	{"exec", 120, execs},
	{"exec too", 80, execs},
	{"garbage", 40, func(e *events, r *rand.Rand) func() {
		var d dialled
		return func() {
			e.held.RLock()
			defer e.held.RUnlock()
			c := e.dial(&d)
			junk := make([]byte, r.IntN(64))
			for i := range junk {
				junk[i] = byte(r.IntN(256))
			}
			method := []string{"state", "start", "exec", "resize", "nosuch"}[r.IntN(5)]
			var status ubus.Status
			if _, err := c.c.Invoke(ubus.Within(patience), c.object, method, junk, -1); err != nil && !errors.As(err, &status) {
				e.t.Errorf("%s(%x): %v", method, junk, err)
			}
		}
	}},
	{"gone callers", 6, func(e *events, r *rand.Rand) func() {
		return func() {
			e.held.RLock()
			defer e.held.RUnlock()
			e.leave(r.IntN(2) - 1)
		}
	}},
	{"faults", 4, func(e *events, r *rand.Rand) func() {
		n := 0
		return func() {
			e.held.Lock()
			defer e.held.Unlock()
			e.breaks(n % 4)
			n++
		}
	}},
}

// leave calls and does not wait for the answer.
func (e *events) leave(fd int) {
	c, err := ubus.Dial(ubus.Within(patience), ubus.Path)
	if err != nil {
		e.t.Error(err)
		return
	}
	defer c.Close()
	id, err := c.LookupID(ubus.Within(patience), "container."+e.b.name)
	if err != nil {
		e.t.Error(err)
		return
	}
	_, _ = c.Invoke(ubus.Look(), id, "state", nil, fd)
}

// breaks does something to the bus, or to the worker that serves it, and waits until the container is there again.
func (e *events) breaks(how int) {
	switch how {
	case 0:
		e.bus.Disconnect()
	case 1:
		e.bus.Inject(bytes.Repeat([]byte{0xa5}, 1<<16))
	case 2:
		e.bus.Close()
		var err error
		if e.bus, err = ubustest.Start(ubus.Path); err != nil {
			e.t.Error(err)
			return
		}
	case 3:
		if !eventually(func() bool { // one that lives long enough to be hit
			e.leave(-1)
			for _, pid := range workers(e.p.pid()) {
				if syscall.Kill(pid, syscall.SIGKILL) == nil {
					return true
				}
			}
			return false
		}) {
			e.t.Error("no worker came")
		}
	}
	e.age++
	onBus(e.t, e.b.name)
}

func sizes(width, height int32) []byte {
	var w blob.Builder
	w.AddInt32("width", width)
	w.AddInt32("height", height)
	b, _ := w.Bytes()
	return b
}

// execs makes processes: some end at once, some when they are told to, after the bus was broken perhaps. The end of each is told.
func execs(e *events, r *rand.Rand) func() {
	var d dialled
	var waiting []int
	return func() {
		e.held.RLock()
		defer e.held.RUnlock()
		c := e.dial(&d)
		switch {
		case len(waiting) > 0 && r.IntN(3) == 0 || len(waiting) > 9:
			pid := waiting[0]
			waiting = waiting[1:]
			s := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}[r.IntN(2)]
			if err := syscall.Kill(pid, s); err != nil {
				e.t.Errorf("exec: process %d: %v", pid, err)
			} else if got := c.end(pid); got != 128+int(s) {
				e.t.Errorf("exec: process %d ended with %d, not by %v", pid, got, s)
			}
		case r.IntN(4) == 0:
			waiting = append(waiting, c.start(request{args: []string{"/bin/sleep", "1000"}}, -1))
		default:
			code := r.IntN(256)
			out, got := c.run(request{args: []string{"/bin/sh", "-c", "echo $0; exit $0", strconv.Itoa(code)}})
			if got != code || out != strconv.Itoa(code)+"\n" {
				e.t.Errorf("exec: status %d, printed %q, want %d", got, out, code)
			}
		}
	}
}

// use is what a resident has that may grow: descriptors, KiB of address space, and of pages that are its own.
type use struct{ fds, size, own int }

// uses waits until it is asleep.
func (e *events) uses() use {
	e.t.Helper()
	if !eventually(func() bool { return len(children(e.p.pid())) == 1 && state(e.p.pid()) == 'S' }) {
		e.t.Fatalf("it does not come to rest: children %v", children(e.p.pid()))
	}
	kib := func(file, field string) int {
		text, err := os.ReadFile(procPath(e.p.pid(), file))
		if err != nil {
			e.t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimSuffix(status(e.t, string(text), field), " kB"))
		if err != nil {
			e.t.Fatal(err)
		}
		return n
	}
	return use{descriptors(e.t, e.p.pid()), kib("status", "VmSize"), kib("smaps_rollup", "Anonymous")}
}

// Everything that can happen to a resident, at random and at the same time: each event has its answer, and the resident is afterwards what it
// was before.
func TestRandomEvents(t *testing.T) {
	for _, kind := range []string{"terminal", "log"} {
		t.Run(kind, func(t *testing.T) {
			e := &events{t: t, said: map[string]bool{}}
			busDir(t)
			var err error
			if e.bus, err = ubustest.Start(ubus.Path); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { e.bus.Close() })
			e.b = newBundle(t, writable)
			telling(e.b)
			if kind == "terminal" {
				terminal(e.b.spec)
				e.y = openTTY(t)
				e.p = e.y.start(e.b.command())
				e.y.isRaw()
			} else {
				e.log = procd.Listen(t)
				annotation("org.openwrt.gojail.log", "1")(e.b.spec)
				e.p = e.b.start()
			}
			e.hears("telling")
			e.pid = e.p.payload()
			onBus(t, e.b.name)
			e.breaks(3)
			before := e.uses()
			n := rounds(t, 250)
			began, total := time.Now(), 0
			var all sync.WaitGroup
			for i, a := range actors {
				if e.y == nil && (a.name == "console" || a.name == "size") {
					continue
				}
				act, times := a.act(e, rand.New(rand.NewPCG(uint64(i), 3))), max(n*a.share/1000, 1)
				if e.y == nil && a.name == "signals" { // in the place of these
					times += max(n*180/1000, 2)
				}
				total += times
				all.Go(func() {
					for range times {
						if t.Failed() {
							return
						}
						act()
					}
				})
			}
			all.Wait()
			t.Logf("%d events in %v", total, time.Since(began).Round(time.Millisecond))
			if got := onBus(t, e.b.name); got["status"] != "running" || got["pid"] != strconv.Itoa(e.pid) {
				t.Errorf("state %v, want pid %d", got, e.pid)
			}
			for _, pid := range children(e.p.pid()) { // those of exec
				if comm, _ := os.ReadFile(procPath(pid, "comm")); string(comm) == "sleep\n" {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			// It has no heap, but it may be the first time that a page of its stack or its buffers was needed.
			if after := e.uses(); after.fds != before.fds || after.size != before.size || after.own > before.own+12 {
				t.Errorf("it has %+v, before %+v", after, before)
			} else {
				t.Logf("it has %+v, before %+v", after, before)
			}
			e.allRoom()
			syscall.Kill(e.pid, syscall.SIGKILL)
			e.p.wait().ends(137)
		})
	}
}

// allRoom checks that there is room for as many processes as ever.
func (e *events) allRoom() {
	e.t.Helper()
	c := execIn(e.t, e.b.name)
	r, w, err := os.Pipe()
	if err != nil {
		e.t.Fatal(err)
	}
	defer r.Close()
	var pids []int
	for range 32 {
		pids = append(pids, c.start(request{args: []string{"/bin/cat"}}, int(w.Fd())))
	}
	w.Close()
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL)
		c.end(pid)
	}
	if _, err := io.ReadAll(r); err != nil {
		e.t.Error(err)
	}
}
