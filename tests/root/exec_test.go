// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// execer calls exec of one container, and has subscribed to its ends.
type execer struct {
	t      testing.TB
	c      *ubus.Client
	object uint32
	ends   map[int]int // pid -> status, of those that nobody has asked for yet
}

// execIn waits until the container is on the bus.
func execIn(t testing.TB, name string) *execer {
	t.Helper()
	e := &execer{t: t, ends: map[int]int{}}
	var err error
	if !eventually(func() bool {
		if e.c == nil {
			e.c, err = ubus.Dial(ubus.Within(patience), ubus.Path)
		}
		if e.c != nil {
			e.object, err = e.c.LookupID(ubus.Within(patience), "container."+name)
		}
		return err == nil
	}) {
		t.Fatal(err)
	}
	t.Cleanup(e.c.Close)
	own, err := e.c.AddObject(ubus.Within(patience), "", nil)
	if err == nil {
		err = e.c.Subscribe(ubus.Within(patience), own, e.object)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// request is the arguments of a call.
type request struct {
	args, env, caps []string
	cwd, user       string
}

func (q request) data() []byte {
	var w blob.Builder
	list := func(name string, l []string) {
		if l != nil {
			w.OpenArray(name)
			for _, s := range l {
				w.AddString("", s)
			}
			w.Close()
		}
	}
	list("args", q.args)
	list("env", q.env)
	list("capabilities", q.caps)
	if q.cwd != "" {
		w.AddString("cwd", q.cwd)
	}
	if q.user != "" {
		w.AddString("user", q.user)
	}
	b, _ := w.Bytes()
	return b
}

// call gives the pid, or what is said in place of it.
func (e *execer) call(data []byte, fd int) (pid int, said string, exit int, err error) {
	var fields []byte
	_, err = e.c.Do(ubus.Within(patience), &ubus.Request{Type: ubus.MsgInvoke, Peer: e.object, FD: fd, Body: func() []byte {
		var w blob.Builder
		w.PutUint32(ubus.AttrObjID, e.object)
		w.PutString(ubus.AttrMethod, "exec")
		w.PutBytes(ubus.AttrData, data)
		b, _ := w.Bytes()
		return b
	}()}, func(a *ubus.Attrs) { fields = slices.Clone(a.Data) })
	for d := blob.NewFields(fields); d.Next(); {
		switch d.Name() {
		case "pid":
			pid = int(d.Uint32())
		case "error":
			said = d.Text()
		case "exit":
			exit = int(d.Uint32())
		}
	}
	return pid, said, exit, err
}

// start makes a process, with fd as its standard input, output and error, or -1.
func (e *execer) start(q request, fd int) int {
	e.t.Helper()
	pid, said, _, err := e.call(q.data(), fd)
	if err != nil || pid <= 0 {
		e.t.Fatalf("exec %v: pid %d, %v: %s", q.args, pid, err, said)
	}
	return pid
}

// end waits for the word that a process has ended.
func (e *execer) end(pid int) int {
	e.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if status, ok := e.ends[pid]; ok {
			delete(e.ends, pid)
			return status
		}
		in, err := e.c.Receive(ubus.At(deadline))
		if err != nil {
			e.t.Fatalf("the end of %d: %v", pid, err)
		}
		if in.Kind != ubus.KindCall || in.Method != "exec.exit" {
			continue
		}
		ended, status := 0, -1
		for d := blob.NewFields(in.Data); d.Next(); {
			switch d.Name() {
			case "pid":
				ended = int(d.Uint32())
			case "status":
				status = int(d.Uint32())
			}
		}
		if _, twice := e.ends[ended]; twice {
			e.t.Errorf("the end of %d is told twice", ended)
		}
		e.ends[ended] = status
	}
}

// run runs a process to its end and gives what it has printed.
func (e *execer) run(q request) (output string, status int) {
	e.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		e.t.Fatal(err)
	}
	defer r.Close()
	pid := e.start(q, int(w.Fd()))
	w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(text), e.end(pid)
}

// sh runs a shell script.
func (e *execer) sh(text string) string {
	e.t.Helper()
	out, status := e.run(request{args: []string{"/bin/sh", "-c", text}})
	if status != 0 {
		e.t.Errorf("%s: status %d, printed %q", text, status, out)
	}
	return out
}

// host waits as the payload of a container that processes are made in.
func host(t *testing.T, edits ...edit) (*bundle, *process, *execer) {
	t.Helper()
	newBus(t)
	b, p := sleeper(t, edits...)
	return b, p, execIn(t, b.name)
}

