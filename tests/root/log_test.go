// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

const logSocket = "/dev/log"

// An entry of the system log, as OpenWrt's logd would keep it.
type entry struct {
	priority int
	text     string
}

// syslogd is one that listens at /dev/log. Between messages it pauses.
type syslogd struct {
	t       testing.TB
	close   func()
	mu      sync.Mutex
	entries []entry
}

// newLog listens on a socket of this kind, "unixgram" as logd has it, or "unix".
func newLog(t testing.TB, kind string, pause time.Duration) *syslogd {
	t.Helper()
	watch(t)
	l := &syslogd{t: t}
	var done sync.WaitGroup
	if kind == "unix" {
		s, err := net.Listen(kind, logSocket)
		if err != nil {
			t.Fatal(err)
		}
		var conns []net.Conn
		done.Go(func() {
			for {
				c, err := s.Accept()
				if err != nil {
					break
				}
				conns = append(conns, c)
				done.Go(func() { l.readStream(c, pause) })
			}
			for _, c := range conns {
				c.Close()
			}
		})
		l.close = sync.OnceFunc(func() { s.Close(); done.Wait() })
	} else {
		s, err := net.ListenUnixgram(kind, &net.UnixAddr{Name: logSocket, Net: kind})
		if err != nil {
			t.Fatal(err)
		}
		done.Go(func() {
			b := make([]byte, 1<<16)
			for {
				n, _, err := s.ReadFrom(b)
				if err != nil {
					return
				}
				l.add(b[:n])
				time.Sleep(pause)
			}
		})
		l.close = sync.OnceFunc(func() {
			s.Close()
			os.Remove(logSocket)
			done.Wait()
		})
	}
	t.Cleanup(l.close)
	return l
}

// readStream takes messages that a NUL ends each.
func (l *syslogd) readStream(c net.Conn, pause time.Duration) {
	var have []byte
	b := make([]byte, 700)
	for {
		n, err := c.Read(b)
		have = append(have, b[:n]...)
		for {
			message, rest, whole := bytes.Cut(have, []byte{0})
			if !whole {
				break
			}
			l.add(message)
			have = append([]byte(nil), rest...)
			time.Sleep(pause)
		}
		if err != nil {
			return
		}
	}
}

// add does to a message what logd does (ubox, log/syslog.c: syslog_handle_fd and log_add).
func (l *syslogd) add(b []byte) {
	b = b[:min(len(b), 1023)]
	b, _, _ = bytes.Cut(b, []byte{0})
	b = bytes.TrimRight(bytes.ReplaceAll(b, []byte{'\n'}, []byte{' '}), " \t\n\v\f\r")
	e := entry{priority: 0}
	if m := priorityPattern.FindSubmatch(b); m != nil {
		e.priority, _ = strconv.Atoi(string(m[1]))
		b = m[2]
	}
	if len(b)+1 > 16 && b[15] == ' ' {
		b = b[16:]
	}
	e.text = string(b)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

var priorityPattern = regexp.MustCompile(`(?s)^<([0-9]*)>(.*)`)

func (l *syslogd) all() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// texts are those of a priority, without the name that each must have, up to one that starts with last; "" waits for none.
func (l *syslogd) texts(p *process, b *bundle, priority int, last string) []string {
	l.t.Helper()
	var list []string
	got := eventually(func() bool {
		list = nil
		for _, e := range l.all() {
			name, text, ok := strings.Cut(e.text, "]: ")
			if !ok {
				name, text = strings.TrimSuffix(e.text, "]:"), "" // logd takes the space
			}
			pid, named := strings.CutPrefix(name, b.name+"[")
			if _, err := strconv.Atoi(pid); !named || err != nil {
				l.t.Fatalf("an entry without the name %s and a pid: %q", b.name, e.text)
			}
			if e.priority == priority {
				list = append(list, text)
			}
		}
		return last == "" || len(list) > 0 && strings.HasPrefix(list[len(list)-1], last)
	})
	if !got {
		l.t.Fatalf("%q has not come; the last of %d are %q; stderr %q", last, len(list), list[max(0, len(list)-3):], p.err)
	}
	return list
}

const (
	stdoutPriority = 30 // daemon.info
	stderrPriority = 27 // daemon.err
	wordsPriority  = 28 // daemon.warning
)

// lost is how many lines are said to be.
func (l *syslogd) lost(p *process, b *bundle) int {
	l.t.Helper()
	n := 0
	for _, text := range l.texts(p, b, wordsPriority, "") {
		var k int
		if _, err := fmt.Sscanf(text, "%d lines lost", &k); err != nil || k == 0 {
			l.t.Errorf("says %q", text)
		}
		n += k
	}
	return n
}

func logged(text string, edits ...edit) edit {
	return func(s *specs.Spec) {
		for _, e := range append([]edit{script(text), annotation("org.openwrt.gojail.log", "1")}, edits...) {
			e(s)
		}
	}
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestLogLines(t *testing.T) {
	for _, kind := range []string{"unixgram", "unix"} {
		for name, edits := range map[string][]edit{"root": nil, "user": {user(1000, 1000)}, "user namespace": {shifted},
			"no pid namespace": {withoutNamespace(specs.PIDNamespace)}} {
			t.Run(kind+" "+name, func(t *testing.T) {
				l := newLog(t, kind, 0)
				b := newBundle(t, logged("echo one; echo bad >&2; echo two words here and there; echo; echo last", edits...))
				p := b.start()
				r := p.wait()
				r.ok().prints("")
				equal(t, "stdout", l.texts(p, b, stdoutPriority, "last"), "one", "two words here and there", "", "last")
				equal(t, "stderr", l.texts(p, b, stderrPriority, "bad"), "bad")
			})
		}
	}
}

// Even a limit that forbids every descriptor leaves those.
func TestLogFewFiles(t *testing.T) {
	l := newLog(t, "unixgram", 0)
	b := newBundle(t, logged("echo one; echo last", func(s *specs.Spec) {
		s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 0, Soft: 0}}
	}))
	p := b.start()
	p.wait().ok()
	equal(t, "stdout", l.texts(p, b, stdoutPriority, "last"), "one", "last")
}

