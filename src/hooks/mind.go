// SPDX-License-Identifier: LGPL-2.1-only

package hooks

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/program"
)

// A minder is the process between a worker and a hook: the hook's parent, and the one that its orphans come to. It owes the worker an
// answer, and the world that nothing is left of a hook that is given up: it kills them all when the worker says so, or is no more.
//
//	worker                          minder                             hook
//	         ──fork──────────────────>│ ──fork─────────────────────────>│ joins, exec
//	         <── {insn, errno} ───────┼─────────────────────────────────┤ it could not be executed
//	         <── {tellEnded, status} ─┤ <── it has ended ───────────────┘
//	(shuts its end down, or is dead)─>│ kills the hook and all that it has started, says so, ends
//
// It is in the pid namespace of the hook, as only there are orphans its own, unless that is the container's own one. Orphans go to the
// container's process there, with which all in the namespace end, as it does if a hook is given up. And that process could not end while
// a minder in its namespace has not been waited for, which is whose business once the worker is dead?
//
// It has no Go runtime, and everything below is for a process of one thread.
type minder struct {
	ours      int32 // the worker's end of the socket
	ctl, proc int32 // its own end; /proc
	life      int32 // the end of a socket by which the hook learns that it has a parent. It keeps no other descriptor
	pids      int32 // pidfd of a process in whose pid namespace the hook is to be, or -1
	code      program.Code

	args [11]uint64 // struct clone_args of clone3(2), for the hook

	hook, status int32
	self         int32 // its pid as /proc has it
	poll         [2]struct {
		fd              int32
		events, revents int16
	}
	all     [2]uint64 // signals
	report  [3]uint32
	pause   [2]uintptr
	text    [256]byte // what stands in a file
	entries [8192]byte
}

// newMinder is one for a process that runs code. group is a descriptor of its control group, or -1. None of the descriptors is one of the
// first three.
func newMinder(ours, ctl, proc, life int, code program.Code, group int) *minder {
	m := &minder{ours: int32(ours), ctl: int32(ctl), proc: int32(proc), life: int32(life), pids: -1, code: code}
	m.args[4] = uint64(unix.SIGCHLD)
	if group >= 0 {
		m.args[0], m.args[10] = unix.CLONE_INTO_CGROUP, uint64(group)
	}
	return m
}

const (
	tellEnded  = ^uint32(0) - 64 - iota // the status of wait(2)
	tellNoFork                          // errno
)

const (
	sigsetSize  = (kernel.MaxSignal + 7) / 8 // bytes of a signal set
	maxPause    = 64e6
	allChildren = 0x40000000 // __WALL
)

var (
	dot      = [...]byte{'.', 0}
	statName = [...]byte{'s', 't', 'a', 't', 0}
	selfName = [...]byte{'s', 'e', 'l', 'f', 0}
)

//go:nosplit
//go:norace
//go:nocheckptr
func sys(nr, a, b, c, d uintptr) int {
	v, _, errno := syscall.RawSyscall6(nr, a, b, c, d, 0, 0)
	if errno != 0 {
		return -int(errno)
	}
	return int(v)
}

// mind is the minder's life.
//
//go:nosplit
//go:norace
//go:nocheckptr
func mind(p unsafe.Pointer) {
	m := (*minder)(p)
	m.all = [2]uint64{^uint64(0), ^uint64(0)}
	sys(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&m.all)), 0, sigsetSize)
	sys(unix.SYS_CLOSE, uintptr(m.ours), 0, 0, 0)
	sys(unix.SYS_PRCTL, unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0)
	sys(unix.SYS_SETSID, 0, 0, 0, 0)
	pid := 0
	if m.pids >= 0 {
		pid = sys(unix.SYS_SETNS, uintptr(m.pids), unix.CLONE_NEWPID, 0, 0)
	}
	if pid == 0 {
		pid = m.clone()
	}
	if pid == 0 {
		insn, errno := program.Run(m.code)
		m.tell(uint32(insn), uint32(errno))
		exit(1)
	}
	m.keep()
	if pid < 0 {
		m.tell(tellNoFork, uint32(-pid))
		exit(1)
	}
	m.hook = int32(pid)
	m.poll[0].fd, m.poll[0].events = m.ctl, unix.POLLIN
	m.poll[1].fd, m.poll[1].events = int32(sys(unix.SYS_PIDFD_OPEN, uintptr(pid), 0, 0, 0)), unix.POLLIN
	for {
		sys(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&m.poll)), 2, 0, 0)
		if m.poll[0].revents != 0 || m.poll[1].fd < 0 {
			m.sweep()
			break
		}
		if m.reap(m.hook) == int(m.hook) {
			break
		}
	}
	m.tell(tellEnded, uint32(m.status))
	exit(0)
}

// clone makes the hook's process. Where clone3 is hidden it is in no control group of the container's.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (m *minder) clone() int {
	pid := sys(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&m.args)), unsafe.Sizeof(m.args), 0, 0)
	if pid == -int(syscall.ENOSYS) {
		pid = sys(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0)
	}
	return pid
}

