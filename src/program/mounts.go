// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"strings"

	"golang.org/x/sys/unix"

	"gojail/src/plan"
)

// root makes the root file system in rRoot, attached where the plan says: pivot_root wants a mount point.
func (c *compiler) root(o plan.Root) {
	c.haveRoot = true
	if c.masks {
		c.openNull()
	}
	if o.Overlay != nil {
		c.overlay(o)
	} else if o.Source == "" {
		c.tmpfs(o, unix.MS_NOATIME, "mode=0755", rRoot, rTarget)
		c.close(rTarget)
		return
	} else {
		c.tree(o.FromHost, o.Source, o.Recursive, rRoot)
		c.firstAttach(o, func(path arg) *Insn {
			return c.call(unix.SYS_OPENAT, num(cwd), path, num(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY), none).into(rTarget)
		})
	}
	var set, prop uint32
	if o.NoDev {
		set = unix.MOUNT_ATTR_NODEV
	}
	if c.shared {
		prop = unix.MS_PRIVATE // pivot_root takes no shared mount
	}
	if set|prop != 0 {
		c.setattr(rRoot, set, 0, prop, false)
	}
	if o.Overlay == nil {
		c.moveMount(rRoot, rTarget)
	}
	c.close(rTarget)
}

// firstAttach emits try for one directory after the other; the first for which it works is used.
func (c *compiler) firstAttach(o plan.Root, try func(path arg) *Insn) {
	var done []int
	for i, dir := range o.Attach {
		path := c.str(dir)
		start := c.here()
		if c.shared {
			c.call(unix.SYS_MOUNT, none, path, none, num(unix.MS_PRIVATE), none)
		}
		if o.Hidden { // what is below an unbindable mount is not cloned with what is above it
			tmpfs, inner := c.str("tmpfs"), c.str(dir+"/root")
			c.call(unix.SYS_MOUNT, tmpfs, path, tmpfs, num(unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), c.str("mode=0755"))
			c.call(unix.SYS_MOUNT, none, path, none, num(unix.MS_UNBINDABLE), none)
			c.call(unix.SYS_MKDIRAT, num(cwd), inner, num(0o755))
			path = inner
		}
		try(path)
		if i < len(o.Attach)-1 {
			done = append(done, c.jump())
			c.tolerate(start)
		}
	}
	c.land(done...)
}

// tmpfs mounts one and opens it: into r, and once more (the place to mount over) into place.
func (c *compiler) tmpfs(o plan.Root, flags uint32, data string, r, place reg) {
	tmpfs, opt := c.str("tmpfs"), c.str(data)
	c.firstAttach(o, func(path arg) *Insn {
		c.call(unix.SYS_MOUNT, tmpfs, path, tmpfs, num(flags), opt)
		c.call(unix.SYS_OPENAT, num(cwd), path, num(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY), none).into(r)
		return c.call(unix.SYS_OPENAT, num(cwd), path, num(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY), none).into(place)
	})
}

// overlay mounts one over the tmpfs that holds its upper, work and (if there is no rootfs) lower directories. The tmpfs is the
// working directory meanwhile, so that the paths in the options are short and cannot be turned elsewhere.
func (c *compiler) overlay(o plan.Root) {
	data := "mode=0755"
	if o.Overlay.TmpfsSize != "" {
		data += ",size=" + o.Overlay.TmpfsSize
	}
	c.tmpfs(o, unix.MS_NOATIME|unix.MS_NOSUID|unix.MS_NODEV, data, rTmp, rTarget)
	c.call(unix.SYS_FCHDIR, rTmp.arg())
	for _, name := range [...]string{"upper", "work", "lower", "root"} {
		c.call(unix.SYS_MKDIRAT, rTmp.arg(), c.str(name), num(0o755))
	}
	lower, upper, work := "lower", "upper", "work"
	if o.FromHost {
		c.tree(true, "", false, rTree)
		c.call(unix.SYS_OPENAT, rTmp.arg(), c.str(lower), num(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY), none).into(rKeep)
		c.moveMount(rTree, rKeep)
		c.close(rTree, rKeep)
	} else if o.Source != "" {
		lower = escapeLayer(o.Source)
	}
	if o.Overlay.Dir != "" {
		dir := escapeLayer(o.Overlay.Dir)
		upper, work = dir+"/upper", dir+"/work"
	}
	options := "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work
	if o.Overlay.InUser {
		options += ",userxattr"
	}
	name, root := c.str("overlay"), c.str("root")
	c.call(unix.SYS_MOUNT, name, root, name, num(unix.MS_NOATIME), c.str(options))
	// Where it cannot write to its directories overlayfs only says so in the kernel's log, and is read-only.
	c.call(unix.SYS_FACCESSAT, rTmp.arg(), root, num(unix.W_OK)).mayFail(unix.EACCES)
	c.call(unix.SYS_OPENAT, rTmp.arg(), root, num(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY), none).into(rRoot)
	c.close(rTmp)
}

