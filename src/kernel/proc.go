// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// procMagic is PROC_SUPER_MAGIC of linux/magic.h.
const procMagic = 0x9fa0

// A Procfs is a /proc that has been verified to be one. Nothing is written below /proc but through it: a mount that turned such
// a path elsewhere would get the write otherwise (CVE-2025-52881).
type Procfs struct{ fd int }

// OpenProcfs opens /proc. The caller closes it.
func OpenProcfs() (Procfs, error) {
	fd, err := Open("/proc", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return Procfs{-1}, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || int64(st.Type) != procMagic {
		unix.Close(fd)
		return Procfs{-1}, &Error{"verify that procfs is mounted on", "/proc", unix.ENODEV}
	}
	return Procfs{fd}, nil
}

// FD is the descriptor, still the Procfs' own.
func (p Procfs) FD() int { return p.fd }

// Close closes it.
func (p Procfs) Close() { Close(p.fd) }

// open opens a file below /proc, on procfs itself and through no link.
func (p Procfs) open(path string, flags int) (fd int, err error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS}
	for try := 0; ; try++ {
		fd, err = unix.Openat2(p.fd, path, &how)
		if err != unix.EINTR && (err != unix.EAGAIN || try >= 64) {
			break
		}
	}
	if err != nil {
		return -1, fail("open", "/proc/"+path, err)
	}
	return fd, nil
}

// Write writes to a file of a process' directory, such as uid_map. It asks still, if that is not nil, after it has opened the file
// and before it writes: whether the process lives, and pid was not another's meanwhile.
func (p Procfs) Write(pid int, file, content string, still func() error) error {
	path := strconv.Itoa(pid) + "/" + file
	fd, err := p.open(path, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if still != nil {
		if err := still(); err != nil {
			return err
		}
	}
	// One write: the kernel takes a map or nothing.
	n, err := unix.Write(fd, []byte(content))
	if err == nil && n < len(content) {
		err = unix.EIO
	}
	return fail("write", "/proc/"+path, err)
}

// ReadProc reads a file that the kernel makes up, of which the size is not known before: at most 64 KiB of it.
func ReadProc(path string) (string, error) {
	fd, err := Open(path, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return readSome(fd, path)
}

func readSome(fd int, path string) (string, error) {
	b := make([]byte, 0, 512)
	for len(b) < 64<<10 {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		var n int
		if err := retry(func() (err error) { n, err = unix.Read(fd, b[len(b):cap(b)]); return }); err != nil {
			return "", fail("read", path, err)
		}
		if n == 0 {
			break
		}
		b = b[:len(b)+n]
	}
	return string(b), nil
}

// Origin tells of a process which its parent is and when it was started, in clock ticks since the machine was (proc(5), stat): with that time
// a pid is never another process'.
func Origin(pid int) (parent int, start uint64, err error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	text, err := ReadProc(path)
	if err != nil {
		return 0, 0, err
	}
	// The command's name is in parentheses, whatever it holds. The state is the first field after it.
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 20 {
		return 0, 0, fail("read", path, unix.EIO)
	}
	if parent, err = strconv.Atoi(f[1]); err == nil {
		start, err = strconv.ParseUint(f[19], 10, 64)
	}
	return parent, start, fail("read", path, err)
}

// Getppid is the pid of this process' parent.
func Getppid() int { return unix.Getppid() }

// Read reads a file of a process' directory: at most 64 KiB of it.
func (p Procfs) Read(pid int, file string) ([]byte, error) {
	path := strconv.Itoa(pid) + "/" + file
	fd, err := p.open(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	text, err := readSome(fd, "/proc/"+path)
	return []byte(text), err
}

// OpenFD opens what descriptor fd of a process refers to, as O_PATH. The caller closes it.
func OpenFD(pid, fd int) (int, error) {
	return Open("/proc/"+strconv.Itoa(pid)+"/fd/"+strconv.Itoa(fd), unix.O_PATH)
}

// OpenNamespace opens a namespace: a file that must be on nsfs. The caller closes it.
func OpenNamespace(path string) (int, error) {
	fd, err := Open(path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return -1, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || int64(st.Type) != unix.NSFS_MAGIC {
		unix.Close(fd)
		return -1, &Error{"use as a namespace", path, unix.EINVAL}
	}
	return fd, nil
}

// OpenNamespaceOf opens a namespace of a process by its name in /proc/PID/ns. pidfd proves afterwards that the process, and so
// the pid, was still the same.
func OpenNamespaceOf(pid, pidfd int, name string) (int, error) {
	fd, err := OpenNamespace("/proc/" + strconv.Itoa(pid) + "/ns/" + name)
	if err != nil {
		return -1, err
	}
	if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); err != nil {
		unix.Close(fd)
		return -1, fail("find process", strconv.Itoa(pid), err)
	}
	return fd, nil
}

// HasNamespace tells whether this kernel has a kind of namespace, by its name in /proc/PID/ns.
func HasNamespace(name string) bool { return unix.Access("/proc/self/ns/"+name, unix.F_OK) == nil }
