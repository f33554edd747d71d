// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// rules is a profile that has been checked.
type rules struct {
	fallback uint32 // the default action
	flags    uint32
	notifies bool
	notes    []string
	archs    []specs.Arch
	names    index
	calls    [][]*rule // by the place of the name
	gates    [len(gates)]int
}

// A rule says what happens to a system call if all conditions hold.
type rule struct {
	action     uint32
	conditions []condition
}

type condition struct {
	argument    uint8
	op          uint8 // of operators
	mask, value uint64
}

const (
	maxErrno     = 4095   // MAX_ERRNO of the kernel
	maxTrace     = 0xffff // SECCOMP_RET_DATA
	maxArguments = 6
	maxNoted     = 16 // names in a note
)

// read checks a profile. Errors name the first thing that is wrong.
func read(p *specs.LinuxSeccomp, o *Options) (*rules, error) {
	r := &rules{archs: p.Architectures, names: newIndex(), calls: make([][]*rule, count)}
	for i := range gates {
		r.gates[i] = r.names.find(gates[i].name)
	}
	var err error
	if r.fallback, err = action(o, "", p.DefaultAction, "defaultAction", p.DefaultErrnoRet, "defaultErrnoRet"); err != nil {
		return nil, err
	}
	r.notifies = r.fallback == notify
	for i, a := range p.Architectures {
		if !isArchitecture(string(a)) {
			return nil, &Error{o.at(item("architectures", i)), "unknown architecture " + quote(a)}
		}
	}
	for i, f := range p.Flags {
		bit, ok := find(flags[:], string(f))
		if !ok {
			return nil, &Error{o.at(item("flags", i)), "unknown flag " + quote(f)}
		}
		r.flags |= bit
	}
	var unknown []string
	for i := range p.Syscalls {
		if err := r.add(o, item("syscalls", i), &p.Syscalls[i], &unknown); err != nil {
			return nil, err
		}
	}
	if n := len(unknown); n > 0 {
		if n > maxNoted {
			unknown = append(unknown[:maxNoted], strconv.Itoa(n-maxNoted)+" more")
		}
		r.notes = append(r.notes, o.at("syscalls")+": unknown system calls are passed over: "+strings.Join(unknown, ", "))
	}
	return r, r.listener(p, o)
}

// listener checks what belongs to SCMP_ACT_NOTIFY.
func (r *rules) listener(p *specs.LinuxSeccomp, o *Options) error {
	switch {
	case p.ListenerMetadata != "" && p.ListenerPath == "":
		return &Error{o.at("listenerMetadata"), "is only for a profile with listenerPath"}
	case !r.notifies:
		r.flags &^= flagWaitKillable // EINVAL without a listener
		return nil
	case p.ListenerPath == "":
		return &Error{o.at("listenerPath"), "is required: an action is " + string(specs.ActNotify)}
	}
	r.flags |= flagNewListener
	if r.flags&flagTSync != 0 {
		r.flags |= flagTSyncESRCH // both at once need it: seccomp(2) has one return value for the descriptor and the thread
	}
	return nil
}

// add reads an entry of syscalls.
func (r *rules) add(o *Options, path string, s *specs.LinuxSyscall, unknown *[]string) error {
	act, err := action(o, path+".", s.Action, "action", s.ErrnoRet, "errnoRet")
	if err != nil {
		return err
	}
	conditions, err := conditions(o, path, s.Args)
	if err != nil {
		return err
	}
	r.notifies = r.notifies || act == notify
	var list []*rule
	if repeats(conditions) {
		r.notes = append(r.notes, o.at(path)+".args: several are about one argument: each is a rule of its own, as runc has it")
		for i := range conditions {
			list = append(list, &rule{act, conditions[i : i+1]})
		}
	} else {
		list = []*rule{{act, conditions}}
	}
	if len(s.Names) == 0 {
		return &Error{o.at(path + ".names"), "must name a system call"}
	}
	for i, name := range s.Names {
		switch at := r.names.find(name); {
		case at < 0 && o.RefuseUnknown:
			return &Error{o.at(path + "." + item("names", i)), "unknown system call " + quote(name)}
		case at < 0:
			if q := quote(name); !slices.Contains(*unknown, q) {
				*unknown = append(*unknown, q)
			}
		case act != r.fallback:
			r.calls[at] = append(r.calls[at], list...)
		}
	}
	return nil
}

// action is a name with its errno as a filter returns it. The names of both members follow path.
func action(o *Options, path string, name specs.LinuxSeccompAction, member string, ret *uint, retMember string) (uint32, error) {
	value, ok := find(actions[:], string(name))
	if !ok {
		return 0, &Error{o.at(path + member), "unknown action " + quote(name)}
	}
	most := uint(maxErrno)
	switch value {
	case trace:
		most = maxTrace
	case errno:
	default:
		if ret != nil {
			return 0, &Error{o.at(path + retMember), "is only for " + string(specs.ActErrno) + " and " + string(specs.ActTrace)}
		}
		return value, nil
	}
	if ret == nil {
		return value | eperm, nil
	}
	if *ret > most {
		return 0, &Error{o.at(path + retMember), "must be between 0 and " + strconv.Itoa(int(most)) + ", not " + strconv.FormatUint(uint64(*ret), 10)}
	}
	return value | uint32(*ret), nil
}

const eperm = 1 // on every architecture

func conditions(o *Options, path string, args []specs.LinuxSeccompArg) ([]condition, error) {
	list := make([]condition, len(args))
	for i := range args {
		arg, here := &args[i], path+"."+item("args", i)
		op, ok := find(operators[:], string(arg.Op))
		if !ok {
			return nil, &Error{o.at(here + ".op"), "unknown operator " + quote(arg.Op)}
		}
		if arg.Index >= maxArguments {
			return nil, &Error{o.at(here + ".index"), "must be between 0 and 5, not " + strconv.FormatUint(uint64(arg.Index), 10)}
		}
		c := condition{argument: uint8(arg.Index), op: uint8(op), mask: ^uint64(0), value: arg.Value}
		if op&masked != 0 {
			c.mask, c.value = arg.Value, arg.ValueTwo
		}
		list[i] = c
	}
	return list, nil
}

// repeats tells whether two conditions are about the same argument.
func repeats(list []condition) bool {
	seen := 0
	for i := range list {
		bit := 1 << list[i].argument
		if seen&bit != 0 {
			return true
		}
		seen |= bit
	}
	return false
}

// wants tells whether the profile lists the architecture.
func (r *rules) wants(name string) bool { return slices.Contains(r.archs, specs.Arch(name)) }

func item(member string, i int) string { return member + "[" + strconv.Itoa(i) + "]" }

// maxQuote keeps messages readable when the profile is not.
const maxQuote = 64

func quote[T ~string](s T) string {
	if len(s) > maxQuote {
		return strconv.Quote(string(s[:maxQuote])) + "..."
	}
	return strconv.Quote(string(s))
}