// escapeLayer: overlayfs separates layers with ':' and options with ','.
func escapeLayer(path string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`).Replace(path)
}

// tree clones a mount of the host into r, or takes the one that the supervisor has opened. It reports whether there is one.
func (c *compiler) tree(fromHost bool, source string, recursive bool, r reg) (in *Insn, present bool) {
	if fromHost {
		fd := c.h.Trees[c.trees]
		c.trees++
		if fd < 0 {
			return nil, false
		}
		c.move(r, num(fd))
		return nil, true
	}
	flags := cloneTree
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return c.call(unix.SYS_OPEN_TREE, num(cwd), c.str(source), num(flags)).into(r), true
}

func (c *compiler) mount(o plan.Mount) {
	start := c.here()
	open := c.resolve
	if o.Ordinary {
		open = c.ordinary
	}
	c.resolveDir(o.Target, rTarget, open)
	if o.Type != "proc" {
		c.notProc(rTarget)
	}
	c.call(unix.SYS_FCHDIR, rTarget.arg())
	flags := o.Flags
	if o.CopyUp {
		flags &^= unix.MS_RDONLY // until it is filled
	}
	in := c.call(unix.SYS_MOUNT, c.str(o.Source), c.str("."), c.str(o.Type), num(flags), c.optional(o.Data))
	if o.OrBind != "" {
		in.mayFail(unix.EPERM, unix.EBUSY, unix.ENODEV, unix.EINVAL).into(rTmp)
		worked := c.skipIf(rTmp, ^uintptr(0), 0)
		c.call(unix.SYS_OPEN_TREE, num(cwd), c.str(o.OrBind), num(cloneTree|unix.AT_RECURSIVE)).into(rTree)
		c.setattr(rTree, o.Flags&(unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC), 0, 0, true)
		c.moveMount(rTree, rTarget)
		c.close(rTree)
		c.land(worked)
	}
	if o.CopyUp {
		c.copyUp(o.Target, o.Flags&unix.MS_RDONLY != 0)
	}
	c.close(rTarget)
	if o.Propagation.Type != 0 {
		c.resolve(o.Target, rTarget)
		c.setattr(rTarget, 0, 0, uint32(o.Propagation.Type), o.Propagation.Recursive)
		c.close(rTarget)
	}
	if o.MayFail {
		c.tolerate(start)
	}
}

func (c *compiler) optional(s string) arg {
	if s == "" {
		return none
	}
	return c.str(s)
}

// copyUp has the supervisor copy what rTarget holds, which the new tmpfs covers, into it: the child cannot walk directories.
func (c *compiler) copyUp(target string, readonly bool) {
	c.resolve(target, rTree)
	c.tell(SyncCopyUp, rTarget.arg(), rTree.arg())
	c.await()
	if readonly {
		c.setattr(rTree, unix.MOUNT_ATTR_RDONLY, 0, 0, false)
	}
	c.close(rTree)
}

func (c *compiler) bind(o plan.Bind) {
	start := c.here()
	in, present := c.tree(o.FromHost, o.Source, o.Recursive, rTree)
	if !present {
		return
	}
	var skip []int
	if o.SkipMissing && in != nil {
		in.mayFail(unix.ENOENT, unix.ENOTDIR)
		skip = append(skip, c.here()-1)
	}
	if o.NoCreate {
		c.resolve(o.Target, rTarget).mayFail(unix.ENOENT, unix.ENOTDIR)
		skip = append(skip, c.here()-1)
	} else {
		c.resolveLike(o.Target)
	}
	if !o.OnProc {
		c.notProc(rTarget)
	}
	if o.NotDir {
		c.stat(rTree)
		dir := c.skipIfType(unix.S_IFDIR)
		ok := c.jump()
		c.land(dir)
		c.fail(unix.EPERM)
		c.land(ok)
	}
	c.attributes(rTree, o.RecAttr, o.Attr, o.Propagation)
	c.attach()
	c.land(skip...)
	if o.MayFail {
		c.tolerate(start)
	}
}

// attributes changes those of a mount: of all below it first.
func (c *compiler) attributes(mount reg, rec, attr plan.Attr, p plan.Propagation) {
	if rec != (plan.Attr{}) {
		c.setattr(mount, rec.Set, rec.Clear, 0, true)
	}
	if attr != (plan.Attr{}) {
		c.setattr(mount, attr.Set, attr.Clear, 0, false)
	}
	if p.Type != 0 {
		c.setattr(mount, 0, 0, uint32(p.Type), p.Recursive)
	}
}

func (c *compiler) remount(o plan.Remount) {
	start := c.here()
	c.resolve(o.Target, rTarget)
	c.attributes(rTarget, o.RecAttr, o.Attr, o.Propagation)
	c.close(rTarget)
	if o.MayFail {
		c.tolerate(start)
	}
}

func (c *compiler) readOnly(o plan.ReadOnly) {
	c.resolve(o.Path, rTarget).mayFail(unix.ENOENT, unix.ENOTDIR)
	missing := c.here() - 1
	flags := num(cloneTree | unix.AT_EMPTY_PATH | unix.AT_RECURSIVE)
	if o.Except != "" {
		c.resolve(o.Except, rTmp)
		c.call(unix.SYS_OPEN_TREE, rTmp.arg(), c.empty, flags).into(rKeep)
		c.close(rTmp)
	}
	c.call(unix.SYS_OPEN_TREE, rTarget.arg(), c.empty, flags).into(rTree)
	c.setattr(rTree, unix.MOUNT_ATTR_RDONLY, 0, 0, true)
	c.attach()
	if o.Except != "" {
		c.resolve(o.Except, rTarget)
		c.moveMount(rKeep, rTarget)
		c.close(rKeep, rTarget)
	}
	c.land(missing)
}

// mask hides a directory under an empty tmpfs and anything else under the host's /dev/null, which is opened and verified before
// it is needed: the container's own /dev/null may be anything (CVE-2025-31133).
func (c *compiler) mask(o plan.Mask) {
	c.resolve(o.Path, rTarget).mayFail(unix.ENOENT, unix.ENOTDIR)
	missing := c.here() - 1
	c.stat(rTarget)
	isDir := c.skipIfType(unix.S_IFDIR)
	c.call(unix.SYS_OPEN_TREE, rNull.arg(), c.empty, num(cloneTree|unix.AT_EMPTY_PATH)).into(rTree)
	c.attach()
	done := c.jump()
	c.land(isDir)
	c.call(unix.SYS_FCHDIR, rTarget.arg())
	tmpfs := c.str("tmpfs")
	c.call(unix.SYS_MOUNT, tmpfs, c.str("."), tmpfs, num(unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), c.str("mode=755"))
	c.close(rTarget)
	c.land(done, missing)
}

// openNull opens the host's /dev/null, before the host's file systems are gone.
func (c *compiler) openNull() {
	c.call(unix.SYS_OPENAT, num(cwd), c.str("/dev/null"), num(unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW), none).into(rNull)
	c.stat(rNull)
	c.expectDevice('c', 1, 3)
}

// expectDevice fails unless the last stat has found this node.
func (c *compiler) expectDevice(typ byte, major, minor uint32) {
	mode := uint16(unix.S_IFCHR)
	switch typ {
	case 'b':
		mode = unix.S_IFBLK
	case 'p':
		mode = unix.S_IFIFO
	}
	c.expect(c.scratch.at(statxMode), half(unix.S_IFMT), half(mode), unix.EEXIST)
	if typ != 'p' {
		c.expect(c.scratch.at(statxMajor), 0xffffffff, uintptr(major), unix.EEXIST)
		c.expect(c.scratch.at(statxMinor), 0xffffffff, uintptr(minor), unix.EEXIST)
	}
}

func (c *compiler) device(o plan.Device) {
	if o.Bind {
		c.dropDir()
		c.call(unix.SYS_OPEN_TREE, num(cwd), c.str(o.Path), num(cloneTree)).into(rTree)
		c.stat(rTree)
		c.expectDevice(o.Type, o.Major, o.Minor)
		c.resolveLike(o.Path)
		c.attach()
		return
	}
	name := c.dir(o.Path)
	mode := o.Mode
	switch o.Type {
	case 'c':
		mode |= unix.S_IFCHR
	case 'b':
		mode |= unix.S_IFBLK
	default:
		mode |= unix.S_IFIFO
	}
	// The kernel's encoding of a device number (new_encode_dev).
	dev := o.Minor&0xff | o.Major<<8 | o.Minor&^0xff<<12
	c.call(unix.SYS_MKNODAT, rDir.arg(), name, num(mode), num(dev)).into(rTmp).mayFail(unix.EEXIST)
	exists := c.skipIf(rTmp, ^uintptr(0), ^uintptr(0))
	if o.UID != 0 || o.GID != 0 {
		c.call(unix.SYS_FCHOWNAT, rDir.arg(), name, num(o.UID), num(o.GID), num(unix.AT_SYMLINK_NOFOLLOW))
	}
	made := c.jump()
	c.land(exists)
	if !o.Default {
		c.call(unix.SYS_OPENAT, rDir.arg(), name, num(unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW), none).into(rTmp)
		c.stat(rTmp)
		c.close(rTmp)
		c.expectDevice(o.Type, o.Major, o.Minor)
	}
	c.land(made)
}
