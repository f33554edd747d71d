// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The world: pid, mount, network, ipc, uts and cgroup namespaces that belong to
// the tests alone, in which the test binary is pid 1. The host's file systems
// are there, read-only; /tmp, /run, /dev and /mnt are fresh and writable. So
// every process, file, mount, cgroup and network device that a test leaves
// behind is seen, and all of it ends with pid 1.
const (
	programDir   = "/mnt/bin"         // gojail, its applets' links, busybox
	busybox      = "/mnt/bin/busybox" // static
	rootfsSource = "/mnt/rootfs"      // what newBundle copies
	bundles      = "/mnt/bundles"     // one directory for each bundle
	programPath  = programDir + "/gojail"
	ujailPath    = programDir + "/ujail"
)

// The accounts of the world, as its /etc/passwd and /etc/group have them.
const (
	passwd = "root:x:0:0:root:/root:/bin/sh\n" +
		"daemon:x:1:1:daemon:/:/bin/false\n" +
		"nobody:x:65534:65533:nobody:/:/bin/false\n" +
		"web:x:1234:1235:web:/srv:/bin/false\n" + services
	group = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nweb:x:1235:\n" +
		"media:x:2001:daemon,web\nbackup:x:2002:web\nnogroup:x:65533:\n" + serviceGroups
	resolvConf = "nameserver 192.0.2.53\n"
)

// buildWorld turns the new namespaces into the world and executes the test
// binary again inside; it returns only with an error.
func buildWorld() error {
	runtime.LockOSThread() // the cgroup namespace is the thread's until the exec
	program, err := os.ReadFile(os.Getenv(envProgram))
	if err != nil {
		return err
	}
	box := os.Getenv("GOJAIL_BUSYBOX")
	if box == "" {
		box = "/bin/busybox"
	}
	boxBytes, err := os.ReadFile(box)
	if err != nil {
		return fmt.Errorf("%v: install busybox-static, or set GOJAIL_BUSYBOX", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	built := map[string][]byte{}
	steps := []struct {
		name string
		do   func() error
	}{
		{"cgroup namespace", ownCgroup},
		{"probes", func() error { return readProbes(built) }},
		{"mounts", worldMounts},
		{"/dev", worldDev},
		{"programs", func() error { return worldPrograms(program, boxBytes, built) }},
		{"rootfs", worldRootfs},
		{"/etc", worldEtc},
		{"network", func() error { return exec.Command(busybox, "ip", "link", "set", "lo", "up").Run() }},
		{"hostname", func() error {
			return errors.Join(unix.Sethostname([]byte("world")), unix.Setdomainname([]byte("test")))
		}},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %v", s.name, err)
		}
	}
	os.Setenv(envStage, "in")
	// through a descriptor: the binary itself may lie in a /tmp that is gone
	return syscall.Exec("/proc/self/exe", append([]string{self}, os.Args[1:]...), os.Environ())
}

// ownCgroup makes the cgroup of envCgroup the root of a cgroup namespace and
// leaves it empty of processes, as a real root is to its controllers.
func ownCgroup() error {
	dir := os.Getenv(envCgroup)
	if dir == "" {
		return nil
	}
	if err := os.WriteFile(dir+"/cgroup.procs", []byte("0"), 0); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return err
	}
	if err := os.Mkdir(dir+"/tests", 0o755); err != nil {
		return err
	}
	return os.WriteFile(dir+"/tests/cgroup.procs", []byte("0"), 0)
}

func worldMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	readonly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &readonly); err != nil {
		return err
	}
	// old mounts go first: a covered /proc would forbid a new one in a user namespace
	for _, dir := range []string{"/proc", "/sys"} {
		unix.Unmount(dir, unix.MNT_DETACH)
	}
	const safe = unix.MS_NOSUID | unix.MS_NODEV
	for _, m := range []struct {
		target, fstype, data string
		flags                uintptr
	}{
		{"/proc", "proc", "", safe | unix.MS_NOEXEC},
		{"/sys", "sysfs", "", safe | unix.MS_NOEXEC},
		{"/tmp", "tmpfs", "mode=1777", safe},
		{"/run", "tmpfs", "mode=0755", safe},
		{"/mnt", "tmpfs", "mode=0755", 0},
		{"/dev", "tmpfs", "mode=0755", unix.MS_NOSUID},
	} {
		if err := unix.Mount(m.fstype, m.target, m.fstype, m.flags, m.data); err != nil {
			return fmt.Errorf("%s: %v", m.target, err)
		}
	}
	if err := os.Mkdir("/run/gojail", 0o711); err != nil { // stays, as long as a machine runs
		return err
	}
	if os.Getenv(envCgroup) != "" {
		return unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", safe|unix.MS_NOEXEC, "")
	}
	return nil
}

func worldDev() error {
	unix.Umask(0)
	defer unix.Umask(0o022)
	for name, dev := range map[string]uint64{
		"null": unix.Mkdev(1, 3), "zero": unix.Mkdev(1, 5), "full": unix.Mkdev(1, 7),
		"random": unix.Mkdev(1, 8), "urandom": unix.Mkdev(1, 9), "tty": unix.Mkdev(5, 0),
	} {
		if err := unix.Mknod("/dev/"+name, unix.S_IFCHR|0o666, int(dev)); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx",
	} {
		if err := os.Symlink(target, "/dev/"+name); err != nil {
			return err
		}
	}
	for _, m := range [][3]string{
		{"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5"},
		{"/dev/shm", "tmpfs", "mode=1777"},
		{"/dev/mqueue", "mqueue", ""},
	} {
		if err := os.Mkdir(m[0], 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m[1], m[0], m[1], unix.MS_NOSUID|unix.MS_NOEXEC, m[2]); err != nil {
			return err
		}
	}
	return nil
}

func readProbes(built map[string][]byte) (err error) {
	for _, name := range probes {
		var b []byte
		if b, err = os.ReadFile(filepath.Join(os.Getenv(envProbes), name)); err != nil {
			return err
		}
		built[name] = b
	}
	return nil
}

func worldPrograms(program, box []byte, built map[string][]byte) error {
	if err := os.MkdirAll(programDir, 0o755); err != nil {
		return err
	}
	for _, applet := range []string{"ujail", "uxc", "jailnet", "uci2oci"} {
		if err := os.Symlink("gojail", programDir+"/"+applet); err != nil {
			return err
		}
	}
	for name, b := range built {
		if err := os.WriteFile(programDir+"/"+name, b, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile(programPath, program, 0o755), os.WriteFile(busybox, box, 0o755),
		os.Mkdir(bundles, 0o755))
}

// worldRootfs makes the tree that the bundles start from: busybox under the
// names of its applets, accounts, and the directories mounts go to.
func worldRootfs() error {
	for _, d := range strings.Fields("bin dev etc home mnt opt proc root run srv sys tmp usr var") {
		if err := os.MkdirAll(rootfsSource+"/"+d, 0o755); err != nil {
			return err
		}
	}
	bin := rootfsSource + "/bin/"
	if err := os.Link(busybox, bin+"busybox"); err != nil {
		return err
	}
	list, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("%s --list: %v", busybox, err)
	}
	for _, applet := range strings.Fields(string(list)) {
		if err := os.Symlink("busybox", bin+applet); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return errors.Join(os.WriteFile(rootfsSource+"/etc/passwd", []byte(passwd), 0o644),
		os.WriteFile(rootfsSource+"/etc/group", []byte(group), 0o644))
}

// worldEtc puts known accounts and a known resolver over the host's.
func worldEtc() error {
	for name, text := range map[string]string{"passwd": passwd, "group": group, "resolv.conf": resolvConf} {
		target := "/etc/" + name
		if link, err := os.Readlink(target); err == nil {
			// usually into /run, which is empty here
			if target = link; !filepath.IsAbs(link) {
				target = filepath.Join("/etc", link)
			}
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
				return err
			}
			continue
		}
		source := "/mnt/" + name
		if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}
