// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strings"

	"golang.org/x/sys/unix"
)

const (
	maxCopyDepth = 256     // directories in one another; each open one costs two descriptors
	direntBuffer = 2 << 10 // of an open directory; one entry takes at most 280 bytes
	copyBuffer   = 64 << 10
)

// Owner are ids of the caller's user namespace.
type Owner struct{ UID, GID uint32 }

// CopyTree copies what the directory of descriptor src holds into the one of dst, which is new and empty. Both stay the caller's,
// and may be O_PATH. src's own attributes are not copied.
//
// Directories, regular files (holes stay holes), symbolic links, fifos and devices are copied with mode, owner, times, access
// control lists, user.* attributes and file capabilities, as far as the file system of dst takes them. Sockets are left out, and
// devices where mknod(2) is not permitted. Hard links become files of their own. Symbolic links are never followed. Mounts are not
// entered: a directory that something is mounted on becomes an empty one, anything else is left out.
//
// A tmpfs that belongs to a user namespace takes only ids that are mapped there; owner is then what its root is outside, and gets
// the files whose owner or group is not mapped. They lose the setuid or setgid bit and the capabilities that were meant for others.
// As that namespace has no power over them, they are copied only if everybody may read them, else it is an error (EACCES): a copy
// must not show what the original does not. Without an owner, it is an error if ids are not mapped (EOVERFLOW).
//
// This needs the capabilities of root. What was copied before an error stays. No space is an error too (ENOSPC).
func CopyTree(src, dst int, owner *Owner) error {
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fail("unshare the umask", "", err)
		}
		unix.Umask(0)
		c := treeCopy{data: make([]byte, copyBuffer)}
		if err := c.maker.start(owner); err != nil {
			return fail("capget", "", err)
		}
		defer c.close()
		return c.run(src, dst)
	})
}

// treeCopy is a copy under way. Its directories are a stack and not calls: a deep tree must not use much memory.
type treeCopy struct {
	maker
	open  []copyLevel
	data  []byte // of a file, or of an extended attribute
	names []byte // of extended attributes
}

// copyLevel is an open directory.
type copyLevel struct {
	name     string
	src, dst int
	made     made                // dst
	stat     unix.Stat_t         // of src
	buf      *[direntBuffer]byte // kept for the next directory of the same depth
	unread   []byte              // of buf
}

func (c *treeCopy) close() {
	for len(c.open) > 0 {
		c.pop()
	}
}

func (c *treeCopy) pop() {
	l := &c.open[len(c.open)-1]
	Close(l.src)
	Close(l.dst)
	c.open = c.open[:len(c.open)-1]
}

// push takes over src and dst.
func (c *treeCopy) push(name string, src, dst int, stat *unix.Stat_t, m made) {
	n := len(c.open)
	if n < cap(c.open) {
		c.open = c.open[:n+1]
	} else {
		c.open = append(c.open, copyLevel{})
	}
	l := &c.open[n]
	if l.buf == nil {
		l.buf = new([direntBuffer]byte)
	}
	l.name, l.src, l.dst, l.stat, l.made, l.unread = name, src, dst, *stat, m, nil
}

// fail makes an error of something that went wrong with an entry of the innermost directory, or with that itself (name "").
func (c *treeCopy) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var path strings.Builder
	for _, l := range c.open[min(1, len(c.open)):] {
		path.WriteString(l.name)
		path.WriteByte('/')
	}
	path.WriteString(name)
	hint := ""
	switch err {
	case unix.ENOSPC, unix.EDQUOT:
		hint = "the tmpfs is too small for what is copied into it: raise its size= or nr_inodes="
	case unix.EOVERFLOW:
		hint = "the file system belongs to a user namespace that these ids are not mapped in"
	case unix.EACCES:
		hint = "its owner or group is not mapped in the container's user namespace, and others may not read it"
	case unix.ESTALE:
		hint = "it was changed while it was copied"
	case unix.ENAMETOOLONG:
		hint = "directories are nested too deeply"
	}
	return explain(fail(op, path.String(), err), hint)
}

