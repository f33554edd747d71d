// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// What stands between procd and the payload: signals, death, inheritance.

// trapping is a payload that says which signal came, and ends with 3 on TERM.
const trapping = `for s in HUP INT QUIT USR1 USR2 ALRM WINCH; do trap "echo $s" $s; done; trap "exit 3" TERM; echo ready; ` + forever

// jails are the same payload in the different kinds of jail there are.
func jails(t *testing.T, text string) map[string]command {
	t.Helper()
	return map[string]command{
		"bundle":         newBundle(t, script(text)).command("-t", "1"),
		"user":           newBundle(t, script(text), user(1000, 1000)).command("-t", "1"),
		"no pid ns":      newBundle(t, script(text), withoutNamespace(specs.PIDNamespace)).command("-t", "1"),
		"user namespace": newBundle(t, script(text), shifted, user(1000, 1000)).command("-t", "1"),
		"slim":           slim("-t 1 -p", sh(text)...),
		"slim user":      slim("-t 1 -p -N -U web", sh(text)...),
		"slim bare":      slim("-t 1 -c -U web", sh(text)...),
	}
}

func TestSignalsAreForwarded(t *testing.T) {
	for name, c := range jails(t, trapping) {
		t.Run(name, func(t *testing.T) {
			p := start(t, c).until("ready\n")
			want := "ready\n"
			for _, s := range []struct {
				name   string
				signal syscall.Signal
			}{{"HUP", syscall.SIGHUP}, {"INT", syscall.SIGINT}, {"USR1", syscall.SIGUSR1}, {"USR2", syscall.SIGUSR2},
				{"QUIT", syscall.SIGQUIT}, {"ALRM", syscall.SIGALRM}, {"WINCH", syscall.SIGWINCH}, {"HUP", syscall.SIGHUP}} {
				want += s.name + "\n"
				p.signal(s.signal).until(want)
			}
			if r := p.signal(syscall.SIGTERM).wait().ends(3); r.stdout != want {
				t.Errorf("printed %q, want %q", r.stdout, want)
			}
		})
	}
}

// A signal that comes as soon as the payload runs is the payload's, not the end of
// a start that nobody has reported yet.
func TestSignalsAtOnce(t *testing.T) {
	for _, sig := range []string{"TERM", "HUP", "USR1"} {
		t.Run(sig, func(t *testing.T) {
			c := newBundle(t, withoutNamespace(specs.PIDNamespace), script("trap 'exit 5' "+sig+"; kill -"+sig+" $PPID; "+forever)).command()
			for range rounds(t, 30) {
				run(t, c).ends(5)
			}
		})
	}
}

func TestTermThenKill(t *testing.T) {
	for name, c := range jails(t, `trap "echo no" TERM; echo ready; `+forever) {
		t.Run(name, func(t *testing.T) {
			p := start(t, c).until("ready\n").signal(syscall.SIGTERM).until("no\n")
			p.wait().ends(137)
		})
	}
	t.Run("pid 1 without a handler", func(t *testing.T) {
		p := newBundle(t, script("echo ready; exec sleep 1000")).start("-t", "1").until("ready")
		p.signal(syscall.SIGTERM).wait().ends(137)
	})
	t.Run("stopped", func(t *testing.T) {
		p := newBundle(t, script(trapping)).start("-t", "1").until("ready")
		if err := syscall.Kill(p.payload(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGTERM).wait().ends(137)
	})
	t.Run("at once", func(t *testing.T) {
		p := newBundle(t, script("echo ready; exec sleep 1000")).start("-t", "0").until("ready")
		p.signal(syscall.SIGTERM).wait().ends(137)
	})
}

// state is the letter of /proc/PID/stat: R, S, T, Z..., or 0 if there is no such process.
func state(pid int) byte {
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return 0
	}
	return text[strings.LastIndexByte(string(text), ')')+2]
}

func alive(pid int) bool { s := state(pid); return s != 0 && s != 'Z' && s != 'X' }

