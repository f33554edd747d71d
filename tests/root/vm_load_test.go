// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Many containers with limits, started and stopped over and over, while one of them runs out of memory all the time: each end has the right
// status, the limits hold for each, and nothing is left. With GOJAIL_STRESS they are 64, and it says how often.
func TestVMLoad(t *testing.T) {
	needs(t, "memory", "cpu", "pids")
	n, often := 10, rounds(t, 2)
	if os.Getenv("GOJAIL_STRESS") != "" {
		n = 64
	}
	bounds := func(memory int64) edit {
		return limited(func(r *specs.LinuxResources) {
			r.Memory = &specs.LinuxMemory{Limit: pointer(memory << 20), Swap: pointer(memory << 20)}
			r.CPU = &specs.LinuxCPU{Shares: pointer(uint64(1024))}
			r.Pids = &specs.LinuxPids{Limit: pointer(int64(16))}
		})
	}
	base := newBundle(t)
	hungry := base.sibling(args("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"), bounds(8)).command()
	var commands []command
	for i := range n {
		text := quietly("trap 'exit " + strconv.Itoa(i) + "' TERM; cat /mnt/memory.max")
		commands = append(commands, base.sibling(script(text), ownGroup, bounds(int64(8+i%8))).command("-t", "100"))
	}
	var done atomic.Bool
	var killed int
	var all sync.WaitGroup
	all.Go(func() {
		for ; !done.Load() || killed == 0; killed++ {
			run(t, hungry).ends(137)
		}
	})
	for round := range often {
		running := make([]*process, n)
		var starting sync.WaitGroup
		for first := range 4 { // so many at a time
			starting.Go(func() {
				for i := first; i < n; i += 4 {
					running[i] = start(t, commands[i])
					if !eventually(func() bool { return strings.Contains(running[i].out.String(), "ready\n") }) {
						t.Errorf("round %d: container %d does not start: %s", round, i, running[i].err)
					}
				}
			})
		}
		starting.Wait()
		for _, p := range running {
			p.cmd.Process.Signal(syscall.SIGTERM)
		}
		for i, p := range running {
			if r := p.wait().ends(i); r.stdout != strconv.Itoa((8+i%8)<<20)+"\nready\n" {
				t.Errorf("round %d: container %d printed %q", round, i, r.stdout)
			}
		}
		if t.Failed() {
			break
		}
	}
	done.Store(true)
	all.Wait()
	t.Logf("%d containers %d times, %d ran out of memory meanwhile", n, often, killed)
}
