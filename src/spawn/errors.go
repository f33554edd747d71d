// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
)

// An Error is a start that failed: what was being done, the kernel's reason, and what may be behind it.
type Error struct {
	Op   string // the words of the plan's op
	Err  syscall.Errno
	Hint string
	Exec bool // the payload could not be executed: exit status 127 or 126
}

func (e *Error) Error() string {
	s := e.Op + ": " + e.Err.Error()
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap gives the errno.
func (e *Error) Unwrap() error { return e.Err }

// failed is the error of an op of the plan.
func (s *start) failed(op int, errno syscall.Errno, byTrampoline bool) error {
	if errno == unix.ECANCELED {
		return ErrCancelled
	}
	o := s.plan.Ops[op]
	if f, ok := o.(plan.Find); ok {
		o = f.Exec
	}
	_, exec := o.(plan.Exec)
	e := &Error{Op: o.Words(), Err: errno, Hint: hintFor(o, errno), Exec: exec}
	if where := s.plan.Where(op); where != "" {
		e.Op = where + ": " + e.Op
	}
	if f, at := filter(s.plan); f != nil && e.Hint == "" && (!exec || errno == unix.EPERM || byTrampoline) && (at < op && f.When == plan.Early || byTrampoline && f.Filter.Forbids("execve")) {
		e.Hint = "the seccomp profile, which is in force already, does not seem to allow it"
	}
	switch {
	case !exec || e.Hint != "":
	case byTrampoline && errno == unix.ENOENT:
		e.Hint = "the file is there, but the interpreter that it names (in its #! line or as its ELF loader) is not"
	case errno == unix.ENOENT && len(o.(plan.Exec).Path) > 0:
		e.Hint = "executable file not found in $PATH"
	case errno == unix.ENOEXEC:
		e.Hint = "it is neither a program for this machine nor a script with a #! line"
	}
	return e
}

// hintFor says what usually is behind an error that the errno alone does not explain.
func hintFor(op plan.Op, e syscall.Errno) string {
	switch o := op.(type) {
	case plan.Mount:
		switch {
		case e == unix.ELOOP && o.Ordinary:
			return "a symbolic link leads there: the image is not to be trusted"
		case e == unix.EPERM && (o.Type == "proc" || o.Type == "sysfs"):
			return "in a user namespace the kernel mounts it only where the host's own is wholly visible"
		case e == unix.EPERM:
			return "the target may lie in /proc through a link, or the user namespace may not mount this"
		case e == unix.EINVAL:
			return "check its options: " + o.Data
		case e == unix.ENODEV:
			return "this kernel does not have the file system"
		}
	case plan.Bind:
		switch {
		case e == unix.EPERM && o.NotDir:
			return "only single files can be mounted in /proc"
		case e == unix.EPERM:
			return "the target lies in /proc through a link, or an attribute is locked by another user namespace"
		case e == unix.EINVAL && o.Mapped != nil:
			return "the file system does not take id mappings, or this kernel is too old"
		case e == unix.EINVAL:
			return "the source may be unbindable, or in another mount namespace"
		case e == unix.ENOTDIR:
			return "one of source and target is a directory, the other is not"
		}
	case plan.Root:
		switch e {
		case unix.ENOENT:
			return "is root.path, or -R, right?"
		case unix.ENOTDIR:
			return "root.path must be a directory"
		case unix.ELOOP:
			return "links in root.path lead in circles"
		case unix.EACCES:
			if o.Overlay != nil && o.Overlay.InUser {
				return "the root of the user namespace must be able to search every directory that leads to the root file system and the layer"
			}
		case unix.EROFS:
			if o.Overlay != nil {
				return "the container's root cannot write to the layer, or not to what an earlier container has left in its work directory"
			}
		case unix.EINVAL:
			if o.Mapped != nil {
				return "the file system does not take id mappings, or overlayfs not with them (Linux 5.19), or not this file system"
			}
			if o.Overlay != nil {
				return "an overlay cannot be written on this file system: overlayfs does not stack on overlayfs"
			}
			return "root.path must be a directory"
		}
	case plan.Pivot:
		if e == unix.EINVAL {
			return "this machine may run from its initramfs, which cannot be left: switch_root to a tmpfs first"
		}
	case plan.Terminal:
		switch e {
		case unix.ELOOP:
			return "a symbolic link leads to /dev/pts or /dev/console: the image is not to be trusted"
		case unix.ENODEV, unix.ENOENT, unix.ENOTDIR:
			return "terminals are made in a devpts: mount one on /dev/pts"
		case unix.EACCES:
			return "the devpts on /dev/pts may be mounted nodev"
		case unix.ENOSPC:
			return "the limit in /proc/sys/kernel/pty is reached"
		case unix.EROFS:
			return "there is no /dev/console to bind the terminal on, and it cannot be made"
		}
	case plan.UseTerminal:
		if e == unix.EINVAL {
			return "the user's id is not mapped in the user namespace"
		}
	case plan.Join:
		switch {
		case e == unix.ESRCH || e == unix.ENOENT:
			return "there is no such process or namespace"
		case e == unix.EINVAL && o.Type == plan.NewUser:
			return "it may be the supervisor's own user namespace, which cannot be joined"
		case e == unix.EINVAL:
			return "it may be a namespace of another kind"
		}
	case plan.Enter:
		switch e {
		case unix.ESRCH:
			return "it has ended"
		case unix.EINVAL:
			return "this kernel does not have one of them"
		}
	case plan.MDWE:
		if e == unix.EINVAL {
			return "it needs Linux 6.3"
		}
	case plan.Landlock:
		switch e {
		case unix.EOPNOTSUPP:
			return "this kernel has no Landlock, or does not switch it on: see its lsm= parameter"
		case unix.ENOENT:
			return "every path of the lists has to exist in the container"
		}
	case plan.Device:
		switch e {
		case unix.EEXIST:
			return "something else of that name is there"
		case unix.EPERM:
			return "it needs CAP_MKNOD outside of all user namespaces, and a file system that takes devices"
		}
	case plan.Seccomp:
		switch e {
		case unix.ENOSYS:
			return "this kernel was built without seccomp filters"
		case unix.EINVAL:
			return "this kernel was built without seccomp filters, or does not know a flag of the profile"
		case unix.EACCES:
			return "it takes no_new_privs or CAP_SYS_ADMIN"
		case unix.EBUSY:
			return "the supervisor has a filter with a listener itself, and there can be one only"
		}
	case plan.Capabilities:
		if e == unix.EPERM {
			return "what is effective has to be permitted, and what is permitted must be the supervisor's own"
		}
	case plan.Sysctl:
		if e == unix.ENOENT {
			return "this kernel does not have it"
		}
	case plan.MemoryPolicy:
		switch e {
		case unix.EINVAL:
			return "linux.memoryPolicy: this machine may not have the nodes, or the kernel not the mode"
		case unix.ENOSYS:
			return "linux.memoryPolicy: this kernel has no NUMA support"
		}
	case plan.Scheduler:
		if e == unix.EPERM || e == unix.EINVAL {
			return "process.scheduler: it needs CAP_SYS_NICE, and a kernel with that policy and these values"
		}
	case plan.Rlimits:
		if e == unix.EPERM {
			return "raising a hard limit needs CAP_SYS_RESOURCE"
		}
	case plan.User:
		if e == unix.EINVAL {
			return "the id is not mapped in the user namespace"
		}
		if e == unix.EPERM && len(o.Groups) > 0 {
			return "a user namespace that is joined may deny setgroups"
		}
	case plan.Unshare, plan.Fork:
		return namespaceHint(op, e)
	case plan.Chdir, plan.Mkdir:
		if e == unix.ELOOP {
			return "it leads through /proc to somewhere outside (CVE-2024-21626), or in circles"
		}
	}
	return ""
}

func namespaceHint(op plan.Op, e syscall.Errno) string {
	var wanted plan.Namespace
	switch o := op.(type) {
	case plan.Unshare:
		wanted = o.New
	case plan.Fork:
		wanted = o.New
	}
	return missingNamespaces(wanted, e, kernel.HasNamespace)
}

// missingNamespaces says which of the wanted namespaces this kernel does not have, if that is the reason.
func missingNamespaces(wanted plan.Namespace, e syscall.Errno, has func(string) bool) string {
	switch e {
	case unix.EINVAL:
		var missing plan.Namespace
		for f := plan.Namespace(1); f != 0; f <<= 1 {
			if name := f.File(); wanted&f != 0 && name != "" && !has(name) {
				missing |= f
			}
		}
		if missing != 0 {
			return "this kernel does not have: " + missing.String()
		}
	case unix.ENOMEM:
		return "if a pid namespace is joined: its first process has ended, so nothing can be started there any more"
	case unix.ENOSPC, unix.EUSERS:
		return "a limit in /proc/sys/user is reached"
	case unix.EPERM:
		return "is this root, with all capabilities?"
	}
	return ""
}

func (s *start) cloneError(e syscall.Errno) error {
	hint := missingNamespaces(s.plan.Clone, e, kernel.HasNamespace)
	if e == unix.EAGAIN && s.group != nil {
		hint = "linux.resources.pids.limit, or a limit on processes of this user or machine, has no room for it"
	}
	return &Error{Op: "make the container's process with new namespaces: " + s.plan.Clone.String(), Err: e, Hint: hint}
}

// hint says where the configuration asked for what the supervisor could not do for the child, unless the child is no more.
func (s *start) hint(err error, where, why string) error {
	if s.still() != nil {
		return ErrCancelled
	}
	return &plan.Error{Where: where, Reason: err.Error() + " (" + why + ")"}
}

// ExitStatus is the exit status of a start that failed: as the shell's where the payload could not be executed.
func ExitStatus(err error) int {
	var e *Error
	var p *plan.Error
	switch {
	case errors.As(err, &e) && e.Exec && notFound(e.Err):
		return 127
	case errors.As(err, &e) && e.Exec:
		return 126
	case errors.As(err, &p) && p.Exit != 0:
		return p.Exit
	}
	return 1
}

// notFound tells what a shell calls not found, as opposed to not executable.
func notFound(e syscall.Errno) bool {
	return e == syscall.ENOENT || e == syscall.ENOTDIR || e == syscall.ELOOP || e == syscall.ENAMETOOLONG
}
