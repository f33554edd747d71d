// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"math/bits"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/caps"
	"gojail/src/plan"
	"gojail/src/trampoline"
)

// processOp translates what makes the process what it is.
func (c *compiler) processOp(op plan.Op) {
	switch o := op.(type) {
	case plan.Rlimits:
		c.rlimits(o)
	case plan.Personality:
		c.call(unix.SYS_PERSONALITY, num(o.Persona))
	case plan.Scheduler:
		c.call(unix.SYS_SCHED_SETATTR, num(0), c.schedAttr(o), num(0))
	case plan.IOPriority:
		c.call(unix.SYS_IOPRIO_SET, num(1), num(0), num(uint32(o.Class)<<13|uint32(o.Level)))
	case plan.MemoryPolicy:
		c.memoryPolicy(o)
	case plan.Affinity:
		c.call(unix.SYS_SCHED_SETAFFINITY, num(0), num(len(o.CPUs)*int(unsafe.Sizeof(uintptr(0)))), c.longs(o.CPUs...))
	case plan.Stdio:
		for fd := range 3 {
			c.call(unix.SYS_DUP3, num(c.h.Stdio), num(fd), none)
		}
	case plan.Chdir:
		c.needRoot()
		c.resolve(o.Path, rTmp)
		c.call(unix.SYS_FCHDIR, rTmp.arg())
		c.close(rTmp)
	case plan.DropBounding:
		c.dropBounding(o.Keep)
	case plan.User:
		c.user(o)
		c.undumpable()
	case plan.Capabilities:
		c.capabilities(o.Sets)
	case plan.NoNewPrivs:
		c.call(unix.SYS_PRCTL, num(unix.PR_SET_NO_NEW_PRIVS), num(1), none, none, none)
	case plan.Seccomp:
		c.seccomp(o)
	case plan.Log:
		for i, fd := range c.h.Output {
			c.call(unix.SYS_DUP3, num(fd), num(i+1), none)
		}
	case plan.MDWE:
		c.call(unix.SYS_PRCTL, num(setMDWE), num(o.Flags), num(0), num(0), num(0))
	case plan.Landlock:
		c.landlock(o)
	case plan.Find:
		c.find(o.Exec, none)
	case plan.Wait:
		c.tell(SyncCreated, none, none)
		c.await()
		if o.Detached {
			c.waitDetached()
		}
	case plan.Exec:
		c.exec(o)
	}
}

// needRoot opens the root directory where the plan has made none.
func (c *compiler) needRoot() {
	if !c.haveRoot {
		c.haveRoot = true
		c.call(unix.SYS_OPENAT, num(cwd), c.str("/"), num(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY), none).into(rRoot)
	}
}

// arrange puts the descriptors where the trampoline expects them. It comes before the limits: RLIMIT_NOFILE may be tiny.
func (c *compiler) arrange() {
	if !c.arranged {
		c.arranged = true
		c.call(unix.SYS_CLOSE_RANGE, num(3+c.h.Keep), num(^uint32(0)), num(unix.CLOSE_RANGE_CLOEXEC))
		c.put(c.h.Theirs, trampoline.ErrorFD+c.h.Keep)
		if c.h.LifeLine >= 0 {
			c.put(c.h.LifeLine, trampoline.LifeFD+c.h.Keep)
		}
	}
}

// put makes fd the number that the trampoline finds it at.
func (c *compiler) put(fd, number int) {
	if fd == number {
		c.call(unix.SYS_FCNTL, num(fd), num(unix.F_SETFD), num(0))
		return
	}
	c.call(unix.SYS_DUP3, num(fd), num(number), none)
}

func (c *compiler) rlimits(o plan.Rlimits) {
	c.arrange()
originals:
	for _, l := range c.h.Limits {
		for _, have := range o.Limits {
			if have.Resource == l.Resource {
				continue originals
			}
		}
		c.rlimit(l)
	}
	for _, l := range o.Limits {
		if c.detached && l.Resource == unix.RLIMIT_NOFILE && l.Soft < acceptLimit {
			c.late = append(c.late, l)
			l.Soft, l.Hard = acceptLimit, max(l.Hard, acceptLimit)
			c.rlimit(l).mayFail(unix.EPERM, unix.EINVAL)
			continue
		}
		c.rlimit(l)
	}
}

// acceptLimit is how many descriptors a container may have at least while it waits, which takes a new one.
const acceptLimit = 64

func (c *compiler) rlimit(l plan.Rlimit) *Insn {
	return c.call(unix.SYS_PRLIMIT64, num(0), num(l.Resource), c.words64(l.Soft, l.Hard), none)
}

