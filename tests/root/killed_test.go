// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A tracing is one start under ptrace(2), which can stop any of its processes at any of its system calls.
type tracing struct {
	order []int          // the processes in the order of their appearance: the supervisor is the first
	calls [][]uint64     // of each, the system calls it has made, in order
	entry map[int]bool   // threads: the next stop is at an entry
	group map[int]int    // threads: number of the process
	code  int            // exit status of the supervisor
	end   syscall.Signal // or the signal that ended it
}

// syscallInfo is struct ptrace_syscall_info as far as it is needed.
type syscallInfo struct {
	op   uint8
	_    [3]byte
	arch uint32
	_    [2]uint64
	nr   uint64
}

const traceOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL

// trace runs c; kill is asked at each entry into a system call whether the process is to be killed there.
func trace(t *testing.T, c command, kill func(process, call int, nr uint64) bool) (*tracing, string) {
	t.Helper()
	watch(t)
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	out := os.NewFile(uintptr(pipe[0]), "pipe")
	defer out.Close()
	text := make(chan string)
	go func() {
		b, _ := io.ReadAll(out)
		text <- string(b)
	}()
	pid, err := syscall.ForkExec(c.args[0], c.args, &syscall.ProcAttr{Dir: "/", Env: []string{"PATH=" + hostPath},
		Files: []uintptr{0, uintptr(pipe[1]), uintptr(pipe[1])}, Sys: &syscall.SysProcAttr{Ptrace: true}})
	unix.Close(pipe[1])
	if err != nil {
		t.Fatal(err)
	}
	tr := &tracing{entry: map[int]bool{}, group: map[int]int{}}
	for {
		var ws syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &ws, unix.WALL, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.ECHILD:
			return tr, <-text
		case err != nil:
			t.Fatal(err)
		}
		if ws.Exited() || ws.Signaled() {
			if tid == pid {
				if tr.code = ws.ExitStatus(); ws.Signaled() {
					tr.end = ws.Signal()
				}
			}
			continue
		}
		if ws.Stopped() {
			tr.stopped(tid, ws, kill)
		}
	}
}

func (tr *tracing) stopped(tid int, ws syscall.WaitStatus, kill func(process, call int, nr uint64) bool) {
	process, known := tr.group[tid]
	if !known {
		unix.PtraceSetOptions(tid, traceOptions)
		process = tr.join(tid)
	}
	deliver := 0
	switch s := ws.StopSignal(); {
	case s == syscall.SIGTRAP|0x80:
		if tr.entry[tid] = !tr.entry[tid]; !tr.entry[tid] {
			break
		}
		var info syscallInfo
		unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
		tr.calls[process] = append(tr.calls[process], info.nr)
		if kill(process, len(tr.calls[process])-1, info.nr) {
			unix.Kill(tr.order[process], unix.SIGKILL)
		}
	case s == syscall.SIGTRAP || s == syscall.SIGSTOP: // an event, an exec, the first stop of a new process
	default:
		deliver = int(s)
	}
	unix.PtraceSyscall(tid, deliver)
}

// join notes a new thread: of a process that is known, or of the next one.
func (tr *tracing) join(tid int) int {
	text, _ := os.ReadFile(procPath(tid, "status"))
	pid := tid
	for line := range strings.Lines(string(text)) {
		fmt.Sscanf(line, "Tgid: %d", &pid)
	}
	process := slices.Index(tr.order, pid)
	if process < 0 {
		process = len(tr.order)
		tr.order, tr.calls = append(tr.order, pid), append(tr.calls, nil)
	}
	tr.group[tid] = process
	return process
}

// syncCalls are where processes of a start wait for each other, tell each other something, come and go.
var syncCalls = []uint64{unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_CLONE, unix.SYS_CLONE3,
	unix.SYS_WRITE, unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_EXIT_GROUP}

// Every process of a start is killed at every system call where it has to do with another one: nothing is left, and the supervisor,
// if it is not the one, ends with the payload's status or that of a killed one. Of the other calls some are tried,
// with GOJAIL_STRESS=1 all.
func TestKilledAtEachSyncPoint(t *testing.T) {
	stride := 31
	if os.Getenv("GOJAIL_STRESS") != "" {
		stride = 1
	}
	for name, c := range map[string]command{
		"bundle":         newBundle(t, script("exit 7")).command("-t", "1"),
		"user namespace": newBundle(t, script("exit 7"), shifted).command("-t", "1"),
		"second process": newBundle(t, script("exit 7"), namespace(specs.TimeNamespace, "")).command("-t", "1"),
		"slim":           slim("-t 1 -p -N", sh("exit 7")...),
	} {
		t.Run(name, func(t *testing.T) {
			whole, text := trace(t, c, func(int, int, uint64) bool { return false })
			if whole.code != 7 || len(whole.order) < 3 {
				t.Fatalf("without a kill: %d processes, exit status %d, %v: %s", len(whole.order), whole.code, whole.end, text)
			}
			runs := 0
			for process, calls := range whole.calls {
				if r := run(t, c); r.code != 7 { // what a killed supervisor has left goes with the next start
					t.Errorf("exit status %d before process %d is killed: %s", r.code, process, r.stderr)
				}
				for at, nr := range calls {
					if !slices.Contains(syncCalls, nr) && (process+at)%stride != 0 {
						continue
					}
					runs++
					tr, text := trace(t, c, func(p, call int, _ uint64) bool { return p == process && call == at })
					where := fmt.Sprintf("process %d killed at its call %d (number %d)", process, at, nr)
					switch {
					case process == 0 && tr.end != 0 && tr.end != syscall.SIGKILL || process != 0 && tr.end != 0:
						t.Errorf("%s: the supervisor was ended by %v", where, tr.end)
					case tr.end == 0 && tr.code != 7 && tr.code != 137:
						t.Errorf("%s: exit status %d: %s", where, tr.code, text)
					}
					if s := strays(); s != "" {
						t.Fatalf("%s: left processes: %s", where, s)
					}
					// what the one that tears down has left goes with the next start, see below
					if left, _ := os.ReadDir("/tmp"); (process == 1 || process == 2) && len(left) > 0 {
						t.Errorf("%s: left in /tmp: %s", where, left[0].Name())
					}
				}
			}
			t.Logf("%d processes, killed at %d calls", len(whole.order), runs)
			if r := run(t, c); r.code != 7 { // what a killed supervisor has left goes with the next start
				t.Errorf("exit status %d afterwards: %s", r.code, r.stderr)
			}
		})
	}
}
