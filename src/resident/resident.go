// SPDX-License-Identifier: LGPL-2.1-only

// Package resident is the process that the caller of ujail starts and knows. It never runs the Go runtime: the ELF entry point
// (-ldflags '-E jail_entry') calls enter before one exists, which forks and stays, while the child goes on into Go's own entry
// and is the worker, an ordinary Go program that does what needs thought. So the process that lasts as long as the container has
// one thread and a few pages of its own, its pid and name are what the caller started, and no worker's end takes the payload
// along.
//
// Everything below enter is nosplit, allocates nothing, makes raw system calls and keeps its state, without pointers, in bss.
//
//	caller ──exec──> resident ──fork──> worker, and ──clone──> child ──exec──> payload
//	                     ^                 │ control socket (seqpacket):
//	                     │<── want ────────┤   a worker is wanted when the container has ended
//	                     │<── ahead ───────┤   make a network namespace meanwhile
//	                     │<── make ────────┤   make the payload's process; it waits for its program
//	                     │<── payload ─────┤   this is the payload's process; it waits for the worker's word
//	                     │<── started ─────┤   its exec has succeeded
//	                     │<── hold ────────┤   keep this descriptor for the workers to come
//	                     │<── wake ────────┤   start a worker after this time
//	                     │<── kill ────────┤   send the payload a signal
//	                     │<── undo ────────┤   remove this directory when the container has ended
//	                     │<── published ───┤   remove what is written of it in /run/gojail, last of all
//	                     │<── exec ────────┤   another process in the container; it waits for the worker's word
//	                     │<── forget ──────┤   its end is known where it has to be
//	                     │<── hurry ───────┘   this worker is soon done
//
// and a life line, a socket pair that carries no bytes: its other end is the child's until the payload's exec closes it. The child
// sees on it that the resident has died, the resident that the payload runs.
//
// Between events there is no worker. The next one is started when the bus that is held is readable, or closed, when the time of a wake
// has come, when a process has ended that a worker has made in the container, and when the container itself has. What it has to know
// stands in the held state.
//
// The resident is the payload's parent: it forwards signals to a pid that cannot be reused before it waits for it, answers TERM
// with KILL after a time, and ends with the payload's status. Before "started" a signal that ends a process ends the container
// with KILL: as pid 1 of its namespace a process without handlers would ignore anything else.
package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// booted is what the resident tells a worker: it is in memory when the worker is forked.
type booted struct {
	mode    uint32
	ctl     int32        // the worker's end of the control socket
	life    int32        // the child's end of the life line
	status  int32        // Stopped: what the container's end will be reported as
	held    [slots]int32 // descriptors
	pid     int32        // the payload's
	pidfd   int32        // of the payload, in mode Event
	quieted bool         // see quieten
	asked   bool         // this process has been sent TERM
	oom     bool         // the payload ended as the kernel ran out of memory for it
	execs   [maxExecs]execed
	limits  [4][2]uint64 // the limits of raised as the caller set them
	slack   int          // of this process' timers, nanoseconds, and the processors it may run on, as the caller set them
	cpus    [16]uint64
	cpuLen  int32 // bytes of cpus; 0: left alone
}

// message is what a worker tells the resident, a packet each.
type message struct {
	kind  uint32
	pid   int32  // msgHold: the slot; msgKill: the signal; msgMake: flags of clone(2), in its answer the pid or a negative errno
	ms    uint32 // msgPayload, msgMake: time between TERM and KILL; msgWake: when; msgWant: time on top of stoppedLimitMS; msgForget: the status
	first uint32 // msgPayload, msgMake: this process only makes the next one and ends with 0, in the answer to msgMake: it is in the control group; msgUndo: it has to be removed
}

const (
	msgWant = iota + 1
	msgPayload
	msgStarted
	msgHold // with the descriptor, or without one to drop what is held
	msgWake
	msgKill
	msgUndo // with the path behind it
	msgExec
	msgForget
	msgMake      // with the process' end of a sync socket, and perhaps a control group; it is answered
	msgAhead     // first is 0: not wanted
	msgPublished // first is 0: not any more
	msgHurry
)

const messageSize = 16

const (
	stoppedLimitMS = 10000 // a worker that tears down may take this long
	leftoverMS     = 2000
	eventLimitMS   = 10000 // and one that serves an event this long
	replaceMS      = 500   // a worker that has failed is replaced after this time
	forkTries      = 50    // 20 ms apart, while there is nothing else to do
	lastForkTries  = 250   // of the worker that tears down: what it does not remove stays until the next start
	stopTries      = 2000  // 0.1 ms apart, later 6.4 ms: ten seconds
	failedStart    = 1     // status of a start worker that has ended the payload again
)

