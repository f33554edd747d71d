// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"bytes"
	"strings"

	"golang.org/x/sys/unix"
)

// file copies a regular file that stat has been seen of.
func (c *treeCopy) file(srcDir, dstDir int, name string, seen *unix.Stat_t) error {
	// Another type of file may stand there by now; opening it must neither block nor make it our terminal.
	in, err := openBelow(srcDir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return err
	}
	defer unix.Close(in)
	var st unix.Stat_t
	if err := unix.Fstat(in, &st); err != nil {
		return err
	}
	if st.Dev != seen.Dev || st.Ino != seen.Ino || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return unix.ESTALE
	}
	out := -1
	m, err := c.make(dstDir, name, &st, func() error {
		return retry(func() (err error) {
			out, err = unix.Openat(dstDir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_LARGEFILE, 0o600)
			return err
		})
	})
	defer func() { Close(out) }()
	if err != nil {
		return err
	}
	if !c.mayRead(&st, m) {
		return unix.EACCES
	}
	if err := c.content(in, out, st.Size); err != nil {
		return err
	}
	if err := c.attributes(in, out, &st, m); err != nil {
		return err
	}
	return setTimes(dstDir, name, &st)
}

// content copies size bytes, or less if the file has become shorter.
func (c *treeCopy) content(in, out int, size int64) error {
	for off := int64(0); off < size; {
		data, end := nextData(in, off, size)
		for off = data; off < end; {
			n, err := c.block(in, out, off, end)
			if err != nil {
				return err
			}
			if n == 0 {
				size = off
				break
			}
			off += int64(n)
		}
	}
	return retry(func() error { return unix.Ftruncate(out, size) })
}

// nextData finds the next part of a file, from off on, that is not a hole.
func nextData(fd int, off, size int64) (data, end int64) {
	const seekData, seekHole = 3, 4
	data, err := unix.Seek(fd, off, seekData)
	switch {
	case err == unix.ENXIO:
		return size, size
	case err != nil:
		return off, size
	}
	if end, err = unix.Seek(fd, data, seekHole); err != nil || end <= data {
		end = size
	}
	return min(data, size), min(end, size)
}

// block copies a part of what lies between off and end; 0 is the end of the file.
func (c *treeCopy) block(in, out int, off, end int64) (n int, err error) {
	b := c.data[:min(int64(len(c.data)), end-off)]
	err = retry(func() (err error) { n, err = unix.Pread(in, b, off); return })
	if err != nil || n == 0 {
		return 0, err
	}
	for done := 0; done < n; {
		var m int
		err := retry(func() (err error) { m, err = unix.Pwrite(out, b[done:n], off+int64(done)); return })
		if err != nil {
			return 0, err
		}
		done += m
	}
	return n, nil
}

// symlink copies the symbolic link that fd is.
func (c *treeCopy) symlink(fd, dstDir int, name string, st *unix.Stat_t) error {
	n, err := unix.Readlinkat(fd, "", c.data[:unix.PathMax])
	if err != nil {
		return err
	}
	if _, err := c.make(dstDir, name, st, func() error { return unix.Symlinkat(string(c.data[:n]), dstDir, name) }); err != nil {
		return err
	}
	return setTimes(dstDir, name, st)
}

// node copies a fifo or a device.
func (c *treeCopy) node(dstDir int, name string, st *unix.Stat_t) error {
	_, err := c.make(dstDir, name, st, func() error {
		return unix.Mknodat(dstDir, name, st.Mode&^(unix.S_ISUID|unix.S_ISGID), int(st.Rdev))
	})
	if err == unix.EPERM && st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil
	}
	if err != nil {
		return err
	}
	return setTimes(dstDir, name, st)
}

// mountPoint makes an empty directory for a directory that is the root of another mount.
func (c *treeCopy) mountPoint(srcDir, dstDir int, name string) error {
	var st unix.Stat_t
	err := unix.Fstatat(srcDir, name, &st, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT)
	if err == unix.ENOENT || err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil
	}
	if err != nil {
		return err
	}
	// Nothing is made in it, so that its mode needs not wait.
	_, err = c.make(dstDir, name, &st, func() error { return unix.Mkdirat(dstDir, name, st.Mode&0o1777) })
	if err != nil {
		return err
	}
	return setTimes(dstDir, name, &st)
}

// attributes gives an open file or directory the mode and the extended attributes of another, in the order in which none undoes
// another.
func (c *treeCopy) attributes(in, out int, st *unix.Stat_t, m made) error {
	if err := unix.Fchmod(out, m.mode); err != nil {
		return err
	}
	lost, err := c.xattrs(in, out, m.uid)
	if err == nil && lost {
		// With an access control list these bits are its mask, not the group's rights.
		err = unix.Fchmod(out, m.mode&^0o070)
	}
	return err
}

func setTimes(dir int, name string, st *unix.Stat_t) error {
	return unix.UtimesNanoAt(dir, name, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
}

const (
	xattrCapability = "security.capability"
	xattrAccess     = "system.posix_acl_access"
	xattrDefault    = "system.posix_acl_default"
	xattrUser       = "user."
)

// xattrs copies the extended attributes that mean the same in every file system; lost: not the list of who has access.
func (c *treeCopy) xattrs(in, out int, owned bool) (lost bool, err error) {
	names, err := c.xattrNames(in)
	if err != nil {
		return false, err
	}
	for len(names) > 0 {
		var b []byte
		b, names, _ = bytes.Cut(names, []byte{0})
		name := string(b)
		switch {
		case name == xattrAccess, name == xattrDefault, strings.HasPrefix(name, xattrUser):
		case name == xattrCapability && owned:
		default:
			continue
		}
		n, err := unix.Fgetxattr(in, name, c.data)
		if err == unix.ENODATA {
			continue // removed meanwhile
		}
		if err == nil {
			err = unix.Fsetxattr(out, name, c.data[:n], 0)
		}
		switch {
		case err == nil:
		case err == unix.EOPNOTSUPP, !strings.HasPrefix(name, xattrUser) && (err == unix.EINVAL || err == unix.EOVERFLOW || err == unix.EPERM):
			lost = lost || name == xattrAccess
		default:
			return false, err
		}
	}
	return lost, nil
}

// xattrNames lists the names of a file's extended attributes, each ended by a 0.
func (c *treeCopy) xattrNames(fd int) ([]byte, error) {
	const few, most = 1 << 10, 64 << 10 // most: XATTR_LIST_MAX
	if c.names == nil {
		c.names = make([]byte, few)
	}
	n, err := unix.Flistxattr(fd, c.names)
	if err == unix.ERANGE && len(c.names) < most {
		c.names = make([]byte, most)
		n, err = unix.Flistxattr(fd, c.names)
	}
	if err == unix.EOPNOTSUPP {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.names[:n], nil
}
