// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// asking calls a method of container.NAME and gives what it answers as text, a refusal too.
func asking(t *testing.T, name, method string, args func(w *blob.Builder)) (string, error) {
	t.Helper()
	limit := ubus.Within(patience)
	c, err := ubus.Dial(limit, ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	object, err := c.LookupID(limit, "container."+name)
	if err != nil {
		t.Fatal(err)
	}
	var data, w blob.Builder
	if args != nil {
		args(&data)
	}
	b, err := data.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	w.PutUint32(ubus.AttrObjID, object)
	w.PutString(ubus.AttrMethod, method)
	w.PutBytes(ubus.AttrData, b)
	body, _ := w.Bytes()
	said := ""
	_, err = c.Do(limit, &ubus.Request{Type: ubus.MsgInvoke, Peer: object, FD: -1, Body: body}, func(a *ubus.Attrs) { said = blob.Text(a.Data) })
	return said, err
}

// wants calls a method and checks its status and what it says.
func wants(t *testing.T, name, method string, want ubus.Status, says string, args func(w *blob.Builder)) string {
	t.Helper()
	said, err := asking(t, name, method, args)
	if want == ubus.StatusOK && err != nil || want != ubus.StatusOK && !isStatus(err, want) || !strings.Contains(said, says) {
		t.Errorf("%s: %v, says %q; want %v, %q", method, err, said, want, says)
	}
	return said
}

func killWith(signal string) func(w *blob.Builder) {
	return func(w *blob.Builder) { w.AddString("signal", signal) }
}

func ownCgroupFile(b *bundle, file string) string {
	return groups + "/containers/" + b.name + "/" + b.name + "/" + file
}

func inGroup(t *testing.T, b *bundle, file string) string {
	t.Helper()
	text, err := os.ReadFile(ownCgroupFile(b, file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// A paused container stands still, says so, and takes no signal that would only come later.
func TestPause(t *testing.T) {
	for kind, edits := range map[string][]edit{"pid namespace": nil, "none": {withoutNamespace(specs.PIDNamespace)}, "user namespace": {shifted}} {
		t.Run(kind, func(t *testing.T) {
			newBus(t)
			b, p := sleeper(t, edits...)
			onBus(t, b.name)
			wants(t, b.name, "resume", ubus.StatusInvalidArgument, "", nil)
			for range 3 {
				wants(t, b.name, "pause", ubus.StatusOK, "", nil)
				if got := onBus(t, b.name)["status"]; got != "paused" {
					t.Errorf("is %s", got)
				}
				if !strings.Contains(inGroup(t, b, "cgroup.events"), "frozen 1") {
					t.Error("does not stand still")
				}
				wants(t, b.name, "pause", ubus.StatusInvalidArgument, "", nil)
				wants(t, b.name, "start", ubus.StatusInvalidArgument, "", nil)
				wants(t, b.name, "exec", ubus.StatusInvalidArgument, "", func(w *blob.Builder) { w.OpenArray("args"); w.AddString("", "true"); w.Close() })
				wants(t, b.name, "kill", ubus.StatusPermissionDenied, "", killWith("HUP"))
				wants(t, b.name, "kill", ubus.StatusPermissionDenied, "", nil)
				wants(t, b.name, "kill", ubus.StatusOK, "", killWith("0"))
				wants(t, b.name, "stats", ubus.StatusOK, "usage_usec", nil)
				wants(t, b.name, "resume", ubus.StatusOK, "", nil)
				if got := onBus(t, b.name)["status"]; got != "running" {
					t.Errorf("is %s", got)
				}
			}
			if strings.Contains(p.out.String(), "hup") {
				t.Error("a refused signal has come")
			}
			wants(t, b.name, "kill", ubus.StatusOK, "", killWith("HUP"))
			p.until("hup")
			asleep(t, p)
			p.signal(syscall.SIGTERM).wait().ends(5)
		})
	}
}

// Whoever ends it, it ends: on TERM it goes on, to do what it does then.
func TestPausedEnds(t *testing.T) {
	const deaf = "trap '' TERM; echo up; " + forever
	for kind, edits := range map[string][]edit{"pid namespace": nil, "none": {withoutNamespace(specs.PIDNamespace)}} {
		for name, c := range map[string]struct {
			script string
			end    func(b *bundle, p *process)
			code   int
		}{
			"TERM":      {"", func(_ *bundle, p *process) { p.signal(syscall.SIGTERM) }, 5},
			"deaf":      {deaf, func(_ *bundle, p *process) { p.signal(syscall.SIGTERM) }, 137},
			"kill KILL": {deaf, func(b *bundle, _ *process) { wants(t, b.name, "kill", ubus.StatusOK, "", killWith("KILL")) }, 137},
			"KILL":      {deaf, func(_ *bundle, p *process) { syscall.Kill(p.payload(), syscall.SIGKILL) }, 137},
			"resident":  {deaf, func(_ *bundle, p *process) { p.signal(syscall.SIGKILL) }, 0},
		} {
			if kind == "none" && name == "resident" {
				continue // a child that is being made stands still, and stays: see TestOrphans
			}
			t.Run(kind+", "+name, func(t *testing.T) {
				newBus(t)
				b := newBundle(t, append([]edit{script("trap 'exit 5' TERM; echo up; " + forever)}, edits...)...)
				if c.script != "" {
					script(c.script)(b.spec)
				}
				p := b.start("-t", "1").until("up\n")
				onBus(t, b.name)
				payload := p.payload()
				wants(t, b.name, "pause", ubus.StatusOK, "", nil)
				if c.end(b, p); c.code != 0 {
					p.wait().ends(c.code)
					return
				}
				if p.wait(); !eventually(func() bool { return !alive(payload) }) {
					t.Fatalf("lives on: %c", state(payload))
				}
				p = b.start("-t", "1").until("up\n") // what it has left is no obstacle
				if got := onBus(t, b.name)["status"]; got != "running" {
					t.Errorf("is %s", got)
				}
				p.signal(syscall.SIGTERM).wait()
			})
		}
	}
}

// It is paused just when it is to end: TERM comes through all the same, and not only KILL after it.
func TestPauseRace(t *testing.T) {
	newBus(t)
	for range rounds(t, 12) {
		b, p := sleeper(t)
		onBus(t, b.name)
		asleep(t, p)
		called := make(chan bool)
		go func() {
			callWithin(time.Second, b.name, "pause", nil) // it may end before it answers
			called <- true
		}()
		time.Sleep(time.Duration(random.IntN(10000)) * time.Microsecond)
		p.signal(syscall.SIGTERM).wait().ends(5)
		<-called
	}
}

// One that waits for its start cannot be paused, but the rest works.
func TestPauseCreated(t *testing.T) {
	newBus(t)
	b, p := created(t, script("exit 4"))
	onBus(t, b.name)
	wants(t, b.name, "pause", ubus.StatusInvalidArgument, "", nil)
	wants(t, b.name, "stats", ubus.StatusOK, "usage_usec", nil)
	wants(t, b.name, "update", ubus.StatusOK, "", resources(map[string]string{"cgroup.max.depth": "3"}))
	if got := inGroup(t, b, "cgroup.max.depth"); got != "3" {
		t.Error(got)
	}
	wants(t, b.name, "start", ubus.StatusOK, "", nil)
	p.wait().ends(4)
}

// On a machine without cgroup v2 a container runs, without these methods, and its limits are refused with the reason.
func TestNoCgroup2(t *testing.T) {
	newBus(t)
	b := newBundle(t, script(untilTerm))
	p := start(t, withoutCgroup2(b.command())).until("ready\n")
	onBus(t, b.name)
	for _, method := range words("pause resume stats update reclaim") {
		wants(t, b.name, method, ubus.StatusNotSupported, "", nil)
	}
	p.signal(syscall.SIGTERM).wait().ends(0)
	pids := int64(5)
	limited := newBundle(t, args("/bin/true"), func(s *specs.Spec) { s.Linux.Resources = &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &pids}} })
	if r := run(t, withoutCgroup2(limited.command())).ends(1); !strings.Contains(r.stderr, "linux.resources.pids.limit") || !strings.Contains(r.stderr, "limits need cgroup v2") {
		t.Errorf("says %q", r.stderr)
	}
}

// withoutCgroup2 runs it as on such a machine.
func withoutCgroup2(c command) command {
	c = shelled(busybox+" umount /sys/fs/cgroup", c)
	c.attr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	return c
}

// resources are the arguments of update that set files of the control group.
func resources(unified map[string]string) func(w *blob.Builder) {
	return func(w *blob.Builder) {
		w.OpenTable("resources")
		w.OpenTable("unified")
		for file, value := range unified {
			w.AddString(file, value)
		}
		w.Close()
		w.Close()
	}
}

// All of an update holds, or none of it; a refusal says what of it, and why.
func TestUpdate(t *testing.T) {
	newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	wants(t, b.name, "update", ubus.StatusOK, "", resources(map[string]string{"cgroup.max.depth": "3", "cgroup.max.descendants": "4"}))
	for file, want := range map[string]string{"cgroup.max.depth": "3", "cgroup.max.descendants": "4"} {
		if got := inGroup(t, b, file); got != want {
			t.Errorf("%s is %s", file, got)
		}
	}
	wants(t, b.name, "update", ubus.StatusInvalidArgument, `resources.unified.cgroup.max.descendants: write \"many\" to`,
		resources(map[string]string{"cgroup.max.depth": "5", "cgroup.max.descendants": "many"}))
	if got := inGroup(t, b, "cgroup.max.depth"); got != "3" {
		t.Errorf("what came before the refused one has become %s", got)
	}
	table := func(name string, add func(w *blob.Builder)) func(w *blob.Builder) {
		return func(w *blob.Builder) {
			w.OpenTable("resources")
			w.OpenTable(name)
			add(w)
			w.Close()
			w.Close()
		}
	}
	for says, c := range map[string]struct {
		status ubus.Status
		add    func(w *blob.Builder)
	}{
		"resources: is required":        {ubus.StatusInvalidArgument, nil},
		"resources: is required, ":      {ubus.StatusInvalidArgument, func(w *blob.Builder) { w.AddString("resources", "x") }},
		"resources: ask for no":         {ubus.StatusInvalidArgument, func(w *blob.Builder) { w.OpenTable("resources"); w.Close() }},
		"resources: memory.limit: ":     {ubus.StatusInvalidArgument, table("memory", func(w *blob.Builder) { w.AddString("limit", "much") })},
		"resources: memory.swappiness":  {ubus.StatusInvalidArgument, table("memory", func(w *blob.Builder) { w.AddInt32("swappiness", 3) })},
		"resources: devices: is empty":  {ubus.StatusInvalidArgument, func(w *blob.Builder) { w.OpenTable("resources"); w.OpenArray("devices"); w.Close(); w.Close() }},
		"resources.unified.memory.high": {ubus.StatusNotSupported, resources(map[string]string{"memory.high": "64M"})},
	} {
		if strings.Contains(says, "memory.high") && hasController("memory") {
			continue
		}
		wants(t, b.name, "update", c.status, says, c.add)
	}
	asleep(t, p)
	p.signal(syscall.SIGTERM).wait().ends(5)
}

func hasController(name string) bool {
	text, _ := os.ReadFile(groups + "/cgroup.controllers")
	for _, c := range strings.Fields(string(text)) {
		if c == name {
			return true
		}
	}
	return false
}

// Other device rules take the place of those before, whether there were some or not.
func TestUpdateDevices(t *testing.T) {
	kmsg := specs.LinuxDevice{Path: "/dev/kmsg", Type: "c", Major: 1, Minor: 11}
	for name, before := range map[string]edit{"none": func(*specs.Spec) {}, "some": deviceRules(denyAll, specs.LinuxDeviceCgroup{Allow: true})} {
		t.Run(name, func(t *testing.T) {
			_, p, e := host(t, before, capabilities("CAP_MKNOD", "CAP_SYSLOG", "CAP_SYS_ADMIN"), func(s *specs.Spec) {
				s.Linux.Devices = []specs.LinuxDevice{kmsg, {Path: "/dev/mem", Type: "c", Major: 1, Minor: 1}}
				s.Linux.Devices = s.Linux.Devices[:1]
			})
			name := nameOf(t, p)
			try := func(want string) {
				t.Helper()
				if got := e.sh("rm -f /dev/f; mknod /dev/f c 1 7; (exec </dev/f) 2>/dev/null && echo full; mknod /dev/r c 10 200 2>/dev/null; (exec </dev/r) 2>&1 | grep -o 'not permitted'; (exec </dev/kmsg) 2>/dev/null && echo kmsg; true"); got != want {
					t.Errorf("can use %q, want %q", got, want)
				}
			}
			rule := func(list ...specs.LinuxDeviceCgroup) func(w *blob.Builder) {
				return func(w *blob.Builder) {
					w.OpenTable("resources")
					w.OpenArray("devices")
					for _, r := range list {
						w.OpenTable("")
						w.AddBool("allow", r.Allow)
						if r.Type != "" {
							w.AddString("type", r.Type)
						}
						w.Close()
					}
					w.Close()
					w.Close()
				}
			}
			wants(t, name, "update", ubus.StatusOK, "", rule(denyAll))
			try("full\nnot permitted\nkmsg\n") // the default ones, and linux.devices
			for range 3 {
				wants(t, name, "update", ubus.StatusOK, "", rule(denyAll, specs.LinuxDeviceCgroup{Allow: true, Type: "c"}))
			}
			try("full\nkmsg\n")
			wants(t, name, "update", ubus.StatusInvalidArgument, "resources: devices[0].type", rule(specs.LinuxDeviceCgroup{Type: "q"}))
			wants(t, name, "update", ubus.StatusOK, "", rule(denyAll))
			try("full\nnot permitted\nkmsg\n")
			p.signal(syscall.SIGTERM).wait().ends(5)
		})
	}
}

func nameOf(t *testing.T, p *process) string {
	t.Helper()
	for i, a := range p.cmd.Args {
		if a == "-n" {
			return p.cmd.Args[i+1]
		}
	}
	t.Fatal("no name")
	return ""
}

func limitTo(what string, bytes int64) func(w *blob.Builder) {
	return func(w *blob.Builder) {
		w.OpenTable("resources")
		w.OpenTable("memory")
		w.AddInt64(what, bytes)
		w.AddBool("checkBeforeUpdate", true)
		w.Close()
		w.Close()
	}
}

// The methods with every controller.
func TestVMUpdate(t *testing.T) {
	needs(t, "memory", "cpu", "cpuset", "pids", "io")
	newBus(t)
	b, p := sleeper(t, limited(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: pointer(int64(64 << 20))}
		r.CPU = &specs.LinuxCPU{Quota: pointer(int64(50000)), Period: pointer(uint64(100000))}
	}))
	onBus(t, b.name)
	wants(t, b.name, "stats", ubus.StatusOK, `"memory":{"current":`, nil)
	for _, want := range words(`"limit":67108864 "quota_usec":50000 "oom_kill":0 "anon": "pids":{"current": "pressure":{"cpu":{"some":{"avg10":`) {
		wants(t, b.name, "stats", ubus.StatusOK, want, nil)
	}
	wants(t, b.name, "update", ubus.StatusOK, "", limitTo("limit", 32<<20))
	wants(t, b.name, "update", ubus.StatusInvalidArgument, "memory.checkBeforeUpdate", limitTo("limit", 4096))
	if got := inGroup(t, b, "memory.max"); got != strconv.Itoa(32<<20) {
		t.Errorf("memory.max is %s", got)
	}
	wants(t, b.name, "update", ubus.StatusOK, "", func(w *blob.Builder) {
		w.OpenTable("resources")
		w.OpenTable("cpu")
		w.AddInt32("period", 20000)
		w.AddString("cpus", "0") // its controller is not switched on so far
		w.Close()
		w.OpenTable("pids")
		w.AddInt32("limit", 77)
		w.Close()
		w.Close()
	})
	for file, want := range map[string]string{"cpu.max": "50000 20000", "cpuset.cpus": "0", "pids.max": "77"} {
		if got := inGroup(t, b, file); got != want {
			t.Errorf("%s is %q", file, got)
		}
	}
	wants(t, b.name, "update", ubus.StatusInvalidArgument, `resources.cpu.cpus: write \"4000\" to`, func(w *blob.Builder) {
		w.OpenTable("resources")
		w.OpenTable("cpu")
		w.AddInt32("quota", 10000)
		w.AddString("cpus", "4000")
		w.Close()
		w.Close()
	})
	if got := inGroup(t, b, "cpu.max"); got != "50000 20000" {
		t.Errorf("cpu.max is %s", got)
	}
	if _, err := os.Stat(ownCgroupFile(b, "memory.reclaim")); err == nil {
		wants(t, b.name, "reclaim", ubus.StatusOK, `"reclaimed":`, func(w *blob.Builder) { w.AddInt64("bytes", 1<<30) })
	}
	wants(t, b.name, "reclaim", ubus.StatusInvalidArgument, "bytes", nil)
	asleep(t, p)
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// What the kernel has killed for want of memory is said so, in one line and to poststop hooks; what somebody else has killed is not.
func TestVMOutOfMemorySaid(t *testing.T) {
	needs(t, "memory")
	small := limited(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: pointer(int64(16 << 20)), Swap: pointer(int64(16 << 20))}
	})
	const line = "killed by the kernel, out of memory"
	b := newBundle(t, args("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"), small, hooks("poststop", "cat >&2"))
	if r := b.run().ends(137); strings.Count(r.stderr, line) != 1 || !strings.Contains(r.stderr, "ujail: "+b.name+": "+line) ||
		!strings.Contains(r.stderr, `"org.openwrt.gojail.oom":"1"`) {
		t.Errorf("says %q", r.stderr)
	}
	b = newBundle(t, script(untilTerm), small, hooks("poststop", "cat >&2"))
	p := b.start().until("ready\n")
	syscall.Kill(p.payload(), syscall.SIGKILL)
	if r := p.wait().ends(137); strings.Contains(r.stderr, "memory") || strings.Contains(r.stderr, "gojail.oom") {
		t.Errorf("says %q", r.stderr)
	}
	// a child of the payload's: that goes on
	b = newBundle(t, script("dd if=/dev/zero of=/dev/null bs=64M count=1; echo $?"), small)
	if r := b.run().ends(0); r.stdout != "137\n" || strings.Contains(r.stderr, line) {
		t.Errorf("printed %q, says %q", r.stdout, r.stderr)
	}
}