type running struct {
	self, sig, ctl, timer int32
	wake                  int32 // timer: of a wake, and while a worker serves an event its limit
	life                  int32 // our end of the life line: it hangs up when nobody holds the other one any more
	worker, payload       int32 // pids; 0: none, or no more
	first                 bool  // payload is a process that only makes the next one
	had, started          bool  // there was a payload; it has been executed
	want                  bool  // a worker is wanted at the end
	due                   bool  // an event waits for a worker
	limited               bool  // wake is the worker's limit
	ending                bool  // TERM is on its way to the payload, and KILL will be
	full                  bool  // no worker could be forked: the machine or a control group has no room
	gone                  bool  // the worker has ended, with this
	workerCode            int32
	wakeMS                uint32
	cancel                int32     // signal that ended a container before it was started
	held, asked           [2]uint64 // signals for after the start; those that workers have asked for
	code                  int32     // the payload's status
	stranger              int32     // pid of a child that has just ended and that nobody has announced
	strangerCode          int32
	failed                int32 // the start worker's status if not 0
	killMS, moreMS        uint32
	poll                  [pollHeld + slots]pollFD
	clone                 [11]uint64 // struct clone_args
	fd2                   int32
	home                  int32   // the network namespace to go back to, or -1: we are there
	bundle                uintptr // argument of -J
	heard                 bool    // from askAhead
	optNet, optUser       bool    // options -N and -f
	hdr                   msghdr  // of receive
	iov                   [4]uintptr
	undo                  [undoSize]byte // paths to remove, each with a byte in front and a 0 behind
	undoLen, pathLen      uint32
	published             bool // a state in StateRoot
	control               struct {
		unix.Cmsghdr
		fd, fd2 int32
	}
	log              int32 // a socket of the system log, -1: none
	logBusy, logGone bool  // it is waited for; it was given up
	logStream        bool
	last             int32 // pid of the payload, even when it has ended
	msg              message
	info             [128]byte // struct signalfd_siginfo
	name             [maxName + 1]byte
	nameLen          uint32
	spans            [maxSpans]span // of the program, which are only read
	rested           bool           // what was mapped of them was given back
}

// pollFD is struct pollfd of poll(2).
type pollFD struct {
	fd              int32
	events, revents int16
}

// What the resident waits for: its own descriptors, and of those it holds the watched ones.
const (
	pollSignals = iota
	pollControl
	pollTimer
	pollWake
	pollLog
	pollHeld
)

//lint:ignore U1000 the entry point (entry_*.s) calls it
var entryFn = enter

// enter returns in processes that are to become Go programs.
//
//go:nosplit
//go:norace
//go:nocheckptr
func enter(stack *uintptr) {
	argv0 := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(stack), unsafe.Sizeof(uintptr(0))))
	if argv0 == nil {
		return
	}
	quieten(stack)
	the().sys = rawsysAt
	if !supervises(stack, argv0) {
		return
	}
	findSpans(stack)
	setUp()
	if forkWorker(Start) {
		return
	}
	hearAhead()
	for {
		for due := false; !due; {
			due = wait()
			forward(false, false)
		}
		readControl()
		deliverAsked()
		readSignals()
		readTimer()
		readWake()
		reap()
		if r().worker != 0 {
			continue
		}
		readControl() // what the worker has said before it ended
		deliverAsked()
		if r().gone {
			workerEnded()
		}
		if r().payload != 0 {
			switch {
			case !r().started: // the start worker failed or died
				kill(r().payload, unix.SIGKILL)
			case r().due && serve():
				return
			}
			continue
		}
		undo()
		if r().want && boot().mode != Stopped {
			boot().status = status()
			arm(stoppedLimitMS + r().moreMS)
			if forkWorker(Stopped) {
				return
			}
			if r().worker != 0 { // it could be forked
				continue
			}
		}
		drain()
		unpublishFn()
		leave()
	}
}

// setUp leaves nothing of what the caller may have left to us: descriptors, signal dispositions and mask.
//
//go:nosplit
//go:norace
//go:nocheckptr
func setUp() {
	sys(unix.SYS_CLOSE_RANGE, 3, uintptr(^uint32(0)), 0, 0, 0)
	for { // 0 to 2 must not become ours
		fd := sys(unix.SYS_OPENAT, ^uintptr(99), uintptr(unsafe.Pointer(&devNull)), unix.O_RDWR|unix.O_CLOEXEC, 0, 0)
		if fd < 0 || fd > 2 {
			sys(unix.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0)
			break
		}
		sys(unix.SYS_FCNTL, uintptr(fd), unix.F_SETFD, 0, 0, 0)
	}
	all := [2]uint64{^uint64(0), ^uint64(0)}
	sys(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), 0, sigsetSize, 0)
	var dfl [6]uint64 // an inherited "ignore" would lose the payload's status (CHLD) and reach the payload (HUP, PIPE)
	for s := uintptr(1); s <= sigsetSize*8; s++ {
		sys(unix.SYS_RT_SIGACTION, s, uintptr(unsafe.Pointer(&dfl)), 0, sigsetSize, 0)
	}
	for i := range raised {
		sys(unix.SYS_PRLIMIT64, 0, raised[i], 0, uintptr(unsafe.Pointer(&boot().limits[i])), 0)
	}
	files := [2]uint64{boot().limits[0][1], boot().limits[0][1]}
	sys(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&files)), 0, 0)
	var pair [2]int32
	r().self = int32(sys(unix.SYS_GETPID, 0, 0, 0, 0, 0))
	r().sig = int32(sys(unix.SYS_SIGNALFD4, ^uintptr(0), uintptr(unsafe.Pointer(&all)), sigsetSize, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK, 0))
	r().timer = int32(sys(unix.SYS_TIMERFD_CREATE, unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK, 0, 0, 0))
	e := sys(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0, uintptr(unsafe.Pointer(&pair)), 0)
	r().wake = int32(sys(unix.SYS_TIMERFD_CREATE, unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK, 0, 0, 0))
	if r().sig < 0 || r().timer < 0 || r().wake < 0 || e < 0 {
		say("no descriptors left")
		exit(1)
	}
	r().ctl, boot().ctl, r().killMS, r().home = pair[0], pair[1], 5000, -1
	if sys(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0, uintptr(unsafe.Pointer(&pair)), 0) < 0 {
		say("no descriptors left")
		exit(1)
	}
	r().life, boot().life, boot().pidfd = pair[0], pair[1], -1
	for i := range &boot().held {
		boot().held[i] = -1
	}
	for i := range &r().poll {
		r().poll[i].fd, r().poll[i].events = -1, unix.POLLIN
	}
	r().poll[pollLog].events, r().log = unix.POLLOUT, -1
	r().poll[pollSignals].fd, r().poll[pollControl].fd, r().poll[pollTimer].fd, r().poll[pollWake].fd = r().sig, r().ctl, r().timer, r().wake
}