// A stop is not an end, whoever is stopped.
func TestStopAndContinue(t *testing.T) {
	for name, c := range jails(t, trapping) {
		t.Run(name, func(t *testing.T) {
			p := start(t, c).until("ready\n")
			for _, pid := range []int{p.payload(), p.pid()} {
				for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
					if err := syscall.Kill(pid, s); err != nil {
						t.Fatal(err)
					}
					if !eventually(func() bool { return (state(pid) == 'T') == (s == syscall.SIGSTOP) }) {
						t.Fatalf("%v: the state is %c", s, state(pid))
					}
				}
			}
			p.signal(syscall.SIGUSR1).until("USR1\n").signal(syscall.SIGTERM).wait().ends(3)
		})
	}
	t.Run("ends while the supervisor is stopped", func(t *testing.T) {
		p := newBundle(t, script(trapping)).start().until("ready\n")
		payload := p.payload()
		p.signal(syscall.SIGSTOP)
		syscall.Kill(payload, syscall.SIGTERM)
		if !eventually(func() bool { return !alive(payload) }) {
			t.Error("the payload lives on")
		}
		p.signal(syscall.SIGCONT).wait().ends(3)
	})
}

func TestSupervisorKilled(t *testing.T) {
	for name, c := range jails(t, "echo ready; "+forever) {
		t.Run(name, func(t *testing.T) {
			p := start(t, c).until("ready")
			payload := p.payload()
			p.signal(syscall.SIGKILL)
			if p.wait(); !eventually(func() bool { return !alive(payload) }) {
				t.Errorf("the payload %d survived its supervisor", payload)
			}
			cleanStart(t, c)
		})
	}
}

// cleanStart starts the jail of c once more and ends it: what a killed
// supervisor could not remove has to be gone after that.
func cleanStart(t *testing.T, c command) {
	t.Helper()
	p := start(t, c).until("ready")
	p.signal(syscall.SIGTERM).wait()
}

// Killed at any moment: before there is a payload, while it is made, after.
func TestSupervisorKilledAtRandom(t *testing.T) {
	for name, c := range jails(t, "echo ready; "+forever) {
		t.Run(name, func(t *testing.T) {
			for i := range rounds(t, 12) {
				p := start(t, c)
				time.Sleep(time.Duration(random.IntN(20000)) * time.Microsecond)
				p.signal(syscall.SIGKILL).wait()
				if !eventually(func() bool { return strays() == "" }) {
					t.Fatalf("round %d left processes: %s", i, strays())
				}
			}
			cleanStart(t, c)
		})
	}
}

// strays are the processes of the world beside us.
func strays() string {
	var list []string
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() && alive(pid) {
			text, _ := os.ReadFile(procPath(pid, "cmdline"))
			list = append(list, e.Name()+" "+strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return strings.Join(list, "; ")
}

// The C ujail hands on whatever it was given, and so a way out.
func TestD2InheritedFds(t *testing.T) {
	show := "ls /proc/$$/fd; :"
	kinds := map[string]command{
		"bundle": newBundle(t, script(show)).command(), "user namespace": newBundle(t, script(show), shifted).command(),
		"slim": slim("-p", sh(show)...), "slim bare": slim("-c", sh(show)...),
	}
	for setup, name := range map[string]string{
		"":                                   "none",
		"exec 9</":                           "host's root",
		"exec 3</ 4</etc 5<&0 6>&1 7<&2 8</": "many",
		"exec 0<&-":                          "no stdin",
		"exec 0<&- 9</":                      "no stdin, host's root",
		"exec 2>&-":                          "no stderr",
		"exec 0<&- 2>&- 3</":                 "stdout alone",
		"ulimit -n 5000; exec 3</ 4<&3 5<&3": "duplicates",
	} {
		for kind, c := range kinds {
			t.Run(kind+" "+name, func(t *testing.T) {
				if r := run(t, shelled(setup, c)).ends(0); r.stdout != "0\n1\n2\n" {
					t.Errorf("fds %q, stderr %q", r.stdout, r.stderr)
				}
			})
		}
	}
}

func TestSignalsOfThePayload(t *testing.T) {
	for name, c := range map[string]command{
		"bundle": newBundle(t, args("/bin/cat", "/proc/self/status")).command(),
		"slim":   slim("-p", busybox, "cat", "/proc/self/status"),
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, helped("block", shelled("trap '' CHLD HUP PIPE INT USR1", c))).ok()
			for _, field := range []string{"SigBlk", "SigIgn"} {
				if got := strings.Trim(status(t, r.stdout, field), "0"); got != "" {
					t.Errorf("%s %s", field, got)
				}
			}
		})
	}
	t.Run("status and signals", func(t *testing.T) {
		b := newBundle(t, script(trapping))
		p := start(t, helped("block", shelled("trap '' CHLD HUP PIPE TERM", b.command()))).until("ready")
		p.signal(syscall.SIGHUP).until("HUP").signal(syscall.SIGTERM).wait().ends(3)
	})
}

