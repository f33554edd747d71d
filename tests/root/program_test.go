// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gojail/src/blob"
)

// The program's file, and what a running supervisor looks like to those who look for it.

// installed is a copy of the program with its links, as a package puts it on a router, that a test may do anything to. It gives the link.
func installed(t *testing.T) (ujail string) {
	t.Helper()
	watch(t)
	text, err := os.ReadFile(programPath)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll("/mnt/installed") })
	writeFile(t, "/mnt/installed/usr/sbin/gojail", string(text), 0o755)
	if err := os.Mkdir("/mnt/installed/sbin", 0o755); err != nil {
		t.Fatal(err)
	}
	ujail = "/mnt/installed/sbin/ujail"
	if err := os.Symlink("../usr/sbin/gojail", ujail); err != nil {
		t.Fatal(err)
	}
	return ujail
}

// An upgrade while containers run harms none: nothing of what is still to come, workers, processes, the end, hooks, needs the file.
func TestProgramReplaced(t *testing.T) {
	const file = "/mnt/installed/usr/sbin/gojail"
	for name, replace := range map[string]func() error{
		"renamed over": func() error {
			return errors.Join(os.WriteFile(file+".new", []byte("another version\n"), 0o755), os.Rename(file+".new", file))
		},
		"removed":        func() error { return os.Remove(file) },
		"removed, all":   func() error { return os.RemoveAll("/mnt/installed") },
		"moved away":     func() error { return os.Rename(file, file+".old") },
		"not executable": func() error { return os.Chmod(file, 0) },
		"written or less": func() error { // which the kernel does not allow while it runs
			for _, flags := range []int{os.O_WRONLY, os.O_WRONLY | os.O_TRUNC} {
				if f, err := os.OpenFile(file, flags, 0); !errors.Is(err, syscall.ETXTBSY) {
					f.Close()
					return errors.Join(errors.New("it could be opened for writing"), err)
				}
			}
			if err := os.Truncate(file, 0); !errors.Is(err, syscall.ETXTBSY) {
				return errors.Join(errors.New("it could be truncated"), err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			ujail := installed(t)
			newBus(t)
			done := filepath.Join(hostFiles(t, nil), "done")
			from := func(c command) command { c.args[0] = ujail; return c }
			b := newBundle(t, hooks("poststop", "echo stopped >"+done), script("trap 'exit 5' TERM; trap 'echo hup' HUP; echo up; "+forever))
			p := start(t, from(b.command())).until("up\n")
			waits := newBundle(t, hooks("startContainer", "exit 0"), hooks("poststart", "exit 0"), script("echo ran; exit 6"))
			c := from(waits.command())
			c.args = slices.DeleteFunc(c.args, func(a string) bool { return a == "-i" })
			created := start(t, c)
			onBus(t, waits.name)
			small := start(t, from(slim("-p -N", sh(untilTerm)...))).until("ready")
			e := execIn(t, b.name)
			asleep(t, p)
			asleep(t, small)

			if err := replace(); err != nil {
				t.Fatal(err)
			}

			if got := onBus(t, b.name); got["status"] != "running" {
				t.Errorf("state %v", got)
			}
			if out := e.sh("echo in"); out != "in\n" {
				t.Errorf("exec printed %q", out)
			}
			if _, err := call(b.name, "kill", func(w *blob.Builder) { w.AddString("signal", "HUP") }); err != nil {
				t.Error(err)
			}
			p.until("hup\n")
			if _, err := call(waits.name, "start", nil); err != nil {
				t.Error(err)
			}
			created.wait().ends(6)
			small.signal(syscall.SIGTERM).wait().ends(0)
			p.signal(syscall.SIGTERM).wait().ends(5)
			if text, err := os.ReadFile(done); string(text) != "stopped\n" {
				t.Errorf("poststop: %q, %v", text, err)
			}
		})
	}
}

// ps and pidof, busybox's and Debian's, see one process named ujail for each jail, with the command line that it was started with, as they do
// with the C ujail, before and after a worker was there.
func TestProcessNames(t *testing.T) {
	ujail := installed(t)
	newBus(t)
	const untilHup = `trap "exit 0" TERM; echo ready; ` + forever
	b := newBundle(t, script(untilHup))
	var all []*process
	var pids []string
	for _, c := range []command{b.command(), slim("-t 5 -p -N -U web", sh(untilHup)...), slim("-t 5 -c", sh(untilHup)...)} {
		c.args[0] = ujail
		p := start(t, c).until("ready")
		all = append(all, p)
		pids = append(pids, strconv.Itoa(p.pid()))
	}
	slices.Sort(pids)
	look := func() {
		t.Helper()
		for _, p := range all {
			asleep(t, p)
			comm, _ := os.ReadFile(procPath(p.pid(), "comm"))
			line, _ := os.ReadFile(procPath(p.pid(), "cmdline"))
			if want := strings.Join(p.cmd.Args, "\x00") + "\x00"; string(comm) != "ujail\n" || string(line) != want {
				t.Errorf("comm %q, cmdline %q, want %q", comm, line, want)
			}
			out, err := exec.Command("/bin/ps", "-o", "comm=,nlwp=,args=", "-p", strconv.Itoa(p.pid())).Output()
			if want := "ujail 1 " + strings.Join(p.cmd.Args, " "); err != nil || strings.Join(strings.Fields(string(out)), " ") != strings.Join(strings.Fields(want), " ") {
				t.Errorf("ps: %v, %q, want %q", err, out, want)
			}
			out, err = exec.Command(busybox, "ps", "-o", "pid,comm").Output()
			if err != nil || !strings.Contains(string(out), strconv.Itoa(p.pid())+" ujail\n") {
				t.Errorf("busybox ps: %v, %q", err, out)
			}
		}
		for _, pidof := range [][]string{{busybox, "pidof"}, {"/bin/pidof"}} {
			out, err := exec.Command(pidof[0], append(pidof[1:], "ujail")...).Output()
			got := strings.Fields(string(out))
			slices.Sort(got)
			if err != nil || !slices.Equal(got, pids) {
				t.Errorf("%s ujail: %v, %v, want %v", pidof, got, err, pids)
			}
		}
	}
	look()
	onBus(t, b.name)
	e := execIn(t, b.name)
	e.sh("exit 0")
	look()
	if out, err := exec.Command(busybox, "killall", "ujail").CombinedOutput(); err != nil { // TERM, as an init script does
		t.Errorf("killall: %v, %s", err, out)
	}
	for _, p := range all {
		p.wait().ends(0)
	}
}
