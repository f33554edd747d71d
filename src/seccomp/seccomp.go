// SPDX-License-Identifier: LGPL-2.1-only

// Package seccomp compiles an OCI seccomp profile (runtime-spec, config-linux.md, "Seccomp") into the classic BPF program that
// seccomp(2) takes: for the machine's own system calls and those of its 32-bit companions.
//
// The program first looks at the architecture of the call, then finds the call's number in a balanced tree, and compares arguments only
// where a rule asks for it. Its cost grows with the logarithm of the number of system calls.
//
// What the specification leaves open is as runc and crun do it with libseccomp:
//   - The machine's own architecture is always part of a filter. A call of an architecture that is not kills the process. (With
//     libseccomp it kills the thread, and leaves the others to wait for it.)
//   - A rule whose action is the default action says nothing.
//   - Of several rules for a system call one without conditions wins over those with, the first over later ones.
//   - The conditions of a rule must all hold; where two of them are about the same argument, each is a rule of its own.
//   - Arguments of a 32-bit architecture are compared as 32-bit values.
//   - A name that the architecture does not have is passed over; one that none has is noted as well.
//   - Where socketcall(2) and ipc(2) exist, a rule for one of their calls is also one for them. They hide that call's arguments: a rule with
//     conditions then has effect only where its action is stricter than what would happen otherwise. (libseccomp compares the
//     wrong values, and allows too much.)
//
// Between rules with conditions that hold at the same time libseccomp chooses in no stated order; here the first wins.
//
// The package is pure. It neither loads filters nor asks the kernel what it knows.
package seccomp

import (
	"slices"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// An Insn is struct sock_filter of linux/filter.h.
type Insn struct {
	Code   uint16
	JT, JF uint8
	K      uint32
}

// MaxInsns is the most instructions the kernel takes (BPF_MAXINSNS).
const MaxInsns = 4096

// A Filter is a compiled profile.
type Filter struct {
	Program []Insn
	Flags   uint32 // SECCOMP_FILTER_FLAG_*, with NEW_LISTENER if Notifies
	// Notifies: an action is SCMP_ACT_NOTIFY, so that somebody has to listen.
	Notifies bool
	// Notes say what of the profile has no effect.
	Notes []string

	rules *rules
	own   *arch
}

// Options for Compile.
type Options struct {
	// Where the profile stands in its document, such as linux.seccomp; "" for a file that holds nothing else.
	Where string
	// RefuseUnknown makes a name that no architecture knows an error.
	RefuseUnknown bool
}

// An Error is a profile's refusal: where it stands and why.
type Error struct{ Path, Reason string }

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Compile makes the filter for this machine. The error is an *Error.
func Compile(p *specs.LinuxSeccomp, o Options) (*Filter, error) { return compile(p, o, native()) }

func compile(p *specs.LinuxSeccomp, o Options, machine []arch) (*Filter, error) {
	r, err := read(p, &o)
	if err != nil {
		return nil, err
	}
	f := &Filter{Flags: r.flags, Notifies: r.notifies, Notes: r.notes, rules: r, own: &machine[0]}
	sections := make([]section, 0, len(machine))
	for i := range machine {
		if i == 0 || r.wants(machine[i].name) {
			sections = append(sections, r.section(&machine[i]))
		}
	}
	b := builder{fallback: r.fallback}
	b.filter(sections)
	if n := len(b.reversed); n > MaxInsns {
		return nil, &Error{o.at("syscalls"), "a filter of " + strconv.Itoa(n) + " instructions, and the kernel takes " + strconv.Itoa(MaxInsns) +
			" (fewer rules with args)"}
	}
	f.Program = b.program()
	return f, nil
}

// Forbids tells whether a call of the machine's own architecture never happens under the filter: it ends the process, or returns an
// errno, whatever its arguments. A call that the architecture does not have does not happen either.
func (f *Filter) Forbids(name string) bool {
	at := f.rules.names.find(name)
	if at < 0 {
		return true
	}
	if _, ok := f.own.number(at); !ok {
		return true
	}
	l := leafOf(f.rules.calls[at], f.rules.fallback)
	forbids := func(action uint32) bool { return int32(action) < notify }
	return forbids(l.action) && !slices.ContainsFunc(l.rules, func(r *rule) bool { return !forbids(r.action) })
}

// Notified tells whether a call may end up with the listener.
func (f *Filter) Notified(name string) bool {
	at := f.rules.names.find(name)
	if at < 0 {
		return false
	}
	l := leafOf(f.rules.calls[at], f.rules.fallback)
	return l.action == notify || slices.ContainsFunc(l.rules, func(r *rule) bool { return r.action == notify })
}

// at is the path of a member of the profile.
func (o *Options) at(member string) string {
	if o.Where == "" {
		return member
	}
	return o.Where + "." + member
}
