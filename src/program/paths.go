// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"strings"

	"golang.org/x/sys/unix"
)

// The registers. An op leaves rRoot, rNull, rDir and rTTY as they are; the others are its own.
const (
	rRoot   reg = iota // the container's root, O_PATH
	rNull              // the host's /dev/null, O_PATH, once a mask has needed it
	rDir               // directory of the last device or link, O_PATH: see compiler.dir
	rTarget            // where a mount goes
	rTree              // a detached mount
	rKeep
	rParent
	rTTY // the payload's terminal, from the Terminal to the UseTerminal
	rTmp // the last one
)

const (
	procMagic  = 0x9fa0
	emptyPath  = unix.AT_EMPTY_PATH
	cwd        = unix.AT_FDCWD
	cloneTree  = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC
	statxMode  = 28  // offsets in struct statx, the same on every architecture
	statxMajor = 128 // stx_rdev_major
	statxMinor = 132
	openTries  = 128 // openat2 answers EAGAIN when something is renamed meanwhile
)

// maxParents is how deep a directory may be for the child to make it: each level names all those above it. Deeper ones are the
// supervisor's, so that a long path cannot make a program of any size.
const maxParents = 16

// relative is a container path as openat2 wants it below the root.
func relative(path string) string {
	path = strings.Trim(path, "/")
	if path == "" {
		return "."
	}
	return path
}

// split divides a container path into its directory and its name.
func split(path string) (dir, name string) {
	path = relative(path)
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return ".", path
	}
	return path[:i], path[i+1:]
}

// resolve opens a path inside the container as O_PATH; no link in it leads outside.
func (c *compiler) resolve(path string, r reg) *Insn {
	return c.open(path, c.how, r)
}

func (c *compiler) open(path string, how arg, r reg) *Insn {
	return c.call(unix.SYS_OPENAT2, rRoot.arg(), c.str(relative(path)), how, num(24)).into(r).tries(openTries)
}

// ordinary is resolve through no symbolic link at all.
func (c *compiler) ordinary(path string, r reg) *Insn { return c.open(path, c.howPlain, r) }

type opener func(path string, r reg) *Insn

// resolveDir opens a directory that is made, with its parents, if it is missing. Where that takes following a link to something
// that does not exist, the supervisor does it.
func (c *compiler) resolveDir(path string, r reg, open opener) {
	open(path, r).mayFail(unix.ENOENT)
	found := c.skipIf(r, 1<<31, 0) // not ^0
	var stuck []int
	parts := strings.Split(relative(path), "/")
	if len(parts) > maxParents {
		parts = nil
	}
	for i, name := range parts {
		open(strings.Join(parts[:i], "/"), rParent).mayFail(unix.ENOENT)
		stuck = append(stuck, c.here()-1)
		// EROFS: what is missing on a read-only file system is said by the next open.
		c.call(unix.SYS_MKDIRAT, rParent.arg(), c.str(name), num(0o755)).mayFail(unix.EEXIST, unix.EROFS)
		c.close(rParent)
	}
	c.land(stuck...)
	open(path, r).mayFail(unix.ENOENT)
	made := c.skipIf(r, 1<<31, 0)
	c.tellMake(path, 1)
	open(path, r)
	c.land(found, made)
}

// tellMake has the supervisor make a path; kind is 1 for a directory.
func (c *compiler) tellMake(path string, kind int) {
	n := -1
	for i, p := range c.paths {
		if p == path {
			n = i
		}
	}
	if n < 0 {
		n = len(c.paths)
		c.paths = append(c.paths, path)
	}
	c.tell(SyncMake, num(2*n+kind), rRoot.arg())
	c.await()
}

// resolveLike opens the target of a bind mount into rTarget; if it is missing it is made as what rTree is, a directory or a file.
func (c *compiler) resolveLike(path string) {
	c.resolve(path, rTarget).mayFail(unix.ENOENT)
	found := c.skipIf(rTarget, 1<<31, 0)
	dir, name := split(path)
	if dir != "." {
		c.resolveDir(dir, rParent, c.resolve)
		c.move(rKeep, rParent.arg())
	} else {
		c.move(rKeep, rRoot.arg())
	}
	c.stat(rTree)
	isDir := c.skipIfType(unix.S_IFDIR)
	c.call(unix.SYS_MKNODAT, rKeep.arg(), c.str(name), num(unix.S_IFREG|0o644), num(0)).mayFail(unix.EEXIST)
	c.resolve(path, rTarget).mayFail(unix.ENOENT)
	file := c.skipIf(rTarget, 1<<31, 0)
	c.tellMake(path, 0)
	made := c.jump()
	c.land(isDir)
	c.call(unix.SYS_MKDIRAT, rKeep.arg(), c.str(name), num(0o755)).mayFail(unix.EEXIST)
	c.resolve(path, rTarget).mayFail(unix.ENOENT)
	directory := c.skipIf(rTarget, 1<<31, 0)
	c.tellMake(path, 1)
	c.land(made)
	c.resolve(path, rTarget)
	c.land(file, directory)
	if dir != "." {
		c.close(rKeep)
	}
	c.land(found)
}

func (c *compiler) stat(fd reg) {
	c.call(unix.SYS_STATX, fd.arg(), c.empty, num(emptyPath), num(unix.STATX_TYPE), c.scratch)
}

// skipIfType tests the file type that the last stat has found.
func (c *compiler) skipIfType(typ uint16) int {
	return c.skipIfMem(c.scratch.at(statxMode), half(unix.S_IFMT), half(typ))
}

// half is the uint32 whose first two bytes in memory are v.
func half(v uint16) uintptr {
	var w [2]uint16
	w[0] = v
	b := bytesOf(w[:])
	var u [1]uint32
	copy(bytesOf(u[:]), b)
	return uintptr(u[0])
}

// notProc refuses a target on procfs.
func (c *compiler) notProc(fd reg) {
	c.fstatfs(fd)
	isProc := c.skipIfMem(c.scratch, ^uintptr(0)&0xffffffff, procMagic)
	ok := c.jump()
	c.land(isProc)
	c.fail(unix.EPERM)
	c.land(ok)
}

func (c *compiler) close(fds ...reg) {
	for _, fd := range fds {
		c.call(unix.SYS_CLOSE, fd.arg())
	}
}

// attach puts rTree on rTarget and closes both.
func (c *compiler) attach() {
	c.moveMount(rTree, rTarget)
	c.close(rTree, rTarget)
}

func (c *compiler) moveMount(tree, target reg) {
	c.call(unix.SYS_MOVE_MOUNT, tree.arg(), c.empty, target.arg(), c.empty, num(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH))
}

// setattr changes mount attributes: struct mount_attr of mount_setattr(2).
func (c *compiler) setattr(fd reg, set, clear uint32, propagation uint32, recursive bool) {
	flags := emptyPath
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	c.call(unix.SYS_MOUNT_SETATTR, fd.arg(), c.empty, num(flags), c.words64(uint64(set), uint64(clear), uint64(propagation), 0), num(32))
}

// dir opens the directory of a device or link into rDir, unless it is there from the op before, and gives the name in it.
func (c *compiler) dir(path string) (name arg) {
	d, base := split(path)
	if c.dirPath != d {
		c.dropDir()
		c.resolveDir(d, rDir, c.resolve)
		c.dirPath = d
	}
	return c.str(base)
}

func (c *compiler) dropDir() {
	if c.dirPath != "" {
		c.close(rDir)
		c.dirPath = ""
	}
}
