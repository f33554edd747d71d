// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gojail/tests/procd"
)

// asProcd starts the instance as procd does (service/instance.c, instance_run): with its limits, its environment and what is left of
// procd's own, in its cgroup, and with stdout and stderr only if they are asked for.
func asProcd(t testing.TB, in *procd.Instance) *process {
	t.Helper()
	watch(t)
	setup := "exec </dev/null\n"
	if in.Nice != 0 {
		setup += fmt.Sprintf("renice -n %d -p $$ >/dev/null\n", in.Nice)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Limits)) {
		for i, value := range strings.Fields(in.Limits[name]) {
			setup += "ulimit -" + "SH"[i:i+1] + ulimit(t, name, value) + "\n"
		}
	}
	if !in.Stdout {
		setup += "exec >/dev/null\n"
	}
	if !in.Stderr {
		setup += "exec 2>/dev/null\n"
	}
	if in.Stdout {
		setup += "export LD_PRELOAD=/lib/libsetlbf.so"
	}
	line := in.Line()
	line[0] = ujailPath
	c := shelled(setup, command{args: line, env: []string{"SECRET=procd's own"}})
	for name, value := range in.Env {
		c.env = append(c.env, name+"="+value)
	}
	if cgroup := procdCgroup(t, in.Jail.Name); cgroup >= 0 {
		c.attr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: cgroup}
	}
	return start(t, c)
}

// ulimit is what the shell calls a limit, and its value in the shell's units.
func ulimit(t testing.TB, name, value string) string {
	t.Helper()
	of := map[string]struct {
		letter string
		unit   uint64
	}{"as": {"v", 1024}, "core": {"c", 512}, "data": {"d", 1024}, "fsize": {"f", 512}, "memlock": {"l", 1024}, "nofile": {"n", 1}, "stack": {"s", 1024}}[name]
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || of.unit == 0 || n%of.unit != 0 {
		t.Fatalf("limit %s=%s: %v", name, value, err)
	}
	return of.letter + " " + strconv.FormatUint(n/of.unit, 10)
}

// procdCgroup makes the cgroup of an instance, and removes it as procd does not. It is -1 where the world has none.
func procdCgroup(t testing.TB, name string) int {
	t.Helper()
	const base = "/sys/fs/cgroup"
	if _, err := os.Stat(base + "/cgroup.procs"); err != nil {
		return -1
	}
	dir := base + "/services/" + name + "/" + name
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		for _, d := range []string{dir, base + "/services/" + name, base + "/services"} {
			if err := os.Remove(d); err != nil {
				t.Error(err)
			}
		}
	})
	return int(f.Fd())
}

// The table, under the command lines that procd makes of it.
func TestProcdLine(t *testing.T) {
	for name, c := range procdCases() {
		t.Run(name, func(t *testing.T) {
			c.ready(t)
			if c.in.Jail.Log {
				procd.Listen(t)
			}
			if c.in.Jail.Ubus {
				newBus(t)
			}
			if r := asProcd(t, &c.in).wait().ends(c.code); r.stdout != c.want || r.stderr != c.stderr {
				t.Errorf("printed %q, want %q; said %q, want %q", r.stdout, c.want, r.stderr, c.stderr)
			}
		})
	}
}

// Limits that leave the Go runtime no room: as on a router the supervisor may raise them for its workers, and the payload has them.
func TestVMProcdLimits(t *testing.T) {
	const sysResource = 24
	text, _ := os.ReadFile("/proc/self/status")
	if caps, err := strconv.ParseUint(status(t, string(text), "CapEff"), 16, 64); err != nil || caps>>sysResource&1 == 0 {
		if os.Getenv("GOJAIL_VM") != "" {
			t.Fatal("the machine has no CAP_SYS_RESOURCE")
		}
		t.Skip("SKIPPED: this machine gives no CAP_SYS_RESOURCE: make test-vm")
	}
	c := procdCase{script: showLimits, want: "Max data size 2097152 2097152 bytes \nMax stack size 8388608 unlimited bytes \nMax core file size 0 0 bytes \n" +
		"Max open files 20 20 files \nMax address space 16777216 16777216 bytes \n", in: procd.Instance{Jail: &procd.Jail{Procfs: true}, Limits: map[string]string{
		"nofile": "20 20", "as": "16777216 16777216", "data": "2097152 2097152", "stack": "8388608", "core": "0 0"}}}
	c.ready(t)
	if r := asProcd(t, &c.in).wait().ends(0); r.stdout != c.want || r.stderr != "" {
		t.Errorf("printed %q, want %q; said %q", r.stdout, c.want, r.stderr)
	}
}
