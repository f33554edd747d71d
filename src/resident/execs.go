// SPDX-License-Identifier: LGPL-2.1-only

package resident

import "golang.org/x/sys/unix"

// The processes that workers have made in the running container are children of the resident as well. It remembers those that it was told
// of until a worker knows how they have ended.
type execed struct {
	pid    int32 // 0: the place is free
	status int32 // as that of the container; execRuns while it runs
}

const (
	maxExecs = 32
	execRuns = -1
)

// announceExec takes a process that waits for the worker's word. Only a child that is nothing else yet can be one: who says so
// is not to be believed.
//
//go:nosplit
//go:norace
func announceExec(pid int32) {
	status := int32(execRuns)
	free := -1
	for i := range &boot().execs {
		switch e := boot().execs[i]; {
		case e.pid == 0:
			free = i
		case e.pid == pid && e.status == execRuns:
			return
		}
	}
	switch {
	case pid <= 0 || pid == r().payload || pid == r().worker:
		return
	case pid == r().stranger:
		status = r().strangerCode
	case !isChild(pid): // somebody has killed it before we knew what it was
		status = 128 + int32(unix.SIGKILL)
	case r().payload == 0 || free < 0:
		kill(pid, unix.SIGKILL)
	}
	if free >= 0 {
		boot().execs[free] = execed{pid, status}
		r().due = r().due || status != execRuns
	}
}

// execEnded notes the end of such a process, and tells whether it was one.
//
//go:nosplit
//go:norace
func execEnded(pid, code int32) bool {
	for i := range &boot().execs {
		if boot().execs[i] == (execed{pid, execRuns}) {
			boot().execs[i].status = code
			r().due = true
			return true
		}
	}
	return false
}

// forgetExec frees the place of one whose end a worker knows. Its pid may be another's by now.
//
//go:nosplit
//go:norace
func forgetExec(pid, status int32) {
	for i := range &boot().execs {
		if status != execRuns && boot().execs[i] == (execed{pid, status}) {
			boot().execs[i].pid = 0
			return
		}
	}
}

// killExecs ends what has been made in a container that has ended: without a pid namespace nothing else would.
//
//go:nosplit
//go:norace
func killExecs() {
	for i := range &boot().execs {
		if boot().execs[i].pid != 0 && boot().execs[i].status == execRuns {
			kill(boot().execs[i].pid, unix.SIGKILL)
		}
	}
}

// Pidfd is a pidfd of the payload for a worker in mode Event: as the resident opens it, which waits for that pid, it is the payload's for
// certain. -1 if there is none. It is this process' own.
func Pidfd() int { return int(boot().pidfd) }

// ExecRoom is how many processes may be announced with AnnounceExec.
func ExecRoom() int {
	n := -announced
	for _, e := range &boot().execs {
		if e.pid == 0 {
			n++
		}
	}
	return n
}

// AnnounceExec makes pid, a child of the resident, a process of the running container that lives no longer than it does. A worker is
// started when it has ended.
func AnnounceExec(pid int) error {
	announced++
	return tell(message{kind: msgExec, pid: int32(pid)})
}

var announced int // less those that this worker has forgotten

// An Ended is a process that was announced with AnnounceExec and has ended, Status as a shell has it.
type Ended struct{ PID, Status int }

// EndedExecs are those that have ended and that no worker has forgotten yet.
func EndedExecs() (list []Ended) {
	for _, e := range &boot().execs {
		if e.pid != 0 && e.status != execRuns {
			list = append(list, Ended{int(e.pid), int(e.status)})
		}
	}
	return list
}

// ForgetExec says that everything is done which one of EndedExecs needs.
func ForgetExec(e Ended) error {
	announced--
	return tell(message{kind: msgForget, pid: int32(e.PID), ms: uint32(e.Status)})
}