// Everything that a process of the container has, one that is made later has too.
func TestExec(t *testing.T) {
	kinds := map[string]edit{
		"plain":          func(*specs.Spec) {},
		"user namespace": shifted,
		"all namespaces": func(s *specs.Spec) {
			shifted(s)
			namespace(specs.CgroupNamespace, "")(s)
			namespace(specs.TimeNamespace, "")(s)
		},
		"no pid namespace": withoutNamespace(specs.PIDNamespace),
		"a user":           user(1000, 1001, 7, 8),
		"capabilities":     capabilities("CAP_KILL", "CAP_CHOWN"),
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			score := 77
			b, p, e := host(t, writable, kind, func(s *specs.Spec) {
				s.Process.OOMScoreAdj = &score
				s.Process.Rlimits = append(s.Process.Rlimits, specs.POSIXRlimit{Type: "RLIMIT_CORE", Soft: 5, Hard: 6})
				s.Process.User.Umask = new(uint32)
				*s.Process.User.Umask = 0o27
			})
			asleep(t, p)
			payload := p.payload()
			// what is told of it from inside, and how often it is itself (but for the shell's children)
			for _, file := range []string{"limits", "oom_score_adj", "cgroup", "uid_map", "mountinfo", "personality"} {
				want, err := os.ReadFile(procPath(payload, file))
				if err != nil {
					t.Fatal(err)
				}
				got := e.sh("cat /proc/self/" + file)
				if file == "cgroup" || file == "uid_map" || file == "mountinfo" { // as seen from here they are others
					want = []byte(e.sh("cat /proc/" + inside(t, payload) + "/" + file))
				}
				if got != string(want) {
					t.Errorf("%s:\n%swant\n%s", file, got, want)
				}
			}
			was, err := os.ReadFile(procPath(payload, "status"))
			if err != nil {
				t.Fatal(err)
			}
			is := e.sh("cat /proc/self/status")
			if strings.Contains(name, "namespace") && name != "no pid namespace" { // ids as seen from there
				was = []byte(e.sh("cat /proc/1/status"))
			}
			for _, field := range words("Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp SigBlk SigIgn Umask Speculation_Store_Bypass Cpus_allowed") {
				if got, want := status(t, is, field), status(t, string(was), field); got != want {
					t.Errorf("%s is %q, want %q", field, got, want)
				}
			}
			for _, ns := range words("cgroup ipc mnt net pid time user uts") {
				if got, want := strings.TrimSpace(e.sh("readlink /proc/self/ns/"+ns)), namespaceOf(t, strconv.Itoa(payload), ns); got != want {
					t.Errorf("%s namespace %s, want %s", ns, got, want)
				}
			}
			if got := e.sh("ls /proc/self/fd; tr '\\0' '\\n' </proc/self/environ; pwd; readlink /proc/self/root"); !strings.HasPrefix(got, "0\n1\n2\n3\n") ||
				!strings.HasSuffix(got, "container=ujail\n"+strings.Join(b.spec.Process.Env, "\n")+"\n/\n/\n") {
				t.Errorf("sees %q", got)
			}
			asleep(t, p)
			p.signal(syscall.SIGTERM).wait().ends(5)
		})
	}
}

// inside is the pid of a process in its own pid namespace.
func inside(t testing.TB, pid int) string {
	t.Helper()
	text, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(status(t, string(text), "NSpid"))
	return f[len(f)-1]
}

