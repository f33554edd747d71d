// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/plan"
)

// The verifier goes through a program that is not linked yet, along every way that it can take, and knows of each register what may
// be in it.
type verifier struct {
	p      *Program
	states []registers // before each instruction; nil: no way leads there
	faults []string
}

// registers has for each register what may be in it.
type registers []uint8

const (
	unset uint8 = 1 << iota
	open
	closed
	failed // ^0
	value  // no descriptor
)

const (
	text   = -1   // a pointer to a string that ends
	vector = -2   // to pointers to such strings
	sized  = 1000 // and more: as many bytes as argument sized-n says
)

// calls lists the system calls that programs may have, with their pointers: argument -> what it points to.
func calls() map[uintptr]map[int]int {
	m := map[uintptr]map[int]int{
		unix.SYS_READ: {1: sized + 2}, unix.SYS_WRITE: {1: sized + 2}, unix.SYS_MOUNT: {0: text, 1: text, 2: text, 4: text}, unix.SYS_OPENAT: {1: text},
		unix.SYS_OPENAT2: {1: text, 2: 24}, unix.SYS_OPEN_TREE: {1: text}, unix.SYS_MOVE_MOUNT: {1: text, 3: text}, unix.SYS_MOUNT_SETATTR: {1: text, 3: 32},
		unix.SYS_MKDIRAT: {1: text}, unix.SYS_MKNODAT: {1: text}, unix.SYS_SYMLINKAT: {0: text, 2: text}, unix.SYS_UNLINKAT: {1: text}, unix.SYS_FCHOWNAT: {1: text},
		unix.SYS_FACCESSAT: {1: text}, unix.SYS_STATX: {1: text, 4: 256}, unix.SYS_PIVOT_ROOT: {0: text, 1: text}, unix.SYS_UMOUNT2: {0: text}, unix.SYS_CHDIR: {0: text},
		unix.SYS_SETHOSTNAME: {0: sized + 1}, unix.SYS_SETDOMAINNAME: {0: sized + 1}, unix.SYS_PRLIMIT64: {2: 16}, unix.SYS_SCHED_SETATTR: {1: 56},
		unix.SYS_SET_MEMPOLICY: {1: 1024 / 8}, sysSetgroups: {1: 4}, unix.SYS_CAPSET: {0: 8, 1: 24}, unix.SYS_RT_SIGPROCMASK: {1: sized + 3},
		unix.SYS_SCHED_SETAFFINITY: {2: sized + 1},
		unix.SYS_EXECVEAT:          {1: text, 2: vector, 3: vector}, unix.SYS_CLONE3: {0: 88}, unix.SYS_SECCOMP: {2: 2 * int(unsafe.Sizeof(uintptr(0)))},
		unix.SYS_LANDLOCK_CREATE_RULESET: {0: 8}, unix.SYS_LANDLOCK_ADD_RULE: {2: 12},
	}
	for _, nr := range []uintptr{unix.SYS_CLOSE, unix.SYS_PRCTL, unix.SYS_SETSID, unix.SYS_UMASK, unix.SYS_SETNS, unix.SYS_UNSHARE, unix.SYS_FCHDIR, unix.SYS_SOCKET,
		unix.SYS_PERSONALITY, unix.SYS_IOPRIO_SET, sysSetresgid, sysSetresuid, unix.SYS_CLOSE_RANGE, unix.SYS_DUP3, unix.SYS_CLONE, unix.SYS_EXIT_GROUP,
		unix.SYS_LANDLOCK_RESTRICT_SELF} {
		m[nr] = nil
	}
	c := &compiler{}
	c.scratch = c.room(256)
	c.fstatfs(rTmp) // which differs between architectures
	in := c.insns[0]
	m[in.nr] = map[int]int{slices.Index(in.argk[:], argPtr): int(unsafe.Sizeof(unix.Statfs_t{}))}
	return m
}

// verify returns what is wrong.
func verify(p *Program) []string {
	v := &verifier{p: p, states: make([]registers, len(p.insns)+1)}
	v.states[0] = slices.Repeat(registers{unset}, int(rTmp)+1)
	for i := range p.insns {
		v.form(i, &p.insns[i])
	}
	if len(v.faults) > 0 {
		return v.faults
	}
	known := calls()
	for i := range p.insns {
		if s := v.states[i]; s != nil {
			v.step(i, &p.insns[i], slices.Clone(s), known)
		}
	}
	if v.states[len(p.insns)] != nil {
		v.fault(len(p.insns)-1, "a way leads past the end")
	}
	for _, at := range p.fixes {
		if at%int(unsafe.Sizeof(uintptr(0))) != 0 || at < 0 || at+int(unsafe.Sizeof(uintptr(0))) > len(p.data) {
			v.faults = append(v.faults, fmt.Sprintf("fix at %d of %d bytes", at, len(p.data)))
		}
	}
	return v.faults
}

