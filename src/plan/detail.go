// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strconv"
	"strings"

	"gojail/src/spec"
)

// The details of the printed plan: what Words leaves out, in parentheses.

// notes collects the parts of a detail.
type notes string

func (n *notes) add(when bool, s string) {
	if when {
		if *n != "" {
			*n += ", "
		}
		*n += notes(s)
	}
}

func (n notes) detail() string {
	if n == "" {
		return ""
	}
	return " (" + string(n) + ")"
}

func (Join) detail() string      { return "" }
func (Enter) detail() string     { return "" }
func (Unshare) detail() string   { return "" }
func (Sync) detail() string      { return "" }
func (Become) detail() string    { return " (if mapped)" }
func (Propagate) detail() string { return "" }
func (o Fork) detail() string {
	if o.New == 0 {
		return ""
	}
	return " (new " + o.New.String() + ")"
}

func (o Root) detail() string {
	var n notes
	n.add(o.Recursive, "with submounts")
	n.add(o.NoDev, "nodev")
	if o.Overlay != nil {
		n.add(o.Overlay.Dir != "", "written to "+o.Overlay.Dir+"/upper")
		n.add(o.Overlay.Dir == "", "written to a tmpfs of size "+o.Overlay.TmpfsSize)
		n.add(o.Overlay.InUser, "userxattr")
	}
	n.add(o.FromHost, "opened by the supervisor")
	n.add(o.Mapped != nil, "its owners mapped as the container's")
	s := "attached to"
	for _, a := range o.Attach {
		s += " " + a
	}
	n.add(true, s)
	n.add(o.Hidden, "in an unbindable mount")
	return n.detail()
}

func (o Mount) detail() string {
	var n notes
	n.add(o.Source != o.Type && o.Source != "", "source "+o.Source)
	rest := o.Flags
	for i := range mountOptions {
		f := &mountOptions[i]
		n.add(f.kind == optFlag && rest&f.set != 0, f.name)
		rest &^= f.set
	}
	n.add(o.Data != "", "data "+o.Data)
	n.add(o.Propagation.Type != 0, o.Propagation.String())
	n.add(o.CopyUp, "filled with what was there")
	n.add(o.Ordinary, "no links followed")
	n.add(o.OrBind != "", "else bind "+o.OrBind)
	n.add(o.MayFail, "may fail")
	return n.detail()
}

func (o Bind) detail() string {
	var n notes
	n.add(o.Recursive, "with submounts")
	n.attrs(o.Attr, "")
	n.attrs(o.RecAttr, "r")
	n.add(o.Propagation.Type != 0, o.Propagation.String())
	if o.Mapped != nil {
		s := "idmap"
		if o.Mapped.Recursive {
			s = "ridmap"
		}
		for _, m := range o.Mapped.UID {
			s += " u" + m.text()
		}
		for _, m := range o.Mapped.GID {
			s += " g" + m.text()
		}
		n.add(true, s)
	}
	n.add(o.SkipMissing, "if the source exists")
	n.add(o.NoCreate, "if the target exists")
	n.add(o.MayFail, "may fail")
	n.add(o.OnProc, "in /proc")
	n.add(o.NotDir, "no directory")
	n.add(o.FromHost, "opened by the supervisor")
	return n.detail()
}

// attrs names what an Attr sets and clears; r is before each name where it acts on submounts too.
func (n *notes) attrs(a Attr, r string) {
	rest := a.Set
	for i := range mountOptions {
		f := &mountOptions[i]
		n.add(f.kind == optFlag && rest&f.attr.Set != 0, r+f.name)
		rest &^= f.attr.Set
	}
	gone := a.Clear &^ a.Set &^ attrAtime
	n.add(gone&attrRdonly != 0, r+"rw")
	n.add(gone&attrNosuid != 0, r+"suid")
	n.add(gone&attrNodev != 0, r+"dev")
	n.add(gone&attrNoexec != 0, r+"exec")
	n.add(gone&attrNodiratime != 0, r+"diratime")
	n.add(gone&attrNosymfollow != 0, r+"symfollow")
	n.add(a.Clear&attrAtime != 0 && a.Set&attrAtime == 0, r+"relatime")
}

func (o Remount) detail() string {
	var n notes
	n.attrs(o.Attr, "")
	n.attrs(o.RecAttr, "r")
	n.add(o.Propagation.Type != 0, o.Propagation.String())
	n.add(o.MayFail, "may fail")
	return n.detail()
}

func (m IDMap) text() string { return utoa(m.Container) + ":" + utoa(m.Host) + ":" + utoa(m.Size) }

func (Mask) detail() string { return " (if it exists)" }
func (o ReadOnly) detail() string {
	if o.Except != "" {
		return " (if it exists; but not " + o.Except + ")"
	}
	return " (if it exists)"
}
func (Mkdir) detail() string { return " (if missing)" }

func (o Device) detail() string {
	var n notes
	s := string(o.Type)
	if o.Type != 'p' {
		s += " " + utoa(o.Major) + ":" + utoa(o.Minor)
	}
	n.add(true, s)
	n.add(true, "mode "+octal(o.Mode))
	n.add(o.UID != 0 || o.GID != 0, "owner "+utoa(o.UID)+":"+utoa(o.GID))
	n.add(o.Default, "if missing")
	n.add(o.Bind, "the host's node, bound")
	return n.detail()
}

func (o Symlink) detail() string {
	if o.Replace {
		return " (to " + o.To + ", in place of what is there)"
	}
	return " (to " + o.To + ", if missing)"
}
func (RootReadOnly) detail() string { return "" }
func (o Pivot) detail() string {
	var n notes
	n.add(o.Then.Type != 0, "then "+o.Then.String())
	return n.detail()
}
func (Sysctl) detail() string      { return "" }
func (Hostname) detail() string    { return "" }
func (Domainname) detail() string  { return "" }
func (LoopbackUp) detail() string  { return "" }
func (Rlimits) detail() string     { return " (others as the supervisor got them)" }
func (Personality) detail() string { return "" }
func (o Scheduler) detail() string {
	var n notes
	n.add(o.Flags != 0, "flags "+strconv.FormatUint(o.Flags, 16))
	n.add(o.Nice != 0, "nice "+strconv.Itoa(int(o.Nice)))
	n.add(o.Priority != 0, "priority "+utoa(o.Priority))
	ns := func(v uint64) string { return strconv.FormatUint(v, 10) + " ns" }
	n.add(o.Period != 0, "runtime "+ns(o.Runtime)+", deadline "+ns(o.Deadline)+", period "+ns(o.Period))
	return n.detail()
}
func (IOPriority) detail() string { return "" }
func (o MemoryPolicy) detail() string {
	if len(o.Nodes) == 0 {
		return ""
	}
	s := " (nodes"
	for i := len(o.Nodes) - 1; i >= 0; i-- {
		s += " " + strconv.FormatUint(o.Nodes[i], 16)
	}
	return s + ")"
}
func (Affinity) detail() string       { return "" }
func (Stdio) detail() string          { return " (to what was passed, else /dev/null)" }
func (Chdir) detail() string          { return "" }
func (o DropBounding) detail() string { return " (keep " + o.Keep.String() + ")" }
func (o User) detail() string {
	var n notes
	n.add(o.KeepCaps, "keeping capabilities")
	if o.SetGroups && len(o.Groups) > maxGroups {
		n.add(true, "groups"+uints(o.Groups))
	}
	return n.detail()
}
func (o Capabilities) detail() string {
	return " (effective " + o.Sets.Effective.String() + "; permitted " + o.Sets.Permitted.String() + "; inheritable " +
		o.Sets.Inheritable.String() + "; ambient " + o.Sets.Ambient.String() + ")"
}
func (Log) detail() string { return "" }
func (o Wait) detail() string {
	if o.Detached {
		return " (on a socket of its own: the supervisor may end)"
	}
	return ""
}
func (o Find) detail() string     { return " (look only)" }
func (NoNewPrivs) detail() string { return "" }
func (Exec) detail() string       { return "" }

// text is all that there is to say of an Exec, in several lines, with every word quoted that needs it.
func (o Exec) text(secrets map[string]string) string {
	var b strings.Builder
	words := func(before string, list []string) {
		for _, w := range list {
			b.WriteString(before)
			b.WriteString(quoted(w))
		}
	}
	b.WriteString("exec " + quoted(o.Args[0]) + ":")
	words(" ", o.Args)
	if o.Joined {
		b.WriteString("\n  in a second process, which is a member of the pid namespace")
	}
	b.WriteString("\n  umask " + octal(o.Umask))
	if len(o.Path) > 0 {
		b.WriteString("\n  looked up in")
		words(" ", o.Path)
	}
	for _, v := range o.Env {
		words("\n  env ", []string{spec.Hidden(secrets, v)})
	}
	return b.String()
}
