// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/seccomp"
)

// Seccomp loads a system call filter.
type Seccomp struct {
	Filter  *seccomp.Filter
	Profile *specs.LinuxSeccomp // what the filter was made of
	When    Moment
}

// A Moment is when a filter is loaded: all that comes later has to be allowed by it.
type Moment uint8

// The moments.
const (
	Early   Moment = iota // where the op stands: before privileges are given up
	Last                  // by the trampoline: nothing but the payload's execve comes later
	AtEntry               // when the payload's dynamic loader has done its work, by the supervisor, who traces it
)

// failUnknown is crun's annotation: a system call that is known nowhere is then an error.
const failUnknown = "run.oci.seccomp_fail_unknown_syscall"

// seccomp compiles linux.seccomp; without one the op is nil.
//
// A process that may gain privileges by an exec may only load a filter while it has CAP_SYS_ADMIN (seccomp(2)). Without
// process.noNewPrivileges the filter is therefore loaded before privileges are given up, as in runc.
func (b *builder) seccomp(s *specs.Spec, waits bool) (*Seccomp, error) {
	p := s.Linux.Seccomp
	if p == nil {
		return nil, nil
	}
	const where = "linux.seccomp"
	value, strict := s.Annotations[failUnknown]
	f, err := seccomp.Compile(p, seccomp.Options{Where: where, RefuseUnknown: strict && value != "0"})
	if err != nil {
		return nil, err
	}
	if f.Notifies && (unusable(f, "read") || unusable(f, "write")) {
		return nil, refuse(where+".listenerPath", "read and write have to be allowed: the listener is handed over with them")
	}
	if f.Forbids("execve") {
		return nil, refuse(where, "forbids execve: the program could not be executed")
	}
	op := &Seccomp{Filter: f, Profile: p, When: Last}
	if !s.Process.NoNewPrivileges {
		op.When = Early
		list := givingUp[:]
		if waits {
			list = slices.Concat(list, waiting[:])
		}
		for _, names := range list {
			if name, or, _ := strings.Cut(names, " "); f.Forbids(name) && (or == "" || f.Forbids(or)) {
				return nil, refuse(where, "forbids "+name+": without process.noNewPrivileges the filter is in force while privileges are given up")
			}
		}
	}
	for _, n := range f.Notes {
		b.note(n)
	}
	return op, nil
}

// slimSeccomp compiles the profile of a slim jail. It always comes with no_new_privs, as in procd.
//
// OpenWrt's profiles are for what services do after their dynamic loader: they have no execve. Such a filter is loaded at the program's
// entry point. One that allows execve is loaded before that.
func slimSeccomp(file string, p *specs.LinuxSeccomp) (*Seccomp, error) {
	f, err := seccomp.Compile(p, seccomp.Options{})
	if err != nil {
		return nil, refuse("-S "+file, err.Error())
	}
	if f.Notifies {
		return nil, refuse("-S "+file, string(specs.ActNotify)+" is only for bundles")
	}
	op := &Seccomp{Filter: f, Profile: p, When: Last}
	if f.Forbids("execve") {
		op.When = AtEntry
	}
	return op, nil
}

// givingUp are the calls between a filter that is loaded early and the payload; one of two on most architectures.
var givingUp = [...]string{"prctl", "setgroups setgroups32", "setresgid setresgid32", "setresuid setresuid32", "capset", "umask", "faccessat",
	"write", "rt_sigprocmask", "execveat", "fcntl", "poll ppoll", "exit_group"}

// waiting are those of a container that waits for its start while nobody of ours runs.
var waiting = [...]string{"read", "accept4 accept", "dup3", "close"}

// unusable: with the listener still to be handed over, nobody would answer.
func unusable(f *seccomp.Filter, name string) bool { return f.Forbids(name) || f.Notified(name) }

// Words says what is done.
func (Seccomp) Words() string { return "load a seccomp filter" }

func (o Seccomp) detail() string {
	p := o.Profile
	var n notes
	n.add(true, "default "+verdict(p.DefaultAction, p.DefaultErrnoRet))
	calls := 0
	for i := range p.Syscalls {
		calls += len(p.Syscalls[i].Names)
	}
	n.add(calls > 0, count(len(p.Syscalls), "rule")+" for "+count(calls, "system call"))
	for _, a := range p.Architectures {
		n.add(true, string(a))
	}
	for _, f := range p.Flags {
		n.add(true, string(f))
	}
	n.add(o.Filter.Notifies, "listener "+p.ListenerPath)
	n.add(o.When == Last, "nothing but the exec follows")
	n.add(o.When == AtEntry, "at the program's entry point")
	return n.detail()
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

func verdict(action specs.LinuxSeccompAction, ret *uint) string {
	if ret == nil {
		return string(action)
	}
	return string(action) + " " + utoa(uint32(*ret))
}
