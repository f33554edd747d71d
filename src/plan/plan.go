// SPDX-License-Identifier: LGPL-2.1-only

// Package plan decides what a jail is: it turns a decoded OCI configuration, or ujail's own options, into a flat list of
// operations. It is pure: the same input and the same Facts give the same Plan on every host. It opens nothing, mounts nothing
// and does not know how a system call is made; package program translates a Plan and package spawn runs it.
package plan

import (
	"strconv"
	"strings"

	"gojail/src/elfdep"
)

// A Plan is everything that happens between the clone and the payload's first instruction, in order.
type Plan struct {
	Name  string // the container's name, for messages
	Clone Namespace
	// Outside is what the supervisor does for the child before it lets it go on, from outside its namespaces.
	Outside Outside
	// Ops are run by the child. The last one is the Exec.
	Ops []Op
	// Poststart and Poststop are run by the supervisor: when the payload has been executed, and when the container is no more.
	Poststart, Poststop []Hook
	// PoststartVital: if one of Poststart fails the container is ended (runtime-spec 1.3). Before it was a warning.
	PoststartVital bool
	// Notes are decisions a user may wonder about; Warnings are those a user should be told at each start.
	Notes, Warnings []string

	secrets map[string]string // annotations that name variables whose values Text does not show
	mounts  []int             // for each entry of the configuration's mounts, its op
}

// Where is the place in the configuration that an op comes from, where that is not in its words: "mounts[3]".
func (p *Plan) Where(op int) string {
	for i, at := range p.mounts {
		if at == op {
			return "mounts[" + strconv.Itoa(i) + "]"
		}
	}
	return ""
}

// Outside is the supervisor's part of a start.
type Outside struct {
	UIDMap, GIDMap []IDMap     // of a new user namespace, in the order of the configuration
	OOMScoreAdj    *int        // -1000 to 1000
	NetDevices     []NetDevice // moved from the supervisor's network namespace into the child's
	Network        *Network    // made in the child's; nil: none
	TimeOffsets    []TimeOffset
	Dirs           []HostDir // made before the clone
	Cgroup         *Cgroup   // nil: the container stays in the supervisor's
	InGroup        bool      // the control group is that of a container which runs, if it has one
	// Raise are limits whose hard value may be above the present one; a user namespace could not raise them from inside.
	Raise []Rlimit
}

// An IDMap maps Size ids starting at Container inside to Host outside (user_namespaces(7)).
type IDMap struct{ Container, Host, Size uint32 }

// A NetDevice is a network device that changes its namespace (runtime-spec 1.3, linux.netDevices).
type NetDevice struct{ Name, NewName string }

// A TimeOffset is a line of /proc/PID/timens_offsets.
type TimeOffset struct {
	Clock   string // "monotonic" or "boottime"
	Secs    int64
	Nanosec uint32
}

// A HostDir is a directory outside of the container that it needs. It is removed at the end if it was made for this
// container, is empty and Keep is not set.
type HostDir struct {
	Path  string
	Mode  uint32
	Keep  bool
	Owner *Owner // it is given to; nil leaves it as it is
}

// An Owner is a user and a group of the host.
type Owner struct{ UID, GID uint32 }

// Root is what the container's root is outside, nil if that is not known or is root there too.
func (o *Outside) Root() *Owner {
	if len(o.UIDMap) == 0 || len(o.GIDMap) == 0 {
		return nil
	}
	return &Owner{hostRoot(o.UIDMap), hostRoot(o.GIDMap)}
}

func hostRoot(maps []IDMap) uint32 {
	for _, m := range maps {
		if m.Container == 0 {
			return m.Host
		}
	}
	return maps[0].Host
}

// Facts are what the plan has to know about the host. The zero value describes one where nothing is known.
type Facts struct {
	Files elfdep.FS // the host's files, to read; needed for slim jails
	Root  elfdep.FS // the files of the rootfs that a slim jail uses, the host's if it uses none
	Env   []string  // the supervisor's environment, for -e
}

// A Namespace is a set of CLONE_NEW* flags.
type Namespace uint32

// The namespaces, with the values that clone(2), unshare(2) and setns(2) take.
const (
	NewTime   Namespace = 0x80
	NewNS     Namespace = 0x20000
	NewCgroup Namespace = 0x2000000
	NewUTS    Namespace = 0x4000000
	NewIPC    Namespace = 0x8000000
	NewUser   Namespace = 0x10000000
	NewPID    Namespace = 0x20000000
	NewNet    Namespace = 0x40000000
)

var namespaces = [...]struct {
	flag Namespace
	oci  string // in config.json and with -j
	file string // in /proc/PID/ns
}{
	{NewUser, "user", "user"}, {NewNS, "mount", "mnt"}, {NewPID, "pid", "pid"}, {NewNet, "network", "net"},
	{NewIPC, "ipc", "ipc"}, {NewUTS, "uts", "uts"}, {NewCgroup, "cgroup", "cgroup"}, {NewTime, "time", "time"},
}

