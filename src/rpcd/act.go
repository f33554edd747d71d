// SPDX-License-Identifier: LGPL-2.1-only

package rpcd

import (
	"strconv"
	"strings"
	"syscall"
	"time"

	"gojail/src/config"
	"gojail/src/kernel"
	"gojail/src/spec"
	"gojail/src/state"
)

// A job is one run of the init script for a container. Its directory, <Jobs>/<name>, is locked by the process that sees to it for as long as that
// lives, and has the files `job`, what is known of it, and `output`, what the script has said.

// lookers is how often a lock is asked for that somebody may have who only looks: see job.
const lookers = 20

// begin begins a job, and tells what there is to wait for.
func (s *Server) begin(action string, c *call, w *object) error {
	if err := kernel.MakeDirs(s.Jobs, 0o700); err != nil {
		return err
	}
	dir := s.Jobs + "/" + c.name
	if _, err := kernel.Mkdir(dir, 0o700); err != nil {
		return err
	}
	lock, err := kernel.LockDir(dir, false)
	for try := 0; kernel.ErrnoOf(err) == syscall.EWOULDBLOCK && try < lookers; try++ {
		time.Sleep(time.Millisecond)
		lock, err = kernel.LockDir(dir, false)
	}
	if kernel.ErrnoOf(err) == syscall.EWOULDBLOCK {
		return &Error{c.name + ": something else is under way"}
	}
	if err != nil {
		return err
	}
	defer kernel.Close(lock)
	if err := kernel.Replace(dir, "job", record(action, -1), 0o600); err != nil {
		return err
	}
	null, err := kernel.Open("/dev/null", syscall.O_RDWR)
	if err != nil {
		return err
	}
	defer kernel.Close(null)
	in := uintptr(null)
	_, err = syscall.ForkExec(s.Self, []string{"containers", "job", action, c.name}, &syscall.ProcAttr{Dir: "/", Env: environment(),
		Files: []uintptr{in, in, in, uintptr(lock)}, Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		_ = kernel.Replace(dir, "job", record(action, 127), 0o600)
		return &Error{s.Self + ": " + err.Error()}
	}
	w.open("job", '{')
	w.text("action", action)
	w.yes("running", true)
	w.close('}')
	return nil
}

// JobLock is the descriptor that a job has of its locked directory.
const JobLock = 3

// Job sees to what begin has begun.
func (s *Server) Job(action, name string) error {
	dir := s.Jobs + "/" + name
	syscall.CloseOnExec(JobLock)
	if err := kernel.WriteFile(dir+"/output", nil, 0o600); err != nil {
		return err
	}
	output, err := kernel.Open(dir+"/output", syscall.O_WRONLY|syscall.O_APPEND)
	if err != nil {
		return err
	}
	status := 127
	pid, err := syscall.ForkExec(s.Init, []string{s.Init, action, name}, &syscall.ProcAttr{Dir: "/", Env: environment(), Files: []uintptr{0, uintptr(output), uintptr(output)}})
	if err != nil {
		_ = kernel.WriteAll(output, "output", []byte(s.Init+": "+err.Error()+"\n"))
	} else {
		var w syscall.WaitStatus
		for {
			if _, err = syscall.Wait4(pid, &w, 0, nil); err != syscall.EINTR {
				break
			}
		}
		if status = w.ExitStatus(); w.Signaled() {
			status = 128 + int(w.Signal())
		}
	}
	return kernel.Replace(dir, "job", record(action, status), 0o600)
}

// environment is what the init script has: rpcd's own is nobody's business.
func environment() []string {
	return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
}

// record is the file job; exit is negative while it is not known.
func record(action string, exit int) []byte {
	w := object("{")
	w.text("action", action)
	if exit >= 0 {
		w.number("exit", int64(exit))
	}
	w.number("time", uptime())
	return append(w, '}', '\n')
}

const maxOutput = 4 << 10

// job writes what there is to tell of the container's last job.
func (s *Server) job(name string, w *object) {
	dir := s.Jobs + "/" + name
	b, err := kernel.ReadFile(dir+"/job", 1<<10)
	if err != nil {
		return
	}
	action, exit, at := "", int64(-1), int64(0)
	if spec.DecodeObject(b, 1<<10, func(key string, v *spec.Value) {
		switch key {
		case "action":
			action = v.Text()
		case "exit":
			exit = v.Int(0, 255)
		case "time":
			at = v.Int(0, 1<<62)
		}
	}) != nil {
		return
	}
	lock, err := kernel.LockDir(dir, false)
	kernel.Close(lock)
	running := kernel.ErrnoOf(err) == syscall.EWOULDBLOCK
	w.open("job", '{')
	w.text("action", action)
	w.yes("running", running)
	w.number("time", at)
	if !running {
		if exit >= 0 {
			w.number("exit", exit)
		} else {
			w.yes("interrupted", true)
		}
		if exit != 0 {
			w.some("output", strings.TrimSpace(s.output(dir)))
		}
	}
	w.close('}')
}

func (s *Server) output(dir string) string {
	b, err := kernel.ReadFile(dir+"/output", 1<<20)
	if err != nil {
		return ""
	}
	if len(b) > maxOutput {
		b = b[len(b)-maxOutput:]
	}
	return string(b)
}

// kill sends a signal to the container's first process.
func (s *Server) kill(c *call, _ *object) error {
	word, ok := config.Signal(c.signal)
	if !ok {
		return &Error{"signal: " + strconv.Quote(c.signal) + " is no signal (TERM, INT, RTMIN+3 or a number)"}
	}
	number := signalNumber(word)
	if number == 0 {
		return &Error{"signal: " + strconv.Quote(c.signal) + " is no signal here"}
	}
	st, err := state.Load(s.State, c.name)
	if err != nil {
		return err
	}
	pidfd, err := kernel.PidfdOpen(st.Process.PID)
	if err != nil || !st.Process.Alive() {
		kernel.Close(pidfd)
		return &Error{c.name + " does not run"}
	}
	defer kernel.Close(pidfd)
	return kernel.PidfdSignal(pidfd, number)
}

// signalNumber is the number of what config.Signal knows, 0 where this machine does not.
func signalNumber(word string) int {
	const rtmin = 34 // of libc, which keeps the first two for itself
	if plus, ok := strings.CutPrefix(word, "RTMIN"); ok {
		n, _ := strconv.Atoi(plus)
		return rtmin + n
	}
	if n, err := strconv.Atoi(word); err == nil {
		return n
	}
	n, _ := kernel.Signal(word)
	return n
}
