// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// What the specification has no member for and OpenWrt's annotations ask for.
type (
	// MDWE is prctl(PR_SET_MDWE): memory that was written is never executed.
	MDWE struct{ Flags uint32 }
	// Landlock takes those of the Handled rights away that no rule gives back for a directory and all below it, or for a file
	// (landlock(7)).
	Landlock struct {
		Handled uint64
		Rules   []LandlockRule
	}
	// LandlockRule gives rights to a container path, which has to exist.
	LandlockRule struct {
		Path   string
		Access uint64
	}
)

// Flags of PR_SET_MDWE.
const (
	mdweRefuseExecGain = 1
	mdweNoInherit      = 2
)

// Rights of Landlock (linux/landlock.h, LANDLOCK_ACCESS_FS_*).
const (
	landlockExecute = 1 << iota
	landlockWriteFile
	landlockReadFile
	landlockReadDir
	landlockRemoveDir
	landlockRemoveFile
	_ // character devices
	landlockMakeDir
	landlockMakeReg
	landlockTruncate = 1 << 14 // since the third version
)

// LandlockFile are the rights that a rule for a file may give.
const LandlockFile = landlockExecute | landlockWriteFile | landlockReadFile | landlockTruncate

// LandlockRights are those that a version of Landlock knows, of those that are used here.
func LandlockRights(version int) uint64 {
	if version < 3 {
		return landlockTruncate - 1
	}
	return landlockTruncate<<1 - 1
}

const (
	annotationMDWE     = "org.openwrt.ujail.mdwe"
	annotationLandlock = "org.openwrt.ujail.landlock."
)

// landlockLists have the rights that procd's ujail gives. A right that no list names is nowhere taken away.
var landlockLists = [...]struct {
	name   string
	rights uint64
}{
	{"ro", landlockReadFile | landlockReadDir},
	{"rx", landlockReadFile | landlockReadDir | landlockExecute},
	{"rw", landlockReadFile | landlockReadDir | landlockWriteFile | landlockTruncate | landlockMakeReg | landlockMakeDir |
		landlockRemoveFile | landlockRemoveDir},
}

// harden plans OpenWrt's annotations. Landlock needs no_new_privs, which it brings along as procd's does.
func (b *builder) harden(s *specs.Spec) error {
	flags, err := mdweFlags(s.Annotations[annotationMDWE])
	if err != nil {
		return err
	}
	if flags != 0 {
		b.add(MDWE{flags})
	}
	var l Landlock
	for _, list := range landlockLists {
		key := annotationLandlock + list.name
		for path := range strings.SplitSeq(s.Annotations[key], ":") {
			switch {
			case path == "":
				continue
			case path[0] != '/' || len(path) > 4095:
				return refuse("annotations."+key, "must be absolute paths with colons between them")
			}
			l.Handled |= list.rights
			l.Rules = append(l.Rules, LandlockRule{cleanPath(path), list.rights})
		}
	}
	if len(l.Rules) == 0 {
		return nil
	}
	if !s.Process.NoNewPrivileges {
		b.note("process.noNewPrivileges is set, as Landlock needs it")
		b.add(NoNewPrivs{})
	}
	b.add(l)
	return nil
}

func mdweFlags(words string) (flags uint32, err error) {
	const where = "annotations." + annotationMDWE
	for word := range strings.SplitSeq(words, ",") {
		switch word {
		case "":
		case "refuse_exec_gain":
			flags |= mdweRefuseExecGain
		case "no_inherit":
			flags |= mdweNoInherit
		default:
			return 0, refuse(where, "must be refuse_exec_gain, or refuse_exec_gain,no_inherit")
		}
	}
	if flags == mdweNoInherit {
		return 0, refuse(where, "no_inherit needs refuse_exec_gain before it")
	}
	return flags, nil
}

// Words of the ops.
func (MDWE) Words() string     { return "refuse to execute memory that was written" }
func (Landlock) Words() string { return "restrict files with Landlock" }

func (o MDWE) detail() string {
	if o.Flags&mdweNoInherit != 0 {
		return " (children may)"
	}
	return ""
}

func (o Landlock) detail() string {
	var n notes
	for _, list := range landlockLists {
		s := list.name
		for _, r := range o.Rules {
			if r.Access == list.rights {
				s += " " + r.Path
			}
		}
		n.add(s != list.name, s)
	}
	return n.detail()
}
