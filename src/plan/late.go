// SPDX-License-Identifier: LGPL-2.1-only

package plan

import "slices"

// readonlyLate leaves a tmpfs that is to be read-only writable until all that is to be made in it is there: the places of other
// mounts, devices, the working directory. A new file system would stay without them.
func (b *builder) readonlyLate() {
	p := b.plan
	for i := 0; i < len(p.Ops); i++ {
		m, ok := p.Ops[i].(Mount)
		if !ok || m.Type != "tmpfs" || m.Flags&msRdonly == 0 {
			continue
		}
		needed, end := false, i+1
		for ; end < len(p.Ops); end++ {
			path, covers := made(p.Ops[end])
			if covers && below(m.Target, path) {
				break
			}
			needed = needed || path != "" && below(path, m.Target)
		}
		if !needed {
			continue
		}
		m.Flags &^= msRdonly
		p.Ops[i] = m
		p.Ops = slices.Insert(p.Ops, end, Op(Remount{Target: m.Target, Attr: Attr{attrRdonly, 0}, MayFail: m.MayFail}))
		for k := range p.mounts {
			if p.mounts[k] >= end {
				p.mounts[k]++
			}
		}
	}
}

// made is the path that an op makes if it is missing, and whether the op covers what is there.
func made(op Op) (path string, covers bool) {
	switch o := op.(type) {
	case Mount:
		return o.Target, true
	case Bind:
		return o.Target, true
	case Device:
		return o.Path, false
	case Symlink:
		return o.Path, false
	case Mkdir:
		return cleanPath(o.Path), false
	}
	return "", false
}
