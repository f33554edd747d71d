// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

//go:nosplit
//go:norace
//go:nocheckptr
func readControl() {
	for {
		fd, ok := receive()
		if !ok {
			return
		}
		if r().msg.kind != msgHold && r().msg.kind != msgMake {
			drop(fd)
		}
		switch r().msg.kind {
		case msgWant:
			r().want, r().moreMS = true, max(r().moreMS, r().msg.ms)
		case msgAhead:
			goAhead()
			continue
		case msgMake:
			makeFn(fd, r().fd2)
			continue
		case msgPayload:
			dropLife()
			goHome()
			r().payload, r().first, r().had, r().killMS = r().msg.pid, r().msg.first != 0, true, r().msg.ms
			r().last = r().payload
			switch {
			case r().payload == r().stranger:
				payloadEnded(r().strangerCode)
			case !isChild(r().payload): // somebody has killed it before we knew what it was
				payloadEnded(128 + int32(unix.SIGKILL))
			case r().cancel != 0:
				kill(r().payload, unix.SIGKILL)
			}
		case msgHold:
			slot := uint32(r().msg.pid) % slots
			drop(boot().held[slot])
			boot().held[slot] = fd
		case msgWake:
			r().wakeMS = r().msg.ms
		case msgKill:
			if s := uint32(r().msg.pid) - 1; s < sigsetSize*8 {
				r().asked[s>>6&1] |= 1 << (s & 63)
			}
		case msgUndo:
			keepUndo()
		case msgPublished:
			r().published = r().msg.first != 0
		case msgExec:
			announceExec(r().msg.pid)
		case msgHurry:
			r().limited = true
			armTimer(r().wake, eventLimitMS)
		case msgForget:
			forgetExec(r().msg.pid, int32(r().msg.ms))
		case msgStarted:
			r().started = true
			drop(r().life)
			r().life = -1
			for s := uint(0); s < sigsetSize*8; s++ {
				if r().held[s>>6&1]>>(s&63)&1 != 0 {
					kill(r().payload, syscall.Signal(s+1))
				}
			}
		}
	}
}

// serve starts a worker for the events that are due. It returns true in the worker.
//
//go:nosplit
//go:norace
//go:nocheckptr
func serve() bool {
	r().due, r().limited = false, true
	armTimer(r().wake, eventLimitMS)
	if forkWorker(Event) {
		return true
	}
	if r().worker == 0 { // could not be forked: what it is for is not looked at until then
		armTimer(r().wake, replaceMS)
	}
	return false
}

//go:nosplit
//go:norace
//go:nocheckptr
func readWake() {
	var n uint64
	if sys(unix.SYS_READ, uintptr(r().wake), uintptr(unsafe.Pointer(&n)), 8, 0, 0) != 8 {
		return
	}
	r().due = true
	if r().limited && r().worker != 0 {
		kill(r().worker, unix.SIGKILL)
	}
}

// workerEnded arms the next wake. After one that has failed the bus is as good as lost: what was read of it is. One that has failed to
// start a container has no other after it, but one that was still to put it on the bus has.
//
//go:nosplit
//go:norace
//go:nocheckptr
func workerEnded() {
	r().gone = false
	if r().ending { // it may have paused the container when that was to end
		thawFn()
	}
	drop(boot().held[Life])
	boot().held[Life] = -1
	goHome()
	replace := boot().mode == Event || r().started && r().payload != 0 && r().workerCode != failedStart && boot().held[State] >= 0
	if r().workerCode != 0 && replace {
		say("the worker for ubus has failed: another one takes its place")
		drop(boot().held[Bus])
		boot().held[Bus], r().due, r().wakeMS = -1, false, replaceMS
	}
	ms := r().wakeMS
	r().wakeMS = 0
	switch {
	case ms != 0:
		armTimer(r().wake, ms)
	case r().limited:
		disarm(r().wake)
	}
	r().limited = false
}

//go:nosplit
//go:norace
//go:nocheckptr
func readSignals() {
	for sys(unix.SYS_READ, uintptr(r().sig), uintptr(unsafe.Pointer(&r().info)), 128, 0, 0) == 128 {
		if s := *(*int32)(unsafe.Pointer(&r().info)); !terminalSignal(s) {
			boot().asked = boot().asked || s == int32(unix.SIGTERM)
			deliver(s)
		}
	}
}

// deliverAsked sends what workers have asked for. TERM is not followed by KILL, as it is not with kill(1).
//
//go:nosplit
//go:norace
//go:nocheckptr
func deliverAsked() {
	for s := uint(0); r().asked[0]|r().asked[1] != 0 && s < sigsetSize*8; s++ {
		if r().asked[s>>6&1]>>(s&63)&1 == 0 {
			continue
		}
		r().asked[s>>6&1] &^= 1 << (s & 63)
		if r().started {
			kill(r().payload, syscall.Signal(s+1))
		} else {
			deliver(int32(s + 1))
		}
	}
}

