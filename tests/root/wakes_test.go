// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

// pss is what processes have of the memory, in KiB: what several have in common is divided between them.
func pss(t *testing.T, pids ...int) (sum int) {
	t.Helper()
	for _, pid := range pids {
		text, err := os.ReadFile(procPath(pid, "smaps_rollup"))
		if err != nil || len(text) == 0 {
			continue // it has ended
		}
		n, err := strconv.Atoi(strings.TrimSuffix(status(t, string(text), "Pss"), " kB"))
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// The containers of a machine may all be woken at the same moment, as when ubusd starts anew. The most that this can need is that a worker of
// each is there, with all it needs, and waits: for the greeting of a bus that is silent. It is no more than a MiB for each, and it is given back.
func TestWakesAtOnce(t *testing.T) {
	const n = 64
	busDir(t)
	s, err := ubustest.Start(ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	type jail struct {
		*process
		*bundle
		caller *execer
	}
	var all []*jail
	base := newBundle(t)
	for range n {
		b := base.sibling(script(quietly("trap 'exit 5' TERM")))
		all = append(all, &jail{process: start(t, b.command()), bundle: b})
	}
	everybody := func(list func(pid int) []int) (pids []int) {
		for _, j := range all {
			pids = append(pids, list(j.pid())...)
		}
		return pids
	}
	themselves := func(pid int) []int { return []int{pid} }
	rest := func() int {
		t.Helper()
		if !eventually(func() bool { return len(everybody(workers)) == 0 }) {
			t.Fatalf("%d workers are left", len(everybody(workers)))
		}
		return pss(t, everybody(themselves)...)
	}
	for _, j := range all {
		j.until("ready\n")
		onBus(t, j.name)
		j.caller = execIn(t, j.name)
	}
	idle := rest()
	var calls sync.WaitGroup
	for _, j := range all { // a call to each
		calls.Go(func() {
			if _, err := j.caller.c.Invoke(ubus.Within(patience), j.caller.object, "state", nil, -1); err != nil {
				t.Errorf("%s: %v", j.name, err)
			}
		})
	}
	calls.Wait()
	s.Close()
	silent := newSilence(t)
	most, peak := 0, 0
	if !eventually(func() bool {
		there := everybody(workers)
		if len(there) >= most {
			most, peak = len(there), max(peak, pss(t, there...))
		}
		return most == n
	}) {
		t.Fatalf("no more than %d workers came at the same time", most)
	}
	silent.UnixListener.Close()
	again, err := ubustest.Start(ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	for _, j := range all {
		onBus(t, j.name)
	}
	after := rest()
	t.Logf("%d workers: %d KiB; %d supervisors: %d KiB before, %d afterwards", most, peak, n, idle, after)
	if peak > n*1024 {
		t.Errorf("%d workers need %d KiB, more than a MiB each", most, peak)
	}
	if after > idle+n*4 { // a page each: see TestRandomEvents
		t.Errorf("the supervisors have %d KiB, before %d", after, idle)
	}
	for _, j := range all {
		j.signal(syscall.SIGTERM)
	}
	for _, j := range all {
		j.wait().ends(5)
	}
}
