// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Tracee is a process that this thread traces (ptrace(2)). All is for the thread that has called Trace, which has to be locked. If the
// thread ends the process is killed.
type Tracee struct{ PID int }

// Trace begins to trace a process, which goes on. It stops for what a Stop can tell of.
func Trace(pid int) (Tracee, error) {
	t := Tracee{pid}
	return t, t.request("trace", unix.PTRACE_SEIZE, 0, unix.PTRACE_O_EXITKILL|unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_TRACESYSGOOD|
		unix.PTRACE_O_TRACEFORK|unix.PTRACE_O_TRACEVFORK|unix.PTRACE_O_TRACECLONE)
}

// Abandon ends the tracing of a process that turned out to be another.
func (t Tracee) Abandon() {
	if t.request("stop", unix.PTRACE_INTERRUPT, 0, 0) == nil {
		if _, err := t.Wait(); err == nil {
			_ = t.Detach()
		}
	}
}

func (t Tracee) request(op string, request, addr, data uintptr) error {
	_, _, e := unix.Syscall6(unix.SYS_PTRACE, request, uintptr(t.PID), addr, data, 0, 0)
	if e != 0 {
		return fail(op, "process "+strconv.Itoa(t.PID), e)
	}
	return nil
}

// Stop is why a tracee does not run.
type Stop struct {
	Ended  bool // it is no more; its parent may wait for it
	Exec   bool // it has executed something, and stands before its first instruction
	Forked int  // it has made this process or thread, which is traced as well
	Call   bool // it enters or leaves a system call: only after Tracee.Call
	Paused bool // it was stopped by a signal, until it is continued: Tracee.Listen
	Signal int  // a signal is about to be delivered; 0: none
}

// Wait waits for the next stop. Errors are those of wait4(2).
func (t Tracee) Wait() (Stop, error) {
	var ws unix.WaitStatus
	err := retry(func() error {
		_, err := unix.Wait4(t.PID, &ws, unix.WALL, nil)
		return err
	})
	if err != nil {
		return Stop{}, fail("wait for", "process "+strconv.Itoa(t.PID), err)
	}
	signal, event := int(ws>>8&0xff), int(ws>>16)
	switch {
	case !ws.Stopped():
		return Stop{Ended: true}, nil
	case event == unix.PTRACE_EVENT_EXEC:
		return Stop{Exec: true}, nil
	case event == unix.PTRACE_EVENT_FORK || event == unix.PTRACE_EVENT_VFORK || event == unix.PTRACE_EVENT_CLONE:
		var made uintptr
		err := t.request("look at", unix.PTRACE_GETEVENTMSG, 0, uintptr(unsafe.Pointer(&made)))
		return Stop{Forked: int(made)}, err
	case event == unix.PTRACE_EVENT_STOP:
		return Stop{Paused: signal != int(unix.SIGTRAP)}, nil
	case signal == int(unix.SIGTRAP)|0x80:
		return Stop{Call: true}, nil
	}
	return Stop{Signal: signal}, nil
}

// Go lets it run, with a signal delivered if that is not 0.
func (t Tracee) Go(signal int) error {
	return t.request("let go", unix.PTRACE_CONT, 0, uintptr(signal))
}

// Call lets it run until it enters or leaves a system call.
func (t Tracee) Call() error { return t.request("let go", unix.PTRACE_SYSCALL, 0, 0) }

// Listen leaves it stopped until it gets CONT.
func (t Tracee) Listen() error { return t.request("let go", unix.PTRACE_LISTEN, 0, 0) }

// Detach ends the tracing of one that stands still. It goes on.
func (t Tracee) Detach() error { return t.request("let go", unix.PTRACE_DETACH, 0, 0) }

// Send sends a signal. The pid is its own until Wait has told that it has ended.
func (t Tracee) Send(signal int) error {
	return fail("send a signal to", "process "+strconv.Itoa(t.PID), unix.Kill(t.PID, unix.Signal(signal)))
}

// Kill sends SIGKILL.
func (t Tracee) Kill() { _ = t.Send(int(unix.SIGKILL)) }

// Registers reads the general registers (NT_PRSTATUS) into b and returns those that there are: as many as the architecture of the program
// has, which may be a 32-bit companion.
func (t Tracee) Registers(b []byte) ([]byte, error) {
	v := unix.Iovec{Base: &b[0]}
	v.SetLen(len(b))
	err := t.request("read the registers of", unix.PTRACE_GETREGSET, ntPrstatus, uintptr(unsafe.Pointer(&v)))
	return b[:v.Len], err
}

// SetRegisters writes them.
func (t Tracee) SetRegisters(b []byte) error {
	v := unix.Iovec{Base: &b[0]}
	v.SetLen(len(b))
	return t.request("write the registers of", unix.PTRACE_SETREGSET, ntPrstatus, uintptr(unsafe.Pointer(&v)))
}

const ntPrstatus = 1

// Read reads its memory, Write writes it, also where it is read-only to the process itself.
func (t Tracee) Read(addr uintptr, b []byte) error {
	n, err := unix.PtracePeekText(t.PID, addr, b)
	return t.whole("read the memory of", n, len(b), err)
}

// Write is the counterpart of Read.
func (t Tracee) Write(addr uintptr, b []byte) error {
	n, err := unix.PtracePokeText(t.PID, addr, b)
	return t.whole("write the memory of", n, len(b), err)
}

func (t Tracee) whole(op string, n, want int, err error) error {
	if err == nil && n != want {
		err = unix.EFAULT
	}
	return fail(op, "process "+strconv.Itoa(t.PID), err)
}

// Where is struct ptrace_syscall_info, as far as it is the same for all that a stop can be.
type Where struct {
	Op      uint8 // LeavesCall, or something else
	Arch    uint32
	PC, SP  uint64
	Result  int64 // with LeavesCall: a value, or
	IsError bool  // a negative errno
}

// LeavesCall is the Op of a stop after a system call.
const LeavesCall = 2

// Where tells where it stands.
func (t Tracee) Where() (Where, error) {
	var info struct {
		op      uint8
		_       [3]uint8
		arch    uint32
		pc, sp  uint64
		result  int64
		isError uint8
		_       [55]uint8
	}
	n, _, e := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(t.PID), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if e != 0 || n < 24 {
		return Where{}, fail("look at", "process "+strconv.Itoa(t.PID), e)
	}
	return Where{info.op, info.arch, info.pc, info.sp, info.result, info.isError != 0}, nil
}