// Limits procd sets hit ujail first; the payload has to see them, and ujail to live.
func TestInheritedLimits(t *testing.T) {
	for limit, name := range map[string]string{
		"-S -v 16384": "Max address space", "-S -d 8192": "Max data size", "-S -n 12": "Max open files", "-n 16": "Max open files",
		"-S -f 0": "Max file size", "-S -s 256": "Max stack size", "-S -c 0": "Max core file size", "-S -l 0": "Max locked memory",
	} {
		for kind, c := range map[string]command{
			"bundle": newBundle(t, args("/bin/cat", "/proc/self/limits"), func(s *specs.Spec) { s.Process.Rlimits = nil }).command(),
			"slim":   slim("-p", busybox, "cat", "/proc/self/limits"),
		} {
			t.Run(kind+" "+limit, func(t *testing.T) {
				want, err := exec.Command("/bin/sh", "-c", "ulimit "+limit+"; grep '"+name+"' /proc/self/limits").Output()
				if err != nil {
					t.Fatal(err)
				}
				r := run(t, shelled("ulimit "+limit, c)).ok()
				if !slices.Contains(strings.SplitAfter(r.stdout, "\n"), string(want)) {
					t.Errorf("no %q in\n%s", want, r.stdout)
				}
			})
		}
	}
}

// A hard limit is raised for ujail's own use where that is allowed, and named where it is not.
func TestInheritedHardLimits(t *testing.T) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	effective, err := strconv.ParseUint(status(t, string(text), "CapEff"), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	for limit, name := range map[string]string{"-v 16384": "Max address space", "-d 8192": "Max data size"} {
		t.Run(limit, func(t *testing.T) {
			r := run(t, shelled("ulimit "+limit, slim("-p", busybox, "grep", name, "/proc/self/limits")))
			if effective>>unix.CAP_SYS_RESOURCE&1 == 0 {
				if unsafe.Sizeof(uintptr(0)) == 8 {
					r.refused("hard limit", "CAP_SYS_RESOURCE")
				}
				return
			}
			kib, _ := strconv.Atoi(strings.Fields(limit)[1])
			if bytes := strconv.Itoa(kib << 10); !strings.Contains(r.ok().stdout, bytes+" "+strings.Repeat(" ", 20-len(bytes))+bytes) {
				t.Errorf("the payload's limits are %q", r.stdout)
			}
		})
	}
}

// The process that is to become the payload may be killed by anybody, even before the supervisor knows what it is.
func TestChildKilledAtRandom(t *testing.T) {
	for name, c := range map[string]command{
		"bundle": newBundle(t, script("exit 7")).command("-t", "1"),
		"forks":  newBundle(t, script("exit 7"), namespace(specs.TimeNamespace, "")).command("-t", "1"),
		"slim":   slim("-t 1 -p", sh("exit 7")...),
		"traced": slim("-t 1 -p -S "+noExec(t), sh("exit 7")...),
	} {
		t.Run(name, func(t *testing.T) {
			for range rounds(t, 40) {
				p := start(t, c)
				worker := 0
				for killed := false; !killed && len(p.ended) == 0; {
					for _, pid := range children(p.pid()) {
						if worker == 0 {
							worker = pid
						} else if pid != worker {
							killed = syscall.Kill(pid, syscall.SIGKILL) == nil && random.IntN(4) > 0
						}
					}
				}
				if r := p.wait(); r.code != 7 && r.code != 137 || r.signaled {
					t.Errorf("exit status %d (signal: %v), want 7 or 137\nstderr: %s", r.code, r.signaled, r.stderr)
				}
			}
		})
	}
}

// A warning that nobody reads does not end the start.
func TestNobodyReadsStderr(t *testing.T) {
	c := newBundle(t, script("exit 7"), capabilities("CAP_MOOD")).command()
	if r := run(t, c).ends(7); !strings.Contains(r.stderr, "CAP_MOOD") {
		t.Fatalf("no warning: %q", r.stderr)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	reader.Close()
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Stderr = writer
	if cmd.Run(); cmd.ProcessState.ExitCode() != 7 {
		t.Error(cmd.ProcessState)
	}
}

// vm.memfd_noexec (Linux 6.3), which belongs to a pid namespace, forbids what a start needs: the message says so.
func TestMemfdNoexec(t *testing.T) {
	const file = "/proc/sys/vm/memfd_noexec"
	if _, err := os.Stat(file); err != nil {
		return
	}
	c := shelled("echo 2 >"+file, newBundle(t).command())
	c.attr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	run(t, c).refused("vm.memfd_noexec")
}
