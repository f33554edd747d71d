// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A Rule says of devices whether they may be used. Later rules override earlier ones.
type Rule struct {
	Allow        bool
	Type         byte  // b, c, or a for both
	Major, Minor int64 // -1: all
	Access       Access
}

// Access is what is done to a device, in the kernel's bits (linux/bpf.h, BPF_DEVCG_ACC_*).
type Access uint8

// The kinds of access.
const (
	Mknod Access = 1 << iota
	Read
	Write
	All = Mknod | Read | Write
)

// always are the devices that every container has (config-linux.md, "Default Devices"): those nodes, the terminals of its own
// devpts, and the making of nodes, which opens nothing.
var always = [...]Rule{
	{true, 'c', -1, -1, Mknod}, {true, 'b', -1, -1, Mknod},
	{true, 'c', 1, 3, All}, {true, 'c', 1, 5, All}, {true, 'c', 1, 7, All}, {true, 'c', 1, 8, All}, {true, 'c', 1, 9, All},
	{true, 'c', 5, 0, All}, {true, 'c', 5, 2, All}, {true, 'c', 136, -1, All},
}

// Rules are those of linux.resources.devices, then linux.devices, which would be there in vain otherwise, and then the default
// devices. There are none if the configuration has none: everything is allowed. The error is an *Error.
func Rules(list []specs.LinuxDeviceCgroup, nodes []specs.LinuxDevice) ([]Rule, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if len(list) > maxRules {
		return nil, &Error{"devices", "has more rules than this runtime takes (1000)"}
	}
	rules := make([]Rule, 0, len(list)+len(nodes)+len(always))
	for i := range list {
		r, err := ruleOf(&list[i], item("devices", i))
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	for _, n := range nodes {
		switch n.Type {
		case "c", "u":
			rules = append(rules, Rule{true, 'c', n.Major, n.Minor, All})
		case "b":
			rules = append(rules, Rule{true, 'b', n.Major, n.Minor, All})
		}
	}
	return append(rules, always[:]...), nil
}

// Own are the rules without the default devices, which Rules puts at the end.
func Own(rules []Rule) []Rule { return rules[:max(0, len(rules)-len(always))] }

// maxRules keeps the program below what every kernel takes.
const maxRules = 1000

// DenyAll tells whether the rules only forbid everything but the default devices, as every generated config.json has it.
func DenyAll(list []specs.LinuxDeviceCgroup) bool {
	for i := range list {
		r, err := ruleOf(&list[i], "")
		if err != nil || r != (Rule{false, 'a', -1, -1, All}) {
			return false
		}
	}
	return len(list) > 0
}

func ruleOf(d *specs.LinuxDeviceCgroup, where string) (Rule, error) {
	r := Rule{Allow: d.Allow, Major: -1, Minor: -1, Access: All}
	switch d.Type {
	case "", "a":
		r.Type = 'a'
	case "b", "c":
		r.Type = d.Type[0]
	default:
		return r, &Error{where + ".type", "must be a, b or c, not \"" + d.Type + "\""}
	}
	for _, n := range [...]struct {
		name string
		from *int64
		to   *int64
		max  int64
	}{{"major", d.Major, &r.Major, 1<<12 - 1}, {"minor", d.Minor, &r.Minor, 1<<20 - 1}} {
		if n.from == nil {
			continue
		}
		if *n.from < -1 || *n.from > n.max {
			return r, &Error{where + "." + n.name, "is no number of a device"}
		}
		*n.to = *n.from
	}
	if d.Access != "" {
		r.Access = 0
	}
	for _, a := range d.Access {
		switch a {
		case 'r':
			r.Access |= Read
		case 'w':
			r.Access |= Write
		case 'm':
			r.Access |= Mknod
		default:
			return r, &Error{where + ".access", "must be of the letters r, w and m"}
		}
	}
	return r, nil
}

// String is the rule as cgroup v1 wrote it, with the word in front.
func (r Rule) String() string {
	var b strings.Builder
	if r.Allow {
		b.WriteString("allow ")
	} else {
		b.WriteString("deny ")
	}
	b.WriteByte(r.Type)
	b.WriteByte(' ')
	b.WriteString(strings.ReplaceAll(device(r.Major, r.Minor), "-1", "*"))
	b.WriteByte(' ')
	for _, a := range [...]struct {
		bit  Access
		name byte
	}{{Read, 'r'}, {Write, 'w'}, {Mknod, 'm'}} {
		if r.Access&a.bit != 0 {
			b.WriteByte(a.name)
		}
	}
	return b.String()
}
