// SPDX-License-Identifier: LGPL-2.1-only

// Package foreground runs containers without procd: each under a ujail of its own, in the order in which they need each other, again by
// their restart policy, with their names before their lines, until they have ended or a signal comes. It is for workstations and tests;
// on a router procd does this.
package foreground

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gojail/src/config"
	"gojail/src/kernel"
)

// Signals that end a run. They stand for SIGINT and SIGTERM, which a program of Go can only catch with package os, and have to be blocked
// since the program was executed.
const (
	Interrupt = syscall.SIGUSR1
	Terminate = syscall.SIGUSR2
)

// A Unit is a container to run.
type Unit struct {
	Container *config.Container
	Bundle    string // directory
}

// Output takes whole lines; a line of a container has its name before it.
type Output struct{ Out, Err func(line string) }

// Run runs them, in this order where they depend on each other, and returns when all have ended. The status is that of the first that has
// failed and is not started again, else 0. On Interrupt and Terminate all are asked to end, those first that need others, and at the second
// one all at once; the status is then 130 or 143. The containers end with the caller's thread.
func Run(units []Unit, ujail string, env []string, out Output) int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := kernel.OpenSignals(Interrupt, Terminate)
	if err != nil {
		out.Err("gojail: up: " + err.Error())
		return 1
	}
	defer kernel.Close(fd)
	r := &run{ujail: ujail, env: env, out: out, events: make(chan event, 64)}
	for _, u := range units {
		r.units = append(r.units, &unit{Unit: u, policy: policyOf(u.Container)})
		r.width = max(r.width, len(u.Container.ID))
	}
	go r.signals(fd)
	for r.advance(); !r.ended(); r.advance() {
		r.handle(<-r.events)
	}
	r.flush()
	if r.signal != 0 {
		return 128 + int(r.signal)
	}
	return r.status
}

type state uint8

const (
	waiting  state = iota // for those it needs
	starting              // ujail was started
	running               // and its program
	pausing               // until it is started again
	over
)

type unit struct {
	Unit
	policy policy
	state  state
	ran    bool // at least once
	told   bool // to end
	pid    int
	ends   []time.Time
	timer  *time.Timer
	output int // pipes that are open
	exited bool
	code   int
}

type event struct {
	u      *unit
	kind   byte // s: its program runs, e: ujail has ended, o: a line, O: on stderr, c: no more of that, a: again, x: a signal
	text   string
	number int
}

type run struct {
	units  []*unit
	ujail  string
	env    []string
	out    Output
	width  int
	events chan event
	signal syscall.Signal
	status int
}

func (r *run) signals(fd int) {
	for {
		s, err := kernel.ReadSignal(fd)
		if err != nil {
			return
		}
		r.events <- event{kind: 'x', number: int(s)}
	}
}

func (r *run) ended() bool {
	return !slices.ContainsFunc(r.units, func(u *unit) bool { return u.state != over })
}

func (r *run) say(u *unit, s string) { r.out.Err("gojail: up: " + u.Container.ID + ": " + s) }

// needs are the units of this run that the container needs.
func (r *run) needs(u *unit) (list []*unit) {
	for _, o := range r.units {
		if slices.Contains(u.Container.After, o.Container) {
			list = append(list, o)
		}
	}
	return list
}

// advance starts what can be started, or ends what can be ended.
func (r *run) advance() {
	if r.signal != 0 {
		r.end(false)
		return
	}
next:
	for _, u := range r.units {
		if u.state != waiting {
			continue
		}
		for _, o := range r.needs(u) {
			switch {
			case o.state == over && !o.ran:
				r.say(u, "is not started: "+o.Container.ID+", which it needs, has not started")
				r.close(u, 1)
				continue next
			case o.state != running && !(o.state == over && o.ran):
				continue next
			}
		}
		r.start(u)
	}
}

// end ends what nobody needs any more, or everything at once.
func (r *run) end(all bool) {
	for _, u := range r.units {
		switch u.state {
		case waiting, pausing:
			if u.timer != nil {
				u.timer.Stop()
			}
			u.state = over
		}
	}
	for _, u := range r.units {
		needed := slices.ContainsFunc(r.units, func(o *unit) bool { return o.state != over && slices.Contains(r.needs(o), u) })
		if u.state != over && !u.told && (all || !needed) {
			u.told = true
			_ = syscall.Kill(u.pid, syscall.SIGTERM)
		}
	}
}

