// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/program"
	"gojail/src/trampoline"
)

// The container's process is made here, not by the worker: with the few pages of the resident the kernel makes it, and exec takes it
// apart again, in a fraction of the time that a process with a Go runtime takes, and none of the worker's memory is in it. The
// worker goes on meanwhile: it opens what the process needs and writes the program, which it then gives to the process itself.
//
//	worker                        resident                  child
//	(has a plan) ---- make -------> clone ------------------> waits
//	(opens, writes the program)
//	---- gift, with descriptors ----------------------------> maps the program and runs it
//	(waits)      <--- made --------

// A gift is the program for a process that waits in child, the first message on its sync socket. With it come the descriptors that it
// needs, which it gets as program.FirstFD and up, and as the last one the file that holds the program.
type gift struct {
	addr, size uintptr // where the file is to be mapped, whole; nothing is there in the worker, hence not in the resident
	count      uintptr // of instructions, at addr
	data       uintptr // the address of the data
}

// maxGift is how many descriptors can come with a gift (SCM_MAX_FD).
const maxGift = 253

// given is what a child gets. The resident does not touch it: it costs no memory.
var given struct {
	gift
	hdr     msghdr
	iov     [2]uintptr
	control struct {
		unix.Cmsghdr
		fds [maxGift + 1]int32
	}
	report [3]uint32
}

// makeChild makes the process that the message asks for, and answers it. It takes sync, the process' end of a sync socket, and cgroup,
// -1 or the control group that it is to start in.
//
//go:nosplit
//go:norace
//go:nocheckptr
func makeChild(sync, cgroup int32) {
	flags := uintptr(uint32(r().msg.pid))
	moved := uint32(0)
	pid := -int(unix.ECANCELED)
	if sync < 0 { // a received descriptor gets lost where there is no room for it
		pid = -int(unix.EMFILE)
	}
	if r().home >= 0 && flags&(unix.CLONE_NEWNET|unix.CLONE_NEWUSER) == unix.CLONE_NEWNET {
		flags &^= unix.CLONE_NEWNET
	} else {
		goHome()
	}
	if sync >= 0 && r().cancel == 0 && !r().had {
		r().clone = [11]uint64{uint64(flags), 4: uint64(unix.SIGCHLD)}
		if cgroup >= 0 {
			r().clone[0], r().clone[10], moved = r().clone[0]|unix.CLONE_INTO_CGROUP, uint64(cgroup), 1
		}
		pid = sys(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&r().clone)), unsafe.Sizeof(r().clone), 0, 0, 0)
		if pid == -int(unix.ENOSYS) { // hidden by a seccomp filter or an old emulator
			pid = sys(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0)
			moved = 0
		}
		if pid == 0 {
			childFn(sync)
		}
	}
	drop(sync)
	drop(cgroup)
	dropLife()
	if pid > 0 {
		r().payload, r().first, r().had, r().killMS = int32(pid), r().msg.first != 0, true, r().msg.ms
		r().last = r().payload
	}
	goHome()
	r().msg.pid, r().msg.first = int32(pid), moved
	sys(unix.SYS_SENDTO, uintptr(r().ctl), uintptr(unsafe.Pointer(&r().msg)), messageSize, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0)
}

// dropLife closes the child's end of the life line, of which the child has its own by now.
//
//go:nosplit
//go:norace
func dropLife() {
	drop(boot().life)
	boot().life = -1
}

// These are variables so that the linker counts the stack of what they call for itself: the kernel's stack has room.
var (
	makeFn  = makeChild
	childFn = child
	runFn   = program.Run
)

// child is the life of the container's process up to its exec. Of what the resident has open it keeps the sync socket and its end of the
// life line, where the trampoline wants them.
//
//go:nosplit
//go:norace
//go:nocheckptr
func child(sync int32) {
	sys(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	sys(unix.SYS_DUP3, uintptr(sync), trampoline.ErrorFD, unix.O_CLOEXEC, 0, 0) // was the signalfd, and the next one the timer: neither of these two
	sys(unix.SYS_DUP3, uintptr(boot().life), trampoline.LifeFD, unix.O_CLOEXEC, 0, 0)
	for fd := uintptr(trampoline.LifeFD + 1); fd < program.FirstFD; fd++ { // or what comes would take these numbers
		sys(unix.SYS_DUP3, trampoline.ErrorFD, fd, unix.O_CLOEXEC, 0, 0)
	}
	sys(unix.SYS_CLOSE_RANGE, program.FirstFD, uintptr(^uint32(0)), 0, 0, 0)
	raiseLimits(0)
	insn, errno := receiveProgram()
	if errno == 0 {
		// Not conversions, which vet takes for arithmetic on Go pointers.
		insns, data := *(*unsafe.Pointer)(unsafe.Pointer(&given.addr)), *(*unsafe.Pointer)(unsafe.Pointer(&given.data))
		i, e := runFn(program.Code{Insns: insns, Data: data, Len: int(given.count)})
		insn, errno = uint32(i), uint32(e)
	}
	given.report = [3]uint32{insn, errno}
	sys(unix.SYS_WRITE, trampoline.ErrorFD, uintptr(unsafe.Pointer(&given.report)), unsafe.Sizeof(given.report), 0, 0)
	exit(1)
}

// receiveProgram waits for a gift. It returns what is to be reported if that is not what it has to be.
//
//go:nosplit
//go:norace
//go:nocheckptr
func receiveProgram() (code, errno uint32) {
	g := &given
	g.iov = [2]uintptr{uintptr(unsafe.Pointer(&g.gift)), unsafe.Sizeof(g.gift)}
	g.hdr = msghdr{iov: uintptr(unsafe.Pointer(&g.iov)), iovlen: 1, control: uintptr(unsafe.Pointer(&g.control)), controllen: unsafe.Sizeof(g.control)}
	n := sys(unix.SYS_RECVMSG, trampoline.ErrorFD, uintptr(unsafe.Pointer(&g.hdr)), unix.MSG_CMSG_CLOEXEC, 0, 0)
	if n <= 0 { // nobody there any more
		exit(1)
	}
	if g.hdr.flags&unix.MSG_CTRUNC != 0 { // not even the hard limit is enough
		return program.SyncLost, uint32(unix.EMFILE)
	}
	fds := (uintptr(g.control.Len) - unix.SizeofCmsghdr) / 4
	if uintptr(n) != unsafe.Sizeof(g.gift) || g.hdr.controllen < unix.SizeofCmsghdr+4 || fds > maxGift {
		return program.SyncLost, uint32(unix.EPROTO)
	}
	file := program.FirstFD + fds - 1
	at, _, _ := syscall.RawSyscall6(sysMmap, g.addr, g.size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_FIXED_NOREPLACE|unix.MAP_POPULATE, file, 0)
	if at != g.addr {
		return program.SyncLost, uint32(unix.ENOMEM)
	}
	sys(unix.SYS_CLOSE, file, 0, 0, 0, 0)
	return 0, 0
}