// schedAttr is struct sched_attr with its utilization clamps, which are zero (sched_setattr(2)).
func (c *compiler) schedAttr(o plan.Scheduler) arg {
	head := [...]uint32{56, o.Policy}
	tail := [...]uint32{uint32(o.Nice), o.Priority}
	b := make([]byte, 0, 56)
	b = append(b, bytesOf(head[:])...)
	b = append(b, bytesOf([]uint64{o.Flags})...)
	b = append(b, bytesOf(tail[:])...)
	b = append(b, bytesOf([]uint64{o.Runtime, o.Deadline, o.Period, 0})...)
	return c.bytes(b)
}

func (c *compiler) memoryPolicy(o plan.MemoryPolicy) {
	if len(o.Nodes) == 0 {
		c.call(unix.SYS_SET_MEMPOLICY, num(o.Mode), none, none)
		return
	}
	var words []uintptr
	for _, n := range o.Nodes {
		for shift := 0; shift < 64; shift += bits.UintSize {
			words = append(words, uintptr(n>>shift))
		}
	}
	for len(words) < int(o.Max)/bits.UintSize {
		words = append(words, 0)
	}
	c.call(unix.SYS_SET_MEMPOLICY, num(o.Mode), c.longs(words...), num(o.Max+1)) // the kernel counts from one
}

// dropBounding tries all 64: a kernel may know more than we do. The first it does not know ends it.
func (c *compiler) dropBounding(keep caps.Set) {
	var unknown []int
	for i := 0; i < 64; i++ {
		if keep>>i&1 == 0 {
			c.call(unix.SYS_PRCTL, num(unix.PR_CAPBSET_DROP), num(i), none, none, none).mayFail(unix.EINVAL)
			unknown = append(unknown, c.here()-1)
		}
	}
	c.land(unknown...)
}

func (c *compiler) user(o plan.User) {
	if o.KeepCaps {
		c.call(unix.SYS_PRCTL, num(unix.PR_SET_KEEPCAPS), num(1), none, none, none)
	}
	if o.SetGroups {
		in := c.call(sysSetgroups, num(len(o.Groups)), c.words32(append(o.Groups[:len(o.Groups):len(o.Groups)], 0)...))
		if len(o.Groups) == 0 && c.joinedUser {
			in.mayFail(unix.EPERM) // they went before it was joined
		}
	}
	if o.GID >= 0 {
		id := num(uint32(o.GID))
		c.call(sysSetresgid, id, id, id)
	}
	if o.UID >= 0 {
		id := num(uint32(o.UID))
		c.call(sysSetresuid, id, id, id)
	}
}

func (c *compiler) capabilities(s caps.Sets) {
	lo, hi := func(s caps.Set) uint32 { return uint32(s) }, func(s caps.Set) uint32 { return uint32(s >> 32) }
	c.call(unix.SYS_CAPSET, c.words32(unix.LINUX_CAPABILITY_VERSION_3, 0), c.words32(lo(s.Effective), lo(s.Permitted), lo(s.Inheritable),
		hi(s.Effective), hi(s.Permitted), hi(s.Inheritable)))
	c.call(unix.SYS_PRCTL, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_CLEAR_ALL), none, none, none).mayFail(unix.EINVAL)
	for i := 0; i < 64; i++ {
		// The kernel takes an ambient capability only if it is permitted and inheritable.
		if (s.Ambient&s.Inheritable&s.Permitted)>>i&1 != 0 {
			c.call(unix.SYS_PRCTL, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(i), none, none)
		}
	}
}

// seccomp loads a filter, unless the trampoline does.
func (c *compiler) seccomp(o plan.Seccomp) {
	switch o.When {
	case plan.Last:
		return
	case plan.AtEntry:
		c.tell(SyncTrace, none, none)
		c.await()
		return
	}
	insns := o.Filter.Program
	fprog := c.longs(0, c.bytes(bytesOf(insns)).v) // struct sock_fprog
	copy(c.data[fprog.v:], bytesOf([]uint16{uint16(len(insns))}))
	c.fixes = append(c.fixes, int(fprog.v)+int(unsafe.Sizeof(uintptr(0))))
	c.call(unix.SYS_SECCOMP, num(unix.SECCOMP_SET_MODE_FILTER), num(o.Filter.Flags), fprog).into(rKeep)
	if o.Filter.Notifies {
		c.tell(SyncListener, rKeep.arg(), none)
		c.await()
		c.close(rKeep)
	}
}