// Logd takes 16 bytes away wherever the sixteenth is a space, as if a time stood there. Names of all lengths, and the pid of the
// payload, as container.NAME tells it.
func TestLogName(t *testing.T) {
	l := newLog(t, "unixgram", 0)
	for n := 1; n <= 63; n += 1 + n/20 {
		b := newBundle(t, logged("echo a b c d e f g h i j k l m n o p q r s t u v w x y z; exec sleep 1000"))
		b.name = strings.Repeat("n", n)
		p := b.start("-t", "0")
		pid := p.payload()
		want := fmt.Sprintf("%s[%d]: a b c d e f g h i j k l m n o p q r s t u v w x y z", b.name, pid)
		if !eventually(func() bool { return len(l.all()) > 0 && l.all()[len(l.all())-1].text == want }) {
			t.Fatalf("%q, want %q", l.all(), want)
		}
		p.signal(syscall.SIGTERM).wait().ends(137)
	}
}

// What is opened again by its name in /dev is the same.
func TestLogReopened(t *testing.T) {
	for name, e := range map[string]edit{"root": user(0, 0), "user": user(1000, 1000), "user namespace": shifted} {
		t.Run(name, func(t *testing.T) {
			l := newLog(t, "unixgram", 0)
			b := newBundle(t, logged("echo out >/dev/stdout; echo err >>/dev/stderr; echo last", e))
			p := b.start()
			p.wait().ok()
			equal(t, "stdout", l.texts(p, b, stdoutPriority, "last"), "out", "last")
			equal(t, "stderr", l.texts(p, b, stderrPriority, "err"), "err")
		})
	}
}

func TestLogText(t *testing.T) {
	long := strings.Repeat("0123456789 ", 500)
	for name, c := range map[string]struct {
		in   string
		want []string // nil: the pieces of in
	}{
		"no end":    {"one\npart", []string{"one", "part"}},
		"long":      {long + "\nnext\n", nil},
		"forged":    {"<0>kernel: fire\n<0>Jan  1 00:00:00 other[1]: x\n", []string{"<0>kernel: fire", "<0>Jan  1 00:00:00 other[1]: x"}},
		"terminal":  {"\x1b[2J\x1b]0;x\x07\u009b31m\x7f\n", []string{`\x1b[2J\x1b]0;x\x07\xc2\x9b31m\x7f`}},
		"nul":       {"a\x00b\n\x00\n", []string{`a\x00b`, `\x00`}},
		"dos":       {"a\r\nb\rc\r\n", []string{"a", `b\x0dc`}},
		"other":     {"k\xe4se \xff\n", []string{"k\xe4se \xff"}},
		"utf-8":     {"käse €\n", []string{"käse €"}},
		"nothing":   {"", []string{}},
		"a newline": {"\n", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLog(t, "unixgram", 0)
			b := newBundle(t, logged("cat /file; echo done >&2")).write("file", c.in, 0o644)
			p := b.start()
			p.wait().ok()
			l.texts(p, b, stderrPriority, "done")
			got := l.texts(p, b, stdoutPriority, "")
			if c.want != nil {
				equal(t, "stdout", got, c.want...)
				return
			}
			if len(got) < 3 || got[len(got)-1] != "next" {
				t.Fatalf("%q", got)
			}
			text := strings.Join(got[:len(got)-1], "")
			if strings.ReplaceAll(text, " ", "") != strings.ReplaceAll(long, " ", "") { // logd takes those at the ends
				t.Errorf("%q", got)
			}
		})
	}
}

