// SPDX-License-Identifier: LGPL-2.1-only

package slim

import (
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Parse reads a command line without its argv[0]. Every error is a
// *UsageError. Unlike the C program, which goes on, it refuses what it does not
// understand: an unknown option, a missing or malformed argument, and options
// that exclude each other.
func Parse(args []string) (*Options, error) {
	o := &Options{TermTimeout: DefaultTermTimeout}
	if len(args) > 0 {
		switch args[0] {
		case "--help":
			return &Options{Help: true}, nil
		case "--version":
			return &Options{Version: true}, nil
		}
	}
	s := scanner{args: args}
	var seen letters
	for {
		letter, arg, err := s.next()
		if err != nil {
			return nil, err
		}
		if letter == 0 {
			break
		}
		if e := o.set(letter, arg); e != nil {
			if e.Option == "" {
				e.Option, e.Value = option(letter), arg
			}
			return nil, e
		}
		seen.add(letter)
	}
	o.Args = s.args
	if e := o.check(seen); e != nil {
		return nil, e
	}
	return o, nil
}

// set applies one option. Its errors name no option: Parse adds that.
func (o *Options) set(letter byte, arg string) *UsageError {
	// An empty host name has a meaning; elsewhere an empty argument is a
	// variable somebody forgot to set.
	if arg == "" && letter != 'h' && strings.IndexByte(argLetters, letter) >= 0 {
		return &UsageError{Why: "the argument is empty"}
	}
	var e *UsageError
	switch letter {
	case 'c':
		o.NoNewPrivs = true
	case 'C':
		o.Capabilities = arg
	case 'd':
		o.Debug, e = number(arg, 0, 1000)
	case 'D':
		o.bind('D', UdebugSocket, Mount{Writable: true, Optional: true})
	case 'e':
		if strings.IndexByte(arg, '=') >= 0 {
			return &UsageError{Why: "not the name of a variable", Hint: "its value is taken from the environment"}
		}
		o.Env = append(o.Env, arg)
	case 'E':
		o.Require = true
	case 'f':
		o.UserNS = true
	case 'F':
		o.CgroupNS = true
	case 'G':
		o.Group = arg
	case 'h':
		if len(arg) > maxHostname {
			return &UsageError{Why: "longer than " + strconv.Itoa(maxHostname) + " bytes"}
		}
		o.UTSNS, o.Hostname = true, arg
	case 'i':
		o.Immediately = true
	case 'j':
		e = o.join(arg)
	case 'J':
		o.Bundle = arg
	case 'l':
		o.bind('l', LogSocket, Mount{Writable: true})
	case 'n':
		o.Name = arg
		if why := badName(arg); why != "" {
			return &UsageError{Why: why}
		}
	case 'N':
		o.NetNS = true
	case 'o':
		o.ReadonlyRoot = true
	case 'O':
		o.OverlayDir = arg
	case 'p':
		o.Procfs = true
	case 'P':
		o.PidFile = arg
	case 'r', 'w':
		e = o.stage(letter, arg)
	case 'R':
		o.Rootfs = arg
	case 's':
		o.Sysfs = true
	case 'S':
		o.Seccomp = arg
		if arg[0] == '/' {
			o.bind('S', arg, Mount{})
		}
	case 't':
		o.TermTimeout, e = number(arg, 0, 86400)
	case 'T':
		o.TmpOverlaySize = arg
		if why := badSize(arg); why != "" {
			return &UsageError{Why: why}
		}
	case 'u':
		o.bind('u', UbusSocket, Mount{Writable: true})
	case 'U':
		o.User = arg
	case 'y':
		o.Console = true
	}
	return e
}

// bind adds a mount of path onto the same place in the jail.
func (o *Options) bind(letter byte, path string, m Mount) {
	m.Source, m.Target, m.Option = path, tidy(path), letter
	o.Mounts = append(o.Mounts, m)
}

// stage adds the mount of -r or -w: source, or source:target. The first colon
// divides, so neither can be had for a source with a colon in its name.
func (o *Options) stage(letter byte, arg string) *UsageError {
	source, target, two := strings.Cut(arg, ":")
	switch {
	case source == "" || source[0] != '/':
		return &UsageError{Why: "the source is not an absolute path"}
	case two && (target == "" || target[0] != '/'):
		return &UsageError{Why: "the target is not an absolute path"}
	case !two:
		target = source
	}
	o.Mounts = append(o.Mounts, Mount{
		Source: source, Target: tidy(target), Option: letter,
		Writable: letter == 'w', Optional: true, Deps: true,
	})
	return nil
}

// join reads PID:type[,type...].
func (o *Options) join(arg string) *UsageError {
	id, list, found := strings.Cut(arg, ":")
	if !found || list == "" {
		return &UsageError{Why: "no namespaces named", Hint: "PID:namespace[,namespace...]"}
	}
	pid, e := number(id, 1, 1<<30)
	if e != nil {
		return &UsageError{Why: "the part before the colon is no process id"}
	}
	j := Join{PID: pid}
	for name := range strings.SplitSeq(list, ",") {
		t := namespace(name)
		if t == "" {
			return &UsageError{Why: "unknown namespace " + strconv.Quote(name), Hint: "pid, net, mount, ipc, uts, user, cgroup, time"}
		}
		o.Join = append(o.Join, j)
		_, twice := o.JoinOf(t)
		o.Join = o.Join[:len(o.Join)-1]
		if twice {
			return &UsageError{Why: "a " + string(t) + " namespace is joined already"}
		}
		j.Types = append(j.Types, t)
	}
	o.Join = append(o.Join, j)
	return nil
}

// namespace returns the OCI name for what procd, the OCI or /proc/PID/ns call
// it, or "".
func namespace(name string) specs.LinuxNamespaceType {
	switch t := specs.LinuxNamespaceType(name); t {
	case specs.PIDNamespace, specs.NetworkNamespace, specs.MountNamespace, specs.IPCNamespace,
		specs.UTSNamespace, specs.UserNamespace, specs.CgroupNamespace, specs.TimeNamespace:
		return t
	case "net":
		return specs.NetworkNamespace
	case "mnt":
		return specs.MountNamespace
	}
	return ""
}
