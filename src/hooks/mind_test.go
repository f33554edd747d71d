// SPDX-License-Identifier: LGPL-2.1-only

package hooks

import (
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
	"gojail/src/spawn"
)

// mindIdle has a minder mind a process that does nothing until it is killed.
func mindIdle(t *testing.T) *job {
	t.Helper()
	proc, err := kernel.OpenProcfs()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.Close)
	idle, theirs, err := kernel.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Close(idle); kernel.Close(theirs) })
	j := &job{hook: &plan.Hook{Kind: plan.CreateRuntime, Path: "/idle"}, prog: program.Idle(idle, theirs)}
	j.handles = program.HookHandles{Life: -1, LifeOther: -1, Trampoline: -1, Stdin: -1, Cwd: -1, Container: -1}
	if j.ours, j.handles.Report, err = kernel.SocketPair(); err != nil {
		t.Fatal(err)
	}
	m := newMinder(j.ours, j.handles.Report, proc.FD(), theirs, j.prog.Code(), -1)
	pid, e := spawn.Fork(mind, unsafe.Pointer(m))
	if e != 0 {
		t.Fatal(e)
	}
	runtime.KeepAlive(m)
	j.minder = pid
	kernel.Close(j.handles.Report)
	j.handles.Report = -1
	t.Cleanup(j.close)
	return j
}

// childrenOf lists the processes of this parent.
func childrenOf(t *testing.T, pid int) (list []int) {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; :").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		m := &minder{}
		if m.parent(copy(m.text[:], line)) == int32(pid) {
			n, _ := strconv.Atoi(strings.Fields(line)[0])
			list = append(list, n)
		}
	}
	return list
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// What is given up is killed, and told as ended.
func TestMinderSweeps(t *testing.T) {
	j := mindIdle(t)
	var hook int
	eventually(t, "no hook", func() bool {
		if list := childrenOf(t, j.minder); len(list) == 1 {
			hook = list[0]
		}
		return hook != 0
	})
	if !j.sweep() {
		t.Error("not in time")
	}
	if err := syscall.Kill(hook, 0); err != syscall.ESRCH {
		t.Errorf("the hook: %v", err)
	}
	if err := syscall.Kill(j.minder, 0); err != syscall.ESRCH {
		t.Errorf("the minder: %v", err)
	}
}

// A minder whose worker is dead does the same by itself.
func TestMinderOfADeadWorker(t *testing.T) {
	j := mindIdle(t)
	eventually(t, "no hook", func() bool { return len(childrenOf(t, j.minder)) == 1 })
	kernel.Close(j.ours)
	j.ours = -1
	if err := kernel.Wait(j.minder); err != nil {
		t.Error(err)
	}
}

func TestMinderTellsTheSignal(t *testing.T) {
	j := mindIdle(t)
	eventually(t, "no hook", func() bool {
		for _, pid := range childrenOf(t, j.minder) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		fds := []kernel.PollFD{{Fd: int32(j.ours), Events: kernel.Readable}}
		n, _ := kernel.Poll(fds, time.Now())
		return n > 0
	})
	err := j.wait(&Runner{Gone: -1})
	if err == nil || err.Error() != "was ended by signal 9 (killed)" {
		t.Error(err)
	}
}

// A killed minder is reported.
func TestMinderKilled(t *testing.T) {
	j := mindIdle(t)
	var list []int
	eventually(t, "no hook", func() bool { list = childrenOf(t, j.minder); return len(list) == 1 })
	syscall.Kill(j.minder, syscall.SIGKILL)
	syscall.Kill(list[0], syscall.SIGKILL) // it need not have come to where it asks for that
	if err := j.wait(&Runner{Gone: -1}); err == nil || !strings.Contains(err.Error(), "with what minds it") {
		t.Error(err)
	}
}

// The words of what a hook's program, its trampoline or its end can tell.
func TestWords(t *testing.T) {
	j := &job{hook: &plan.Hook{Path: "/x"}, ops: []plan.Op{plan.Rlimits{}, plan.Exec{Args: []string{"/x"}}}}
	j.prog = program.Hook(j.ops, &program.HookHandles{Report: 9, Trampoline: 8, Stdin: 7, Cwd: -1, Container: 6})
	insn := func(op int) uint32 {
		for i := range j.prog.Len() {
			if j.prog.Op(i) == op {
				return uint32(i)
			}
		}
		t.Fatalf("no instruction of op %d", op)
		return 0
	}
	for want, got := range map[string]error{
		"cannot be run: join the container's namespaces: operation not permitted":                         j.notExecuted(insn(0), unix.EPERM),
		"cannot be run: set resource limits: invalid argument":                                            j.notExecuted(insn(1), unix.EINVAL),
		"cannot be run: permission denied":                                                                j.notExecuted(insn(2), unix.EACCES),
		"cannot be run: the interpreter that it names (in its #! line or as its ELF loader) is not there": j.notExecuted(program.SyncExec, unix.ENOENT),
		"cannot be run: it is neither a program for this machine nor a script with a #! line":             j.notExecuted(program.SyncExec, unix.ENOEXEC),
		"has ended with status 3":        statusError(syscall.WaitStatus(3 << 8)),
		"was ended by signal 9 (killed)": statusError(syscall.WaitStatus(9)),
	} {
		if got == nil || got.Error() != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if err := statusError(0); err != nil {
		t.Error(err)
	}
}
