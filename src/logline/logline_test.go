// SPDX-License-Identifier: LGPL-2.1-only

package logline

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const head = "<30>" + "                " + "web[77]: "

// messages are the texts that come out of what was printed in these pieces, with what is left at the end.
func messages(t testing.TB, pieces ...[]byte) []string {
	t.Helper()
	var m Message
	m.Begin(Info, "web", 77)
	var list []string
	send := func() {
		b := m.Bytes()
		text, ok := strings.CutPrefix(string(b[:len(b)-1]), head)
		if !ok || b[len(b)-1] != 0 || len(b)-1 > Max {
			t.Fatalf("a message of %d bytes: %q", len(b)-1, b)
		}
		list = append(list, text)
		m.Reset()
	}
	for _, p := range pieces {
		for len(p) > 0 {
			n, complete := m.Take(p)
			if p = p[n:]; complete {
				send()
			} else if len(p) > 0 {
				t.Fatalf("%d bytes left over", len(p))
			}
			if n == 0 && m.Pending() {
				t.Fatal("no progress")
			}
		}
	}
	if m.Pending() {
		send()
	}
	return list
}

func TestTake(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"one\ntwo\n", []string{"one", "two"}},
		{"one\n\ntwo", []string{"one", "", "two"}},
		{"dos\r\nlone\rreturn\r\r\nend\r", []string{"dos", `lone\x0dreturn\x0d`, "end"}},
		{"tab\tbell\a nul\x00 esc\x1b[31m del\x7f\n", []string{"tab\tbell\\x07 nul\\x00 esc\\x1b[31m del\\x7f"}},
		{"käse €𝄞 \u0085\u009b31m\u00a0\n", []string{"käse €𝄞 \\xc2\\x85\\xc2\\x9b31m\u00a0"}},
		{"\x80\x9b\xff\xfe\xc2\n\x9b\n", []string{"\x80\x9b\xff\xfe\xc2", "\x9b"}},
		{"\xc2\r\x9b\n", []string{"\xc2\\x0d\x9b"}},
		{"<0>forged\n<0>Aug  2 03:04:05 other[1]: forged\n", []string{"<0>forged", "<0>Aug  2 03:04:05 other[1]: forged"}},
		{`a \x1b of its own` + "\n", []string{`a \x1b of its own`}},
	} {
		if got := messages(t, []byte(c.in)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
		var bytewise [][]byte
		for i := range len(c.in) {
			bytewise = append(bytewise, []byte(c.in[i:i+1]))
		}
		if got := messages(t, bytewise...); !slices.Equal(got, c.want) {
			t.Errorf("%q byte by byte: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestLongLines(t *testing.T) {
	const most = Max - len(head)
	for _, c := range []struct {
		name, unit string
		count      int
	}{
		{"text", "x", 5000}, {"one too many", "x", most + 1}, {"three bytes", "€", 2000}, {"four bytes", "𝄞", 2000}, {"escaped", "\x1b", 1000},
		{"escaped pairs", "\u0085", 1000}, {"garbage", "\xbf", 3000}, {"returns", "\ra", 1000},
	} {
		in := strings.Repeat(c.unit, c.count)
		got := messages(t, []byte(in+"\n"+in+"\n"))
		if want := reference(in) + reference(in); strings.Join(got, "") != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
		for _, m := range got {
			if utf8.ValidString(in) && !utf8.ValidString(m) {
				t.Errorf("%s: a character is divided: %q", c.name, m)
			}
			if m == "" {
				t.Errorf("%s: an empty message", c.name)
			}
		}
	}
	// one that just fits is one message, and the next line is its own
	for n := most - 9; n <= most; n++ {
		line := strings.Repeat("x", n)
		want := []string{line, "y"}
		if n > most-8 {
			want = nil
		}
		got := messages(t, []byte(line+"\ny\n"))
		if want != nil && !slices.Equal(got, want) || got[len(got)-1] != "y" || strings.Join(got[:len(got)-1], "") != line {
			t.Errorf("%d bytes: %d messages", n, len(got))
		}
	}
}

// reference is what is to be seen of a line.
func reference(line string) string {
	line = strings.TrimSuffix(line, "\r")
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == 0xc2 && i+1 < len(line) && line[i+1]&0xe0 == 0x80:
			fmt.Fprintf(&b, `\x%02x\x%02x`, c, line[i+1])
			i++
		case c < ' ' && c != '\t' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func FuzzTake(f *testing.F) {
	f.Add([]byte("a\r\nb\x00\n"), uint16(3))
	f.Add(bytes.Repeat([]byte("\u009b\r€"), 500), uint16(700))
	f.Add(bytes.Repeat([]byte{0xc2}, 2000), uint16(1))
	f.Fuzz(func(t *testing.T, in []byte, at uint16) {
		if len(in) > 1<<16 {
			return
		}
		cut := min(int(at), len(in))
		var want strings.Builder
		for _, line := range strings.Split(string(in), "\n") {
			want.WriteString(reference(line))
		}
		got := messages(t, in[:cut], in[cut:])
		if text := strings.Join(got, ""); text != want.String() {
			t.Errorf("%q, want %q", text, want.String())
		}
		for _, m := range got {
			if strings.ContainsFunc(m, func(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 }) {
				t.Errorf("control characters in %q", m)
			}
		}
		if n := bytes.Count(in, []byte{'\n'}); len(got) < n {
			t.Errorf("%d messages of %d lines", len(got), n)
		}
	})
}

func TestHead(t *testing.T) {
	var m Message
	if m.Begun() {
		t.Error("begun before Begin")
	}
	m.Begin(Error, strings.Repeat("n", 63), 4194304)
	m.Stamp(1754103845)
	m.Take([]byte("x"))
	want := "<27>Aug  2 03:04:05 " + strings.Repeat("n", 63) + "[4194304]: x\x00"
	if got := string(m.Bytes()); got != want || !m.Begun() {
		t.Errorf("%q, want %q", got, want)
	}
	m.Begin(Notice, "web", 1)
	m.PutNumber(0)
	m.Put(" lines, ")
	m.PutNumber(4294967295)
	m.Put(strings.Repeat("x", 2000))
	m.PutNumber(5)
	if got := string(m.Bytes()); len(got) != Max+1 || !strings.HasPrefix(got[20:], "web[1]: 0 lines, 4294967295xxx") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

// The date is right on each day that 32 bits of seconds have, and the time at each second of a day.
func TestStamp(t *testing.T) {
	var m Message
	m.Begin(Info, "web", 1)
	check := func(seconds uint32) {
		m.Stamp(seconds)
		got := string(m.Bytes()[stampAt : stampAt+stampSize])
		if want := time.Unix(int64(seconds), 0).UTC().Format(time.Stamp + " "); got != want {
			t.Fatalf("%d: %q, want %q", seconds, got, want)
		}
	}
	for day := uint64(0); day*86400 <= 1<<32-1; day++ {
		check(uint32(day * 86400))
		check(uint32(min(day*86400+86399, 1<<32-1)))
	}
	for s := range uint32(86400) {
		check(s)
	}
}
