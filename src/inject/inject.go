// SPDX-License-Identifier: LGPL-2.1-only

// Package inject loads a seccomp filter into a program that has just been executed: at its entry point, when its dynamic loader has done
// its work. The program itself takes no part in it and need not allow what the loader does.
//
// It is done by tracing (ptrace(2)): with a breakpoint on the entry point, and where the program stops there by having it make the system
// call, with the instruction written over its own code and the filter over unused stack. Then all is put back. Whoever traces has to
// kill the program if that fails, and the kernel does if the tracer dies: it never goes on without the filter.
//
// The package knows the registers and instructions of every architecture. It has been run on amd64, 386, arm, arm64 and mipsle; for the
// others there are the kernel's headers.
package inject

import (
	"encoding/binary"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
)

// An Error is a filter that was not loaded.
type Error struct {
	Err  syscall.Errno
	Hint string
	Load bool // the kernel did not take the filter
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + " (" + e.Hint + ")"
}

// Unwrap gives the errno.
func (e *Error) Unwrap() error { return e.Err }

// ErrEnded tells that the process is no more, and has been waited for.
const ErrEnded = ended("the process has ended")

type ended string

func (e ended) Error() string { return string(e) }

// Next waits until the process has executed something. Signals are passed on.
func Next(t *kernel.Tracee) error {
	_, err := next(t, false)
	return err
}

// next waits for an exec, or for a trap if that is wanted.
func next(t *kernel.Tracee, trap bool) (stop kernel.Stop, err error) {
	for {
		if stop, err = t.Wait(); err != nil {
			return stop, err
		}
		switch {
		case stop.Ended:
			return stop, ErrEnded
		case stop.Forked != 0:
			(&kernel.Tracee{PID: stop.Forked}).Kill()
			return stop, &Error{Err: unix.EPERM, Hint: "its loader makes processes or threads"}
		case stop.Exec || trap && stop.Signal == int(unix.SIGTRAP):
			return stop, nil
		case stop.Paused:
			err = t.Listen()
		default:
			err = t.Go(stop.Signal)
		}
		if err != nil && kernel.ErrnoOf(err) != unix.ESRCH { // it has been killed: Wait tells
			return stop, err
		}
	}
}

const (
	maxRegisters = 512
	// redZone is what a program may use below its stack pointer (128 bytes on amd64).
	redZone = 256
	// insnSize is that of struct sock_filter.
	insnSize = 8
)

// Load is for a process that stands after an exec. It lets the loader work and loads the filter, a program of struct sock_filter, with the
// flags of seccomp(2). The process stands still again when it returns without an error.
func Load(t *kernel.Tracee, proc kernel.Procfs, program []byte, flags uint32) error {
	var room [maxRegisters]byte
	registers, err := t.Registers(room[:])
	if err != nil {
		return err
	}
	m, ok := machineOf(len(registers))
	if !ok {
		return &Error{Err: unix.ENOEXEC, Hint: "the program is for another processor"}
	}
	auxv, err := proc.Read(t.PID, "auxv")
	if err != nil {
		return err
	}
	entry, ok := m.entry(auxv)
	switch {
	case !ok:
		return &Error{Err: unix.ENOEXEC, Hint: "the program has no entry point"}
	case entry&1 == 0 || m.anywhere:
	case m.thumbDo.size == 0:
		return &Error{Err: unix.ENOEXEC, Hint: "the program begins in a mode of the processor that is not known here"}
	default:
		m.breakpoint, m.call, entry = m.thumbBreak, m.thumbDo, entry-1
	}
	p := process{Tracee: t, machine: &m, entry: uintptr(entry)}
	if err := p.runToEntry(); err != nil {
		return err
	}
	return p.load(program, uint64(flags))
}

// process is a program on the way to its entry point.
type process struct {
	*kernel.Tracee
	*machine
	entry     uintptr
	registers []byte // at the entry point
}

// patch writes over the code at the entry point and returns what was there.
func (p *process) patch(b []byte) (saved []byte, err error) {
	saved = make([]byte, len(b))
	if err := p.Read(p.entry, saved); err != nil {
		return nil, err
	}
	return saved, p.Write(p.entry, b)
}

// runToEntry has the loader do its work.
func (p *process) runToEntry() error {
	saved, err := p.patch(p.breakpoint.bytes())
	if err != nil {
		return err
	}
	for signal := 0; ; {
		if err := p.Go(signal); err != nil {
			return err
		}
		stop, err := next(p.Tracee, true)
		if err != nil {
			return err
		}
		here, err := p.Where()
		switch {
		case err != nil:
			return err
		case stop.Exec: // a loader that is none
			return &Error{Err: unix.EPERM, Hint: "its loader has executed another program"}
		}
		if here.PC == uint64(p.entry)+p.back {
			break
		}
		signal = stop.Signal // a trap of its own
	}
	if _, err := p.patch(saved); err != nil {
		return err
	}
	var room [maxRegisters]byte
	if p.registers, err = p.Registers(room[:]); err != nil {
		return err
	}
	p.set(p.registers, p.pc, uint64(p.entry))
	return nil
}

// load has the program make the system call, and puts back what it was made with.
func (p *process) load(program []byte, flags uint64) error {
	here, err := p.Where()
	if err != nil {
		return err
	}
	head := 2 * p.wordSize() // struct sock_fprog
	at := (here.SP - redZone - uint64(head+len(program))) &^ 15
	b := make([]byte, head, head+len(program))
	binary.NativeEndian.PutUint16(b, uint16(len(program)/insnSize))
	p.put(b[p.wordSize():], at+uint64(head))
	if err := p.Write(uintptr(at), append(b, program...)); err != nil {
		return err
	}
	saved, err := p.patch(p.call.bytes())
	if err != nil {
		return err
	}
	registers := slices.Clone(p.registers)
	p.set(registers, p.number, p.seccomp)
	for i, v := range [...]uint64{unix.SECCOMP_SET_MODE_FILTER, flags | unix.SECCOMP_FILTER_FLAG_TSYNC, at} {
		p.set(registers, p.args[i], v)
	}
	if err := p.SetRegisters(registers); err != nil {
		return err
	}
	var held []int
	for range 2 { // into the call, and out of it
		if held, err = p.callStop(held); err != nil {
			return err
		}
	}
	if here, err = p.Where(); err != nil {
		return err
	}
	switch {
	case here.Op != kernel.LeavesCall:
		return &Error{Err: unix.EPROTO}
	case here.IsError:
		return &Error{Err: syscall.Errno(-here.Result), Load: true}
	case here.Result != 0: // the number of a thread that could not take the filter over
		return &Error{Err: unix.ESRCH, Load: true}
	}
	if _, err := p.patch(saved); err != nil {
		return err
	}
	for _, signal := range held {
		if err := p.Send(signal); err != nil {
			return err
		}
	}
	return p.SetRegisters(p.registers)
}

// callStop lets the program enter or leave the system call. Signals are held until later: a handler would run in the middle of it.
func (p *process) callStop(held []int) ([]int, error) {
	for {
		if err := p.Call(); err != nil {
			return held, err
		}
		stop, err := p.Wait()
		switch {
		case err != nil:
			return held, err
		case stop.Ended:
			return held, ErrEnded
		case stop.Call:
			return held, nil
		case stop.Signal != 0:
			held = append(held, stop.Signal)
		}
	}
}
