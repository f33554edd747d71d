// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import "slices"

// A section is the part of a filter for one architecture: the calls for which there are rules, in the order of their numbers.
type section struct {
	*arch
	calls []call
}

// A call is a system call of an architecture, by its number, and what happens to it.
type call struct {
	number uint32
	leaf
}

// A leaf is what happens to a system call: the action of the first rule that holds, else action. Rules have conditions.
type leaf struct {
	action uint32
	rules  []*rule
}

func (l *leaf) same(m *leaf) bool { return l.action == m.action && slices.Equal(l.rules, m.rules) }

// leafOf is what a list of rules comes to.
func leafOf(list []*rule, fallback uint32) leaf {
	for _, r := range list {
		if len(r.conditions) == 0 {
			return leaf{action: r.action}
		}
	}
	return leaf{fallback, list}
}

// section makes an architecture's part of the filter.
func (r *rules) section(a *arch) section {
	calls := make([]call, 0, count)
	for name, list := range r.calls {
		number, ok := a.number(name)
		if !ok {
			continue
		}
		for i := range gates {
			if r.gates[i] == name {
				list = append(slices.Clip(list), r.behind(&gates[i])...)
			}
		}
		if len(list) > 0 {
			calls = append(calls, call{number, leafOf(list, r.fallback)})
		}
	}
	slices.SortFunc(calls, func(x, y call) int { return int(int64(x.number) - int64(y.number)) })
	return section{a, calls}
}

// A gate is a system call that leads to others: its first argument, or some bits of it, says to which.
type gate struct {
	name string
	mask uint64
	to   []word
}

// The numbers are those of linux/net.h and linux/ipc.h. The upper half of ipc's first argument is a version.
var gates = [...]gate{
	{"socketcall", 0xffffffff, []word{
		{"socket", 1}, {"bind", 2}, {"connect", 3}, {"listen", 4}, {"accept", 5}, {"getsockname", 6}, {"getpeername", 7}, {"socketpair", 8},
		{"send", 9}, {"recv", 10}, {"sendto", 11}, {"recvfrom", 12}, {"shutdown", 13}, {"setsockopt", 14}, {"getsockopt", 15},
		{"sendmsg", 16}, {"recvmsg", 17}, {"accept4", 18}, {"recvmmsg", 19}, {"sendmmsg", 20},
	}},
	{"ipc", 0xffff, []word{
		{"semop", 1}, {"semget", 2}, {"semctl", 3}, {"semtimedop", 4}, {"msgsnd", 11}, {"msgrcv", 12}, {"msgget", 13}, {"msgctl", 14},
		{"shmat", 21}, {"shmdt", 22}, {"shmget", 23}, {"shmctl", 24},
	}},
}

// behind has rules for the gate where there are some for what it leads to. Conditions there are about arguments that cannot be seen:
// what they decide about has the strictest action that it may have.
func (r *rules) behind(g *gate) (list []*rule) {
	for _, to := range g.to {
		l := leafOf(r.calls[r.names.find(to.name)], r.fallback)
		action := l.action
		for _, one := range l.rules {
			action = stricter(action, one.action)
		}
		if action != r.fallback {
			list = append(list, &rule{action, []condition{{op: equal, mask: g.mask, value: uint64(to.value)}}})
		}
	}
	return list
}

// fixed returns the condition as the architecture can have it. One that always holds, or never, is decided.
func (c condition) fixed(m *arch) (f condition, decided, holds bool) {
	if m.narrow {
		// A value is one of 32 bits, or the sign-extended form of one. Others are above all arguments.
		signed := c.mask>>32 != 0 && c.value>>32 == c.mask>>32 && c.mask&c.value&(1<<31) != 0
		if c.value>>32 != 0 && !signed {
			return c, true, c.op&denied != 0
		}
		c.mask, c.value = uint64(uint32(c.mask)), uint64(uint32(c.value))
	}
	switch {
	case c.value&^c.mask != 0:
		return c, true, c.op&denied != 0
	case c.mask == 0:
		return c, true, c.op&denied == 0
	}
	return c, false, false
}

// fixed returns what remains of the leaf on an architecture.
func (l *leaf) fixed(m *arch) leaf {
	f := leaf{action: l.action, rules: make([]*rule, 0, len(l.rules))}
	for _, r := range l.rules {
		one := &rule{action: r.action, conditions: make([]condition, 0, len(r.conditions))}
		never := false
		for _, c := range r.conditions {
			c, decided, holds := c.fixed(m)
			if !decided {
				one.conditions = append(one.conditions, c)
			}
			never = never || decided && !holds
		}
		switch {
		case never:
		case len(one.conditions) == 0:
			f.action = r.action
			return f
		default:
			f.rules = append(f.rules, one)
		}
	}
	return f
}
