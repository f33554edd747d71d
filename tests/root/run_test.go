// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gojail/tests/root/leaks"
)

// patience is how long anything may take that is expected to happen at all.
// No test passes or fails by a time; this one only ends a hang.
var patience = 30 * time.Second

// hostPath is the PATH the programs under test get. D21 is that it must not
// matter inside.
const hostPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// command is a program to run; its environment is PATH and env, nothing else.
type command struct {
	args  []string
	env   []string
	stdin string
	attr  *syscall.SysProcAttr
}

// result is what a program that has ended leaves to look at.
type result struct {
	t              testing.TB
	args           []string
	code           int // exit status, or 128 + signal as a shell has it
	signaled       bool
	stdout, stderr string
	file           string // of stdout, where it is one
}

// process is a program that runs, with everything it has printed so far.
type process struct {
	t        testing.TB
	cmd      *exec.Cmd
	out, err *output
	ended    chan error
	res      *result
}

// output collects what a program prints; safe to read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var checked sync.Map // names of the tests whose leaks are already watched

// watch has the leaks of t checked, once.
func watch(t testing.TB) {
	if _, again := checked.LoadOrStore(t.Name(), true); !again {
		t.Cleanup(func() { checked.Delete(t.Name()) }) // with -count the name comes again
		leaks.Check(t)
	}
}

// run runs a program to its end.
func run(t testing.TB, c command) result {
	t.Helper()
	return start(t, c).wait()
}

// start starts a program; if the test ends first, so does the program.
func start(t testing.TB, c command) *process {
	t.Helper()
	watch(t)
	p := &process{t: t, cmd: exec.Command(c.args[0], c.args[1:]...), out: &output{}, err: &output{}, ended: make(chan error, 1)}
	p.cmd.Env = append([]string{"PATH=" + hostPath}, c.env...)
	p.cmd.Dir = "/"
	if c.stdin != "" {
		p.cmd.Stdin = strings.NewReader(c.stdin)
	}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = p.out, p.err, c.attr
	p.cmd.WaitDelay = patience // for one that outlives it and holds its stdout
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", c.args[0], err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		if p.res == nil {
			p.cmd.Process.Kill()
			<-p.ended
		}
	})
	return p
}

// wait waits for the end and says how it came.
func (p *process) wait() result {
	p.t.Helper()
	if p.res != nil {
		return *p.res
	}
	var err error
	select {
	case err = <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.ended
		p.res = &result{}
		p.t.Fatalf("%v hangs\nstdout: %s\nstderr: %s", p.cmd.Args, p.out, p.err)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		p.t.Errorf("%v ended, but something still holds its output", p.cmd.Args)
	}
	p.res = &result{t: p.t, args: p.cmd.Args, stdout: p.out.String(), stderr: p.err.String()}
	if ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		p.res.code, p.res.signaled = 128+int(ws.Signal()), true
	} else {
		p.res.code = ws.ExitStatus()
	}
	return *p.res
}

// until waits for text in the standard output.
func (p *process) until(text string) *process {
	p.t.Helper()
	if !eventually(func() bool {
		return strings.Contains(p.out.String(), text) || len(p.ended) > 0
	}) || !strings.Contains(p.out.String(), text) {
		end := "and still runs"
		if len(p.ended) > 0 {
			end = "and ended with " + p.cmd.ProcessState.String()
		}
		p.t.Fatalf("%v did not print %q, %s\nstdout: %s\nstderr: %s", p.cmd.Args, text, end, p.out, p.err)
	}
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(s syscall.Signal) *process {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %v: %v", s, err)
	}
	return p
}

// payload is the pid, as we see it, of the child that is not the program itself.
func (p *process) payload() int {
	p.t.Helper()
	self, _ := os.Readlink(procPath(p.pid(), "exe"))
	pid := 0
	eventually(func() bool {
		for _, c := range children(p.pid()) {
			if exe, err := os.Readlink(procPath(c, "exe")); err == nil && exe != self && exe != "" {
				pid = c
			}
		}
		return pid != 0 || len(p.ended) > 0
	})
	if pid == 0 {
		p.t.Fatalf("%v has no payload\nstderr: %s", p.cmd.Args, p.err)
	}
	return pid
}

func procPath(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

func children(pid int) []int {
	var list []int
	text, _ := os.ReadFile(procPath(pid, "task/"+strconv.Itoa(pid)+"/children"))
	for _, f := range strings.Fields(string(text)) {
		n, _ := strconv.Atoi(f)
		list = append(list, n)
	}
	return list
}

// eventually waits until ok holds, within patience.
func eventually(ok func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if ok() {
			return true
		}
	}
	return false
}

// ends checks the exit status; a program under test never dies of a signal itself.
func (r result) ends(code int) result {
	r.t.Helper()
	if r.code != code || r.signaled {
		r.t.Errorf("exit status %d (signal: %v), want %d\nstdout: %s\nstderr: %s", r.code, r.signaled, code, r.stdout, r.stderr)
	}
	return r
}

// ok checks that it ended with 0 and complained of nothing but a missing ubusd.
func (r result) ok() result {
	r.t.Helper()
	for line := range strings.Lines(r.stderr) {
		if !strings.Contains(line, "ubus") {
			r.t.Errorf("complains: %s", line)
		}
	}
	return r.ends(0)
}

// prints checks that it was ok and what exactly it printed.
func (r result) prints(want string) result {
	r.t.Helper()
	if r.stdout != want {
		r.t.Errorf("printed %q, want %q", r.stdout, want)
	}
	return r.ok()
}

// refused checks a refusal: status 1, nothing run, one line that has the words.
func (r result) refused(words ...string) result {
	r.t.Helper()
	return r.ends(1).says(words...)
}

// says checks that nothing was run and that stderr is one line with the words.
func (r result) says(words ...string) result {
	r.t.Helper()
	if r.stdout != "" {
		r.t.Errorf("ran all the same: %q", r.stdout)
	}
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasSuffix(r.stderr, "\n") || len(r.stderr) > 1000 {
		r.t.Errorf("says %q, want one line", r.stderr)
	}
	if start := "ujail: " + nameIn(r.args); !strings.HasPrefix(r.stderr, start) {
		r.t.Errorf("says %q, want it to start with %q", r.stderr, start)
	}
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			r.t.Errorf("says %q, want it to name %q", r.stderr, w)
		}
	}
	return r
}

// nameIn is what a message starts with, after the program, for the jail that the command line names.
func nameIn(args []string) string {
	if i := slices.Index(args, "-n"); i > 0 && i+1 < len(args) && args[i-1] == ujailPath {
		return args[i+1] + ": "
	}
	return ""
}