func (r *run) close(u *unit, status int) {
	u.state = over
	if r.status == 0 {
		r.status = status
	}
}

// start starts a container's ujail. It is not in our process group, so that Ctrl-C is ours alone, and ends with us.
func (r *run) start(u *unit) {
	for _, path := range u.Container.List("require_mount") {
		if !mounted(path) {
			r.say(u, "is not started: nothing is mounted on "+path+" (option require_mount)")
			r.close(u, 1)
			return
		}
	}
	pidFile := u.Bundle + "/pid"
	_ = kernel.Unlink(pidFile)
	args := []string{"ujail", "-n", u.Container.ID, "-t", strconv.FormatInt(u.Container.Number("stop_timeout"), 10), "-P", pidFile, "-i", "-J", u.Bundle}
	pid, err := r.spawn(u, args)
	if err != nil {
		r.say(u, err.Error())
		r.close(u, 1)
		return
	}
	u.state, u.pid, u.exited = starting, pid, false
	done := make(chan bool)
	go func() {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, 0, nil)
		for err == syscall.EINTR {
			_, err = syscall.Wait4(pid, &status, 0, nil)
		}
		close(done)
		code := 1
		switch {
		case err == nil && status.Exited():
			code = status.ExitStatus()
		case err == nil && status.Signaled():
			code = 128 + int(status.Signal())
		}
		r.events <- event{u: u, kind: 'e', number: code}
	}()
	go func() {
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			if b, err := kernel.ReadFile(pidFile, 64); err == nil && strings.HasSuffix(string(b), "\n") {
				r.events <- event{u: u, kind: 's', number: pid}
				tick.Stop()
				return
			}
			select {
			case <-tick.C:
			case <-done:
				tick.Stop()
				return
			}
		}
	}()
}

func (r *run) spawn(u *unit, args []string) (pid int, err error) {
	null, err := kernel.Open("/dev/null", syscall.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer kernel.Close(null)
	files := []uintptr{uintptr(null)}
	for _, kind := range [...]byte{'o', 'O'} {
		in, theirs, err := kernel.Pipe()
		if err == nil {
			err = syscall.SetNonblock(in, false)
		}
		if err != nil {
			return 0, err
		}
		defer kernel.Close(theirs)
		files = append(files, uintptr(theirs))
		u.output++
		go r.lines(u, kind, in)
	}
	return syscall.ForkExec(r.ujail, args, &syscall.ProcAttr{Env: r.env, Files: files, Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}})
}

func (r *run) handle(e event) {
	u := e.u
	switch e.kind {
	case 'x':
		r.end(r.signal != 0)
		if r.signal == 0 {
			r.signal = syscall.SIGTERM
			if e.number == int(Interrupt) {
				r.signal = syscall.SIGINT
			}
		}
	case 's':
		if u.state == starting && u.pid == e.number {
			u.state, u.ran = running, true
		}
	case 'o', 'O':
		r.print(u, e.kind, e.text)
	case 'c':
		if u.output--; u.output == 0 && u.exited {
			r.exit(u)
		}
	case 'e':
		if u.exited, u.code = true, e.number; u.output == 0 {
			r.exit(u)
		}
	case 'a':
		if u.state == pausing {
			u.state = waiting
		}
	}
}

// exit is the end of a ujail and of its output.
func (r *run) exit(u *unit) {
	if pidFile := u.Bundle + "/pid"; kernel.Exists(pidFile) {
		u.ran = true
		_ = kernel.Unlink(pidFile)
	}
	if r.signal != 0 {
		u.state = over
		return
	}
	again, pause, why, ends := u.policy.next(u.code, u.ends, time.Now())
	u.ends = ends
	ended := "has ended with status " + strconv.Itoa(u.code)
	switch {
	case again:
		r.say(u, ended+": started again in "+strconv.Itoa(int(pause/time.Second))+" s")
		u.state = pausing
		u.timer = time.AfterFunc(pause, func() { r.events <- event{u: u, kind: 'a'} })
	case why != "":
		r.say(u, ended+": not started again, as "+why)
		r.close(u, max(u.code, 1))
	default:
		r.say(u, ended)
		r.close(u, u.code)
	}
}

// mounted tells whether a path is a mount point.
func mounted(path string) bool {
	text, _ := kernel.ReadFile("/proc/self/mountinfo", 4<<20)
	path = strings.TrimRight(path, "/")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 4 && unescape.Replace(f[4]) == path {
			return true
		}
	}
	return false
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
