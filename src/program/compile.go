// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/plan"
)

// Handles are the descriptors that a program finds open in the child. They stay the supervisor's. None may be below FirstFD.
type Handles struct {
	Ours, Theirs int   // the two ends of the sync socket; the child closes Ours; -1: it does not have that, and has got the first word
	LifeLine     int   // its other end is held by the process that the payload must not outlive; -1: there is none
	Pidfd        int   // of a container's process; needed with Enter
	Stdio        int   // what becomes 0, 1 and 2; needed with Stdio
	Trampoline   int   // executable that runs the payload
	Proc         int   // a verified procfs; needed with Sysctl
	Joins        []int // for each Join of the plan
	Trees        []int // for each Root and Bind that is opened by the supervisor; -1: missing, to be passed over
	Limits       []plan.Rlimit
	Landlock     int    // version of the kernel's Landlock; needed with Landlock
	Output       [2]int // what becomes stdout and stderr with Log
	Start        int    // listening socket of a detached Wait
	Keep         int    // so many descriptors from 3 on are the payload's: all that is said of those numbers is then meant that much higher
}

// Each calls f with the place of each descriptor but those of the sync socket and the life line.
func (h *Handles) Each(f func(fd *int)) {
	f(&h.Trampoline)
	f(&h.Proc)
	f(&h.Output[0])
	f(&h.Output[1])
	f(&h.Pidfd)
	f(&h.Stdio)
	for _, list := range [...][]int{h.Joins, h.Trees} {
		for i := range list {
			f(&list[i])
		}
	}
}

// FirstFD is the lowest descriptor that Handles may have: those below are the payload's and the trampoline's.
const FirstFD = 6

// What the child says on the sync socket: up to three uint32 in the machine's byte order, {instruction, errno} if it fails, or one of
// these and its values. It then waits for one byte, except after SyncForked, SyncLast and SyncExec.
//
//	supervisor                                  child
//	(announces its pid)  ------ go ----------->
//	(does Plan.Outside)  <----- SyncReady ------  only where the clone did not make the namespaces
//	                     ------ go ----------->
//	(announces the pid)  <----- SyncForked -----  the first process ends, a second one waits
//	                     ------ go ----------->
//	(copies)             <----- SyncCopyUp -----  for each tmpcopyup
//	                     ------ go ----------->
//	(makes it)           <----- SyncMake ------  where links in the root lead to what does not exist yet
//	                     ------ go ----------->
//	(takes the master)   <----- SyncTerminal ---  where the payload has a terminal
//	                     ------ go ----------->
//	(poststop from here) <----- SyncMade -------  where there are poststop hooks
//	                     ------ go ----------->
//	(runs the hook)      <----- SyncHook -------  for each
//	                     ------ go ----------->
//	(waits for start)    <----- SyncCreated ----  where the payload is to be started later
//	                     ------ go ----------->
//	(traces it)          <----- SyncTrace ------  where the seccomp filter is to be loaded at the payload's entry point
//	                     ------ go ----------->
//	(heeds nothing else) <----- SyncLast -------  the trampoline comes next: its SyncExec, or an instruction that failed
//	(announces the pid)  <----- SyncBorn -------  where the trampoline forks: the second process, or the negative errno
//	                     ------ go ----------->
//	(passes it on)       <----- SyncListener ---  where somebody listens to the seccomp filter
//	                     ------ go ----------->  (the filter of a process that may gain privileges is loaded before SyncCreated)
//	                     <----- {insn, errno} --  or SyncExec, SyncFilter: it has failed and ends
//	                     <----- (closed) -------  the payload runs, or the child was killed
//
// Up to SyncLast nobody who is not root here can trace the child. The trampoline can be traced by whoever may trace the payload:
// another container of the same user, for one. What its descriptor says then must not move the supervisor to anything; of SyncBorn the pid
// has to be that of a child which the parent does not know yet.
const (
	SyncExec     = ^uint32(0) - iota // the trampoline could not execute the payload: errno
	SyncFilter                       // the trampoline could not load the seccomp filter: errno
	SyncListener                     // the filter has a listener: the child's descriptor of it
	SyncBorn                         // the joined trampoline's second process: its pid, or the negative errno
	SyncForked                       // the second process: its pid
	SyncReady                        // the namespaces exist
	SyncCopyUp                       // tmpcopyup: the child's descriptors of the covered directory and of the tmpfs
	SyncMake                         // number of the path for Program.Path, twice, and 1 more for a directory; the child's descriptor of the root
	SyncCreated                      // all but the exec is done: it waits for the word to start
	SyncLast                         // nothing follows that the supervisor has to do something for, but SyncBorn and SyncListener
	SyncTerminal                     // the child's descriptor of the master
	SyncTrace                        // it waits to be traced, up to the payload's entry point
	SyncLost                         // a child that is no fork of the supervisor could not take over its program: errno
	SyncMade                         // poststop hooks are run from here on
	SyncHook                         // number of the plan's op; for one before pivot_root the child's descriptor of the root, else ^0
)

