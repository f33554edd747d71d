// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strings"

	"golang.org/x/sys/unix"
)

const maxLinks = 40 // as the kernel follows

// MakeInRoot makes the directory path below the directory root, with its parents, or if dir is false an empty file. Unlike mkdir(2) it
// follows symbolic links whose targets do not exist yet, always inside the root. What exists is left as it is. Directories get
// mode 0755, files 0644. They belong to owner, or to root if that is nil.
func MakeInRoot(root int, path string, dir bool, owner *Owner) error {
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fail("unshare the umask", "", err)
		}
		unix.Umask(0)
		var m maker
		if err := m.start(owner); err != nil {
			return fail("capget", "", err)
		}
		if err := m.become(m.owner); err != nil {
			return fail("become the owner of", path, err)
		}
		return makeInRoot(root, path, dir)
	})
}

func makeInRoot(root int, path string, dir bool) error {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	open := func(p string) (fd int, err error) {
		for try := 0; try < 128; try++ {
			fd, err = unix.Openat2(root, "./"+p, &how)
			if err != unix.EAGAIN && err != unix.EINTR {
				break
			}
		}
		return fd, err
	}
	done := "" // resolved, without links
	todo := strings.Split(path, "/")
	for links := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = done[:max(strings.LastIndexByte(done, '/'), 0)]
			continue
		}
		last := strings.Trim(strings.Join(todo, ""), "/") == ""
		next := done + "/" + name
		fd, err := open(next)
		if err == unix.ENOENT {
			err = makeIn(open, done, name, dir || !last)
			if err == nil {
				fd, err = open(next)
			}
		}
		if err != nil {
			return fail("make in the root", path, err)
		}
		target, isLink, err := readLink(fd)
		unix.Close(fd)
		switch {
		case err != nil:
			return fail("read the links of", path, err)
		case !isLink:
			done = next
			continue
		}
		if links++; links > maxLinks {
			return fail("make in the root", path, unix.ELOOP)
		}
		if strings.HasPrefix(target, "/") {
			done = ""
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return nil
}

func makeIn(open func(string) (int, error), parent, name string, dir bool) error {
	fd, err := open(parent)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if dir {
		err = unix.Mkdirat(fd, name, 0o755)
	} else {
		err = unix.Mknodat(fd, name, unix.S_IFREG|0o644, 0)
	}
	if err == unix.EEXIST {
		return nil
	}
	return err
}

// readLink reads the link that an O_PATH descriptor refers to.
func readLink(fd int) (target string, isLink bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", false, err
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", true, err
	}
	return string(buf[:n]), true, nil
}
