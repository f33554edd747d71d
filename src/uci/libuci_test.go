// SPDX-License-Identifier: LGPL-2.1-only

package uci

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "record testdata/libuci anew with the uci that $UCI names")

// answer is what a text is: in uci's words, `uci -n export` or its message.
func answer(name string, text []byte) string {
	p, err := Parse(name, text)
	if err != nil {
		e := err.(*Error)
		return "uci: Parse error (" + e.Reason + ") at line " + strconv.Itoa(e.Line) + ", byte " + strconv.Itoa(e.Byte) + "\n"
	}
	plain := "package " + name + "\n" + string(p.Text())
	for _, s := range p.Sections {
		s.Anonymous = false
	}
	return "package " + name + "\n" + string(p.Text()) + plain
}

// libuci asks the real one.
func libuci(t testing.TB, name string, text []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(option string) (string, bool) {
		cmd := exec.Command(os.Getenv("UCI"), "-c", dir, "-t", filepath.Join(dir, "changes"), option, "export", name)
		cmd.Args[0] = "uci"
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if cmd.Run() != nil {
			return stderr.String(), false
		}
		return stdout.String(), true
	}
	named, ok := run("-n")
	if !ok {
		return named
	}
	plain, _ := run("-N")
	return named + plain
}

// libuci counts a last line without an end as the one before it.
func same(text []byte, ours, theirs string) bool {
	if ours == theirs {
		return true
	}
	if len(text) == 0 || text[len(text)-1] == '\n' {
		return false
	}
	lines := bytes.Count(text, []byte("\n"))
	return ours == strings.Replace(theirs, " line "+strconv.Itoa(lines)+",", " line "+strconv.Itoa(lines+1)+",", 1)
}

const recorded = "testdata/libuci"

// Each line of the file is a text, and what libuci makes of it, both quoted as Go does.
func TestRecorded(t *testing.T) {
	b, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(lines) < 300 {
		t.Errorf("only %d cases", len(lines))
	}
	for i, line := range lines {
		in, err1 := strconv.QuotedPrefix(line)
		text, err2 := strconv.Unquote(in)
		want, err3 := strconv.Unquote(strings.TrimPrefix(line[len(in):], " "))
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatalf("%s:%d: no two texts", recorded, i+1)
		}
		if got := answer("box", []byte(text)); !same([]byte(text), got, want) {
			t.Errorf("%s:%d: %q\ngot  %q\nwant %q", recorded, i+1, text, got, want)
		}
	}
}

