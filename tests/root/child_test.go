// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
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

// A child that needs more descriptors than it can be given at once is made otherwise.
func TestManyTrees(t *testing.T) {
	const many = 220
	edits := []edit{shifted, args("/bin/sh", "-c", "cat /m/0/f /m/219/f; wc -l </proc/self/mountinfo")}
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
	r := b.run().ok()
	if lines := strings.Fields(r.stdout); len(lines) != 3 || lines[0]+lines[1] != "xx" {
		t.Errorf("printed %q", r.stdout)
	} else if n, _ := strconv.Atoi(lines[2]); n < many {
		t.Errorf("%d mounts", n)
	}
}