func (v *verifier) fault(i int, format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf("instruction %d of op %d (call %d): ", i, v.p.Op(i), v.p.insns[i].nr)+fmt.Sprintf(format, args...))
}

// form checks what one instruction is made of.
func (v *verifier) form(i int, in *Insn) {
	if in.kind > kindFail {
		v.fault(i, "unknown kind %d", in.kind)
	}
	if in.out != noReg && in.out > uint8(rTmp) {
		v.fault(i, "result goes to register %d", in.out)
	}
	for j, k := range in.argk {
		switch {
		case k == argReg && in.arg[j] > uintptr(rTmp):
			v.fault(i, "argument %d is register %d", j, in.arg[j])
		case k == argPtr && in.arg[j] >= uintptr(len(v.p.data)):
			v.fault(i, "argument %d points to %d of %d bytes", j, in.arg[j], len(v.p.data))
		case k > argPtr:
			v.fault(i, "argument %d is of kind %d", j, k)
		}
	}
	if to := i + 1 + int(in.skip); in.skip > 0 && to >= len(v.p.insns) {
		v.fault(i, "skips to %d of %d", to, len(v.p.insns))
	}
	if to := i + int(in.catch); in.catch > 0 && to >= len(v.p.insns) {
		v.fault(i, "catches at %d of %d", to, len(v.p.insns))
	}
	if in.vital && in.catch != 0 {
		v.fault(i, "goes on without a supervisor")
	}
	switch in.kind {
	case kindStore, kindIfMem:
		v.word(i, in, 4)
	case kindWord:
		v.word(i, in, int(unsafe.Sizeof(uintptr(0))))
	}
}

func (v *verifier) word(i int, in *Insn, size int) {
	if in.argk[0] != argPtr || in.arg[0]%uintptr(size) != 0 || in.arg[0]+uintptr(size) > uintptr(len(v.p.data)) {
		v.fault(i, "%d bytes at %d (kind %d) of %d", size, in.arg[0], in.argk[0], len(v.p.data))
	}
}

// flow lets the program go on at to.
func (v *verifier) flow(to int, s registers) {
	if to > len(v.p.insns) {
		return // a fault already
	}
	if v.states[to] == nil {
		v.states[to] = slices.Clone(s)
		return
	}
	for r := range s {
		v.states[to][r] |= s[r]
	}
}

// with is s but for one register; nothing is possible where that can hold nothing.
func (s registers) with(r uint8, what uint8) registers {
	if r == noReg {
		return s
	}
	if what == 0 {
		return nil
	}
	s = slices.Clone(s)
	s[r] = what
	return s
}

func (v *verifier) step(i int, in *Insn, s registers, known map[uintptr]map[int]int) {
	switch in.kind {
	case kindCall:
		v.call(i, in, s, known)
	case kindMove:
		what := open // of a descriptor that the supervisor has opened
		if in.argk[0] == argReg {
			what = s[in.arg[0]]
			if what != open {
				v.fault(i, "moves %s", holds(what))
			}
		}
		v.flow(i+1, s.with(in.out, what))
	case kindStore, kindWord:
		if in.argk[1] == argReg && s[in.arg[1]]&^(open|value) != 0 {
			v.fault(i, "stores %s", holds(s[in.arg[1]]))
		}
		v.flow(i+1, s)
	case kindIf:
		v.branch(i, in, s)
	case kindIfMem:
		v.flow(i+1, s)
		v.flow(i+1+int(in.skip), s)
	case kindFail:
		if in.catch != 0 {
			v.flow(i+int(in.catch), s)
		}
	}
}

func (v *verifier) branch(i int, in *Insn, s registers) {
	skip, fall := s, s
	if in.argk[0] != argReg {
		if in.arg[0]&in.arg[1] == in.arg[2] {
			fall = nil
		} else {
			skip = nil
		}
	} else {
		r := uint8(in.arg[0])
		all := ^uintptr(0)
		switch mask, want := in.arg[1], in.arg[2]; {
		case s[r]&(unset|closed) != 0:
			v.fault(i, "tests %s", holds(s[r]))
		case mask == 1<<31 && want == 0:
			skip, fall = s.with(r, s[r]&^failed), s.with(r, s[r]&failed)
		case mask == all && want == all:
			skip, fall = s.with(r, s[r]&failed), s.with(r, s[r]&^failed)
		case mask == all:
			skip = s.with(r, s[r]&^failed)
		}
	}
	if skip != nil {
		v.flow(i+1+int(in.skip), skip)
	}
	if fall != nil {
		v.flow(i+1, fall)
	}
}

// ioctls are the requests that programs may have, with what their argument points to.
var ioctls = map[uintptr]map[int]int{
	unix.SIOCSIFFLAGS: {2: 40}, unix.TIOCSPTLCK: {2: 4}, unix.TIOCSWINSZ: {2: 8}, unix.TIOCGPTPEER: nil, unix.TIOCSCTTY: nil,
}

