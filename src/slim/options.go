// SPDX-License-Identifier: LGPL-2.1-only

// Package slim holds ujail's command line as data: what procd, or a hand, asks
// for when it starts a jail.
//
// It is pure. It resolves no path, looks up no user, opens no file and decides
// nothing about system calls: plan turns Options into operations.
package slim

import "github.com/opencontainers/runtime-spec/specs-go"

// Where the sockets are that -u, -D and -l bind, on the host and in the jail.
const (
	UbusSocket   = "/var/run/ubus/ubus.sock"
	UdebugSocket = "/var/run/udebug.sock"
	LogSocket    = "/dev/log"
)

// DefaultTermTimeout is the TermTimeout when there is no -t, in seconds.
const DefaultTermTimeout = 5

// Options is a parsed command line. The zero value of a field means the option
// was not given. Strings are as given: paths may be relative unless said
// otherwise. Where an option that takes one value is repeated, the last wins.
//
// With a Bundle only Debug, Name, NoNewPrivs, OverlayDir, TmpOverlaySize,
// Require, Console, Immediately, PidFile and TermTimeout can be set; Parse
// refuses the others, because the bundle's config.json says them.
type Options struct {
	Help, Version bool // --help or --version came first: nothing else is set

	Debug        int    // -d, 0 to 1000: from 1 on notes, from 2 on the plan
	Seccomp      string // -S: file with a seccomp profile
	Capabilities string // -C: file with an OCI capabilities object
	NoNewPrivs   bool   // -c; beside a bundle it adds to the config, and never takes away
	Name         string // -n; see CheckName

	Env []string // -e: names of variables to hand on, where they are set

	UTSNS    bool   // -h was given: a new UTS namespace
	Hostname string // -h: at most 64 bytes; "" keeps the host's name
	NetNS    bool   // -N
	UserNS   bool   // -f
	CgroupNS bool   // -F

	// Mounts are the binds of -r, -w, -u, -D, -l and -S in the order of the
	// command line. The order counts: the first one on a target wins, also over
	// the default ones below /dev.
	Mounts []Mount

	Procfs bool // -p
	Sysfs  bool // -s

	User  string // -U: name in the host's /etc/passwd, or a number
	Group string // -G: name in the host's /etc/group, or a number

	ReadonlyRoot   bool   // -o
	Rootfs         string // -R: directory to use as /
	OverlayDir     string // -O: directory for the writable layer (upper, work)
	TmpOverlaySize string // -T: tmpfs size for the writable layer, at most 8 bytes; unused beside OverlayDir
	Require        bool   // -E: no start without everything asked for
	Console        bool   // -y: a pseudoterminal; for a bundle as if process.terminal were set
	Bundle         string // -J: OCI bundle directory
	Immediately    bool   // -i: a bundle's payload starts without waiting for "start"; others never wait
	PidFile        string // -P: file to write the payload's pid into
	TermTimeout    int    // -t: seconds between TERM and KILL, 0 to 86400
	Join           []Join // -j, in order
	Args           []string
}

// Mount is one bind mount from the host into the jail.
type Mount struct {
	Source string // absolute, as given
	Target string // absolute, without trailing, doubled or "." parts
	// Writable: otherwise the mount is read-only.
	Writable bool
	// Optional: a Source that does not exist is no error, the mount is skipped.
	Optional bool
	// Deps: if Source is a program or a script, what it needs to run is bound too.
	Deps bool
	// Option is the letter that asked: r, w, u, D, l or S.
	Option byte
}

// Join names namespaces of a running process that the jail enters.
type Join struct {
	PID   int // of the process, as seen by the supervisor; above 0
	Types []specs.LinuxNamespaceType
}

// MountNS tells whether the options ask for a mount namespace of the jail's
// own: any of -r -w -u -D -l -p -s -o -R -O -T does. In the C program -R, -O and
// -T alone did not, and the payload then ran on the host's root.
// It is false for a bundle.
func (o *Options) MountNS() bool {
	return o.Bundle == "" && o.mountReason() != 0
}

// mountReason is an option that asks for a mount namespace, or 0.
func (o *Options) mountReason() byte {
	switch {
	case o.Procfs:
		return 'p'
	case o.Sysfs:
		return 's'
	case o.ReadonlyRoot:
		return 'o'
	case o.Rootfs != "":
		return 'R'
	case o.OverlayDir != "":
		return 'O'
	case o.TmpOverlaySize != "":
		return 'T'
	}
	for _, m := range o.Mounts {
		// A seccomp profile is bound for those who look at it, where there is
		// a root to bind it into.
		if m.Option != 'S' {
			return m.Option
		}
	}
	return 0
}

// NewNamespaces lists the namespaces to create, each once, in a fixed order.
// Any of them brings pid and ipc along, except where those are joined.
// The list is empty for a bundle, whose config.json has it.
func (o *Options) NewNamespaces() []specs.LinuxNamespaceType {
	if o.Bundle != "" {
		return nil
	}
	list := make([]specs.LinuxNamespaceType, 0, 7)
	if o.UserNS {
		list = append(list, specs.UserNamespace)
	}
	if o.MountNS() {
		list = append(list, specs.MountNamespace)
	}
	if o.NetNS {
		list = append(list, specs.NetworkNamespace)
	}
	if o.UTSNS {
		list = append(list, specs.UTSNamespace)
	}
	if o.CgroupNS {
		list = append(list, specs.CgroupNamespace)
	}
	if len(list) == 0 {
		return nil
	}
	for _, t := range [...]specs.LinuxNamespaceType{specs.PIDNamespace, specs.IPCNamespace} {
		if _, joined := o.JoinOf(t); !joined {
			list = append(list, t)
		}
	}
	return list
}

// JoinOf returns the process whose namespace of type t is joined, if one is.
func (o *Options) JoinOf(t specs.LinuxNamespaceType) (pid int, ok bool) {
	for _, j := range o.Join {
		for _, have := range j.Types {
			if have == t {
				return j.PID, true
			}
		}
	}
	return 0, false
}