// Whatever a payload writes: one message for each line, of a priority that we gave.
func TestLogGarbage(t *testing.T) {
	l := newLog(t, "unixgram", 0)
	b := newBundle(t, logged("head -c 200000 /dev/urandom | tee /tmp/x; echo; echo last", func(s *specs.Spec) {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/tmp", Type: "tmpfs"})
	}))
	p := b.start()
	p.wait().ok()
	got := l.texts(p, b, stdoutPriority, "last")
	if len(got) < 500 {
		t.Errorf("%d messages of 200000 random bytes", len(got))
	}
	for _, m := range got {
		if strings.ContainsFunc(m, func(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 }) {
			t.Errorf("control characters in %q", m)
		}
	}
	for _, e := range l.all() {
		if e.priority != stdoutPriority {
			t.Errorf("%v", e)
		}
	}
}

// numbered prints lines with their numbers, from 1, of about 100 bytes.
func numbered(n int) string {
	return "i=0; while [ $i -lt " + strconv.Itoa(n) + " ]; do i=$((i+1)); echo line $i of the " + strings.Repeat("very ", 15) + "long story; done; "
}

// whole checks that every line of numbered is there, or was counted as lost, and in order.
func whole(t *testing.T, texts []string, lost, n int) {
	t.Helper()
	last, seen := 0, 0
	for _, text := range texts {
		var k int
		if _, err := fmt.Sscanf(text, "line %d of", &k); err != nil {
			continue
		}
		if k <= last && lost == 0 { // or it may have been another connection
			t.Errorf("line %d after %d", k, last)
		}
		last = k
		seen++
	}
	if seen+lost != n {
		t.Errorf("%d lines have come, %d were said to be lost, of %d", seen, lost, n)
	}
}

// More than all buffers hold, and a log that is slow: the payload waits for it.
func TestLogMuch(t *testing.T) {
	for kind, pause := range map[string]time.Duration{"unixgram": 0, "unix": 0, "unixgram slow": 100 * time.Microsecond, "unix slow": 100 * time.Microsecond} {
		t.Run(kind, func(t *testing.T) {
			n := 10000 // a megabyte
			if pause > 0 {
				n = 3000
			}
			l := newLog(t, strings.Fields(kind)[0], pause)
			b := newBundle(t, logged(numbered(n)+"echo last; while [ ! -e /srv/end ]; do sleep 0.01; done", writable))
			p := b.start()
			texts := l.texts(p, b, stdoutPriority, "last")
			whole(t, texts, l.lost(p, b), n)
			writeFile(t, b.root("srv/end"), "", 0o644)
			p.wait().ok()
		})
	}
}

// waitFor waits for a file that the payload writes in its root.
func (b *bundle) waitFor(name string) {
	b.t.Helper()
	if !eventually(func() bool { _, err := os.Stat(b.root(name)); return err == nil }) {
		b.t.Fatalf("the payload does not come to write %s", name)
	}
}

// Without anybody who listens, or with one who is stuck, the payload goes on; what was lost is said when somebody listens again.
func TestLogNobody(t *testing.T) {
	const n = 10000
	for name, prepare := range map[string]func(t *testing.T){
		"no socket":        func(*testing.T) {},
		"nobody's socket":  func(t *testing.T) { deafSocket(t).Close() },
		"nobody who reads": func(t *testing.T) { s := deafSocket(t); t.Cleanup(func() { s.Close() }) },
		"a file":           func(t *testing.T) { writeFile(t, logSocket, "x", 0o666) },
	} {
		t.Run(name, func(t *testing.T) {
			watch(t)
			t.Cleanup(func() { os.Remove(logSocket) })
			prepare(t)
			b := newBundle(t, logged(numbered(n)+`echo 1 >/srv/ready; while [ ! -e /srv/go ]; do sleep 0.01; done
				while [ ! -e /srv/end ]; do i=$((i+1)); echo line $i of more; sleep 0.1; done; exit 3`, writable))
			p := b.start()
			b.waitFor("srv/ready")
			os.Remove(logSocket)
			l := newLog(t, "unixgram", 0)
			writeFile(t, b.root("srv/go"), "", 0o644)
			first := l.texts(p, b, stdoutPriority, "line")[0]
			var k, queued int
			if _, err := fmt.Sscanf(first, "line %d of", &k); err != nil {
				t.Fatal(first)
			}
			if name == "nobody who reads" { // taken by the socket that is no more
				text, _ := os.ReadFile("/proc/sys/net/unix/max_dgram_qlen")
				queued, _ = strconv.Atoi(strings.TrimSpace(string(text)))
				queued++
			}
			if lost := l.lost(p, b); lost != k-1-queued {
				t.Errorf("%d lines were said to be lost before the %dth, %d of which were taken", lost, k, queued)
			}
			writeFile(t, b.root("srv/end"), "", 0o644)
			p.wait().ends(3)
		})
	}
}