// exec hands over to the trampoline: argv[0] is the file to execute, the payload's own arguments follow.
func (c *compiler) exec(o plan.Exec) {
	c.arrange()
	c.call(unix.SYS_UMASK, num(o.Umask))
	file := o.Args[0]
	if o.File != "" {
		file = o.File
	}
	argv := c.vec(append([]string{file}, o.Args...))
	c.find(o, argv)
	if !c.hook {
		c.tell(SyncLast, none, none)
	}
	c.call(unix.SYS_RT_SIGPROCMASK, num(unix.SIG_SETMASK), c.room(16), none, num(sigsetSize))
	c.call(unix.SYS_EXECVEAT, num(c.h.Trampoline), c.empty, argv, c.vec(o.Env), num(emptyPath))
}

// waitDetached waits for somebody who connects to the socket, with whom the conversation goes on.
func (c *compiler) waitDetached() {
	c.h.Each(func(fd *int) {
		if *fd >= FirstFD && *fd != c.h.Trampoline {
			c.call(unix.SYS_CLOSE, num(*fd)).mayFail(unix.EBADF)
		}
	})
	c.call(unix.SYS_ACCEPT4, num(c.h.Start), none, none, num(unix.SOCK_CLOEXEC)).into(rKeep).tries(255)
	c.call(unix.SYS_DUP3, rKeep.arg(), num(c.h.Theirs), num(unix.O_CLOEXEC))
	c.call(unix.SYS_DUP3, rKeep.arg(), num(trampoline.ErrorFD+c.h.Keep), none)
	c.close(rKeep)
	c.call(unix.SYS_CLOSE, num(c.h.Start))
	for _, l := range c.late {
		c.rlimit(l)
	}
}

// closeOthers closes what is neither the payload's nor ours: what the supervisor has locked, or what has another end, is free once it has
// ended. It comes before a filter may forbid it.
func (c *compiler) closeOthers() {
	fds := []int{2 + c.h.Keep, c.h.Theirs, c.h.Start, c.h.LifeLine}
	c.h.Each(func(fd *int) { fds = append(fds, *fd) })
	slices.Sort(fds)
	for i, fd := range fds {
		last := ^uint32(0)
		if i+1 < len(fds) {
			last = uint32(fds[i+1] - 1)
		}
		if fd >= 2+c.h.Keep && uint32(fd+1) <= last {
			c.call(unix.SYS_CLOSE_RANGE, num(fd+1), num(last), none)
		}
	}
}

// find fails where the file cannot be executed. argv, if it is not none, gets its path.
func (c *compiler) find(o plan.Exec, argv arg) {
	switch {
	case o.File != "":
		c.call(unix.SYS_FACCESSAT, num(cwd), c.str(o.File), num(unix.X_OK))
	case len(o.Path) == 0:
		c.call(unix.SYS_FACCESSAT, num(cwd), c.str(o.Args[0]), num(unix.X_OK))
		if argv == none { // else the kernel says so
			c.call(unix.SYS_FACCESSAT, num(cwd), c.str(o.Args[0]+"/."), num(unix.F_OK)).mayFail(unix.ENOTDIR, unix.EACCES)
			file := c.here() - 1
			c.fail(unix.EACCES)
			c.land(file)
		}
	default:
		c.lookUp(o, argv)
	}
}

// lookUp is execvp's search: the first file that may be executed; EACCES if only forbidden ones were seen. The answer goes
// into argv[0].
func (c *compiler) lookUp(o plan.Exec, argv arg) {
	var found []int
	files := make([]arg, 0, len(o.Path))
	for _, dir := range o.Path {
		file := c.str(dir + "/" + o.Args[0])
		files = append(files, file)
		c.call(unix.SYS_FACCESSAT, num(cwd), file, num(unix.X_OK)).mayFail(notThere...).mayFail(unix.EACCES)
		missing := c.here() - 1
		c.call(unix.SYS_STATX, num(cwd), file, none, num(unix.STATX_TYPE), c.scratch).mayFail(notThere...).mayFail(unix.EACCES)
		gone := c.here() - 1
		dir := c.skipIfType(unix.S_IFDIR)
		if argv != none {
			c.insn(kindWord, 0, argv, file)
		}
		found = append(found, c.jump())
		c.land(missing, gone, dir)
	}
	for _, file := range files {
		c.call(unix.SYS_FACCESSAT, num(cwd), file, num(unix.F_OK)).mayFail(notThere...).mayFail(unix.EACCES)
		missing := c.here() - 1
		c.fail(unix.EACCES)
		c.land(missing)
	}
	c.fail(unix.ENOENT)
	c.land(found...)
}

var notThere = []syscall.Errno{unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ENAMETOOLONG}
