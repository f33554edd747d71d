// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/tests/root/leaks"
)

const uxcPath = programDir + "/uxc"

// detached is a container that is driven as conmon does it: by one verb after the other, and a parent that is there all the time, here the
// test itself.
type detached struct {
	*bundle
	out *os.File // standard output and error of the container
}

// newDetached makes the bundle of a container, and sees to it that nothing is left of it.
func newDetached(t testing.TB, edits ...edit) *detached {
	t.Helper()
	b := newBundle(t, edits...)
	b.command()
	out, err := os.Create(b.dir + "/out")
	if err != nil {
		t.Fatal(err)
	}
	d := &detached{b, out}
	t.Cleanup(func() {
		// The first process of a pid namespace ends when somebody has waited for all others: who has started them, which is us.
		d.uxc("kill", d.name, "KILL")
		eventually(func() bool {
			leaks.Reap()
			r := d.uxc("state", d.name)
			return r.code != 0 || strings.Contains(r.stdout, "stopped")
		})
		d.uxc("delete", "--force", d.name).ends(0)
		out.Close()
		leaks.Reap()
	})
	return d
}

// verb is a command line of uxc.
func (d *detached) verb(args ...string) *exec.Cmd {
	c := exec.Command(uxcPath, append([]string{"--root", d.dir + "/state"}, args...)...)
	c.Env, c.Dir = []string{"PATH=" + hostPath}, "/"
	return c
}

// uxc runs a verb, with what it prints in files: a container may hold them longer than the verb lives.
func (d *detached) uxc(args ...string) result {
	d.t.Helper()
	return d.finish(d.verb(args...))
}

func (d *detached) finish(c *exec.Cmd) result {
	d.t.Helper()
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp(d.dir, "printed")
		if err != nil {
			d.t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	c.Stdout, c.Stderr = files[0], files[1]
	if err := c.Start(); err != nil {
		d.t.Fatal(err)
	}
	hang := time.AfterFunc(patience, func() { c.Process.Kill() })
	c.Wait()
	if !hang.Stop() {
		d.t.Errorf("%v hangs", c.Args)
	}
	read := func(f *os.File) string {
		b, _ := os.ReadFile(f.Name())
		return string(b)
	}
	r := result{t: d.t, args: c.Args, stdout: read(files[0]), stderr: read(files[1]), file: files[0].Name()}
	if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		r.code, r.signaled = 128+int(ws.Signal()), true
	} else {
		r.code = ws.ExitStatus()
	}
	return r
}

// create makes it; what it prints goes to d.out.
func (d *detached) create(options ...string) result {
	d.t.Helper()
	c := d.verb(append(append([]string{"create", "--bundle", d.dir, "--pid-file", d.dir + "/pid"}, options...), d.name)...)
	c.Stdout, c.Stderr = d.out, d.out
	if err := c.Start(); err != nil {
		d.t.Fatal(err)
	}
	c.Wait()
	r := result{t: d.t, args: c.Args, code: c.ProcessState.ExitCode()}
	if r.code != 0 {
		r.stderr = d.printed()
	}
	return r
}

// run creates and starts it.
func (d *detached) running(options ...string) *detached {
	d.t.Helper()
	d.create(options...).ends(0)
	d.uxc("start", d.name).prints("")
	return d
}

