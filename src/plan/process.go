// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"math/bits"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/caps"
	"gojail/src/spec"
)

// defaultPath is searched when the container's environment has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// process plans what the payload is: config.json's process object.
func (b *builder) process(s *specs.Spec, o *Bundle) error {
	p := s.Process
	b.add(Chdir{p.Cwd})
	if err := b.scheduling(p); err != nil {
		return err
	}
	if m := s.Linux.MemoryPolicy; m != nil {
		op, err := memoryPolicy(m)
		if err != nil {
			return err
		}
		b.add(op)
	}
	if l := s.Linux.Personality; l != nil && l.Domain == specs.PerLinux32 {
		b.add(Personality{0x8})
	} else if l != nil {
		b.add(Personality{0})
	}
	if err := b.log(s, o); err != nil {
		return err
	}
	limits, err := rlimits(p.Rlimits)
	if err != nil {
		return err
	}
	if b.inUser {
		b.plan.Outside.Raise = limits
	}
	var sets caps.Sets
	if p.Capabilities != nil {
		if sets, err = caps.FromSpec(p.Capabilities); err != nil {
			b.warning(err.Error()) // runtime-spec: a warning, not a failure
		}
		b.ambient(&sets, "process.capabilities")
	}
	if p.Terminal {
		b.add(UseTerminal{Owner: int64(p.User.UID)})
	}
	filter, err := b.seccomp(s, o.Detached)
	if err != nil {
		return err
	}
	b.add(Rlimits{limits})
	if filter != nil && filter.When == Early {
		b.add(*filter)
	}
	b.add(DropBounding{sets.Bounding},
		User{UID: int64(p.User.UID), GID: int64(p.User.GID), Groups: p.User.AdditionalGids, SetGroups: true, KeepCaps: true},
		Capabilities{sets})
	if p.NoNewPrivileges {
		b.add(NoNewPrivs{})
	}
	if err := b.harden(s); err != nil {
		return err
	}
	umask := uint32(0o022)
	if p.User.Umask != nil {
		umask = *p.User.Umask & 0o7777
	}
	env := ujailEnv(p.Env, o.Ujail)
	if o.Wait || o.Detached {
		if o.Detached {
			op, err := execOp(p.Args, env, umask)
			if err != nil {
				return err
			}
			b.add(Find{op})
		}
		b.add(Wait{o.Detached})
	}
	if err := b.startHooks(filter); err != nil {
		return err
	}
	if filter != nil && filter.When == Last {
		b.add(*filter)
	}
	return b.exec(p.Args, env, umask)
}

// ambient leaves out what the kernel would refuse: an ambient capability has to be permitted and inheritable.
func (b *builder) ambient(s *caps.Sets, where string) {
	if lost := s.Ambient &^ (s.Permitted & s.Inheritable); lost != 0 {
		s.Ambient &^= lost
		b.note(where + ".ambient: without " + lost.String() + ", as what is ambient has to be permitted and inheritable")
	}
}

// exec ends the plan.
func (b *builder) exec(args, env []string, umask uint32) error {
	op, err := execOp(args, env, umask)
	if err != nil {
		return err
	}
	b.add(op)
	return b.checkLengths()
}

func execOp(args, env []string, umask uint32) (Exec, error) {
	op := Exec{Args: args, Env: env, Umask: umask}
	if !strings.Contains(args[0], "/") {
		path := lookupEnv(env, "PATH")
		if path == "" {
			path = defaultPath
		}
		for _, dir := range strings.Split(path, ":") {
			if dir == "" {
				dir = "."
			}
			op.Path = append(op.Path, dir)
		}
		if len(op.Path) > maxPathDirs {
			return op, refuse("PATH", "has more than "+itoa(maxPathDirs)+" directories")
		}
	}
	return op, nil
}

const maxPathDirs = 1024

// checkLengths refuses container paths that the kernel would (PATH_MAX), before anybody takes them apart.
func (b *builder) checkLengths() error {
	for i, op := range b.plan.Ops {
		path := ""
		switch o := op.(type) {
		case Mount:
			path = o.Target
		case Bind:
			path = o.Target
		case Mask:
			path = o.Path
		case ReadOnly:
			path = o.Path
		case Mkdir:
			path = o.Path
		case Device:
			path = o.Path
		case Chdir:
			path = o.Path
		}
		if len(path) > 4095 {
			where := b.plan.Where(i)
			if where == "" {
				where = path[:64] + "..."
			}
			return refuse(where, "the path in the container is longer than 4095 bytes")
		}
	}
	return nil
}

func lookupEnv(env []string, name string) string {
	for _, e := range env {
		if len(e) > len(name) && e[len(name)] == '=' && e[:len(name)] == name {
			return e[len(name)+1:]
		}
	}
	return ""
}

