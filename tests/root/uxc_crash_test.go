// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gojail/tests/root/leaks"
)

// clean checks that delete --force leaves nothing.
func (d *detached) clean(when string) {
	d.t.Helper()
	leaks.Reap()
	r := d.uxc("delete", "--force", d.name)
	leaks.Reap()
	if r.code != 0 || r.stderr != "" {
		d.t.Fatalf("%s: delete --force: %d %s", when, r.code, r.stderr)
	}
	if left, _ := filepath.Glob(d.dir + "/state/*"); len(left) > 0 {
		d.t.Fatalf("%s: left: %v", when, left)
	}
	if left, _ := filepath.Glob("/sys/fs/cgroup/containers/*"); len(left) > 0 {
		d.t.Fatalf("%s: left: %v", when, left)
	}
	if s := strays(); s != "" {
		d.t.Fatalf("%s: left processes: %s", when, s)
	}
}

// Whenever create is killed: what it leaves delete --force takes away, and the next one finds nothing in its way.
func TestUxcCreateKilled(t *testing.T) {
	stride := 7
	if os.Getenv("GOJAIL_STRESS") != "" {
		stride = 1
	}
	d := newDetached(t, script("exit 7"))
	d.uxc("list").ends(0)
	c := command{args: []string{uxcPath, "--root", d.dir + "/state", "create", "-b", d.dir, d.name}}
	// A container that waits is done with.
	waits := func(_, _ int, nr uint64) bool { return nr == unix.SYS_ACCEPT4 }
	whole, text := trace(t, c, waits)
	if whole.code != 0 || len(whole.order) < 2 {
		t.Fatalf("without a kill: %d processes, exit status %d, %v: %s", len(whole.order), whole.code, whole.end, text)
	}
	d.clean("without a kill")
	runs := 0
	points := append(slices.Clone(syncCalls), unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_BIND, unix.SYS_FLOCK)
	for process, calls := range whole.calls {
		for at, nr := range calls {
			if !slices.Contains(points, nr) && (process+at)%stride != 0 {
				continue
			}
			runs++
			trace(t, c, func(p, call int, nr uint64) bool { return p == process && call == at || waits(p, call, nr) })
			d.clean("killed")
		}
	}
	t.Logf("%d processes, killed at %d calls", len(whole.order), runs)
}

func TestUxcStartKilled(t *testing.T) {
	d := newDetached(t, script(forever))
	for range rounds(t, 30) {
		d.create().ends(0)
		c := d.verb("start", d.name)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(6000)) * time.Microsecond)
		c.Process.Kill()
		c.Wait()
		if !eventually(func() bool { return slices.Contains([]string{"created", "running", "stopped"}, d.status()) }) {
			t.Fatal(d.status())
		}
		d.clean("killed")
	}
}

// Whatever is done to one ID at the same time: the state is whole, a verb is carried out or refused, and in the end it can be deleted.
func TestUxcAtOnce(t *testing.T) {
	d := newDetached(t, script(forever))
	verbs := [][]string{{"create", "-b", d.dir, d.name}, {"create", "-b", d.dir, d.name}, {"start", d.name}, {"kill", d.name, "KILL"}, {"delete", d.name},
		{"delete", "--force", d.name}, {"state", d.name}, {"list", "--format", "json"}, {"ps", d.name}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := map[string]int{}
	for worker := range 4 {
		r := rand.New(rand.NewPCG(uint64(worker), 1))
		wg.Go(func() {
			for range rounds(t, 40) {
				v := verbs[r.IntN(len(verbs))]
				out, err := os.CreateTemp(d.dir, "printed")
				if err != nil {
					t.Error(err)
					return
				}
				c := d.verb(v...)
				c.Stdout, c.Stderr = out, out
				c.Run()
				text, _ := os.ReadFile(out.Name())
				out.Close()
				ws := c.ProcessState.Sys().(syscall.WaitStatus)
				if ws.Signaled() || ws.ExitStatus() > 1 || strings.Contains(string(text), "/state: ") {
					t.Errorf("%v: %#x %s", v, ws, text)
				}
				if ws == 0 {
					mu.Lock()
					done[v[0]]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for _, v := range []string{"create", "start", "delete", "state", "list"} {
		if done[v] == 0 {
			t.Errorf("no %s was carried out: %v", v, done)
		}
	}
	d.clean("at once")
}