//go:nosplit
//go:norace
func exit(code uintptr) {
	for {
		sys(unix.SYS_EXIT_GROUP, code, 0, 0, 0)
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func (m *minder) tell(word, value uint32) {
	m.report[0], m.report[1] = word, value
	sys(unix.SYS_WRITE, uintptr(m.ctl), uintptr(unsafe.Pointer(&m.report)), unsafe.Sizeof(m.report), 0)
}

// keep closes all but three descriptors: a minder outlives its worker, and must then hold nothing that tells others that the worker lives.
//
//go:nosplit
//go:norace
func (m *minder) keep() {
	sys(unix.SYS_DUP3, uintptr(m.ctl), 0, 0, 0)
	sys(unix.SYS_DUP3, uintptr(m.proc), 1, 0, 0)
	sys(unix.SYS_DUP3, uintptr(m.life), 2, 0, 0)
	m.ctl, m.proc, m.life = 0, 1, 2
	sys(unix.SYS_CLOSE_RANGE, 3, uintptr(^uint32(0)), 0, 0)
}

// reap waits for a child that has ended, -1 for any: its pid, 0 for none, or a negative errno.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (m *minder) reap(pid int32) int {
	var status int32
	got := sys(unix.SYS_WAIT4, uintptr(pid), uintptr(unsafe.Pointer(&status)), unix.WNOHANG|allChildren, 0)
	if got > 0 && got == int(m.hook) {
		m.status = status
	}
	return got
}

// sweep kills children until there are none. Those of a child that has died become the minder's own.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (m *minder) sweep() {
	sys(unix.SYS_KILL, uintptr(m.hook), uintptr(unix.SIGKILL), 0, 0) // it has not been waited for
	n := sys(unix.SYS_READLINKAT, uintptr(m.proc), uintptr(unsafe.Pointer(&selfName)), uintptr(unsafe.Pointer(&m.text)), unsafe.Sizeof(m.text))
	m.self = m.number(0, n)
	for m.pause[1] = 1e6; ; m.pause[1] = min(2*m.pause[1], maxPause) {
		dir := sys(unix.SYS_OPENAT, uintptr(m.proc), uintptr(unsafe.Pointer(&dot)), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		for {
			n := sys(unix.SYS_GETDENTS64, uintptr(dir), uintptr(unsafe.Pointer(&m.entries)), unsafe.Sizeof(m.entries), 0)
			if n <= 0 {
				break
			}
			for at := 0; at < n; {
				entry := unsafe.Add(unsafe.Pointer(&m.entries), at)
				m.consider(unsafe.Add(entry, unsafe.Offsetof(unix.Dirent{}.Name)))
				at += int(*(*uint16)(unsafe.Add(entry, unsafe.Offsetof(unix.Dirent{}.Reclen))))
			}
		}
		sys(unix.SYS_CLOSE, uintptr(dir), 0, 0, 0)
		for {
			got := m.reap(-1)
			if got == -int(syscall.ECHILD) {
				return
			}
			if got <= 0 {
				break
			}
		}
		sys(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&m.pause)), 0, 0, 0)
	}
}

// consider kills the process of a directory in /proc if it is a child. Nobody else waits for it: until we do it stays that process.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (m *minder) consider(name unsafe.Pointer) {
	if c := *(*byte)(name); c < '0' || c > '9' {
		return
	}
	dir := sys(unix.SYS_OPENAT, uintptr(m.proc), uintptr(name), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if dir < 0 {
		return
	}
	stat := sys(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&statName)), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	n := sys(unix.SYS_READ, uintptr(stat), uintptr(unsafe.Pointer(&m.text)), unsafe.Sizeof(m.text), 0)
	sys(unix.SYS_CLOSE, uintptr(stat), 0, 0, 0)
	if m.parent(n) == m.self {
		sys(unix.SYS_PIDFD_SEND_SIGNAL, uintptr(dir), uintptr(unix.SIGKILL), 0, 0)
	}
	sys(unix.SYS_CLOSE, uintptr(dir), 0, 0, 0)
}

// parent is the fourth field of the n bytes of a stat file in text, -1 if it has none. The second is in parentheses and may hold any.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (m *minder) parent(n int) int32 {
	for n--; n >= 0; n-- {
		if m.at(n) == ')' {
			return m.number(n+4, n+16) // ") S "
		}
	}
	return -1
}

// number is what stands in text from a place on, up to another.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (m *minder) number(at, end int) int32 {
	v := int32(0)
	for ; at < end; at++ {
		c := m.at(at)
		if c < '0' || c > '9' {
			break
		}
		v = v*10 + int32(c-'0')
	}
	return v
}

// at is without the check of an index, which would call the runtime.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (m *minder) at(i int) byte {
	if uint(i) >= uint(len(m.text)) {
		return 0
	}
	return *(*byte)(unsafe.Add(unsafe.Pointer(&m.text), i))
}
