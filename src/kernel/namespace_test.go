// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The main thread stays with the main goroutine: no test runs on it, so that every thread a test has changed can end.
func init() { runtime.LockOSThread() }

// needRoot is for tests that make namespaces or change owners.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// ownThread gives the test new namespaces: a thread that ends with it. In a new mount namespace nothing propagates.
func ownThread(t *testing.T, namespaces int) {
	t.Helper()
	needRoot(t)
	runtime.LockOSThread()
	if err := unix.Unshare(namespaces | unix.CLONE_FS); err != nil {
		t.Fatal("unshare: ", err)
	}
	if namespaces&unix.CLONE_NEWNS != 0 {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal("make / private: ", err)
		}
	}
}

// mount makes a directory with a new file system on it.
func mount(t *testing.T, fstype, data string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount(fstype, dir, fstype, 0, data); err != nil {
		t.Fatalf("mount %s: %v", fstype, err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// run runs a command on this thread, and so in its namespaces.
func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A world is a process that waits in namespaces of its own.
type world struct{ pid int }

// newWorld starts one. In its user namespace, if it gets one, 0 to 999 are 100000 to 100999. setup is run there by a shell.
func newWorld(t *testing.T, namespaces uintptr, setup string) world {
	t.Helper()
	needRoot(t)
	cmd := exec.Command("sh", "-ec", setup+"\necho ready\nread wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: unix.SIGKILL}
	if namespaces&unix.CLONE_NEWUSER != 0 {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = ids, ids
		cmd.SysProcAttr.Credential = &syscall.Credential{}
	}
	// Pdeathsig comes when the thread ends.
	runtime.LockOSThread()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	word := make([]byte, 6)
	if _, err := io.ReadFull(stdout, word); err != nil {
		cmd.Wait()
		t.Fatalf("%s: %v: %s", setup, err, stderr.String())
	}
	return world{cmd.Process.Pid}
}

// namespace opens one of the world's namespaces.
func (w world) namespace(t *testing.T, name string) int {
	t.Helper()
	fd, err := OpenNamespace("/proc/" + strconv.Itoa(w.pid) + "/ns/" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(fd) })
	return fd
}

// root is a path in the world.
func (w world) root(path string) string { return "/proc/" + strconv.Itoa(w.pid) + "/root" + path }

// run runs a command in some of the world's namespaces, given as options of nsenter.
func (w world) run(t *testing.T, options string, args ...string) string {
	t.Helper()
	enter := append([]string{"nsenter", "-t", strconv.Itoa(w.pid)}, strings.Fields(options)...)
	return run(t, append(enter, args...)...)
}
