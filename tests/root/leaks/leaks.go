// SPDX-License-Identifier: LGPL-2.1-only

// Package leaks compares a machine before and after a test: mounts, cgroups,
// processes, the namespaces that processes are in, files, our own descriptors,
// network devices, host name. It is exact, so it is for a machine that belongs
// to the test alone (see package root), whose first process calls it.
package leaks

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Dirs are the trees whose files count. What is not below them is read-only.
var Dirs = []string{"/tmp", "/run", "/dev", "/mnt"}

// Ignore tells which files do not count.
var Ignore = func(path string) bool { return false }

// settle is how long the kernel may take to finish what has ended: a killed
// process, the last reference to a mount.
const settle = 5 * time.Second

// Check takes stock now, and again when the test and its later cleanups are
// over; what is new or gone then fails the test. New processes are killed, so
// that one leak is not reported by every following test.
func Check(t testing.TB) {
	t.Helper()
	before := take()
	t.Cleanup(func() {
		deadline := time.Now().Add(settle)
		after := take()
		for !maps.Equal(before, after) && time.Now().Before(deadline) {
			time.Sleep(5 * time.Millisecond)
			after = take()
		}
		for _, k := range slices.Sorted(maps.Keys(after)) {
			if _, ok := before[k]; !ok {
				t.Errorf("left behind: %s %s", k, after[k])
			} else if before[k] != after[k] {
				t.Errorf("changed: %s: was %s, is %s", k, before[k], after[k])
			}
		}
		for _, k := range slices.Sorted(maps.Keys(before)) {
			if _, ok := after[k]; !ok {
				t.Errorf("gone: %s %s", k, before[k])
			}
		}
		for k := range after {
			if _, ok := before[k]; !ok && strings.HasPrefix(k, "process ") {
				pid, _ := strconv.Atoi(strings.Fields(k)[1])
				for syscall.Kill(pid, syscall.SIGKILL) == nil && time.Now().Before(deadline.Add(settle)) {
					Reap()
					time.Sleep(time.Millisecond)
				}
			}
		}
	})
}

// take lists everything: the key says what it is, the value how it looks.
func take() map[string]string {
	s := map[string]string{}
	Reap()
	processes(s)
	mounts(s)
	for _, dir := range Dirs {
		files(s, dir)
	}
	filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			s["cgroup "+path] = ""
		}
		return nil
	})
	descriptors(s)
	if devices, err := net.Interfaces(); err == nil {
		for _, d := range devices {
			s["network device "+d.Name] = d.Flags.String()
		}
	}
	for _, name := range []string{"hostname", "domainname"} {
		text, _ := os.ReadFile("/proc/sys/kernel/" + name)
		s[name] = string(bytes.TrimSpace(text))
	}
	return s
}

// Reap collects the orphans that ended as our children. Nothing else waits
// for a child while Check looks.
func Reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return
		}
	}
}

func processes(s map[string]string) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := "/proc/" + e.Name()
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue
		}
		namespaces(s, dir)
		if pid == os.Getpid() {
			continue
		}
		// after the command's name: state, and as the twentieth the start time
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		s["process "+e.Name()+" started "+fields[19]] = string(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '}))
	}
}

// namespaces adds those that a thread of the process in dir is in.
func namespaces(s map[string]string, dir string) {
	tasks, _ := filepath.Glob(dir + "/task/*/ns/*")
	for _, ns := range tasks {
		if id, err := os.Readlink(ns); err == nil {
			s["namespace "+id] = ""
		}
	}
}

// mounts adds the lines of mountinfo, whole: a mount that was replaced counts.
func mounts(s map[string]string) {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		s["mount "+strings.TrimSpace(line)] = ""
	}
}

func files(s map[string]string, dir string) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || Ignore(path) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		st := info.Sys().(*syscall.Stat_t)
		look := fmt.Sprint(info.Mode(), " ", st.Uid, ":", st.Gid)
		switch {
		case info.Mode().IsRegular():
			// not the number of links: rootfs copies share their programs
			look += fmt.Sprint(" ", st.Size, " bytes of ", info.ModTime().UnixNano())
		case info.Mode()&fs.ModeSymlink != 0:
			link, _ := os.Readlink(path)
			look += " -> " + link
		case info.Mode()&fs.ModeDevice != 0:
			look += fmt.Sprint(" device ", st.Rdev)
		}
		s["file "+path] = look
		return nil
	})
}

func descriptors(s map[string]string) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		// the directory's own descriptor is closed by now
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			s["descriptor "+e.Name()] = target
		}
	}
}