// Namespaces lists the kinds of namespaces by their OCI names.
func Namespaces() []string {
	names := make([]string, len(namespaces))
	for i := range namespaces {
		names[i] = namespaces[i].oci
	}
	return names
}

func namespaceOf(oci string) Namespace {
	for i := range namespaces {
		if namespaces[i].oci == oci {
			return namespaces[i].flag
		}
	}
	return 0
}

// File is the name of the (single) namespace in /proc/PID/ns.
func (n Namespace) File() string {
	for i := range namespaces {
		if namespaces[i].flag == n {
			return namespaces[i].file
		}
	}
	return ""
}

// String lists the namespaces by their OCI names.
func (n Namespace) String() string {
	var s string
	for i := range namespaces {
		if n&namespaces[i].flag != 0 {
			s += " " + namespaces[i].oci
		}
	}
	if s == "" {
		return "none"
	}
	return s[1:]
}

// Text is the plan as `gojail plan` prints it: one line for each step, the same on every host.
func (p *Plan) Text() string {
	var b strings.Builder
	line := func(s ...string) {
		for _, v := range s {
			b.WriteString(printable(v))
		}
		b.WriteByte('\n')
	}
	if p.Name != "" {
		line("container ", p.Name)
	}
	for _, d := range p.Outside.Dirs {
		end := ", removed at the end if it was made and is empty"
		if d.Keep {
			end = ""
		}
		if d.Owner != nil {
			end = ", owner " + utoa(d.Owner.UID) + ":" + utoa(d.Owner.GID) + end
		}
		line("outside: make directory ", d.Path, " (mode ", octal(d.Mode), end, ")")
	}
	if p.Outside.Cgroup != nil {
		p.Outside.Cgroup.text(line)
	}
	if p.Outside.InGroup {
		line("outside: use the container's control group")
	}
	line("clone with new namespaces: ", p.Clone.String())
	mapText := func(kind string, maps []IDMap) {
		for _, m := range maps {
			line("outside: map ", kind, " ", utoa(m.Container), " to ", utoa(m.Host), ", ", utoa(m.Size), " ids")
		}
	}
	mapText("uid", p.Outside.UIDMap)
	mapText("gid", p.Outside.GIDMap)
	if p.Outside.OOMScoreAdj != nil {
		line("outside: oom_score_adj ", strconv.Itoa(*p.Outside.OOMScoreAdj))
	}
	for _, t := range p.Outside.TimeOffsets {
		line("outside: time offset ", t.Text())
	}
	for _, d := range p.Outside.NetDevices {
		line("outside: move network device ", d.Name, " as ", d.NewName)
	}
	if p.Outside.Network != nil {
		p.Outside.Network.text(p.Name, line)
	}
	for _, l := range p.Outside.Raise {
		line("outside: allow limit ", l.text())
	}
	for _, op := range p.Ops {
		if e, ok := op.(Exec); ok {
			for l := range strings.SplitSeq(e.text(p.secrets), "\n") {
				line(l)
			}
			continue
		}
		line(op.Words(), op.detail())
	}
	for _, h := range p.Poststart {
		line("when it runs: ", h.Words(), h.detail())
	}
	for _, h := range p.Poststop {
		line("at the end: ", h.Words(), h.detail())
	}
	for _, s := range p.Notes {
		line("note: ", s)
	}
	for _, s := range p.Warnings {
		line("warning: ", s)
	}
	return b.String()
}

// Text is the line that is written to /proc/PID/timens_offsets.
func (t TimeOffset) Text() string {
	return t.Clock + " " + strconv.FormatInt(t.Secs, 10) + " " + utoa(t.Nanosec)
}

func utoa(v uint32) string  { return strconv.FormatUint(uint64(v), 10) }
func octal(v uint32) string { return "0" + strconv.FormatUint(uint64(v), 8) }

// An Error is a refusal: the configuration asks for what cannot be, or cannot be here.
type Error struct {
	Where  string // JSON path or option; may be empty
	Reason string
	Exit   int // the exit status it asks for; 0 leaves it open
}

func (e *Error) Error() string {
	if e.Where == "" {
		return e.Reason
	}
	return e.Where + ": " + e.Reason
}

// maxMessage is about what a line of the system log holds.
const maxMessage = 1000

// Line makes one printable line of an error, or of what else quotes a configuration.
func Line(s string) string { return printable(strings.ReplaceAll(s, "\n", "; ")) }

// Message is a Line for the log: the middle is left out if it is long. What was refused stands at the start and why at the end.
func Message(s string) string {
	s = Line(s)
	if len(s) <= maxMessage {
		return s
	}
	const gap = " ... "
	head, tail := s[:maxMessage*3/4], s[len(s)-(maxMessage/4-len(gap)):]
	return strings.ToValidUTF8(head, "") + gap + strings.ToValidUTF8(tail, "")
}

func refuse(where, reason string) error { return &Error{Where: where, Reason: reason} }
