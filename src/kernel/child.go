// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// NSPid is the pid of a process in its own pid namespace (proc(5), "NSpid").
func (p Procfs) NSPid(pid int) (int, error) {
	path := strconv.Itoa(pid) + "/status"
	fd, err := p.open(path, unix.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	b := make([]byte, 8192)
	n := 0
	if err := retry(func() (err error) { n, err = unix.Read(fd, b); return }); err != nil {
		return 0, fail("read", "/proc/"+path, err)
	}
	_, after, _ := strings.Cut(string(b[:n]), "\nNSpid:")
	line, _, _ := strings.Cut(after, "\n")
	pids := strings.Fields(line)
	if len(pids) == 0 {
		return pid, nil // a kernel without pid namespaces
	}
	own, err := strconv.Atoi(pids[len(pids)-1])
	if err != nil {
		return 0, fail("read", "/proc/"+path, unix.EIO)
	}
	return own, nil
}

// InPIDNamespaceOf calls f on a thread whose children are made in the pid namespace of a process, by its pidfd.
func InPIDNamespaceOf(pidfd int, f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(pidfd, unix.CLONE_NEWPID); err != nil {
			return fail("join", "the pid namespace", err)
		}
		return f()
	})
}

// Undumpable keeps others from tracing this process, and its children until they execute something: also those who may trace whatever
// is in their namespaces (PR_SET_DUMPABLE of prctl(2)).
func Undumpable() error {
	return fail("prctl", "PR_SET_DUMPABLE", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}

// Subreaper makes this process the parent of the orphans among its descendants (PR_SET_CHILD_SUBREAPER of prctl(2)).
func Subreaper() error {
	return fail("prctl", "PR_SET_CHILD_SUBREAPER", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

// ReapAll waits for all children. False: some live on at the deadline.
func ReapAll(deadline time.Time) bool {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil)
		switch {
		case err != nil && err != unix.EINTR:
			return true
		case pid > 0:
		case time.Now().After(deadline):
			return false
		default:
			time.Sleep(time.Millisecond)
		}
	}
}

// Umask is the file mode creation mask of this process. It is 0 for a moment.
func Umask() uint32 {
	mask := unix.Umask(0)
	unix.Umask(mask)
	return uint32(mask)
}

// ShutdownWrite tells the other end of a socket that nothing more will come.
func ShutdownWrite(fd int) error { return fail("shut down", "", unix.Shutdown(fd, unix.SHUT_WR)) }

// OpenDir opens a directory as O_PATH. The caller closes it.
func OpenDir(path string) (int, error) { return Open(path, unix.O_PATH|unix.O_DIRECTORY) }

// Rewind has the next read of a file start at its beginning.
func Rewind(fd int) error {
	_, err := unix.Seek(fd, 0, unix.SEEK_SET)
	return fail("seek", "", err)
}