func (d *detached) printed() string {
	b, err := os.ReadFile(d.out.Name())
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

// until waits for what it prints.
func (d *detached) until(text string) *detached {
	d.t.Helper()
	if !eventually(func() bool { return strings.Contains(d.printed(), text) }) {
		d.t.Fatalf("did not print %q but %q", text, d.printed())
	}
	return d
}

func (d *detached) pid() int {
	d.t.Helper()
	b, err := os.ReadFile(d.dir + "/pid")
	if err != nil {
		d.t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// status is what the state verb calls it; the whole state is checked.
func (d *detached) status() string {
	d.t.Helper()
	r := d.uxc("state", d.name).ends(0)
	var s specs.State
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		d.t.Fatalf("%v: %s", err, r.stdout)
	}
	if s.ID != d.name || s.Bundle != d.dir || s.Version != d.spec.Version || (s.Pid == 0) != (s.Status == "stopped") {
		d.t.Errorf("%s", r.stdout)
	}
	return string(s.Status)
}

// ended waits for the end of its process, whose parent the test is, and gives its status as a shell has it.
func (d *detached) ended() int {
	d.t.Helper()
	var ws syscall.WaitStatus
	pid := d.pid()
	if !eventually(func() bool {
		got, err := syscall.Wait4(pid, &ws, syscall.WNOHANG, nil)
		if err != nil {
			d.t.Fatalf("wait for %d: %v", pid, err)
		}
		return got == pid
	}) {
		d.t.Fatalf("%d does not end", pid)
	}
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// reread is what is in the file of its standard output by now.
func (r result) reread() string {
	r.t.Helper()
	b, err := os.ReadFile(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func (r result) fails(words ...string) result {
	r.t.Helper()
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "uxc: ") {
		r.t.Errorf("%v says %q, want one line", r.args, r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			r.t.Errorf("%v says %q, want it to name %q", r.args, r.stderr, w)
		}
	}
	return r.ends(1)
}

func TestUxcLife(t *testing.T) {
	d := newDetached(t, script("echo started; trap 'exit 7' TERM; "+forever))
	d.uxc("state", d.name).fails("does not exist")
	d.uxc("start", d.name).fails("does not exist")
	d.uxc("kill", d.name).fails("does not exist")
	d.uxc("delete", d.name).fails("does not exist")
	d.uxc("delete", "--force", d.name).prints("")
	d.create().ends(0)
	pid := d.pid()
	if d.status() != "created" || d.printed() != "" {
		t.Errorf("%s, %q", d.status(), d.printed())
	}
	if parent := parentOf(pid); parent != os.Getpid() {
		t.Errorf("its parent is %d, not %d", parent, os.Getpid())
	}
	if r := d.create(); r.code != 1 || !strings.Contains(r.stderr, "exists already") || d.pid() != pid {
		t.Errorf("a second one: %d %s", r.code, r.stderr)
	}
	d.uxc("exec", d.name, "true").fails("cannot exec in one that is created")
	d.uxc("delete", d.name).fails("cannot delete one that is created")
	d.uxc("start", d.name).prints("")
	d.until("started\n")
	if d.status() != "running" {
		t.Error(d.status())
	}
	d.uxc("start", d.name).fails("cannot start one that is running")
	d.uxc("delete", d.name).fails("cannot delete one that is running")
	if r := d.uxc("list", "-q").prints(d.name + "\n"); r.code != 0 {
		t.Error(r.code)
	}
	d.uxc("kill", d.name, "0").prints("")
	d.uxc("kill", d.name, "SIGTERM").prints("")
	if code := d.ended(); code != 7 {
		t.Errorf("ended with %d", code)
	}
	if d.status() != "stopped" {
		t.Error(d.status())
	}
	d.uxc("kill", d.name, "9").fails("container not running", "os: process already finished")
	d.uxc("exec", d.name, "true").fails("container not running")
	d.uxc("start", d.name).fails("cannot start one that is stopped")
	d.uxc("delete", d.name).prints("")
	d.uxc("state", d.name).fails("does not exist")
	if left, _ := filepath.Glob(d.dir + "/state/*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func parentOf(pid int) int {
	text, _ := os.ReadFile(procPath(pid, "stat"))
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	n, _ := strconv.Atoi(f[1])
	return n
}

// A container that waits ends by whatever would end a program.
func TestUxcKillCreated(t *testing.T) {
	for _, signal := range []string{"TERM", "9", "HUP"} {
		d := newDetached(t, script("echo started"))
		d.create().ends(0)
		d.uxc("kill", d.name, "WINCH").prints("")
		d.uxc("kill", d.name, signal).prints("")
		if code := d.ended(); code != 128+9 || d.printed() != "" {
			t.Errorf("%s: %d, %q", signal, code, d.printed())
		}
		d.uxc("start", d.name).fails("cannot start one that is stopped")
		d.uxc("delete", d.name).prints("")
	}
}

// What cannot be executed is known when the container is made, as its user sees it.
func TestUxcNotFound(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no such file": {[]string{"/nowhere"}, "no such file or directory"},
		"not in PATH":  {[]string{"nowhere"}, "executable file not found in $PATH"},
		"no x":         {[]string{"/etc/passwd"}, "permission denied"},
		"a directory":  {[]string{"/etc"}, "permission denied"},
		"not his":      {[]string{"/opt/x"}, "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDetached(t, args(c.args...), func(s *specs.Spec) { s.Process.User.UID = 1000 })
			d.write("/opt/x", "#!/bin/sh\n", 0o700)
			d.create().fails(c.want)
			d.uxc("delete", "--force", d.name).prints("")
		})
	}
}

func TestUxcExec(t *testing.T) {
	d := newDetached(t, script("echo started; "+forever)).running().until("started")
	for _, c := range []struct {
		options, command []string
		want             string
	}{
		{nil, []string{"echo", "a b", "c"}, "a b c\n"},
		{[]string{"-e", "A=x y", "--env=B=z"}, []string{"sh", "-c", "echo $A $B $PATH"}, "x y z /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"},
		{[]string{"-w", "/tmp"}, []string{"pwd"}, "/tmp\n"},
		{[]string{"-u", "1"}, []string{"sh", "-c", "id -u; id -g; id -G"}, "1\n0\n0\n"},
		{[]string{"-u", "web", "-g", "77"}, []string{"sh", "-c", "id -u; id -g"}, "1234\n1235\n"},
		{[]string{"--cap", "CAP_NET_ADMIN"}, []string{"grep", "CapEff", "/proc/self/status"}, "CapEff:\t0000000020001420\n"},
	} {
		file := d.dir + "/exec.pid"
		r := d.uxc(append(append(append([]string{"exec", "--detach", "--pid-file", file}, c.options...), d.name), c.command...)...).ends(0)
		b, err := os.ReadFile(file)
		pid, _ := strconv.Atoi(string(b))
		if err != nil || pid <= 0 {
			t.Fatalf("%q, %v", b, err)
		}
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || ws != 0 {
			t.Errorf("%v: %#x, %v", c.command, ws, err)
		}
		leaks.Reap()
		if got := r.reread(); got != c.want {
			t.Errorf("%v: %q, want %q; %s", c.command, got, c.want, r.stderr)
		}
	}
}

// foreground runs a verb that stays until what it runs has ended.
func (d *detached) foreground(args ...string) *process {
	d.t.Helper()
	return start(d.t, command{args: append([]string{uxcPath, "--root", d.dir + "/state"}, args...)})
}

func TestUxcRun(t *testing.T) {
	t.Run("status", func(t *testing.T) {
		d := newDetached(t, script("echo out; echo err >&2; exit 5"))
		r := d.foreground("run", "-b", d.dir, d.name).wait().ends(5)
		if r.stdout != "out\n" || r.stderr != "err\n" {
			t.Errorf("%q, %q", r.stdout, r.stderr)
		}
		d.uxc("state", d.name).fails("does not exist")
	})
	t.Run("signals and other verbs", func(t *testing.T) {
		d := newDetached(t, script("trap 'exit 9' TERM; trap 'echo usr1' USR1; echo ready; "+forever))
		p := d.foreground("run", "--bundle="+d.dir, "--pid-file", d.dir+"/pid", d.name).until("ready")
		if !eventually(func() bool { return d.status() == "running" }) {
			t.Error(d.status())
		}
		p.signal(syscall.SIGUSR1).until("usr1\n")
		d.foreground("exec", d.name, "sh", "-c", "echo $PPID; exit 6").wait().ends(6)
		r := d.foreground("exec", d.name, "nowhere").wait()
		if r.code != 127 || !strings.Contains(r.stderr, "executable file not found in $PATH") {
			t.Errorf("%d %s", r.code, r.stderr)
		}
		e := d.foreground("exec", d.name, "sh", "-c", "trap 'exit 8' TERM; echo ready; "+forever).until("ready")
		e.signal(syscall.SIGTERM).wait().ends(8)
		p.signal(syscall.SIGTERM).wait().ends(9)
		d.uxc("state", d.name).fails("does not exist")
	})
	t.Run("keep", func(t *testing.T) {
		d := newDetached(t, script("exit 4"))
		d.foreground("run", "--keep", "-b", d.dir, d.name).wait().ends(4)
		if d.status() != "stopped" {
			t.Error(d.status())
		}
		d.uxc("delete", d.name).prints("")
	})
	t.Run("deleted by force", func(t *testing.T) {
		d := newDetached(t, script("echo ready; "+forever))
		p := d.foreground("run", "-b", d.dir, d.name).until("ready")
		d.uxc("delete", "--force", d.name).prints("")
		p.wait().ends(137)
		d.uxc("state", d.name).fails("does not exist")
	})
	t.Run("killed", func(t *testing.T) {
		d := newDetached(t, script("echo ready; "+forever))
		p := d.foreground("run", "-b", d.dir, d.name).until("ready")
		p.cmd.Process.Kill()
		p.wait()
		if !eventually(func() bool { return d.status() == "stopped" }) {
			t.Error(d.status())
		}
		d.uxc("delete", d.name).prints("")
	})
	t.Run("not found", func(t *testing.T) {
		d := newDetached(t, args("nowhere"))
		r := d.foreground("run", "-b", d.dir, d.name).wait()
		if r.code != 127 || !strings.Contains(r.stderr, "executable file not found in $PATH") {
			t.Errorf("%d %s", r.code, r.stderr)
		}
		d.uxc("state", d.name).fails("does not exist")
	})
	t.Run("detached", func(t *testing.T) {
		d := newDetached(t, script("echo ready; "+forever))
		c := d.verb("run", "-d", "-b", d.dir, "--pid-file", d.dir+"/pid", d.name)
		c.Stdout, c.Stderr = d.out, d.out
		if err := c.Run(); err != nil {
			t.Fatalf("%v: %s", err, d.printed())
		}
		d.until("ready")
		if parent := parentOf(d.pid()); parent != os.Getpid() || d.status() != "running" {
			t.Errorf("its parent is %d; %s", parent, d.status())
		}
		d.uxc("kill", d.name, "KILL").prints("")
		if code := d.ended(); code != 137 {
			t.Error(code)
		}
		d.uxc("delete", d.name).prints("")
	})
}

// The master of the terminal comes over a socket, of the container's as of a process' in it.
func TestUxcConsoleSocket(t *testing.T) {
	d := newDetached(t, script("tty; read x; echo got $x; "+forever), func(s *specs.Spec) { s.Process.Terminal = true })
	socket := d.dir + "/console"
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	master := func() *os.File {
		t.Helper()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		name, oob := make([]byte, 4096), make([]byte, syscall.CmsgSpace(4))
		n, m, _, _, err := conn.(*net.UnixConn).ReadMsgUnix(name, oob)
		if err != nil || !strings.HasPrefix(string(name[:n]), "/") {
			t.Fatalf("%q, %v", name[:n], err)
		}
		messages, err := syscall.ParseSocketControlMessage(oob[:m])
		if err != nil || len(messages) != 1 {
			t.Fatalf("%v, %v", messages, err)
		}
		fds, err := syscall.ParseUnixRights(&messages[0])
		if err != nil || len(fds) != 1 {
			t.Fatalf("%v, %v", fds, err)
		}
		return os.NewFile(uintptr(fds[0]), "master")
	}
	reads := func(f *os.File, want string) {
		t.Helper()
		text := ""
		for b := make([]byte, 256); !strings.Contains(text, want); {
			n, err := f.Read(b)
			if text += string(b[:n]); err != nil {
				t.Fatalf("%q, %v", text, err)
			}
		}
	}
	if r := d.create(); r.code != 1 || !strings.Contains(r.stderr, "add --console-socket") {
		t.Errorf("without one: %d %s", r.code, r.stderr)
	}
	d.create("--console-socket", socket).ends(0)
	own := master()
	defer own.Close()
	d.uxc("start", d.name).ends(0)
	reads(own, "/dev/pts/0")
	own.WriteString("word\n")
	reads(own, "got word")
	d.uxc("exec", "-d", "-t", "--console-socket", socket, d.name, "sh", "-c", "tty; [ $(ps -o pid,tty | grep -c 136,1) -gt 0 ] && echo mine").ends(0)
	other := master()
	defer other.Close()
	reads(other, "/dev/pts/1")
	reads(other, "mine")
}

// Descriptors that are handed on have the numbers that they had, and nothing else is open.
func TestUxcPreserveFDs(t *testing.T) {
	list := "for f in /proc/self/fd/*; do echo $f; done; cat <&3; cat <&4; echo $LISTEN_FDS $LISTEN_PID"
	files := func(d *detached) (out []*os.File) {
		for _, text := range []string{"third\n", "fourth\n"} {
			writeFile(d.t, d.dir+"/handed", text, 0o600)
			f, err := os.Open(d.dir + "/handed")
			if err != nil {
				d.t.Fatal(err)
			}
			out = append(out, f)
		}
		return out
	}
	for name, env := range map[string][]string{"2": nil, "1": {"LISTEN_FDS=1"}} {
		d := newDetached(t, script(list))
		c := d.verb("create", "-b", d.dir, "--pid-file", d.dir+"/pid", "--preserve-fds", name, d.name)
		c.Stdout, c.Stderr, c.ExtraFiles, c.Env = d.out, d.out, files(d), append(c.Env, env...)
		if err := c.Run(); err != nil {
			t.Fatalf("%v: %s", err, d.printed())
		}
		for _, f := range c.ExtraFiles {
			f.Close()
		}
		d.uxc("start", d.name).ends(0)
		d.ended()
		want := "/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\n/proc/self/fd/3\n/proc/self/fd/4\n"
		tail := "third\nfourth\n\n"
		if env != nil {
			tail = "third\nfourth\n1 1\n"
		}
		got := d.printed()
		if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, tail) || strings.Count(got, "/proc") > 6 {
			t.Errorf("%s", got)
		}
	}
	d := newDetached(t)
	if r := d.create("--preserve-fds", "3"); r.code != 1 || !strings.Contains(r.stderr, "is not open") {
		t.Errorf("%d %s", r.code, r.stderr)
	}
}

// The log is in the form that clients ask for.
func TestUxcLog(t *testing.T) {
	d := newDetached(t)
	log := d.dir + "/log"
	d.uxc("--log", log, "--log-format", "json", "start", d.name).fails("does not exist")
	b, err := os.ReadFile(log)
	var line struct{ Level, Msg, Time string }
	if err != nil || json.Unmarshal(b, &line) != nil || line.Level != "error" || !strings.Contains(line.Msg, "does not exist") || line.Time == "" {
		t.Errorf("%s, %v", b, err)
	}
	os.Remove(log)
	d.uxc("--log="+log, "start", d.name).fails("does not exist")
	if b, err := os.ReadFile(log); err != nil || !strings.Contains(string(b), " level=error msg=\"") {
		t.Errorf("%s, %v", b, err)
	}
}