func (v *verifier) call(i int, in *Insn, s registers, known map[uintptr]map[int]int) {
	pointers, ok := known[in.nr]
	if in.nr == unix.SYS_IOCTL {
		pointers, ok = ioctls[in.arg[1]]
	}
	if !ok {
		v.fault(i, "a system call that programs do not have")
	}
	for j := range in.arg {
		want, pointer := pointers[j]
		switch {
		case in.argk[j] == argReg:
			if what := s[in.arg[j]]; what != open {
				v.fault(i, "argument %d is %s", j, holds(what))
			}
			if pointer {
				v.fault(i, "argument %d should point somewhere", j)
			}
		case in.argk[j] == argPtr && !pointer:
			v.fault(i, "argument %d should not be a pointer", j)
		case in.argk[j] == argPtr:
			v.pointer(i, in, j, want)
		case pointer && in.arg[j] != 0:
			v.fault(i, "argument %d is %#x, which is no pointer", j, in.arg[j])
		}
	}
	result := value
	switch in.nr {
	case unix.SYS_IOCTL:
		if in.arg[1] != unix.TIOCGPTPEER {
			break
		}
		fallthrough
	case unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_TREE, unix.SYS_SOCKET, unix.SYS_LANDLOCK_CREATE_RULESET:
		result = open
		if in.out == noReg || s[in.out] == open { // after an attempt that failed one may be: they are close-on-exec
			v.fault(i, "a descriptor is lost")
		}
	case unix.SYS_CLOSE:
		if in.argk[0] == argReg {
			s = s.with(uint8(in.arg[0]), closed)
		}
	}
	if in.nr != unix.SYS_EXIT_GROUP && in.nr != unix.SYS_EXECVEAT {
		v.flow(i+1, s.with(in.out, result))
	}
	if in.may != [2]uint64{} {
		v.flow(i+1+int(in.skip), s.with(in.out, failed))
	}
	if in.catch != 0 {
		v.flow(i+int(in.catch), s.with(in.out, failed))
	}
}

func (v *verifier) pointer(i int, in *Insn, j, want int) {
	data, at := v.p.data, in.arg[j]
	if at >= uintptr(len(data)) {
		return // a fault already
	}
	switch {
	case want == text:
		if bytes.IndexByte(data[at:], 0) < 0 {
			v.fault(i, "the string of argument %d has no end", j)
		}
	case want == vector:
		const size = unsafe.Sizeof(uintptr(0))
		for ; ; at += size {
			if at%size != 0 || at+size > uintptr(len(data)) {
				v.fault(i, "the vector of argument %d has no end", j)
				return
			}
			word := *(*uintptr)(unsafe.Pointer(&data[at]))
			if word == 0 && !slices.Contains(v.p.fixes, int(at)) {
				return
			}
			if !slices.Contains(v.p.fixes, int(at)) || word >= uintptr(len(data)) || bytes.IndexByte(data[word:], 0) < 0 {
				v.fault(i, "the vector of argument %d has %d", j, word)
				return
			}
		}
	default:
		size := uintptr(want)
		if want >= sized {
			if size = in.arg[want-sized]; in.argk[want-sized] != argValue {
				v.fault(i, "the size of argument %d is not known", j)
			}
		}
		if in.nr == sysSetgroups {
			size *= max(in.arg[0], 1)
		}
		if at+size > uintptr(len(data)) {
			v.fault(i, "argument %d points to less than %d bytes", j, size)
		}
	}
}

func holds(what uint8) string {
	var s []string
	for i, name := range []string{"unset", "open", "closed", "failed", "a value"} {
		if what>>i&1 != 0 {
			s = append(s, name)
		}
	}
	return strings.Join(s, " or ")
}

// handles are what a supervisor would have opened for the plan; where that may be missing, it is.
func handles(p *plan.Plan, missing bool) *Handles {
	h := &Handles{Ours: 10, Theirs: 11, LifeLine: 12, Trampoline: 13, Proc: 14, Output: [2]int{15, 16}, Pidfd: 17, Stdio: 18,
		Limits: []plan.Rlimit{{Name: "nofile", Resource: 7, Soft: 1024, Hard: 4096}, {Name: "as", Resource: 9, Soft: 1, Hard: 2}}}
	next := 20
	for _, op := range p.Ops {
		switch o := op.(type) {
		case plan.Join:
			h.Joins = append(h.Joins, next)
		case plan.Root:
			if o.FromHost {
				h.Trees = append(h.Trees, next)
			}
		case plan.Bind:
			if o.FromHost && missing && (o.SkipMissing || o.MayFail) {
				h.Trees = append(h.Trees, -1)
			} else if o.FromHost {
				h.Trees = append(h.Trees, next)
			}
		}
		next++
	}
	return h
}