// deafSocket is bound where the log's is.
func deafSocket(t *testing.T) *net.UnixConn {
	t.Helper()
	s, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: logSocket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A log that is restarted gets the lines that follow, on a new connection.
func TestLogComesBack(t *testing.T) {
	for _, kind := range []string{"unixgram", "unix"} {
		t.Run(kind, func(t *testing.T) {
			l := newLog(t, kind, 0)
			b := newBundle(t, logged("i=0; while [ ! -e /end ]; do i=$((i+1)); echo line $i of; sleep 0.001; done; echo last", writable))
			p := b.start()
			l.texts(p, b, stdoutPriority, "line")
			asleep(t, p)
			before := descriptors(t, p.pid())
			for range 3 {
				l.close()
				time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
				l = newLog(t, kind, 0)
				l.texts(p, b, stdoutPriority, "line")
			}
			if !eventually(func() bool { return descriptors(t, p.pid()) == before }) { // a worker may look for ubusd
				t.Errorf("%d descriptors, %d before", descriptors(t, p.pid()), before)
			}
			writeFile(t, b.root("end"), "", 0o644)
			p.wait().ok()
			l.texts(p, b, stdoutPriority, "last")
		})
	}
}

// The last words of a container that is killed are there, and nothing else is.
func TestLogKilled(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		l := newLog(t, "unixgram", 0)
		b := newBundle(t, logged("echo up; printf last; echo 1 >/srv/ready; "+forever, writable))
		p := b.start("-t", "0")
		b.waitFor("srv/ready")
		if s == syscall.SIGTERM {
			p.signal(s).wait().ends(137)
		} else {
			syscall.Kill(p.payload(), s)
			p.wait().ends(137)
		}
		equal(t, "stdout", l.texts(p, b, stdoutPriority, "last"), "up", "last")
		l.close()
	}
}

// Processes that live on have the pipes open, and may go on printing: the end does not wait for them.
func TestLogDescendants(t *testing.T) {
	for name, text := range map[string]string{"silent": "sleep 1000 &", "chatty": "yes tick &", "chatty on stderr": "yes tick >&2 &"} {
		for kind, e := range map[string]edit{"pid namespace": user(0, 0), "none": withoutNamespace(specs.PIDNamespace)} {
			t.Run(name+" "+kind, func(t *testing.T) {
				l := newLog(t, "unixgram", 0)
				b := newBundle(t, logged("echo first; "+text+" echo $! >/pid; echo last >&2; exit 4", e, writable))
				p := b.start()
				p.wait().ends(4)
				if text, err := os.ReadFile(b.root("pid")); err == nil && kind == "none" {
					pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
					syscall.Kill(pid, syscall.SIGKILL)
				}
				for priority, word := range map[int]string{stdoutPriority: "first", stderrPriority: "last"} {
					// it may stand behind a part of another's line
					if !eventually(func() bool { return strings.Contains(strings.Join(l.texts(p, b, priority, ""), " "), word) }) {
						t.Errorf("%s has not come, with %d said to be lost", word, l.lost(p, b))
					}
				}
			})
		}
	}
}

// Without the annotation the output is whose it was.
func TestLogOff(t *testing.T) {
	l := newLog(t, "unixgram", 0)
	newBundle(t, script("echo here")).run().prints("here\n")
	newBundle(t, script("echo here"), annotation("org.openwrt.gojail.log", "0")).run().prints("here\n")
	newBundle(t, script("echo here"), annotation("org.openwrt.gojail.log", "yes")).run().refused("annotations[org.openwrt.gojail.log]: yes is neither 0 nor 1")
	if got := l.all(); len(got) > 0 {
		t.Errorf("%v", got)
	}
}
