// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CgroupRoot is where cgroup v2 is mounted on OpenWrt, and on every machine that has no cgroup v1.
const CgroupRoot = "/sys/fs/cgroup"

// cgroup2Magic is CGROUP2_SUPER_MAGIC of linux/magic.h.
const cgroup2Magic = 0x63677270

// A Cgroup is a directory of cgroup v2 that is open.
type Cgroup struct {
	fd   int
	path string
}

// NoCgroup is none.
var NoCgroup = Cgroup{fd: -1}

// OpenCgroupRoot opens the root of the hierarchy. ENODEV: there is no cgroup v2.
func OpenCgroupRoot() (Cgroup, error) {
	fd, err := Open(CgroupRoot, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return NoCgroup, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || int64(st.Type) != cgroup2Magic {
		unix.Close(fd)
		return NoCgroup, &Error{"verify that cgroup v2 is mounted on", CgroupRoot, unix.ENODEV}
	}
	return Cgroup{fd, CgroupRoot}, nil
}

// CgroupAt is the cgroup that is open as fd, which becomes its own.
func CgroupAt(fd int) (Cgroup, error) {
	link := "/proc/self/fd/" + strconv.Itoa(fd)
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlink(link, b)
	if err != nil {
		return Cgroup{fd, ""}, fail("read", link, err)
	}
	return Cgroup{fd, string(b[:n])}, nil
}

// CgroupOf is the cgroup that a process is in.
func CgroupOf(pid int) (Cgroup, error) {
	text, err := ReadProc("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return NoCgroup, err
	}
	for line := range strings.Lines(text) {
		path, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::/")
		if !found {
			continue
		}
		root, err := OpenCgroupRoot()
		if err != nil || path == "" {
			return root, err
		}
		defer root.Close()
		return root.Sub(path)
	}
	return NoCgroup, &Error{"find the control group of process", strconv.Itoa(pid), unix.ENODEV}
}

// FD is the descriptor, still the Cgroup's own; -1 for NoCgroup.
func (c Cgroup) FD() int { return c.fd }

// Path is where it is.
func (c Cgroup) Path() string { return c.path }

// Close closes it.
func (c Cgroup) Close() { Close(c.fd) }

func (c Cgroup) openat(name string, flags int) (fd int, err error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS}
	err = retry(func() error { fd, err = unix.Openat2(c.fd, name, &how); return err })
	if err != nil {
		return -1, fail("open", c.path+"/"+name, err)
	}
	return fd, nil
}

// Sub opens a cgroup below this one.
func (c Cgroup) Sub(name string) (Cgroup, error) {
	fd, err := c.openat(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return NoCgroup, err
	}
	return Cgroup{fd, c.path + "/" + name}, nil
}

// Make makes a cgroup; one that is there already is no error, and made is false then.
func (c Cgroup) Make(name string) (made bool, err error) {
	err = unix.Mkdirat(c.fd, name, 0o755)
	if err == unix.EEXIST {
		return false, nil
	}
	return err == nil, fail("make the control group", c.path+"/"+name, err)
}

// Remove removes a cgroup below. EBUSY: there are processes in it, or other cgroups.
func (c Cgroup) Remove(name string) error {
	return fail("remove the control group", c.path+"/"+name, unix.Unlinkat(c.fd, name, unix.AT_REMOVEDIR))
}

// Read reads a file of the cgroup, at most 64 KiB of it.
func (c Cgroup) Read(file string) (string, error) {
	fd, err := c.openat(file, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return readSome(fd, c.path+"/"+file)
}

// Write writes a value to a file of the cgroup, which must exist.
func (c Cgroup) Write(file, value string) error {
	fd, err := c.openat(file, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return fail("write \""+value+"\" to", c.path+"/"+file, retry(func() error {
		_, err := unix.Write(fd, []byte(value))
		return err
	}))
}

// TotalMemory is the machine's memory in bytes, as MemTotal of /proc/meminfo.
func TotalMemory() uint64 {
	var i unix.Sysinfo_t
	if unix.Sysinfo(&i) != nil {
		return 0 // it cannot fail
	}
	return uint64(i.Totalram) * uint64(max(i.Unit, 1))
}

// Add moves a process into the cgroup. It is slow; clone3 with CLONE_INTO_CGROUP is not.
func (c Cgroup) Add(pid int) error { return c.Write("cgroup.procs", strconv.Itoa(pid)) }

// Kill kills every process in the cgroup and below, and waits until they are gone, at most until the deadline (EBUSY).
func (c Cgroup) Kill(deadline time.Time) error {
	if err := c.Write("cgroup.kill", "1"); err != nil {
		return err
	}
	for {
		populated, err := c.Populated()
		if err != nil || !populated {
			return err
		}
		if !time.Now().Before(deadline) {
			return &Error{"wait for the end of the processes in", c.path, unix.EBUSY}
		}
		time.Sleep(time.Millisecond)
	}
}

// Populated tells whether there is a process in the cgroup or below that has not ended.
func (c Cgroup) Populated() (bool, error) {
	s, err := c.Read("cgroup.events")
	if err != nil {
		return false, err
	}
	return Field(s, "populated") != "0", nil
}

// Field is the value of a key in what a file of lines "key value" holds; "" if it is not there.
func Field(text, key string) string {
	for text != "" {
		line := text
		text = ""
		for i := range len(line) {
			if line[i] == '\n' {
				line, text = line[:i], line[i+1:]
				break
			}
		}
		if len(line) > len(key) && line[len(key)] == ' ' && line[:len(key)] == key {
			return line[len(key)+1:]
		}
	}
	return ""
}

// RemoveBelow removes the cgroups below this one, which have no processes any more, until the deadline (EBUSY). However deep they are, it
// holds two descriptors.
func (c Cgroup) RemoveBelow(deadline time.Time) error {
	at, err := c.openat(".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer func() { unix.Close(at) }()
	var names []string // on the way from c to at
	for {
		if !time.Now().Before(deadline) {
			return &Error{"remove the control groups below", c.path, unix.EBUSY}
		}
		name, err := subdirectory(at)
		if err != nil {
			return fail("list", c.path, err)
		}
		last := len(names) - 1
		switch {
		case name != "":
			names = append(names, name)
		case last < 0:
			return nil
		default:
			name = ".."
		}
		next, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return fail("open", c.path, err)
		}
		unix.Close(at)
		at = next
		if name == ".." {
			if err := unix.Unlinkat(at, names[last], unix.AT_REMOVEDIR); err != nil && err != unix.ENOENT {
				return fail("remove the control group", c.path+"/.../"+names[last], err)
			}
			names = names[:last]
		}
	}
}

// subdirectory is the name of a directory in dir, "" if there is none.
func subdirectory(dir int) (string, error) {
	if _, err := unix.Seek(dir, 0, unix.SEEK_SET); err != nil {
		return "", err
	}
	l := copyLevel{src: dir, buf: new([direntBuffer]byte)}
	for {
		name, err := l.next()
		if name == "" || err != nil {
			return "", err
		}
		var st unix.Stat_t
		if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return name, nil
		}
	}
}
