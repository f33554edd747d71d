// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The process that becomes the payload has nothing of the worker's memory: what that knows, of the host and of other files than the
// container's, cannot be read from it, and the kernel neither copies nor frees it.
func TestChildIsNoWorker(t *testing.T) {
	newBus(t)
	b, p := created(t, script("echo ran"))
	pid, err := strconv.Atoi(onBus(t, b.name)["pid"])
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(procPath(pid, "maps"))
	if err != nil {
		t.Fatal(err)
	}
	var program, writable int
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.Fields(line)
		if len(f) > 5 && strings.HasPrefix(f[5], "/memfd:program") {
			program++
		} else if strings.HasPrefix(f[1], "rw") {
			writable++
		}
	}
	if program != 1 || writable > 3 { // .data, .bss, the stack
		t.Errorf("%d mappings of its program, %d of other writable memory:\n%s", program, writable, text)
	}
	p.signal(syscall.SIGTERM).wait().ends(143)
}

const many = 220 // more trees than a child can be given descriptors

// manyTrees is a bundle with many mounts that the supervisor opens.
func manyTrees(t *testing.T, edits ...edit) *bundle {
	t.Helper()
	edits = append(edits, shifted)
	for i := range many {
		edits = append(edits, bind("/mnt/source", "/m/"+strconv.Itoa(i), "ro"))
	}
	b := newBundle(t, edits...)
	for i := range many {
		if err := os.MkdirAll(b.root("m", strconv.Itoa(i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("/mnt/source", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll("/mnt/source") })
	writeFile(t, "/mnt/source/f", "x\n", 0o644)
	return b
}

// A child that needs more descriptors than it can be given at once is made otherwise.
func TestManyTrees(t *testing.T) {
	r := manyTrees(t, script("cat /m/0/f /m/219/f; wc -l </proc/self/mountinfo")).run().ok()
	if lines := strings.Fields(r.stdout); len(lines) != 3 || lines[0]+lines[1] != "xx" {
		t.Errorf("printed %q", r.stdout)
	} else if n, _ := strconv.Atoi(lines[2]); n < many {
		t.Errorf("%d mounts", n)
	}
}

// Whoever makes the payload's process, it has the timers and the processors of the caller, not what the worker has for itself.
func TestInheritedScheduling(t *testing.T) {
	show := script("cat /proc/self/timerslack_ns; grep Cpus_allowed_list /proc/self/status")
	for name, b := range map[string]*bundle{"given its program": newBundle(t, show), "forked": manyTrees(t, show)} {
		t.Run(name, func(t *testing.T) {
			run(t, helped("slack", b.command())).ok().prints("123456\nCpus_allowed_list:\t0\n")
			ours := run(t, command{args: []string{"/bin/sh", "-c", "cat /proc/self/timerslack_ns; grep Cpus_allowed_list /proc/self/status"}}).ok()
			run(t, b.command()).prints(ours.stdout)
		})
	}
}

// Only the container is in its network namespace, though the supervisor has made that and been in it (src/resident/ahead.go).
func TestSupervisorsNetwork(t *testing.T) {
	ready := script(trapping)
	ours := namespaceOf(t, "self", "net")
	for name, c := range map[string]struct {
		command
		own bool
	}{
		"bundle":              {newBundle(t, ready).command(), true},
		"bundle with no new":  {newBundle(t, ready, withoutNamespace(specs.NetworkNamespace)).command(), false},
		"bundle with a user":  {newBundle(t, ready, shifted).command(), true},
		"bundle, many trees":  {manyTrees(t, ready).command(), true},
		"slim":                {slim("-p", sh(trapping)...), false},
		"slim with -N":        {slim("-p -N", sh(trapping)...), true},
		"slim with -N and -f": {slim("-p -N -f", sh(trapping)...), true},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, c.command).until("ready")
			if got := namespaceOf(t, strconv.Itoa(p.payload()), "net"); (got != ours) != c.own {
				t.Errorf("the payload's is %s, ours %s", got, ours)
			}
			if got := namespaceOf(t, strconv.Itoa(p.pid()), "net"); got != ours {
				t.Errorf("the supervisor's is %s, ours %s", got, ours)
			}
			p.signal(syscall.SIGTERM).wait()
		})
	}
	t.Run("fails", func(t *testing.T) { // with a namespace that was made for nothing
		newBundle(t, bind("/missing", "/mnt")).run().refused("/missing")
		newBundle(t, func(s *specs.Spec) { s.Process.Cwd = "" }).run().refused("cwd")
	})
}
