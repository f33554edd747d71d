// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import (
	"strconv"
	"strings"
)

// A node is a JSON value. An override keeps what it does not know, and the order of members, which types of their own would not.
type node struct {
	kind    byte   // '{', '[', or 0 for one without parts
	raw     string // of one without parts: its JSON
	members []member
	items   []*node
}

type member struct {
	key   string
	value *node
}

//go:noinline
func object() *node { return &node{kind: '{'} }

//go:noinline
func array() *node { return &node{kind: '['} }

//go:noinline
func text(s string) *node { return &node{raw: string(quote(nil, s))} }

//go:noinline
func number(n int64) *node { return &node{raw: strconv.FormatInt(n, 10)} }

//go:noinline
func natural(n uint64) *node { return &node{raw: strconv.FormatUint(n, 10)} }

//go:noinline
func boolean(b bool) *node { return &node{raw: strconv.FormatBool(b)} }

//go:noinline
func texts(list ...string) *node {
	n := array()
	for _, s := range list {
		n.items = append(n.items, text(s))
	}
	return n
}

// at is the member, made as an object if it is missing.
//
//go:noinline
func (n *node) at(key string) *node { return n.want(key, '{') }

// list is the member, made as an array if it is missing.
//
//go:noinline
func (n *node) list(key string) *node { return n.want(key, '[') }

//go:noinline
func (n *node) want(key string, kind byte) *node {
	if m := n.get(key); m != nil && m.kind == kind {
		return m
	}
	return n.set(key, &node{kind: kind})
}

//go:noinline
func (n *node) get(key string) *node {
	for i := range n.members {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// set replaces the member, or adds it at the end.
//
//go:noinline
func (n *node) set(key string, v *node) *node {
	for i := range n.members {
		if n.members[i].key == key {
			n.members[i].value = v
			return v
		}
	}
	n.members = append(n.members, member{key, v})
	return v
}

func (n *node) drop(key string) {
	for i := range n.members {
		if n.members[i].key == key {
			n.members = append(n.members[:i:i], n.members[i+1:]...)
			return
		}
	}
}

//go:noinline
func (n *node) add(items ...*node) { n.items = append(n.items, items...) }

// str is the text of a string, "" of anything else.
//
//go:noinline
func (n *node) str() string {
	if n == nil || n.kind != 0 || n.raw == "" || n.raw[0] != '"' {
		return ""
	}
	return unquote(n.raw)
}

// strs are the texts of an array.
func (n *node) strs() (list []string) {
	if n != nil {
		for _, v := range n.items {
			list = append(list, v.str())
		}
	}
	return list
}

func (n *node) empty() bool { return n.kind != 0 && len(n.members)+len(n.items) == 0 }

// encode is the value as JSON, indented with tabs, without members that are empty objects or arrays; lists of one line stay one.
func (n *node) encode() []byte { return append(n.append(nil, 0), '\n') }

func (n *node) append(b []byte, depth int) []byte {
	if n.kind == 0 {
		return append(b, n.raw...)
	}
	line := func(depth int) {
		b = append(b, '\n')
		for range depth {
			b = append(b, '\t')
		}
	}
	b = append(b, n.kind)
	count, wide := 0, n.kind == '{' || n.wide()
	next := func() {
		if count > 0 {
			b = append(b, ',')
		}
		if wide {
			line(depth + 1)
		} else if count > 0 {
			b = append(b, ' ')
		}
		count++
	}
	for _, m := range n.members {
		if !m.value.empty() {
			next()
			b = m.value.append(append(quote(b, m.key), ": "...), depth+1)
		}
	}
	for _, v := range n.items {
		next()
		b = v.append(b, depth+1)
	}
	if wide && count > 0 {
		line(depth)
	}
	return append(b, n.kind+2) // ] and } are two after [ and {
}

// wide arrays are those that do not fit a line.
func (n *node) wide() bool {
	width := 0
	for _, v := range n.items {
		if v.kind != 0 {
			return true
		}
		width += len(v.raw) + 2
	}
	return width > 100
}

// quote is s as a JSON string. It is UTF-8.
func quote(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func unquote(raw string) string {
	raw = raw[1 : len(raw)-1]
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			b.WriteByte(raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			v, _ := strconv.ParseUint(raw[i+1:i+5], 16, 16)
			i += 4
			r := rune(v)
			if 0xd800 <= r && r < 0xdc00 && strings.HasPrefix(raw[i+1:], `\u`) {
				low, _ := strconv.ParseUint(raw[i+3:i+7], 16, 16)
				r = (r-0xd800)<<10 + (rune(low) - 0xdc00) + 0x10000
				i += 6
			}
			b.WriteRune(r)
		default:
			b.WriteByte(raw[i])
		}
	}
	return b.String()
}

// parse reads a JSON text that package spec has accepted: it is not checked again.
func parse(s string) *node {
	p := &reader{s: s}
	return p.value()
}

type reader struct {
	s string
	i int
}

func (p *reader) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t' || p.s[p.i] == '\n' || p.s[p.i] == '\r') {
		p.i++
	}
}

func (p *reader) value() *node {
	p.space()
	n := &node{kind: p.s[p.i]}
	switch n.kind {
	case '{', '[':
	case '"':
		n.kind, n.raw = 0, p.quoted()
		return n
	default:
		from := p.i
		for p.i < len(p.s) && !strings.ContainsRune(",]} \t\n\r", rune(p.s[p.i])) {
			p.i++
		}
		n.kind, n.raw = 0, p.s[from:p.i]
		return n
	}
	p.i++
	for p.space(); p.s[p.i] != n.kind+2; p.space() {
		switch {
		case p.s[p.i] == ',':
			p.i++
		case n.kind == '[':
			n.items = append(n.items, p.value())
		default:
			key := unquote(p.quoted())
			p.space()
			p.i++ // the colon
			n.set(key, p.value())
		}
	}
	p.i++
	return n
}

func (p *reader) quoted() string {
	from := p.i
	for p.i++; p.s[p.i] != '"'; p.i++ {
		if p.s[p.i] == '\\' {
			p.i++
		}
	}
	p.i++
	return p.s[from:p.i]
}
