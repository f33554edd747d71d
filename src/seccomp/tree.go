// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

// builder puts a filter together.
type builder struct {
	assembler
	fallback uint32
	arch     *arch     // whose calls are being put
	known    []knownAt // leaves with rules that it has already
}

type knownAt struct {
	leaf
	at target
}

// A span is a range of system call numbers that are treated alike. It ends where the next one starts.
type span struct {
	start uint32
	leaf
}

// filter puts the whole program. The first section is the machine's own; it is looked for first.
func (b *builder) filter(sections []section) {
	next := verdict(killProcess)
	for i := len(sections) - 1; i >= 0; i-- {
		s := &sections[i]
		var spans []span
		switch {
		case s.base == x32Bit: // has amd64's token, and comes with it
			continue
		case s.token == x8664 && sections[len(sections)-1].base == x32Bit:
			spans = b.spans(s, &sections[len(sections)-1])
		case s.token == x8664:
			// -1 is no x32 call: a tracer may have put it there to have the call passed over.
			spans = append(b.spans(s), span{x32Bit, leaf{action: killProcess}}, span{^uint32(0), leaf{action: b.fallback}})
		default:
			spans = b.spans(s)
		}
		b.arch, b.known = s.arch, b.known[:0]
		root := b.tree(spans)
		if len(spans) > 1 {
			root = b.load(offNumber)
		}
		next = b.branch(opEqual, s.token, root, next)
	}
	b.load(offArch)
}

// spans covers all numbers; those of the sections ascend.
func (b *builder) spans(sections ...*section) []span {
	n := 1
	for _, s := range sections {
		n += 2 * len(s.calls)
	}
	rest := leaf{action: b.fallback}
	list := append(make([]span, 0, n+2), span{0, rest})
	add := func(start uint32, l leaf) {
		if last := &list[len(list)-1]; last.start == start {
			last.leaf = l
		} else {
			list = append(list, span{start, l})
		}
	}
	for _, s := range sections {
		for _, c := range s.calls {
			add(c.number, c.leaf)
			add(c.number+1, rest)
		}
	}
	merged := list[:1]
	for _, s := range list[1:] {
		if !s.same(&merged[len(merged)-1].leaf) {
			merged = append(merged, s)
		}
	}
	return merged
}

// tree finds the span of the number that has been loaded.
func (b *builder) tree(spans []span) target {
	if len(spans) == 1 {
		return b.leaf(&spans[0].leaf)
	}
	middle := len(spans) / 2
	right := b.tree(spans[middle:])
	left := b.tree(spans[:middle])
	return b.branch(opAtLeast, spans[middle].start, right, left)
}

// leaf puts the rules of a span, or finds them where they are already.
func (b *builder) leaf(l *leaf) target {
	if len(l.rules) == 0 {
		return verdict(l.action)
	}
	for i := range b.known {
		if b.known[i].same(l) {
			return b.known[i].at
		}
	}
	f := l.fixed(b.arch)
	end := verdict(f.action)
	for i := len(f.rules) - 1; i >= 0; i-- {
		r := f.rules[i]
		at := verdict(r.action)
		if at == end {
			continue
		}
		for j := len(r.conditions) - 1; j >= 0; j-- {
			at = b.compare(&r.conditions[j], b.arch, at, end)
		}
		end = at
	}
	b.known = append(b.known, knownAt{*l, end})
	return end
}
