// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"gojail/src/caps"
)

// An Op is one step of the child. Words says what it does, as an error message wants it ("mount proc on /proc"); the detail that
// only the printed plan needs follows it there.
type Op interface {
	Words() string
	detail() string
}

// Joins and namespaces. They come first and in this order: Join..., Unshare, Sync, Become, Fork.
type (
	// Join enters an existing namespace: of the file Path, of process PID (through a pidfd), or of a container that runs.
	Join struct {
		Type      Namespace
		Path      string
		PID       int
		Container string
	}
	// Enter joins all of a running container's namespaces at once, by a pidfd of its process that the supervisor has (setns(2)).
	Enter struct{ Namespaces Namespace }
	// Unshare makes namespaces of one's own that the clone could not make yet.
	Unshare struct{ New Namespace }
	// Sync tells the supervisor that all namespaces but the pid namespace exist, and waits until it has done Plan.Outside.
	Sync struct{}
	// Become takes root's ids of a user namespace that was entered. Tolerant: an id that is not mapped leaves things as they are.
	Become struct{ UID, GID uint32 }
	// Fork goes on in a second process: pid and time namespaces take effect in children only (setns(2), unshare(2)). New is the
	// pid namespace to make, or none.
	Fork struct{ New Namespace }
)

// A Propagation is how mount events travel (mount(2), "Shared subtrees").
type Propagation struct {
	Type      PropagationType
	Recursive bool
}

// PropagationType has the values of mount(2)'s MS_ flags; zero leaves things as they are.
type PropagationType uint32

// The propagation types.
const (
	Unbindable PropagationType = 1 << 17
	Private    PropagationType = 1 << 18
	Slave      PropagationType = 1 << 19
	Shared     PropagationType = 1 << 20
)

// Attr is what mount_setattr(2) changes: MOUNT_ATTR_* bits. The r* options of the runtime-spec act on submounts too.
type Attr struct{ Set, Clear uint32 }

// Mapped asks for an idmapped mount (mount_setattr(2), MOUNT_ATTR_IDMAP).
type Mapped struct {
	UID, GID  []IDMap
	Recursive bool
}

// Mounts. Container paths are absolute, resolved inside the root when the op runs, never before.
type (
	// Propagate sets the propagation of the whole tree as the child finds it, before anything else is mounted.
	Propagate struct{ To Propagation }
	// Root makes the container's root file system and attaches it to the first usable directory of Attach. All later
	// paths are resolved in it.
	Root struct {
		Source    string // rootfs directory; empty: a new tmpfs
		Recursive bool   // with what is mounted below Source
		NoDev     bool
		Overlay   *Overlay
		FromHost  bool // Source is opened by the supervisor: a user namespace may not be allowed to reach it
		Mapped    *Mapped
		Image     bool // Source is a file with a file system, which the supervisor mounts (FromHost)
		Attach    []string
		Hidden    bool // from trees that are cloned later and hold the directory it is attached to
	}
	// Overlay is a writable layer over Root.Source: on a tmpfs of TmpfsSize, or in Dir/upper and Dir/work.
	Overlay struct {
		TmpfsSize, Dir string
		InUser         bool // mounted in a user namespace, which may not write overlayfs' own (trusted) attributes
	}
	// Mount mounts a new file system.
	Mount struct {
		Type, Source, Target string
		Flags                uint32 // MS_*
		Data                 string
		Propagation          Propagation
		MayFail              bool // with whatever error (nofail)
		CopyUp               bool // tmpcopyup: filled with what Target held
		Ordinary             bool // no symbolic link leads to Target (proc, sysfs: CVE-2019-19921)
		OrBind               string
	}
	// Bind shows a file or directory of the host.
	Bind struct {
		Source, Target string
		Recursive      bool
		Attr, RecAttr  Attr
		Propagation    Propagation
		SkipMissing    bool // a missing source is no error
		MayFail        bool
		NoCreate       bool // skipped if Target does not exist
		OnProc         bool // Target may lie in /proc
		NotDir         bool // Source must not be a directory
		FromHost       bool // see Root
		Mapped         *Mapped
	}
	// Remount changes the attributes of the mount on Target.
	Remount struct {
		Target        string
		Attr, RecAttr Attr
		Propagation   Propagation
		MayFail       bool
	}
	// Mask hides a path: an empty read-only directory, or /dev/null over anything else. A missing path is no error.
	Mask struct{ Path string }
	// ReadOnly makes a path and all below it read-only, but for Except below it. A missing path is no error.
	ReadOnly struct{ Path, Except string }
	// Mkdir makes a directory and its parents if they are missing.
	Mkdir struct{ Path string }
	// Device makes a device node or a fifo. An existing one must be the same, unless Default.
	Device struct {
		Path         string
		Type         byte // c, b or p
		Major, Minor uint32
		Mode         uint32
		UID, GID     uint32
		Default      bool
		Bind         bool // bind the host's node: mknod is not allowed in a user namespace
	}
	// Symlink makes a link if nothing of that name exists; Replace takes away what is there.
	Symlink struct {
		To, Path string
		Replace  bool
	}
	// RootReadOnly ends writing to the root file system itself.
	RootReadOnly struct{}
	// Pivot makes Root the root directory and takes the host's file systems away.
	Pivot struct{ Then Propagation }
)