// compiler is a Program in the making and the constants many instructions share.
type compiler struct {
	Program
	h             *Handles
	how, howPlain arg // struct open_how for paths in the container; the second follows no links
	scratch       arg // room for a struct statx, a struct statfs, and what is read
	report        arg // three uint32 for the supervisor
	empty         arg // ""
	joins, trees  int // how many of Handles are used up
	haveRoot      bool
	masks         bool // the plan has masks
	arranged      bool // descriptors
	shared        bool // the host's mounts were left shared
	joinedUser    bool
	hook          bool          // it has no sync socket
	detached      bool          // it waits where nobody of ours may be
	late          []plan.Rlimit // set when it has waited
	dirPath       string
}

// Build translates a plan. The program is linked: it runs once, in a fork of this process, while it is alive.
func Build(p *plan.Plan, h *Handles) *Program {
	c := compile(p, h)
	c.link()
	return &c.Program
}

// BuildUnlinked is Build for a process that is no fork of this one: see Parts.
func BuildUnlinked(p *plan.Plan, h *Handles) *Program { return &compile(p, h).Program }

// compile makes a program that is not linked yet.
func compile(p *plan.Plan, h *Handles) *compiler {
	c := &compiler{h: h}
	c.prepare(len(p.Ops))

	if h.Ours >= 0 { // a fork of the supervisor: its end has to be closed here, or its death would not be seen
		c.call(unix.SYS_CLOSE, num(h.Ours))
		c.dieWithParent()
		c.await()
	}
	c.call(unix.SYS_SETSID)
	c.call(unix.SYS_UMASK, num(0))
	for _, op := range p.Ops {
		switch o := op.(type) {
		case plan.Mask:
			c.masks = true
		case plan.Wait:
			c.detached = o.Detached
		}
	}
	if c.detached {
		c.closeOthers()
	}
	c.undumpable()
	for _, op := range p.Ops {
		c.first = append(c.first, uint32(c.here()))
		c.op(op)
	}
	return c
}

// Outline is a program for the plan that is only there to be asked about: what stands after the plan's Wait is as far from its end as in
// that which Build makes of the same plan, with whatever handles.
func Outline(p *plan.Plan) *Program {
	h := &Handles{}
	for _, op := range p.Ops {
		switch op.(type) {
		case plan.Join:
			h.Joins = append(h.Joins, 0)
		case plan.Root, plan.Bind:
			h.Trees = append(h.Trees, 0)
		}
	}
	return BuildUnlinked(p, h)
}