// deliver passes a signal on. One that comes before the payload runs ends it if that is what it does by default.
//
//go:nosplit
//go:norace
//go:nocheckptr
func deliver(s int32) {
	end := s == int32(unix.SIGTERM) || s == int32(unix.SIGINT) || s == int32(unix.SIGHUP) || s == int32(unix.SIGQUIT) || s == int32(unix.SIGKILL)
	switch {
	case s <= 0 || s > sigsetSize*8 || s == int32(unix.SIGCHLD) || boot().mode == Stopped:
	case r().started && r().payload == 0:
		if end && boot().mode == Start { // for the worker: hooks may keep it
			arm(r().killMS)
		}
	case r().started || end && executed():
		kill(r().payload, syscall.Signal(s))
		if s == int32(unix.SIGTERM) {
			r().ending = true
			thawFn() // it may be paused: it is to hear of it
			arm(r().killMS)
		}
	case end:
		if r().cancel == 0 {
			r().cancel = s
		}
		kill(r().payload, unix.SIGKILL)
		arm(r().killMS) // for the worker
	default:
		r().held[(s-1)>>6&1] |= 1 << ((s - 1) & 63)
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func readTimer() {
	var n uint64
	if sys(unix.SYS_READ, uintptr(r().timer), uintptr(unsafe.Pointer(&n)), 8, 0, 0) == 8 {
		kill(r().payload, unix.SIGKILL)
		kill(r().worker, unix.SIGKILL)
	}
}

// executed tells whether the payload runs, or has ended, though the worker has not said so yet: a signal that is on its way may then
// be the payload's own. If it does not run yet it stands still until it gets SIGKILL, which the caller sends: it cannot be executed
// between the question and the answer.
//
//go:nosplit
//go:norace
//go:nocheckptr
func executed() bool {
	if r().had && r().payload == 0 && !r().first {
		return true
	}
	kill(r().payload, unix.SIGSTOP)
	for n := 0; r().payload != 0 && n < stopTries; n++ {
		var st int32
		pid := int32(sys(unix.SYS_WAIT4, uintptr(r().payload), uintptr(unsafe.Pointer(&st)), unix.WNOHANG|unix.WUNTRACED, 0, 0))
		switch {
		case pid == 0:
			// On a busy machine it stops when its turn comes.
			pause := [2]uintptr{0, 100e3 << min(n/64, 6)}
			sys(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&pause)), 0, 0, 0, 0)
		case st&0xff != 0x7f: // too late for the signal: how it ended is the answer
			ended(pid, st)
			return true
		case !r().first && released():
			kill(r().payload, unix.SIGCONT)
			return true
		default:
			return false
		}
	}
	return false
}

// released tells whether nobody holds the other end of the life line any more.
//
//go:nosplit
//go:norace
//go:nocheckptr
func released() bool {
	p := pollFD{fd: r().life}
	var now [2]uintptr
	return sys(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, sigsetSize) == 1 && p.revents&unix.POLLHUP != 0
}

// reap returns false when there is no child at all.
//
//go:nosplit
//go:norace
//go:nocheckptr
func reap() bool {
	for {
		var st int32
		pid := int32(sys(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&st)), unix.WNOHANG, 0, 0))
		if pid <= 0 {
			return pid == 0
		}
		if st&0xff == 0x7f { // not dead: it called PTRACE_TRACEME and has stopped; we trace nobody
			code := st >> 8 & 0xff
			if code == int32(unix.SIGTRAP) {
				code = 0
			}
			sys(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(pid), 0, uintptr(code), 0)
			continue
		}
		ended(pid, st)
	}
}

// ended notes the end of a child that has been waited for.
//
//go:nosplit
//go:norace
func ended(pid, st int32) {
	code := st >> 8 & 0xff
	if st&0x7f != 0 {
		code = 128 + st&0x7f
	}
	switch pid {
	case r().payload:
		payloadEnded(code)
	case r().worker:
		r().worker = 0
		if boot().mode == Start {
			r().failed = code
		}
		r().gone, r().workerCode = true, code
	default: // perhaps announced since we last looked
		if execEnded(pid, code) {
			return
		}
		r().stranger, r().strangerCode = pid, code
		readControl()
		r().stranger = 0
	}
}

//go:nosplit
//go:norace
func payloadEnded(code int32) {
	r().payload = 0
	if code == 128+int32(unix.SIGKILL) {
		noteFn()
	}
	killExecs()
	if !r().first || code != 0 {
		r().code = code
	}
	if r().first && code > 128 { // killed: the next one may exist and wait for the worker, who waits for word of it
		arm(leftoverMS)
	}
}

// isChild tells whether pid is a child that we have not waited for. Any other may be a process that has nothing to do with us.
//
//go:nosplit
//go:norace
func isChild(pid int32) bool {
	return sys(unix.SYS_WAITID, unix.P_PID, uintptr(pid), 0, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, 0) == 0
}

// status is what the container's end is reported as.
//
//go:nosplit
//go:norace
func status() int32 {
	if r().cancel != 0 {
		return 128 + r().cancel
	}
	if !r().started && (r().failed != 0 || !r().had) || r().failed == failedStart {
		return r().failed
	}
	if !r().started && r().code == 0 {
		return 1
	}
	return r().code
}

// leave ends the resident. A process that its worker could not announce any more ends by itself: it is waited for, so that nothing
// is there any more when the caller sees the end.
//
//go:nosplit
//go:norace
//go:nocheckptr
func leave() {
	if boot().mode != Stopped {
		boot().status = status()
	}
	finishTerminal()
	arm(leftoverMS)
	for reap() {
		var n uint64
		if sys(unix.SYS_READ, uintptr(r().timer), uintptr(unsafe.Pointer(&n)), 8, 0, 0) == 8 {
			break
		}
		sys(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&r().poll)), 3, 0, 0, sigsetSize)
		for sys(unix.SYS_READ, uintptr(r().sig), uintptr(unsafe.Pointer(&r().info)), 128, 0, 0) == 128 {
		}
	}
	exit(boot().status)
}