var rlimitNumbers = [...]struct {
	name   string
	number uint8 // ^0: see rlimitNumber
}{
	{"RLIMIT_CPU", 0}, {"RLIMIT_FSIZE", 1}, {"RLIMIT_DATA", 2}, {"RLIMIT_STACK", 3}, {"RLIMIT_CORE", 4}, {"RLIMIT_RSS", rlimitRSS},
	{"RLIMIT_NPROC", rlimitNPROC}, {"RLIMIT_NOFILE", rlimitNOFILE}, {"RLIMIT_MEMLOCK", rlimitMEMLOCK}, {"RLIMIT_AS", rlimitAS},
	{"RLIMIT_LOCKS", 10}, {"RLIMIT_SIGPENDING", 11}, {"RLIMIT_MSGQUEUE", 12}, {"RLIMIT_NICE", 13}, {"RLIMIT_RTPRIO", 14},
	{"RLIMIT_RTTIME", 15},
}

func rlimits(list []specs.POSIXRlimit) ([]Rlimit, error) {
	var out []Rlimit
next:
	for i, l := range list {
		for _, n := range rlimitNumbers {
			if n.name == l.Type {
				out = append(out, Rlimit{strings.ToLower(l.Type[len("RLIMIT_"):]), n.number, l.Soft, l.Hard})
				continue next
			}
		}
		return nil, refuse("process.rlimits["+itoa(i)+"].type", l.Type+" is not a limit of Linux")
	}
	return out, nil
}

func (b *builder) scheduling(p *specs.Process) error {
	if s := p.Scheduler; s != nil {
		op := Scheduler{Nice: s.Nice, Priority: uint32(s.Priority), Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period}
		switch s.Policy {
		case specs.SchedOther:
			op.Policy = 0
		case specs.SchedFIFO:
			op.Policy = 1
		case specs.SchedRR:
			op.Policy = 2
		case specs.SchedBatch:
			op.Policy = 3
		case specs.SchedIdle:
			op.Policy = 5
		case specs.SchedDeadline:
			op.Policy = 6
		default:
			return refuse("process.scheduler.policy", string(s.Policy)+" is not offered: it needs a kernel outside of Linux' main line")
		}
		for i, f := range s.Flags {
			switch f {
			case specs.SchedFlagResetOnFork:
				op.Flags |= 0x1
			case specs.SchedFlagReclaim:
				op.Flags |= 0x2
			case specs.SchedFlagDLOverrun:
				op.Flags |= 0x4
			case specs.SchedFlagKeepPolicy:
				op.Flags |= 0x8
			case specs.SchedFlagKeepParams:
				op.Flags |= 0x10
			case specs.SchedFlagUtilClampMin:
				op.Flags |= 0x20
			case specs.SchedFlagUtilClampMax:
				op.Flags |= 0x40
			default:
				return refuse("process.scheduler.flags["+itoa(i)+"]", string(f)+" is not a flag")
			}
		}
		b.add(op)
	}
	if p.IOPriority != nil {
		op := IOPriority{Level: uint8(p.IOPriority.Priority)}
		switch p.IOPriority.Class {
		case specs.IOPRIO_CLASS_RT:
			op.Class = 1
		case specs.IOPRIO_CLASS_BE:
			op.Class = 2
		case specs.IOPRIO_CLASS_IDLE:
			op.Class = 3
		default:
			return refuse("process.ioPriority.class", string(p.IOPriority.Class)+" is not a class")
		}
		b.add(op)
	}
	return nil
}

// memoryPolicy translates linux.memoryPolicy (runtime-spec 1.3) to set_mempolicy(2).
func memoryPolicy(m *specs.LinuxMemoryPolicy) (op MemoryPolicy, err error) {
	switch m.Mode {
	case specs.MpolDefault:
		op.Mode = 0
	case specs.MpolPreferred:
		op.Mode = 1
	case specs.MpolBind:
		op.Mode = 2
	case specs.MpolInterleave:
		op.Mode = 3
	case specs.MpolLocal:
		op.Mode = 4
	case specs.MpolPreferredMany:
		op.Mode = 5
	case specs.MpolWeightedInterleave:
		op.Mode = 6
	default:
		return op, refuse("linux.memoryPolicy.mode", string(m.Mode)+" is not a mode")
	}
	for i, f := range m.Flags {
		switch f {
		case specs.MpolFNumaBalancing:
			op.Mode |= 1 << 13
		case specs.MpolFRelativeNodes:
			op.Mode |= 1 << 14
		case specs.MpolFStaticNodes:
			op.Mode |= 1 << 15
		default:
			return op, refuse("linux.memoryPolicy.flags["+itoa(i)+"]", string(f)+" is not a flag")
		}
	}
	if m.Nodes != "" {
		op.Max = 1024
		words, err := spec.ParseList(m.Nodes, int(op.Max)-1)
		if err != nil {
			return op, refuse("linux.memoryPolicy.nodes", err.Error())
		}
		op.Nodes = make([]uint64, (len(words)*bits.UintSize+63)/64)
		for i, w := range words {
			op.Nodes[i*bits.UintSize/64] |= uint64(w) << (i * bits.UintSize % 64)
		}
	}
	return op, nil
}