// forkWorker returns true in the worker. Its signals: those the kernel raises for faults and those Go uses work, the others stay
// blocked, so that a Ctrl-C to the process group is the resident's alone.
//
//go:nosplit
//go:norace
//go:nocheckptr
func forkWorker(mode uint32) bool {
	boot().mode, boot().pid, boot().pidfd = mode, r().payload, -1
	if mode == Event {
		boot().pidfd = int32(sys(unix.SYS_PIDFD_OPEN, uintptr(r().payload), 0, 0, 0, 0))
	}
	pid := sys(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0)
	for n := triesOf(mode); pid < 0 && n > 1; n-- {
		pause := [2]uintptr{0, 20e6}
		sys(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&pause)), 0, 0, 0, 0)
		pid = sys(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0)
	}
	if pid != 0 {
		drop(boot().pidfd)
	}
	if pid < 0 {
		if !r().full { // once, not at each attempt
			r().full = true
			say("cannot fork")
		}
		if mode == Start {
			exit(1)
		}
		return false
	}
	r().full = false
	if pid > 0 {
		r().worker, r().rested = int32(pid), false
		if mode != Start {
			dropLife()
		}
		return false
	}
	sys(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	if int32(sys(unix.SYS_GETPPID, 0, 0, 0, 0, 0)) != r().self {
		exit(1)
	}
	if raiseLimits(1) {
		say("the hard limit of memory (RLIMIT_AS, RLIMIT_DATA) is too low for ujail, and raising it needs CAP_SYS_RESOURCE")
		exit(1)
	}
	if mode == Start {
		askAhead()
	}
	settle()
	mask := workerMask()
	sys(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&mask)), 0, sigsetSize, 0)
	sys(unix.SYS_CLOSE, uintptr(r().sig), 0, 0, 0, 0)
	sys(unix.SYS_CLOSE, uintptr(r().timer), 0, 0, 0, 0)
	sys(unix.SYS_CLOSE, uintptr(r().wake), 0, 0, 0, 0)
	sys(unix.SYS_CLOSE, uintptr(r().ctl), 0, 0, 0, 0)
	sys(unix.SYS_CLOSE, uintptr(r().life), 0, 0, 0, 0) // or the child would not see the resident's death
	return true
}

// triesOf is how often a worker is forked before that is given up. While the payload runs there is more to do than to wait: see serve.
//
//go:nosplit
//go:norace
func triesOf(mode uint32) int {
	switch mode {
	case Start:
		return forkTries
	case Stopped:
		return lastForkTries
	}
	return 1
}

// workerMask is what a worker blocks, as the kernel has it: an array of long. Words of 32 bits are in the right order everywhere: where a
// long has 64 all our machines are little-endian.
//
//go:nosplit
//go:norace
func workerMask() [4]uint32 {
	const open = uint64(workerSignals)
	return [4]uint32{^uint32(open & 0xffffffff), ^uint32(open >> 32), ^uint32(0), ^uint32(0)}
}

// workerSignals are open in a worker; the last two are for the C library's threads.
const workerSignals = 1<<(unix.SIGSEGV-1) | 1<<(unix.SIGBUS-1) | 1<<(unix.SIGFPE-1) | 1<<(unix.SIGILL-1) | 1<<(unix.SIGTRAP-1) |
	1<<(unix.SIGABRT-1) | 1<<(unix.SIGSYS-1) | 1<<(unix.SIGPIPE-1) | 1<<(unix.SIGURG-1) | 1<<(unix.SIGPROF-1) | 1<<31 | 1<<32