// Host settings of the container's own namespaces.
type (
	// Sysctl writes a value below /proc/sys, through a procfs that the supervisor has verified.
	Sysctl struct{ Key, Path, Value string }
	// Hostname sets the host name, Domainname the NIS domain name.
	Hostname   struct{ Name string }
	Domainname struct{ Name string }
	// LoopbackUp brings lo up in a new network namespace.
	LoopbackUp struct{}
)

// What the process itself is.
type (
	// Rlimits sets resource limits; those the supervisor had to change for itself are put back first.
	Rlimits struct{ Limits []Rlimit }
	// Rlimit is a limit of setrlimit(2) by its number; ^0 is no limit.
	Rlimit struct {
		Name       string
		Resource   uint8
		Soft, Hard uint64
	}
	// Personality is the execution domain (personality(2)).
	Personality struct{ Persona uint32 }
	// Scheduler is struct sched_attr of sched_setattr(2).
	Scheduler struct {
		Policy                    uint32
		Flags                     uint64
		Nice                      int32
		Priority                  uint32
		Runtime, Deadline, Period uint64 // nanoseconds
	}
	// IOPriority is ioprio_set(2)'s class (1 to 3) and level (0 to 7).
	IOPriority struct{ Class, Level uint8 }
	// MemoryPolicy is set_mempolicy(2).
	MemoryPolicy struct {
		Mode  uint32 // with flags
		Nodes []uint64
		Max   uint32 // number of bits in Nodes
	}
	// Affinity binds the process to processors: bit n of the words, one after the other, is processor n (sched_setaffinity(2)).
	Affinity struct {
		List string
		CPUs []uintptr
	}
	// Stdio makes standard input, output and error what the supervisor has been given for them, or else /dev/null.
	Stdio struct{}
	// Chdir sets the working directory, made (with parents, mode 0755) if it is missing.
	Chdir struct{ Path string }
	// DropBounding removes all but Keep from the bounding set.
	DropBounding struct{ Keep caps.Set }
	// User sets ids and supplementary groups; Groups nil leaves the groups alone, UID or GID of -1 that id.
	User struct {
		UID, GID  int64
		Groups    []uint32
		SetGroups bool
		KeepCaps  bool
	}
	// Capabilities sets the four sets of a thread; the bounding set is DropBounding's.
	Capabilities struct{ Sets caps.Sets }
	// NoNewPrivs is prctl(PR_SET_NO_NEW_PRIVS).
	NoNewPrivs struct{}
	// Log makes stdout and stderr pipes whose lines go to the system log, under the container's name.
	Log struct{ Name string }
	// Find looks for what Exec will execute, so that what is missing is known before the container is started.
	Find struct{ Exec Exec }
	// Wait is the state "created": all is done but the Exec, which the supervisor will be told to let happen. Detached: the supervisor
	// may end, and another one says it on a socket.
	Wait struct{ Detached bool }
	// Exec ends the plan: descriptors, signal mask and umask are put right and Args is executed. A name without a slash is looked
	// up in Path, as execvp(3) does. Joined is for a process that has joined a pid namespace: the one that executes Args is made when
	// it is not our own program any more that those who live there would see.
	// File, if it is not empty, is executed in place of Args[0].
	Exec struct {
		Args, Env, Path []string
		File            string
		Umask           uint32
		Joined          bool
	}
)

// Attributes of mount_setattr(2), as in linux/mount.h.
const (
	attrRdonly      = 0x1
	attrNosuid      = 0x2
	attrNodev       = 0x4
	attrNoexec      = 0x8
	attrAtime       = 0x70
	attrNoatime     = 0x10
	attrStrictatime = 0x20
	attrNodiratime  = 0x80
	attrNosymfollow = 0x200000
)

