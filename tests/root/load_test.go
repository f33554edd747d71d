// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// bare is the jail, of those of jails, whose processes nothing holds together: no pid namespace, no control group of its own. What its
// payload leaves behind is procd's to end, in the group that it makes for each service.
const bare = "slim bare"

// leftBehind checks what a payload has left: sleepers of a bare jail, which it ends, nothing of any other.
func leftBehind(t *testing.T, kind string) {
	t.Helper()
	found := 0
	clean := func() bool {
		list := strays()
		for _, s := range strings.Split(list, "; ") {
			pid, name, _ := strings.Cut(s, " ")
			if n, err := strconv.Atoi(pid); err == nil && kind == bare && strings.Contains(name, "busybox") {
				syscall.Kill(n, syscall.SIGKILL)
				found++
			}
		}
		return list == ""
	}
	if !eventually(clean) {
		t.Errorf("left: %s", strays())
	}
	if kind == bare && found == 0 {
		t.Error("nothing was left: the payload of this test does not do what it is for")
	}
}

// A payload that ignores TERM, and whose children do, gets KILL, and they end with it.
func TestTermIgnored(t *testing.T) {
	for kind, c := range jails(t, `trap "" TERM; sleep 4711 >/dev/null 2>&1 & echo ready; `+forever) {
		t.Run(kind, func(t *testing.T) {
			start(t, c).until("ready\n").signal(syscall.SIGTERM).wait().ends(137)
			leftBehind(t, kind)
		})
	}
}

// A payload that forks and ends has ended: its status is reported at once, and what it has left ends with it, however deep.
func TestForkAndExit(t *testing.T) {
	for name, text := range map[string]string{
		"one":     "sleep 4711 >/dev/null 2>&1 & exit 6",
		"a chain": `(trap "" HUP; (sleep 4711 & sleep 4711 & exec sleep 4711) & exec sleep 4711) >/dev/null 2>&1 & exit 6`,
		"many":    "i=0; while [ $i -lt 100 ]; do i=$((i+1)); sleep 4711 >/dev/null 2>&1 & done; exit 6",
	} {
		for kind, c := range jails(t, text) {
			t.Run(name+" "+kind, func(t *testing.T) {
				run(t, c).ends(6)
				leftBehind(t, kind)
			})
		}
	}
}

// The first process ends while others of its jail make new ones all the time.
func TestForkStorm(t *testing.T) {
	storm := `storm() { while :; do (storm2) & sleep 0.01; done; }; storm2() { sleep 4711 & sleep 0.01; exec sleep 4711; }
		(storm) >/dev/null 2>&1 & sleep 0.1; exit 6`
	for kind, c := range jails(t, storm) {
		if kind == bare {
			continue // nobody could end it
		}
		t.Run(kind, func(t *testing.T) {
			run(t, c).ends(6)
			leftBehind(t, kind)
		})
	}
}

// quietly is a payload that waits in a child, which a shell interrupts for its traps, and makes no others.
func quietly(setup string) string { return setup + "; echo ready; while :; do sleep 4711 & wait; done" }

// sibling is another bundle with the rootfs of b.
func (b *bundle) sibling(edits ...edit) *bundle {
	b.t.Helper()
	s := baseSpec()
	s.Root.Path = b.root()
	for _, e := range edits {
		e(s)
	}
	other := &bundle{t: b.t, name: newName(), spec: s}
	other.dir = filepath.Join(bundles, other.name)
	if err := os.Mkdir(other.dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { os.RemoveAll(other.dir) })
	return other
}

// Two hundred at once, started eight by eight, and ended all together, in every way: each has its own status, and nothing is left.
func TestTwoHundredAtOnce(t *testing.T) {
	const n, together = 200, 8
	base := newBundle(t)
	kinds := []func(text string) command{
		func(text string) command { return base.sibling(script(text)).command("-t", "20") },
		func(text string) command { return base.sibling(script(text), shifted).command("-t", "20") },
		func(text string) command {
			return base.sibling(script(text), withoutNamespace(specs.PIDNamespace)).command("-t", "20")
		},
		func(text string) command { return slim("-t 20 -p -N", sh(text)...) },
	}
	type jail struct {
		*process
		payload, code int
	}
	var jails []jail
	for i := 0; i < n; i += together {
		for k := range together {
			code := (i + k) % 100
			jails = append(jails, jail{process: start(t, kinds[k%len(kinds)](quietly("trap 'exit "+strconv.Itoa(code)+"' TERM"))), code: code})
		}
		for k := i; k < i+together; k++ {
			jails[k].until("ready\n")
			jails[k].payload = jails[k].process.payload()
		}
	}
	for i := range jails {
		j := &jails[i]
		switch i / together % 4 {
		case 0, 1:
			j.signal(syscall.SIGTERM)
		case 2:
			j.code = 137
			if err := syscall.Kill(j.payload, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		case 3: // the payload by itself
			if err := syscall.Kill(j.payload, syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}
	}
	for i := range jails {
		jails[i].wait().ends(jails[i].code)
	}
	if !eventually(func() bool { return strays() == "" }) {
		t.Errorf("left: %s", strays())
	}
}