// prepare makes room for a plan of so many ops, and what they share.
func (c *compiler) prepare(ops int) {
	c.insns = make([]Insn, 0, 64+9*ops) // as most plans need: growing copies them all
	c.data = make([]byte, 0, 16384)
	c.first = make([]uint32, 0, ops)
	c.how = c.words64(unix.O_PATH|unix.O_CLOEXEC, 0, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
	c.howPlain = c.words64(unix.O_PATH|unix.O_CLOEXEC, 0, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS|unix.RESOLVE_NO_SYMLINKS)
	c.scratch = c.room(256)
	c.report = c.room(12)
	c.empty = c.str("")
}

// Idle is a program that does nothing until the other end of its socket closes.
func Idle(ours, theirs int) *Program {
	c := &compiler{h: &Handles{Ours: ours, Theirs: theirs}}
	c.scratch = c.room(8)
	c.call(unix.SYS_CLOSE, num(ours))
	c.dieWithParent()
	c.await()
	c.link()
	return &c.Program
}

// dieWithParent is for the time until the trampoline sets it for good: a change of credentials clears it.
func (c *compiler) dieWithParent() {
	if c.h.LifeLine < 0 {
		return
	}
	c.call(unix.SYS_PRCTL, num(unix.PR_SET_PDEATHSIG), num(int(unix.SIGKILL)), num(0), num(0), num(0))
}

// undumpable keeps those who live in a joined namespace, or as the same user, from tracing us and from what we have open (ptrace(2)).
// A change of credentials may take it back, depending on fs.suid_dumpable, the exec of the trampoline does.
func (c *compiler) undumpable() {
	c.call(unix.SYS_PRCTL, num(unix.PR_SET_DUMPABLE), num(0), num(0), num(0), num(0))
}

// await reads the supervisor's word to go on.
func (c *compiler) await() {
	defer c.isVital(c.here())
	c.call(unix.SYS_READ, num(c.h.Theirs), c.scratch, num(8)).into(rTmp).tries(255)
	ok := c.skipIf(rTmp, ^uintptr(0), 1)
	c.fail(unix.ECANCELED)
	c.land(ok)
}

func (c *compiler) tell(code uint32, a, b arg) {
	defer c.isVital(c.here())
	c.insn(kindStore, 0, c.report, num(code))
	c.insn(kindStore, 0, c.report.at(4), a)
	c.insn(kindStore, 0, c.report.at(8), b)
	c.call(unix.SYS_WRITE, num(c.h.Theirs), c.report, num(12)).tries(255)
}

func (c *compiler) op(op plan.Op) {
	switch op.(type) {
	case plan.Device, plan.Symlink:
	default:
		c.dropDir()
	}
	switch o := op.(type) {
	case plan.Join:
		c.leaveGroups(o.Type)
		c.call(unix.SYS_SETNS, num(c.h.Joins[c.joins]), num(uint32(o.Type)))
		c.joins++
	case plan.Enter:
		c.leaveGroups(o.Namespaces)
		c.call(unix.SYS_SETNS, num(c.h.Pidfd), num(uint32(o.Namespaces)))
		c.undumpable()
	case plan.Unshare:
		c.call(unix.SYS_UNSHARE, num(uint32(o.New)))
	case plan.Sync:
		c.tell(SyncReady, none, none)
		c.await()
	case plan.Become:
		c.becomeRoot(o)
	case plan.Fork:
		c.fork(o)
	case plan.Propagate:
		c.shared = o.To.Type == plan.Shared
		c.call(unix.SYS_MOUNT, none, c.str("/"), none, num(uint32(o.To.Type)|unix.MS_REC), none)
	case plan.Root:
		c.root(o)
	case plan.Mount:
		c.mount(o)
	case plan.Bind:
		c.bind(o)
	case plan.Remount:
		c.remount(o)
	case plan.Mask:
		c.mask(o)
	case plan.ReadOnly:
		c.readOnly(o)
	case plan.Mkdir:
		c.resolveDir(o.Path, rTarget, c.resolve)
		c.close(rTarget)
	case plan.Device:
		c.device(o)
	case plan.Symlink:
		name := c.dir(o.Path)
		if o.Replace {
			c.call(unix.SYS_UNLINKAT, rDir.arg(), name, num(0)).mayFail(unix.ENOENT)
		}
		c.call(unix.SYS_SYMLINKAT, c.str(o.To), rDir.arg(), name).mayFail(unix.EEXIST)
	case plan.RootReadOnly:
		c.setattr(rRoot, unix.MOUNT_ATTR_RDONLY, 0, 0, false)
	case plan.Pivot:
		c.pivot(o)
	case plan.Sysctl:
		c.sysctl(o)
	case plan.Hostname:
		c.call(unix.SYS_SETHOSTNAME, c.str(o.Name), num(len(o.Name)))
	case plan.Domainname:
		c.call(unix.SYS_SETDOMAINNAME, c.str(o.Name), num(len(o.Name)))
	case plan.LoopbackUp:
		c.loopbackUp()
	case plan.Terminal:
		c.terminal(o)
	case plan.UseTerminal:
		c.useTerminal(o)
	case plan.Made:
		c.tell(SyncMade, none, none)
		c.await()
	case plan.Hook:
		root := num(^uint32(0))
		if o.Kind == plan.CreateContainer {
			root = rRoot.arg()
		}
		c.tell(SyncHook, num(len(c.first)-1), root)
		c.await()
	default:
		c.processOp(op)
	}
}

// leaveGroups comes before a user namespace is joined, which may deny setgroups.
func (c *compiler) leaveGroups(joined plan.Namespace) {
	if joined&plan.NewUser != 0 {
		c.joinedUser = true
		c.call(sysSetgroups, num(0), none).mayFail(unix.EPERM)
	}
}

func (c *compiler) becomeRoot(o plan.Become) {
	c.call(sysSetresgid, num(o.GID), num(o.GID), num(o.GID)).mayFail(unix.EINVAL)
	c.call(sysSetresuid, num(o.UID), num(o.UID), num(o.UID)).mayFail(unix.EINVAL)
	c.call(sysSetgroups, num(0), none).mayFail(unix.EPERM) // setgroups may be denied in a joined user namespace
	c.undumpable()
	c.dieWithParent()
}

// fork goes on in a sibling: the new process' parent is the supervisor's parent too. exit_signal must be 0 with CLONE_PARENT and
// is then the one this process was cloned with.
func (c *compiler) fork(o plan.Fork) {
	flags := uintptr(o.New) | unix.CLONE_PARENT
	c.call(unix.SYS_CLONE3, c.words64(uint64(flags), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), num(88)).into(rTmp).mayFail(unix.ENOSYS)
	done := c.here() - 1
	old := c.skipIf(rTmp, ^uintptr(0), ^uintptr(0))
	have := c.jump()
	c.land(old)
	c.call(unix.SYS_CLONE, num(flags), none, none, none, none).into(rTmp)
	c.land(have)
	c.insns[done].skip = 0
	child := c.skipIf(rTmp, ^uintptr(0), 0)
	c.tell(SyncForked, rTmp.arg(), none)
	c.call(unix.SYS_EXIT_GROUP, num(0))
	c.land(child)
	c.dieWithParent()
	c.await()
	c.call(unix.SYS_SETSID)
}

func (c *compiler) pivot(o plan.Pivot) {
	dot := c.str(".")
	slash := c.str("/")
	if c.shared {
		c.call(unix.SYS_OPENAT, num(cwd), slash, num(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY), none).into(rKeep)
	}
	c.call(unix.SYS_FCHDIR, rRoot.arg())
	c.call(unix.SYS_PIVOT_ROOT, dot, dot)
	if c.shared { // or the host would see its file systems unmounted
		c.call(unix.SYS_FCHDIR, rKeep.arg())
		c.call(unix.SYS_MOUNT, none, dot, none, num(unix.MS_SLAVE|unix.MS_REC), none)
		c.close(rKeep)
	}
	c.call(unix.SYS_UMOUNT2, dot, num(unix.MNT_DETACH))
	c.call(unix.SYS_CHDIR, slash)
	if o.Then.Type != 0 && o.Then.Type != plan.Private {
		c.call(unix.SYS_MOUNT, none, slash, none, num(propagationFlags(o.Then)), none)
	}
}

func propagationFlags(p plan.Propagation) uint32 {
	f := uint32(p.Type)
	if p.Recursive {
		f |= unix.MS_REC
	}
	return f
}

func (c *compiler) sysctl(o plan.Sysctl) {
	how := c.words64(unix.O_WRONLY|unix.O_CLOEXEC, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_XDEV|unix.RESOLVE_NO_SYMLINKS)
	c.call(unix.SYS_OPENAT2, num(c.h.Proc), c.str("sys/"+o.Path), how, num(24)).into(rTmp).tries(openTries)
	c.call(unix.SYS_WRITE, rTmp.arg(), c.str(o.Value), num(len(o.Value))).into(rKeep)
	whole := c.skipIf(rKeep, ^uintptr(0), uintptr(len(o.Value)))
	c.fail(unix.EIO)
	c.land(whole)
	c.close(rTmp)
}

// loopbackUp: struct ifreq with ifr_name lo and ifr_flags at its offset 16.
func (c *compiler) loopbackUp() {
	var req [unsafe.Sizeof(unix.RawSockaddrInet6{}) + 16]byte
	copy(req[:], "lo")
	flags := [1]uint16{unix.IFF_UP | unix.IFF_RUNNING}
	copy(req[16:], bytesOf(flags[:]))
	c.call(unix.SYS_SOCKET, num(unix.AF_INET), num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), num(0)).into(rTmp)
	c.call(unix.SYS_IOCTL, rTmp.arg(), num(uint32(unix.SIOCSIFFLAGS)), c.bytes(req[:]))
	c.close(rTmp)
}
