// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// random is the same at each run, but for what the scheduler adds.
var random = rand.New(rand.NewPCG(1, 2))

// rounds is how often the stress tests go: GOJAIL_STRESS, else n.
func rounds(t *testing.T, n int) int {
	if s := os.Getenv("GOJAIL_STRESS"); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("GOJAIL_STRESS=%s is not a number", s)
		}
		return v
	}
	return n
}

// Many starts, each with signals at random moments: the status is right, and
// nothing is left.
func TestStressSignals(t *testing.T) {
	text := `echo ready; n=0; while [ $n -lt 200 ]; do n=$((n+1)); done; exit 7`
	kinds := []struct {
		name string
		c    command
		init bool // the payload is a pid 1: what it does not handle does nothing
	}{
		{"bundle", newBundle(t, script(text)).command("-t", "1"), true},
		{"user namespace", newBundle(t, script(text), shifted, user(1000, 1000)).command("-t", "1"), true},
		{"no pid ns", newBundle(t, script(text), withoutNamespace(specs.PIDNamespace)).command("-t", "1"), false},
		{"handler", newBundle(t, script("trap 'exit 7' TERM HUP INT USR1; "+text)).command("-t", "1"), true},
		{"slim", slim("-t 1 -p", sh(text)...), true},
		{"slim user", slim("-t 1 -c -U web", sh(text)...), false},
	}
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1}
	counts := map[int]int{}
	for i := range rounds(t, 300) {
		kind := kinds[i%len(kinds)]
		p := start(t, kind.c)
		allowed := map[int]bool{7: true}
		for range random.IntN(3) {
			time.Sleep(time.Duration(random.IntN(10000)) * time.Microsecond)
			s := signals[random.IntN(len(signals))]
			// before the payload runs, or without a handler, the signal ends it;
			// a pid 1 without one lives, unless TERM's time is up; a shell always
			// has one for INT
			if started := strings.Contains(p.out.String(), "ready"); !started || !kind.init || s == syscall.SIGINT {
				allowed[128+int(s)] = true
			}
			if s == syscall.SIGTERM && kind.name != "handler" {
				allowed[137] = true
			}
			p.cmd.Process.Signal(s) // it may have ended
		}
		r := p.wait()
		counts[r.code]++
		if !allowed[r.code] {
			t.Errorf("round %d, %s: exit status %d (signal: %v), want one of %v\nstdout: %s\nstderr: %s",
				i, kind.name, r.code, r.signaled, allowed, r.stdout, r.stderr)
		}
		if s := strays(); s != "" {
			t.Fatalf("round %d, %s left processes: %s", i, kind.name, s)
		}
	}
	t.Logf("exit statuses: %v", counts)
}

// Twenty jails side by side: each has its own status, and a supervisor that waits
// is one thread and a few pages.
func TestManyAtOnce(t *testing.T) {
	var running []*process
	for i := range 20 {
		text := "trap 'exit " + strconv.Itoa(i) + "' TERM; echo ready; " + forever
		if i%2 == 0 {
			running = append(running, newBundle(t, script(text)).start())
		} else {
			running = append(running, start(t, slim("-p -N", sh(text)...)))
		}
	}
	for _, p := range running {
		p.until("ready")
	}
	for _, p := range running {
		var threads string
		if !eventually(func() bool {
			text, _ := os.ReadFile(procPath(p.pid(), "status"))
			threads = status(t, string(text), "Threads")
			return threads == "1" && len(children(p.pid())) == 1
		}) {
			t.Errorf("a supervisor of %s threads and children %v", threads, children(p.pid()))
		}
		text, err := os.ReadFile(procPath(p.pid(), "smaps_rollup"))
		if err != nil {
			t.Fatal(err)
		}
		if own, err := strconv.Atoi(strings.TrimSuffix(status(t, string(text), "Private_Dirty"), " kB")); err != nil || own > 24 {
			t.Errorf("a supervisor with %d KiB of its own, %v", own, err)
		}
	}
	for _, p := range running {
		p.signal(syscall.SIGTERM)
	}
	for i, p := range running {
		p.wait().ends(i)
	}
}

// A payload may ask to be traced by its parent, the supervisor; its stops are no ends.
func TestTracedPayload(t *testing.T) {
	c := slim("-c -e "+envHelper, helperInJail, busybox, "sh", "-c", "echo ran; exit 5")
	c.env = []string{envHelper + "=trace"}
	if r := run(t, c).ends(5); r.stdout != "ran\n" {
		t.Errorf("printed %q", r.stdout)
	}
}

// The C ujail signals a pid it may have reaped. Here the pid of the payload is
// given to another process as soon as it is free, under a storm of signals.
func TestD28ReusedPid(t *testing.T) {
	c := newBundle(t, script("echo ready; exit 0")).command()
	const last = "/proc/sys/kernel/ns_last_pid"
	for i := range rounds(t, 30) {
		p := start(t, c).until("ready")
		storm := make(chan bool)
		go func() {
			defer close(storm)
			for len(p.ended) == 0 {
				p.cmd.Process.Signal(syscall.SIGUSR1)
			}
		}()
		pid := 0
		for _, child := range children(p.pid()) {
			pid = child
		}
		for pid != 0 && len(p.ended) == 0 {
			if err := os.WriteFile(last, []byte(strconv.Itoa(pid-1)), 0); err != nil {
				t.Fatal(err)
			}
			victim := exec.Command(busybox, "usleep", "3000")
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			if err := victim.Wait(); err != nil {
				t.Errorf("round %d: process %d, not the payload %d of old, was hit: %v", i, victim.Process.Pid, pid, err)
			}
		}
		<-storm
		p.wait().ends(0)
	}
}