// Against the real uci, with texts made up of what has a meaning.
func TestLibuci(t *testing.T) {
	if os.Getenv("UCI") == "" {
		t.Skip("SKIPPED: $UCI does not say where OpenWrt's uci is")
	}
	var record []byte
	add := func(text string) {
		want := libuci(t, "box", []byte(text))
		if got := answer("box", []byte(text)); !same([]byte(text), got, want) {
			t.Errorf("%q\ngot  %q\nwant %q", text, got, want)
		}
		record = append(strconv.AppendQuote(append(strconv.AppendQuote(record, text), ' '), want), '\n')
	}
	for _, text := range written {
		add(text)
	}
	kept := len(record)
	rounds := 300
	if n, err := strconv.Atoi(os.Getenv("GOJAIL_STRESS")); err == nil {
		rounds = n
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range rounds {
		add(random(r))
		if i < 300 {
			kept = len(record)
		}
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(recorded, record[:kept], 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// random is a text that is nearly one of UCI.
func random(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var b strings.Builder
	token := func() string {
		return pick("a", "b", "name", "x-y", "a.b", "'q'", `"d"`, "''", `""`, `'a b'`, `"a\"b"`, `'it'\''s'`, `a\ b`, `"x\\"`, "a'b'c", "#c", "a#b", ";", "a;", "'s;'",
			"\"two\nlines\"", "'two\nlines'", "\\\n", "a\\\nb", "\"a\\\nb\"", "\\\r\n", "ü", "'", `"`, `\`, "c", "config", "\v", "'#'", "$(x)", "\x01", "a\\\r\nb")
	}
	for range 1 + r.IntN(6) {
		b.WriteString(pick("", "", "", " ", "\t", "\n", "# x\n", "\r\n", ";"))
		b.WriteString(pick("config", "config", "c", "option", "option", "o", "list", "list", "l", "package", "p", "confi", "", "#"))
		for range r.IntN(4) {
			b.WriteString(pick(" ", " ", "\t", "  ", "", ";", "; "))
			b.WriteString(token())
		}
		b.WriteString(pick("\n", "\n", "\n", "\n", "\r\n", "", ";", " ;\n", " # c\n"))
	}
	return b.String()
}

// Texts that somebody might write.
var written = []string{
	"",
	"\n",
	"# nothing\n",
	"config container web\n\toption rootfs /srv/web\n",
	"config container 'web'\n\toption rootfs '/srv/web'\n\tlist command 'a'\n\tlist command ''\n\tlist command 'b c'\n",
	"config container \"web\"\n\toption v \"a \\\"b\\\" \\\\ \\n 'c'\"\n",
	"config container\n\toption a 1\nconfig container\n\toption a 2\nconfig network\n\nconfig container named\n",
	"config 'it'\\''s' 'web'\n", "config 'container' 'web'\nconfig \"container\" \"db\"\nconfig container-x/y dns\n",
	"config container we-b\n", "config container we.b\n", "config cont\x01 web\n", "config container 'we b'\n", "config container é\n", "config",
	"config container web\n\toption a-b 1\n", "config container web\n\toption a\n", "config container web\n\toption\n", "config container web\n\tlist a\n",
	"config container web\n\toption a ''\n\toption b \"\"\n\tlist c ''\n", "config container web\n\toption a 1\n\toption a ''\n",
	"config container web\n\toption a 1\n\toption b 2\n\toption a 3\n", "config container web\n\toption a 1\n\tlist a 2\n\tlist a 3\n",
	"config container web\n\tlist a 1\n\toption b 2\n\toption a 3\n", "config container web\n\tlist a 1\n\toption b 2\n\tlist a 1\n",
	"config container web\n\toption a 1\nconfig container db\n\toption a 2\nconfig container web\n\toption b 3\n",
	"config container web\nconfig network web\n",
	"package other\nconfig container web\n", "package\nconfig container web\n", "package a b\n", "package 'a b'\n", "package a-b\n",
	"option a 1\n", "list a 1\n", "config container web extra\n", "config container web\n\toption a 1 2\n", "config container web\n\toption a 'b'c\"d\"\\ e\n",
	"config container web\n\toption a 'multi\nline\n\n'\n\toption b \"x\ny\"\n\toption c 1\n", "config container web\n\toption a 'never ends\n\toption b 1\n",
	"config container web\n\toption a \"never ends\n", "config container web\n\toption a b\\\n  c\n", "config container web\n\toption a \"b\\\n  c\"\n",
	"config container web # why\n\toption a 1# not\n\toption b '#1' # yes\n\t# option c 1\n  #\n", "config container web; option a 1\n", "config container 'web'; option a '1'; option b '2'\n",
	"config container web ; option a 1 ; option b 2\n", "config container web\r\n\toption a 1\r\n\toption b 'x\r\ny'\r\n", "\xef\xbb\xbfconfig container web\n",
	"c container web\no a 1\nl b 2\nl b 3\n", "config container web\n\toptions a 1\n", "Config container web\n", "config container web\n\toption a 1", "config container web\n\toption a '1", "confi",
	"config container web\n\toption a $HOME\n\toption b `id`\n\toption c $(id)\n\toption d a=b\n\toption e *\n", "config container web\n\toption a ü\n\toption b \xff\xfe\n\toption c \x7f\x01\n",
	"config container web\n\toption a '" + strings.Repeat("x", 16<<10) + "'\n", "config container web\n\toption " + strings.Repeat("n", 16<<10) + " 1\n",
	"config container web\n\tlist a '" + strings.Repeat("1234567 ", 4<<10) + "'\n\toption b 1\n", "config\tcontainer\tweb\n\v\n\f\n \t \n\toption\ta\t1\n",
	"config container web\n\toption a \\\n", "config container web\n\toption a b\\", "config container web\n\toption a \"b\\", "config container \\\nweb\n", "config \\\ncontainer web\n", "config container web\n\toption a\\\nb 1\n",
}
