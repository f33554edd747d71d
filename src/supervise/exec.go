// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"errors"
	"syscall"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/slim"
	"gojail/src/spawn"
	"gojail/src/spec"
	"gojail/src/ubus"
)

// exitNotification says to those who have subscribed to the object that a process of exec has ended: {pid, status}.
const exitNotification = "exec.exit"

// execute answers a call of exec: {pid}, or {error} and, where it is the program that cannot be executed, the exit status of a shell.
func (c *container) execute(in *ubus.Incoming) ([]byte, ubus.Status) {
	switch c.now() {
	case stateRunning:
	case stateStopped:
		return nil, ubus.StatusNotFound
	default:
		return nil, ubus.StatusInvalidArgument
	}
	var w blob.Builder
	status := ubus.StatusOK
	q, err := requestOf(in.Data)
	if err == nil && kernel.IsDirectory(in.FD) {
		err = &plan.Error{Where: "descriptor", Reason: "a directory would lead out of the container"}
	}
	pid := 0
	if err == nil {
		pid, err = c.exec(q, in.FD)
	}
	if err != nil {
		var exit int
		status, exit = execStatus(err)
		w.AddString("error", plan.Message(err.Error()))
		if exit != 0 {
			w.AddUint32("exit", uint32(exit))
		}
	} else {
		w.AddUint32("pid", uint32(pid))
	}
	b, err := w.Bytes()
	if err != nil {
		return nil, ubus.StatusNoMemory
	}
	return b, status
}

// requestOf reads the arguments of exec. What it does not know is passed over, as ubus objects do.
func requestOf(data []byte) (*plan.Request, error) {
	q := &plan.Request{}
	wrong := func(name, what string) error { return &plan.Error{Where: name, Reason: "has to be " + what} }
	d := blob.NewFields(data)
	for d.Next() {
		name := d.Name()
		switch name {
		case "args", "env", "capabilities":
			if d.Type() != blob.Array {
				return nil, wrong(name, "an array of strings")
			}
			var list []string
			for e := d.Fields(); e.Next(); {
				if e.Type() != blob.String {
					return nil, wrong(name, "an array of strings")
				}
				list = append(list, e.Text())
			}
			*map[string]*[]string{"args": &q.Args, "env": &q.Env, "capabilities": &q.Caps}[name] = list
		case "cwd", "user":
			if d.Type() != blob.String {
				return nil, wrong(name, "a string")
			}
			if name == "cwd" {
				q.Cwd = d.Text()
			} else {
				q.User = d.Text()
			}
		}
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return q, nil
}

// execStatus is what a caller is answered.
func execStatus(err error) (s ubus.Status, exit int) {
	var p *plan.Error
	var b *blob.Error
	switch code := spawn.ExitStatus(err); {
	case code == 127:
		return ubus.StatusNotFound, code
	case code == 126:
		return ubus.StatusPermissionDenied, code
	case err == errTooMany:
		return ubus.StatusNoMemory, 0
	case errors.As(err, &p) || errors.As(err, &b):
		return ubus.StatusInvalidArgument, 0
	}
	return ubus.StatusUnknownError, 0
}

var errTooMany = errors.New("as many processes as may be at a time have been made in the container, and run")

// ExecPlan is the plan for a process in a container of a bundle, should it run. Names of users are looked up in the bundle's root file system.
func ExecPlan(o *slim.Options, q *plan.Request) (*plan.Plan, error) {
	_, r, err := bundlePlan(o)
	if err != nil {
		return nil, err
	}
	rootfs := r.rootfs
	if rootfs == "" { // whose mount namespace is joined is not known here
		rootfs = "/"
	}
	running, err := r.running(o)
	if err != nil {
		return nil, err
	}
	p, err := running.Process(q, files(rootfs))
	if err != nil {
		return nil, err
	}
	return running.Exec(p)
}

// running is what the container is, as it was asked for with ujail's options.
func (r *record) running(o *slim.Options) (*plan.Running, error) {
	s, err := spec.Decode(r.config)
	if err != nil {
		return nil, err
	}
	return plan.RunningFrom(s, asked(s, o, r.bundle)), nil
}

// execs makes processes in the container that runs. They are children of the resident, which tells a later worker how they have ended.
type execs struct {
	*record
	options *slim.Options
	logf    Logf
	life    int // the processes' end of a life line, or -1
}

func (e *execs) start(q *plan.Request, stdio int) (pid int, err error) {
	if resident.ExecRoom() <= 0 {
		return 0, errTooMany
	}
	running, err := e.running(e.options)
	if err != nil {
		return 0, err
	}
	p, err := running.Process(q, files("/proc/"+itoa(resident.Payload())+"/root"))
	if err != nil {
		return 0, err
	}
	todo, err := running.Exec(p)
	if err != nil {
		return 0, err
	}
	for _, w := range todo.Warnings {
		e.logf("exec: warning: " + plan.Message(w))
	}
	if err := e.lifeLine(); err != nil {
		return 0, err
	}
	cfg := &spawn.Config{Parent: e, Limits: originalLimits(), Pidfd: resident.Pidfd(), Stdio: stdio, Cgroup: resident.Held(resident.Group)}
	cfg.Listener = func(path, metadata string, pid, listener int) error {
		return e.passListener(path, metadata, stateRunning, resident.Payload(), pid, listener)
	}
	if pid, err = spawn.Start(todo, cfg); cfg.Cgroup < 0 || !errors.Is(err, syscall.EBUSY) {
		return pid, err
	}
	// The container has made groups of its own, for which its own has to be empty: then that of its process is right.
	group, err := kernel.CgroupOf(resident.Payload())
	if err != nil {
		return 0, err
	}
	defer group.Close()
	cfg.Cgroup = group.FD()
	return spawn.Start(todo, cfg)
}

// Group is for spawn.Start: no group is made for such a process.
func (e *execs) Group(int, []string) error { return nil }

// lifeLine makes one for all processes of this worker. The other end is the resident's, and until the worker has ended.
func (e *execs) lifeLine() error {
	if e.life >= 0 {
		return nil
	}
	theirs, ours, err := kernel.SocketPair()
	if err != nil {
		return err
	}
	defer kernel.Close(theirs)
	if err := resident.Hold(resident.Life, theirs); err != nil {
		kernel.Close(ours)
		return err
	}
	e.life = ours
	return nil
}

func (e *execs) close() { kernel.Close(e.life) }

// Announce is for spawn.Start: a process that only makes the next one ends by itself.
func (e *execs) Announce(pid int, first bool) error {
	if first {
		return nil
	}
	// The trampoline may have told of any process.
	if parent, _, err := kernel.Origin(pid); err != nil || parent != kernel.Getppid() {
		return spawn.ErrCancelled
	}
	return resident.AnnounceExec(pid)
}

// LifeLine is for spawn.Start too, which closes it.
func (e *execs) LifeLine() int {
	fd, err := kernel.DupAbove(e.life, 3)
	if err != nil {
		return -1
	}
	return fd
}

// tellEnds tells the subscribers which processes of exec have ended. Without a bus there are none.
func tellEnds(r *record, c *ubus.Client) error {
	for _, e := range resident.EndedExecs() {
		if !r.clientEnded(e.PID) && c != nil {
			var w blob.Builder
			w.AddUint32("pid", uint32(e.PID))
			w.AddUint32("status", uint32(e.Status))
			b, err := w.Bytes()
			if err == nil {
				err = c.Announce(ubus.Within(busLimit), r.object, exitNotification, b)
			}
			if err != nil {
				return err
			}
		}
		if err := resident.ForgetExec(e); err != nil {
			return err
		}
	}
	return nil
}