func (c *treeCopy) run(src, dst int) error {
	in, err := openBelow(src, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return c.fail("read the directory to copy", "", err)
	}
	out, err := openBelow(dst, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		unix.Close(in)
		return c.fail("open the directory to copy to", "", err)
	}
	c.push("", in, out, &unix.Stat_t{}, made{})
	if err := c.mayList(in, out); err != nil {
		return c.fail("read the directory to copy", "", err)
	}
	for {
		name, err := c.open[len(c.open)-1].next()
		switch {
		case err != nil:
			err = c.fail("read", "", err)
		case name != "":
			err = c.entry(name)
		case len(c.open) > 1:
			err = c.leave()
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// leave finishes the innermost directory. Its attributes come last: what was made in it has changed its times, and would have
// inherited from it.
func (c *treeCopy) leave() error {
	l := &c.open[len(c.open)-1]
	err := c.attributes(l.src, l.dst, &l.stat, l.made)
	name, stat := l.name, l.stat
	c.pop()
	if err == nil {
		err = setTimes(c.open[len(c.open)-1].dst, name, &stat)
	}
	return c.fail("copy the attributes of", name, err)
}

// entry copies one entry of the innermost directory.
func (c *treeCopy) entry(name string) error {
	l := &c.open[len(c.open)-1]
	fd, err := openBelow(l.src, name, unix.O_PATH|unix.O_NOFOLLOW)
	switch err {
	case nil:
	case unix.EXDEV:
		return c.fail("copy", name, c.mountPoint(l.src, l.dst, name))
	case unix.ENOENT:
		return nil // removed meanwhile
	default:
		return c.fail("open", name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return c.fail("stat", name, err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return c.fail("copy directory", name, c.enter(fd, name, &st))
	case unix.S_IFREG:
		return c.fail("copy", name, c.file(l.src, l.dst, name, &st))
	case unix.S_IFLNK:
		return c.fail("copy symbolic link", name, c.symlink(fd, l.dst, name, &st))
	case unix.S_IFIFO, unix.S_IFCHR, unix.S_IFBLK:
		return c.fail("copy", name, c.node(l.dst, name, &st))
	}
	return nil
}

// enter makes the copy of a directory and goes on with what it holds.
func (c *treeCopy) enter(fd int, name string, st *unix.Stat_t) error {
	if len(c.open) > maxCopyDepth {
		return unix.ENAMETOOLONG
	}
	in, err := openBelow(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	parent := c.open[len(c.open)-1].dst
	out := -1
	m, err := c.make(parent, name, st, func() error { return unix.Mkdirat(parent, name, 0o700) })
	if err == nil {
		out, err = openBelow(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	}
	if err == nil && !c.mayRead(st, m) {
		err = unix.EACCES
	}
	if err != nil {
		unix.Close(in)
		Close(out)
		return err
	}
	c.push(name, in, out, st, m)
	return nil
}

// mayList is mayRead for the directory that is copied, which nothing is made for.
func (c *treeCopy) mayList(src, dst int) error {
	var st unix.Stat_t
	if err := unix.Fstat(src, &st); err != nil {
		return err
	}
	const probe = "probe"
	m, err := c.make(dst, probe, &st, func() error { return unix.Mkdirat(dst, probe, 0o700) })
	if err == nil {
		err = unix.Unlinkat(dst, probe, unix.AT_REMOVEDIR)
	}
	if err == nil && !c.mayRead(&st, m) {
		err = unix.EACCES
	}
	return err
}

// openBelow opens an entry of a directory, through no link and not in another mount (EXDEV).
func openBelow(dir int, name string, flags int) (fd int, err error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC | unix.O_LARGEFILE),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS}
	if flags&unix.O_PATH != 0 {
		how.Flags &^= unix.O_LARGEFILE
	}
	for try := 0; ; try++ {
		fd, err = unix.Openat2(dir, name, &how)
		if err != unix.EINTR && (err != unix.EAGAIN || try >= 64) {
			return fd, err
		}
	}
}

// next is the name of the directory's next entry, "" at the end.
func (l *copyLevel) next() (string, error) {
	for {
		for len(l.unread) > 0 {
			name, rest, ok := nextDirent(l.unread)
			if !ok {
				return "", unix.EBADMSG
			}
			if l.unread = rest; name != "." && name != ".." {
				return name, nil
			}
		}
		var n int
		err := retry(func() (err error) { n, err = unix.Getdents(l.src, l.buf[:]); return })
		if err == unix.ENOENT { // the directory was removed
			n, err = 0, nil
		}
		if err != nil || n == 0 {
			return "", err
		}
		l.unread = l.buf[:n]
	}
}

// nextDirent takes the first entry off the answer of getdents64(2); ok is false where it is malformed.
func nextDirent(b []byte) (name string, rest []byte, ok bool) {
	const length, text = 16, 19 // offsets in struct linux_dirent64
	if len(b) <= text {
		return "", nil, false
	}
	size := int(native.Uint16(b[length:]))
	if size <= text || size > len(b) {
		return "", nil, false
	}
	name, _, ok = strings.Cut(string(b[text:size]), "\x00")
	if name == "" || strings.Contains(name, "/") {
		return "", nil, false
	}
	return name, b[size:], ok
}
