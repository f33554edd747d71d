// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"golang.org/x/sys/unix"

	"gojail/src/plan"
	"gojail/src/trampoline"
)

const devptsMagic = 0x1cd1 // DEVPTS_SUPER_MAGIC of linux/magic.h

// terminal opens a pseudoterminal: its other end goes into rTTY, the master to the supervisor. Neither is opened by a path that the
// image could turn elsewhere: /dev/pts is reached through no link and is a devpts, ptmx is that file system's own, the other end is
// the master's, and what is bound on /dev/console is that (CVE-2025-52565).
func (c *compiler) terminal(o plan.Terminal) {
	c.needRoot()
	c.ordinary("/dev/pts", rTarget)
	c.fstatfs(rTarget)
	devpts := c.skipIfMem(c.scratch, 0xffffffff, devptsMagic)
	c.fail(unix.ENODEV)
	c.land(devpts)
	how := c.words64(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_XDEV|unix.RESOLVE_NO_SYMLINKS)
	c.call(unix.SYS_OPENAT2, rTarget.arg(), c.str("ptmx"), how, num(24)).into(rKeep).tries(openTries)
	c.close(rTarget)
	c.ioctl(rKeep, unix.TIOCSPTLCK, c.words32(0))
	c.ioctl(rKeep, unix.TIOCGPTPEER, num(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)).into(rTTY)
	if o.Width != 0 || o.Height != 0 { // struct winsize
		size := [4]uint16{o.Height, o.Width}
		c.ioctl(rKeep, unix.TIOCSWINSZ, c.bytes(bytesOf(size[:])))
	}
	c.tell(SyncTerminal, rKeep.arg(), none)
	c.await()
	c.close(rKeep)
	if o.Console {
		c.console()
	}
}

// console binds the terminal on /dev/console, in the place of whatever is there but a link.
func (c *compiler) console() {
	c.call(unix.SYS_OPEN_TREE, rTTY.arg(), c.empty, num(cloneTree|unix.AT_EMPTY_PATH)).into(rTree)
	c.ordinary("/dev/console", rTarget).mayFail(unix.ENOENT)
	found := c.skipIf(rTarget, 1<<31, 0)
	c.ordinary("/dev", rParent)
	c.call(unix.SYS_MKNODAT, rParent.arg(), c.str("console"), num(unix.S_IFREG|0o600), num(0)).mayFail(unix.EEXIST)
	c.close(rParent)
	c.ordinary("/dev/console", rTarget)
	c.land(found)
	c.notProc(rTarget)
	c.attach()
}

// useTerminal needs a session that has no terminal yet, whose leader the child is.
func (c *compiler) useTerminal(o plan.UseTerminal) {
	for fd := range 3 {
		c.call(unix.SYS_DUP3, rTTY.arg(), num(fd), none)
	}
	if o.Joined { // the trampoline makes the session; it is arranged now, or that would close it at the exec
		c.arrange()
		c.call(unix.SYS_DUP3, rTTY.arg(), num(trampoline.TerminalFD+c.h.Keep), none)
	} else {
		c.ioctl(rTTY, unix.TIOCSCTTY, none)
	}
	if o.Owner >= 0 { // the group stays tty's
		c.call(unix.SYS_FCHOWNAT, rTTY.arg(), c.empty, num(uint32(o.Owner)), num(^uint32(0)), num(emptyPath))
	}
	c.close(rTTY)
}

func (c *compiler) ioctl(fd reg, request uint32, arg arg) *Insn {
	return c.call(unix.SYS_IOCTL, fd.arg(), num(request), arg)
}