// Many containers with limits are started and ended, while another one is killed for want of memory over and over: each has its own status,
// nobody but that one is killed, and nothing is left.
func TestVMLoad(t *testing.T) {
	needs(t, "memory", "cpu", "pids")
	const n, together = 64, 8
	small := limited(func(r *specs.LinuxResources) {
		r.Memory = &specs.LinuxMemory{Limit: pointer(int64(16 << 20)), Swap: pointer(int64(16 << 20))}
		r.CPU = &specs.LinuxCPU{Shares: pointer(uint64(512))}
		r.Pids = &specs.LinuxPids{Limit: pointer(int64(16))}
	})
	base := newBundle(t)
	hungry := base.sibling(args("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"), small).command()
	stop, killed := make(chan bool, 1), make(chan int)
	go func() {
		times := 0
		for ; len(stop) == 0; times++ {
			c := exec.Command(hungry.args[0], hungry.args[1:]...)
			text, _ := c.CombinedOutput()
			if c.ProcessState.ExitCode() != 137 || !strings.Contains(string(text), "out of memory") {
				t.Errorf("the hungry one: %v, says %q", c.ProcessState, text)
			}
		}
		killed <- times
	}()
	var list []command
	for i := range n {
		list = append(list, base.sibling(script(quietly("trap 'exit "+strconv.Itoa(i)+"' TERM")), small).command("-t", "60"))
	}
	for range rounds(t, 1) {
		var running []*process
		for i := 0; i < n; i += together {
			for _, c := range list[i : i+together] {
				running = append(running, start(t, c))
			}
			for _, p := range running[i:] {
				p.until("ready\n")
			}
		}
		for _, p := range running {
			p.signal(syscall.SIGTERM)
		}
		for i, p := range running {
			if r := p.wait().ends(i); strings.Contains(r.stderr, "memory") {
				t.Errorf("says %q", r.stderr)
			}
		}
	}
	stop <- true
	times := <-killed
	t.Logf("the hungry one was killed %d times", times)
	if s := strays(); s != "" {
		t.Errorf("left processes: %s", s)
	}
}