// What the call asks for is so.
func TestExecRequest(t *testing.T) {
	_, p, e := host(t, user(9, 9, 9))
	for name, c := range map[string]struct {
		q    request
		want string
	}{
		"environment": {request{args: words("sh -c env"), env: []string{"TERM=dumb", "NEW=a b"}},
			"container=ujail\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nTERM=dumb\nNEW=a b\nSHLVL=1\nPWD=/\n"},
		"directory":      {request{args: words("pwd"), cwd: "/srv"}, "/srv\n"},
		"as configured":  {request{args: words("id")}, "uid=9 gid=9 groups=9\n"},
		"name":           {request{args: words("id"), user: "web"}, "uid=1234(web) gid=1235(web) groups=1235(web),2001(media),2002(backup)\n"},
		"name and group": {request{args: words("id"), user: "web:backup"}, "uid=1234(web) gid=2002(backup)\n"},
		"capability":     {request{args: words("grep CapBnd /proc/self/status"), caps: []string{"CAP_NET_RAW"}}, "CapBnd:\t" + bits(5, 10, 13, 29) + "\n"},
		"look-up":        {request{args: words("echo found"), env: []string{"PATH=/nowhere:/bin"}}, "found\n"},
	} {
		out, status := e.run(c.q)
		if status != 0 || sortLines(out) != sortLines(c.want) {
			t.Errorf("%s: status %d, %q, want %q", name, status, out, c.want)
		}
	}
	for _, code := range []int{0, 1, 77, 255} {
		if pid := e.start(request{args: []string{"sh", "-c", "exit " + strconv.Itoa(code)}}, -1); e.end(pid) != code {
			t.Errorf("exit status %d is told as another", code)
		}
	}
	pid := e.start(request{args: words("sleep 1000")}, -1)
	for fd := range 3 {
		if to, _ := os.Readlink(procPath(pid, "fd/"+strconv.Itoa(fd))); to != "/dev/null" {
			t.Errorf("descriptor %d is %s", fd, to)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if s := e.end(pid); s != 137 {
		t.Errorf("killed: status %d", s)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

func sortLines(s string) string {
	l := strings.Split(s, "\n")
	slices.Sort(l)
	return strings.Join(l, "\n")
}

// What cannot be is said, with the status of a shell where it is the program.
func TestExecRefused(t *testing.T) {
	b, p, e := host(t, writable)
	b.write("bin/plain", "x", 0o644).write("bin/orphan", "#!/nonexistent\n", 0o755).write("bin/nothing", "\x01\x02", 0o755)
	e.sh(":")
	asleep(t, p)
	before := descriptors(t, p.pid())
	for name, c := range map[string]struct {
		q      request
		status ubus.Status
		exit   int
		says   string
	}{
		"not found":          {request{args: words("nosuch")}, ubus.StatusNotFound, 127, "not found in $PATH"},
		"no such file":       {request{args: words("/nosuch")}, ubus.StatusNotFound, 127, "/nosuch"},
		"no interpreter":     {request{args: words("/bin/orphan")}, ubus.StatusNotFound, 127, "interpreter"},
		"not executable":     {request{args: words("/bin/plain")}, ubus.StatusPermissionDenied, 126, "permission denied"},
		"a directory":        {request{args: words("/bin")}, ubus.StatusPermissionDenied, 126, "permission denied"},
		"no program":         {request{args: words("/bin/nothing")}, ubus.StatusPermissionDenied, 126, "neither a program"},
		"no arguments":       {request{}, ubus.StatusInvalidArgument, 0, "args"},
		"empty name":         {request{args: []string{""}}, ubus.StatusInvalidArgument, 0, "args"},
		"relative directory": {request{args: words("true"), cwd: "srv"}, ubus.StatusInvalidArgument, 0, "cwd"},
		"missing directory":  {request{args: words("true"), cwd: "/nosuch"}, ubus.StatusUnknownError, 0, "/nosuch"},
		"environment":        {request{args: words("true"), env: words("A")}, ubus.StatusInvalidArgument, 0, "env["},
		"unknown user":       {request{args: words("true"), user: "nosuch"}, ubus.StatusInvalidArgument, 0, "nosuch"},
		"unknown group":      {request{args: words("true"), user: "web:nosuch"}, ubus.StatusInvalidArgument, 0, "nosuch"},
	} {
		pid, said, exit, err := e.call(c.q.data(), -1)
		if !errors.Is(err, c.status) || exit != c.exit || !strings.Contains(said, c.says) || pid != 0 {
			t.Errorf("%s: %v, exit %d, pid %d, says %q; want %v, %d, %q", name, err, exit, pid, said, c.status, c.exit, c.says)
		}
	}
	var w blob.Builder
	w.AddString("args", "true")
	wrong, _ := w.Bytes()
	for name, data := range map[string][]byte{"a string": wrong, "garbage": {1, 2, 3}} {
		if _, _, _, err := e.call(data, -1); !errors.Is(err, ubus.StatusInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if _, said, _, err := e.call(request{args: words("true")}.data(), int(dir.Fd())); !errors.Is(err, ubus.StatusInvalidArgument) || !strings.Contains(said, "directory") {
		t.Errorf("a directory as standard input: %v, %q", err, said)
	}
	asleep(t, p)
	sameDescriptors(t, p, before)
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// sameDescriptors waits until the resident has as many as before: it drops some when its worker has ended.
func sameDescriptors(t *testing.T, p *process, before int) {
	t.Helper()
	after := 0
	if !eventually(func() bool { after = descriptors(t, p.pid()); return after == before }) {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// A process ends with its container, whatever namespaces that has.
func TestExecEndsWithTheContainer(t *testing.T) {
	for name, kind := range map[string]edit{"pid namespace": func(*specs.Spec) {}, "no pid namespace": withoutNamespace(specs.PIDNamespace)} {
		for how, signal := range map[string]syscall.Signal{"TERM": syscall.SIGTERM, "the supervisor is killed": syscall.SIGKILL} {
			t.Run(name+", "+how, func(t *testing.T) {
				b, p, e := host(t, kind)
				pid := e.start(request{args: []string{"sh", "-c", "trap '' TERM HUP; " + forever}}, -1)
				p.signal(signal)
				if r := p.wait(); signal == syscall.SIGTERM {
					r.ends(5)
				}
				if !eventually(func() bool { return !alive(pid) }) {
					t.Errorf("it lives: %c", state(pid))
				}
				if !eventually(func() bool { // their children, too
					events, err := os.ReadFile(groups + "/containers/" + b.name + "/" + b.name + "/cgroup.events")
					return err != nil || strings.Contains(string(events), "populated 0")
				}) {
					t.Error("something is left in the control group")
				}
				if signal == syscall.SIGKILL { // what is left the next start removes
					b.start().until("up\n").signal(syscall.SIGTERM).wait().ends(5)
				}
			})
		}
	}
}

// A created container has nothing to join yet.
func TestExecTooEarly(t *testing.T) {
	newBus(t)
	b, p := created(t, script("exit 4"))
	onBus(t, b.name)
	if _, err := call(b.name, "exec", func(w *blob.Builder) { w.OpenArray("args"); w.AddString("", "true"); w.Close() }); !isStatus(err, ubus.StatusInvalidArgument) {
		t.Error(err)
	}
	if _, err := call(b.name, "start", nil); err != nil {
		t.Error(err)
	}
	p.wait().ends(4)
}

// The container's seccomp filter is that of every process in it.
func TestExecSeccomp(t *testing.T) {
	both(t, func(t *testing.T, when edit) {
		_, p, e := host(t, when, filter(specs.ActAllow, errnoRule(syscall.EXDEV, "mkdir", "mkdirat")))
		out, status := e.run(request{args: []string{"sh", "-c", "mkdir /dev/shm/x; grep Seccomp: /proc/self/status"}})
		if out != "mkdir: can't create directory '/dev/shm/x': Invalid cross-device link\nSeccomp:\t2\n" || status != 0 {
			t.Errorf("status %d, printed %q", status, out)
		}
		p.signal(syscall.SIGTERM).wait().ends(5)
	})
	t.Run("listener", func(t *testing.T) {
		both(t, func(t *testing.T, when edit) {
			a := newAgent(t, syscall.EXDEV)
			_, p, e := host(t, when, a.asked("", "mkdir", "mkdirat"))
			first := <-a.state
			out, _ := e.run(request{args: []string{"sh", "-c", "mkdir /dev/shm/x"}})
			if out != "mkdir: can't create directory '/dev/shm/x': Invalid cross-device link\n" {
				t.Errorf("printed %q", out)
			}
			if state := <-a.state; state.State.Status != specs.StateRunning || state.State.Pid != first.Pid || state.Pid == first.Pid {
				t.Errorf("the agent was told %+v", state)
			}
			p.signal(syscall.SIGTERM).wait().ends(5)
		})
	})
	t.Run("forbidden", func(t *testing.T) {
		_, p, e := host(t, newPrivileges, filter(specs.ActAllow, errnoRule(syscall.EPERM, "setsid")))
		if _, said, _, err := e.call(request{args: words("true")}.data(), -1); !errors.Is(err, ubus.StatusInvalidArgument) || !strings.Contains(said, "linux.seccomp: forbids setsid") {
			t.Errorf("%v: %q", err, said)
		}
		p.signal(syscall.SIGTERM).wait().ends(5)
	})
}

// Many, one after the other and at once: each end is told once, and nothing grows.
func TestExecMany(t *testing.T) {
	_, p, e := host(t)
	e.sh(":")
	asleep(t, p)
	before := descriptors(t, p.pid())
	var running []int
	for {
		pid, said, _, err := e.call(request{args: words("sleep 1000")}.data(), -1)
		if errors.Is(err, ubus.StatusNoMemory) && len(running) > 0 {
			break
		}
		if err != nil || len(running) > 1000 {
			t.Fatal(err, said)
		}
		running = append(running, pid)
	}
	for _, pid := range running {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	for _, pid := range running {
		if s := e.end(pid); s != 143 {
			t.Errorf("status %d", s)
		}
	}
	for i := range rounds(t, 60) {
		if pid := e.start(request{args: []string{"sh", "-c", "exit " + strconv.Itoa(i%200)}}, -1); e.end(pid) != i%200 {
			t.Errorf("round %d has another status", i)
		}
	}
	asleep(t, p)
	sameDescriptors(t, p, before)
	if len(e.ends) != 0 {
		t.Errorf("also told: %v", e.ends)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}