func (o Join) Words() string {
	s := "join " + o.Type.String() + " namespace "
	switch {
	case o.Path != "":
		return s + o.Path
	case o.Container != "":
		return s + "of container " + o.Container
	}
	return s + "of process " + strconv.Itoa(o.PID)
}
func (o Enter) Words() string     { return "join the container's namespaces: " + o.Namespaces.String() }
func (o Unshare) Words() string   { return "make new namespaces: " + o.New.String() }
func (Sync) Words() string        { return "wait for the supervisor" }
func (o Become) Words() string    { return "become uid " + utoa(o.UID) + " gid " + utoa(o.GID) }
func (Fork) Words() string        { return "go on in a second process" }
func (o Propagate) Words() string { return "make all mounts " + o.To.String() }
func (o Root) Words() string {
	switch {
	case o.Overlay != nil && o.Source == "":
		return "make the root file system an overlay over nothing"
	case o.Overlay != nil && o.Image:
		return "make the root file system an overlay over image " + o.Source
	case o.Overlay != nil:
		return "make the root file system an overlay over " + o.Source
	case o.Image:
		return "use root file system of image " + o.Source
	case o.Source == "":
		return "make the root file system a tmpfs"
	}
	return "use root file system " + o.Source
}
func (o Mount) Words() string      { return "mount " + o.Type + " on " + o.Target }
func (o Bind) Words() string       { return "bind " + o.Source + " on " + o.Target }
func (o Remount) Words() string    { return "remount " + o.Target }
func (o Mask) Words() string       { return "mask " + o.Path }
func (o ReadOnly) Words() string   { return "make " + o.Path + " read-only" }
func (o Mkdir) Words() string      { return "make directory " + o.Path }
func (o Device) Words() string     { return "make device " + o.Path }
func (o Symlink) Words() string    { return "make link " + o.Path }
func (RootReadOnly) Words() string { return "make the root read-only" }
func (Pivot) Words() string        { return "pivot_root" }
func (o Sysctl) Words() string     { return "set sysctl " + o.Key + " to " + o.Value }
func (o Hostname) Words() string   { return "set hostname " + o.Name }
func (o Domainname) Words() string { return "set domainname " + o.Name }
func (LoopbackUp) Words() string   { return "bring lo up" }
func (o Rlimits) Words() string {
	s := "set resource limits"
	for _, l := range o.Limits {
		s += " " + l.text()
	}
	return s
}
func (o Personality) Words() string { return "set personality " + utoa(o.Persona) }
func (o Scheduler) Words() string   { return "set scheduling policy " + utoa(o.Policy) }
func (o IOPriority) Words() string {
	return "set I/O priority class " + utoa(uint32(o.Class)) + " level " + utoa(uint32(o.Level))
}
func (o MemoryPolicy) Words() string { return "set memory policy " + utoa(o.Mode) }
func (o Affinity) Words() string     { return "run on processors " + o.List }
func (Stdio) Words() string          { return "connect standard input, output and error" }
func (o Chdir) Words() string        { return "change to directory " + o.Path }
func (o DropBounding) Words() string { return "drop capabilities from the bounding set" }
func (o User) Words() string {
	s := "set"
	if o.UID >= 0 {
		s += " uid " + strconv.FormatInt(o.UID, 10)
	}
	if o.GID >= 0 {
		s += " gid " + strconv.FormatInt(o.GID, 10)
	}
	switch n := len(o.Groups); {
	case !o.SetGroups:
	case n > maxGroups:
		s += " and " + strconv.Itoa(n) + " groups"
	default:
		s += " groups" + uints(o.Groups)
	}
	return s
}

// maxGroups is how many groups a message lists.
const maxGroups = 32

func (Capabilities) Words() string { return "set capabilities" }
func (NoNewPrivs) Words() string   { return "set no_new_privs" }
func (o Log) Words() string        { return "send stdout and stderr to the system log as " + o.Name }
func (o Wait) Words() string       { return "wait for start" }
func (o Find) Words() string       { return o.Exec.Words() }
func (o Exec) Words() string       { return "exec " + o.Args[0] }

func uints(v []uint32) string {
	if len(v) == 0 {
		return " none"
	}
	var b []byte
	for _, g := range v {
		b = strconv.AppendUint(append(b, ' '), uint64(g), 10)
	}
	return string(b)
}

// String names the propagation as an option of mount(8) does.
func (p Propagation) String() string {
	s := ""
	switch p.Type {
	case Private:
		s = "private"
	case Slave:
		s = "slave"
	case Shared:
		s = "shared"
	case Unbindable:
		s = "unbindable"
	}
	if s != "" && p.Recursive {
		s = "r" + s
	}
	return s
}

func (l Rlimit) text() string { return l.Name + "=" + limit(l.Soft) + ":" + limit(l.Hard) }

func limit(v uint64) string {
	if v == ^uint64(0) {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}

// quoted is a word of a printed command line: as it is where it is plain.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r == '\'' || odd(r) }) {
		return s
	}
	return strconv.Quote(s)
}

// printable keeps what a configuration holds from writing lines of its own, or to the terminal, where it is printed.
func printable(s string) string {
	if !strings.ContainsFunc(s, odd) {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`), `\\`, `\`)
}

func odd(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }
