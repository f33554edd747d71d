// SPDX-License-Identifier: LGPL-2.1-only

package slim

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/opencontainers/runtime-spec/specs-go"
)

const (
	maxName     = 63
	maxHostname = 64 // __NEW_UTS_LEN of the kernel
	maxSize     = 8  // the C program's limit for -T
)

// letters is a set of option letters.
type letters uint64

func (l *letters) add(c byte)     { *l |= 1 << (c - 'A') }
func (l letters) has(c byte) bool { return l>>(c-'A')&1 != 0 }

// CheckName tells why name cannot be a jail's or a container's: it is 1 to 63
// bytes, neither "." nor "..", without "/" and what cannot be printed, because
// it becomes part of paths, messages, the cgroup's and the ubus object's name.
func CheckName(name string) error {
	if why := badName(name); why != "" {
		return &UsageError{Option: "-n", Value: name, Why: why}
	}
	return nil
}

func badName(name string) string {
	switch {
	case name == "":
		return "the name is empty"
	case name == "." || name == "..":
		return "not usable as a name"
	case len(name) > maxName:
		return "the name is longer than " + strconv.Itoa(maxName) + " bytes"
	}
	for _, c := range name {
		if c == '/' || c == utf8.RuneError || c != ' ' && !strconv.IsPrint(c) {
			return "a name cannot hold " + strconv.QuoteRune(c)
		}
	}
	return ""
}

// badSize tells why tmpfs would not take size as this program means it, or "".
// Zero is refused: for tmpfs it means no limit.
func badSize(size string) string {
	if len(size) > maxSize {
		return "longer than " + strconv.Itoa(maxSize) + " characters"
	}
	digits := size
	var unit byte
	if n := len(size); n > 0 && (size[n-1] < '0' || size[n-1] > '9') {
		digits, unit = size[:n-1], size[n-1]
	}
	n, e := number(digits, 1, 99999999)
	switch {
	case e != nil || unit != 0 && strings.IndexByte("kmgKMG%", unit) < 0:
		return "not a size above 0 such as 512k, 16M or 25%"
	case unit == '%' && n > 100:
		return "more than all of the memory"
	}
	return ""
}

// number reads a decimal number from least to most, digits only.
func number(s string, least, most int) (int, *UsageError) {
	n := 0
	ok := s != ""
	for i := 0; ok && i < len(s); i++ {
		d := int(s[i]) - '0'
		// most is at most 1<<30: what passes here fits 32 bits.
		ok = d >= 0 && d <= 9 && d <= most && n <= (most-d)/10
		n = n*10 + d
	}
	if !ok || n < least {
		return 0, &UsageError{Why: "not a number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)}
	}
	return n, nil
}

// tidy drops trailing and doubled slashes and "." parts of an absolute path.
// ".." stays, for what it means depends on symlinks.
func tidy(path string) string {
	clean := true
	for part := range strings.SplitSeq(path[1:], "/") {
		if part == "" || part == "." {
			clean = false
			break
		}
	}
	if clean {
		return path
	}
	b := make([]byte, 0, len(path))
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			b = append(b, '/')
			b = append(b, part...)
		}
	}
	if len(b) == 0 {
		return "/"
	}
	return string(b)
}

// check judges what no single option can say.
func (o *Options) check(seen letters) *UsageError {
	if o.Bundle != "" {
		return o.checkBundle(seen)
	}
	if len(o.Args) == 0 {
		return &UsageError{Why: "no command to run", Hint: "ujail [options] -- command [arguments], or -n name -J bundle"}
	}
	if o.Args[0] == "" {
		return &UsageError{Why: "the command is empty"}
	}
	if o.NetNS && o.Name == "" {
		return &UsageError{Option: "-N", Why: "a jail with its own network needs a name", Hint: "add -n name"}
	}
	// What each new namespace is asked for with; pid and ipc come on their own
	// and give way to joined ones.
	for _, n := range [...]struct {
		t      specs.LinuxNamespaceType
		wanted bool
		letter byte
	}{
		{specs.UserNamespace, o.UserNS, 'f'},
		{specs.MountNamespace, o.MountNS(), o.mountReason()},
		{specs.NetworkNamespace, o.NetNS, 'N'},
		{specs.UTSNamespace, o.UTSNS, 'h'},
		{specs.CgroupNamespace, o.CgroupNS, 'F'},
	} {
		if !n.wanted {
			continue
		}
		if pid, joined := o.JoinOf(n.t); joined {
			return &UsageError{Option: "-j", Value: strconv.Itoa(pid) + ":" + string(n.t),
				Why: option(n.letter) + " makes a " + string(n.t) + " namespace of the jail's own", Hint: "one of the two"}
		}
	}
	if !o.NoNewPrivs && o.Seccomp == "" && o.Capabilities == "" && o.User == "" && o.Group == "" &&
		len(o.Join) == 0 && len(o.NewNamespaces()) == 0 {
		return &UsageError{Why: "nothing to do: these options would not restrict the command", Hint: "see ujail --help"}
	}
	return nil
}

// checkBundle refuses what a bundle says itself. The C program failed on most
// of these once the bundle had the namespace too, and used the others in part.
func (o *Options) checkBundle(seen letters) *UsageError {
	if o.Name == "" {
		return &UsageError{Option: "-J", Value: o.Bundle, Why: "a container needs a name", Hint: "add -n name"}
	}
	for _, r := range [...]struct {
		letter byte
		field  string
	}{
		{'e', "process.env"},
		{'U', "process.user"},
		{'G', "process.user"},
		{'C', "process.capabilities"},
		{'S', "linux.seccomp"},
		{'h', "hostname"},
		{'N', "linux.namespaces"},
		{'f', "linux.namespaces and uidMappings"},
		{'F', "linux.namespaces"},
		{'j', "linux.namespaces[].path"},
		{'r', "mounts"},
		{'w', "mounts"},
		{'u', "mounts"},
		{'D', "mounts"},
		{'l', "mounts"},
		{'p', "mounts"},
		{'s', "mounts"},
		{'o', "root.readonly"},
		{'R', "root.path"},
	} {
		if seen.has(r.letter) {
			return &UsageError{Option: option(r.letter), Why: "not possible with -J", Hint: "set " + r.field + " in the bundle's config.json"}
		}
	}
	if len(o.Args) > 0 {
		return &UsageError{Why: "a command (" + word(o.Args[0]) + ") beside -J", Hint: "set process.args in the bundle's config.json"}
	}
	return nil
}
