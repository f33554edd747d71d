// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProcfsWrite(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	p, err := OpenProcfs()
	must(t, err)
	defer p.Close()
	pid := cmd.Process.Pid
	file := "/proc/" + strconv.Itoa(pid) + "/oom_score_adj"
	if err := p.Write(pid, "oom_score_adj", "77", nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); string(b) != "77\n" {
		t.Errorf("%q %v", b, err)
	}
	for _, c := range []struct {
		file  string
		errno Errno
	}{
		{"oom_score_adj_", unix.ENOENT},
		{"../../etc/passwd", unix.EXDEV},
		{"cwd/x", unix.ELOOP},
		{"exe", unix.ELOOP},
		{"oom_score_adj", unix.EINVAL},
	} {
		if err := p.Write(pid, c.file, "nonsense", nil); ErrnoOf(err) != c.errno || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s: %v, want %v", c.file, err, c.errno)
		}
	}
}

// CVE-2025-52881: what is mounted below /proc does not get the write.
func TestProcfsOverMounted(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNS)
	p, err := OpenProcfs()
	must(t, err)
	defer p.Close()
	victim := t.TempDir() + "/victim"
	put(t, victim, "untouched", 0, 0o666)
	must(t, unix.Mount(victim, "/proc/self/oom_score_adj", "", unix.MS_BIND, ""))
	if err := p.Write(os.Getpid(), "oom_score_adj", "0", nil); ErrnoOf(err) != unix.EXDEV {
		t.Errorf("%v, want EXDEV", err)
	}
	must(t, unix.Unmount("/proc/self/oom_score_adj", 0))
	must(t, unix.Mount("none", "/proc/"+strconv.Itoa(os.Getpid()), "tmpfs", 0, ""))
	must(t, os.WriteFile("/proc/"+strconv.Itoa(os.Getpid())+"/oom_score_adj", nil, 0o666))
	if err := p.Write(os.Getpid(), "oom_score_adj", "0", nil); ErrnoOf(err) != unix.EXDEV {
		t.Errorf("%v, want EXDEV", err)
	}
	if b, err := os.ReadFile(victim); string(b) != "untouched" {
		t.Errorf("%q %v", b, err)
	}
}

func TestOpenProcfsRefuses(t *testing.T) {
	for _, fstype := range []string{"tmpfs", "sysfs"} {
		t.Run(fstype, func(t *testing.T) {
			ownThread(t, unix.CLONE_NEWNS)
			must(t, unix.Mount("none", "/proc", fstype, 0, ""))
			p, err := OpenProcfs()
			if ErrnoOf(err) != unix.ENODEV || p.FD() != -1 || !strings.Contains(err.Error(), "procfs") {
				t.Errorf("%d %v", p.FD(), err)
			}
		})
	}
}

func TestOpenFD(t *testing.T) {
	dir := t.TempDir()
	fd, err := Open(dir, unix.O_RDONLY)
	must(t, err)
	defer Close(fd)
	again, err := OpenFD(os.Getpid(), fd)
	must(t, err)
	defer Close(again)
	var st unix.Stat_t
	must(t, unix.Fstat(again, &st))
	if want := lstat(t, dir); st.Ino != want.Ino || st.Dev != want.Dev {
		t.Error("another file")
	}
	if flags, err := unix.FcntlInt(uintptr(again), unix.F_GETFL, 0); err != nil || flags&unix.O_PATH == 0 {
		t.Errorf("flags %#x, %v: not O_PATH", flags, err)
	}
}

func TestOpenNamespace(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/file", nil, 0o600))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	for path, errno := range map[string]Errno{
		dir:                unix.EINVAL,
		dir + "/file":      unix.EINVAL,
		dir + "/fifo":      unix.EINVAL,
		"/proc/self/exe":   unix.EINVAL,
		"/proc/self/stat":  unix.EINVAL,
		dir + "/missing":   unix.ENOENT,
		"/proc/self/ns/xx": unix.ENOENT,
	} {
		if fd, err := OpenNamespace(path); fd != -1 || ErrnoOf(err) != errno || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %d %v", path, fd, err)
		}
	}
	fd, err := OpenNamespace("/proc/self/ns/net")
	must(t, err)
	defer Close(fd)
	if kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE); err != nil || kind != unix.CLONE_NEWNET {
		t.Errorf("%#x %v", kind, err)
	}
}

func TestOpenNamespaceOf(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	pid := cmd.Process.Pid
	pidfd, err := PidfdOpen(pid)
	must(t, err)
	defer Close(pidfd)
	fd, err := OpenNamespaceOf(pid, pidfd, "uts")
	must(t, err)
	Close(fd)
	cmd.Process.Kill()
	cmd.Wait()
	if fd, err := OpenNamespaceOf(pid, pidfd, "uts"); fd != -1 || ErrnoOf(err) != unix.ENOENT {
		t.Errorf("an ended process: %d %v", fd, err)
	}
	// The pid is another process' by now.
	if fd, err := OpenNamespaceOf(os.Getpid(), pidfd, "uts"); fd != -1 || ErrnoOf(err) != unix.ESRCH {
		t.Errorf("another process: %d %v", fd, err)
	}
}

func TestHasNamespace(t *testing.T) {
	for name, want := range map[string]bool{"mnt": true, "pid": true, "nonsense": false} {
		if got := HasNamespace(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The pid may have become another process' by the time its file is open.
func TestWriteStill(t *testing.T) {
	p, err := OpenProcfs()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	before, err := ReadFile("/proc/self/comm", 64)
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	if err := p.Write(os.Getpid(), "comm", "written", func() error { return gone }); err != gone {
		t.Errorf("error %v", err)
	}
	if after, err := ReadFile("/proc/self/comm", 64); err != nil || string(after) != string(before) {
		t.Errorf("now it is %q, %v", after, err)
	}
}
