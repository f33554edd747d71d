// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"io"
	"strconv"

	"golang.org/x/sys/unix"
)

// A Regular is an open regular file.
type Regular struct {
	fd         int
	Executable bool // has an x bit
}

// OpenRegular opens a regular file to read it. With a root, path is resolved in that directory and no link in it leads outside.
// Anything but a regular file is looked at and not opened, for that can block or start a device: the Regular is then nil without
// an error.
func OpenRegular(root, path string) (*Regular, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC}
	dir := unix.AT_FDCWD
	if root != "" {
		var err error
		if dir, err = Open(root, unix.O_PATH|unix.O_DIRECTORY); err != nil {
			return nil, err
		}
		defer unix.Close(dir)
		how.Resolve = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	}
	fd, err := unix.Openat2(dir, path, &how)
	for try := 0; err != nil && (err == unix.EINTR || err == unix.EAGAIN) && try < 128; try++ {
		fd, err = unix.Openat2(dir, path, &how)
	}
	if err != nil {
		return nil, fail("open", root+path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fail("stat", root+path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, nil
	}
	file, err := Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	return &Regular{file, st.Mode&0o111 != 0}, nil
}

// ReadAt is io.ReaderAt.
func (r *Regular) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		m, err := unix.Pread(r.fd, b[n:], off+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, fail("read", "", err)
		case m == 0:
			return n, io.EOF
		default:
			n += m
		}
	}
	return n, nil
}

// Close closes the file.
func (r *Regular) Close() error {
	Close(r.fd)
	return nil
}

// ReadNames lists the names in a directory, without "." and "..", at most max of them.
func ReadNames(path string, max int) ([]string, error) {
	fd, err := Open(path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var names []string
	buf := make([]byte, 8192)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fail("read", path, err)
		}
		if n <= 0 || len(names) >= max {
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], max-len(names), names)
	}
}

// Getwd is the working directory.
func Getwd() (string, error) {
	var buf [unix.PathMax]byte
	n, err := unix.Getcwd(buf[:])
	if err != nil || n < 1 {
		return "", fail("getcwd", "", err)
	}
	return string(buf[:n-1]), nil
}

// Release is the version of the running kernel: major and minor number, and the whole text (uname(2)).
func Release() (major, minor int, text string) {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return 0, 0, ""
	}
	text = unix.ByteSliceToString(u.Release[:])
	number := func(s string) (n int, rest string) {
		for s != "" && s[0] >= '0' && s[0] <= '9' && n < 1000 {
			n, s = n*10+int(s[0]-'0'), s[1:]
		}
		return n, s
	}
	major, rest := number(text)
	if rest != "" && rest[0] == '.' {
		minor, _ = number(rest[1:])
	}
	return major, minor, text
}

// Exists tells whether there is something at path, links followed.
func Exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }

// IsRoot tells whether this process has uid 0.
func IsRoot() bool { return unix.Geteuid() == 0 }
