// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gojail/src/ubus/ubustest"
	"gojail/tests/procd"
)

// telling is a payload that says of everything that reaches it what it was: each line of its stdin, each signal and how many of these there
// were, each size of its terminal.
func telling(b *bundle) {
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("bin/telling", string(text), 0o755)
	for _, dir := range []string{"/lib", "/lib64", "/usr/lib"} { // if it is linked dynamically
		if _, err := os.Stat(dir); err == nil && os.MkdirAll(b.root(dir), 0o755) == nil {
			bind(dir, dir, "ro")(b.spec)
		}
	}
	b.spec.Process.Args = []string{"/bin/telling"}
	b.spec.Process.Env = append(b.spec.Process.Env, envHelper+"=tell")
}

// The signals that it tells of, sent to the supervisor and by a call of kill.
var (
	direct = []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGALRM, 40, 41, 42, 64}
	called = []syscall.Signal{syscall.SIGUSR2, syscall.SIGQUIT, syscall.SIGIO, 50, 51, 63}
)

// tell is what it does.
func tell() int {
	signals := make(chan os.Signal, 1000)
	for _, s := range slices.Concat(direct, called, []syscall.Signal{syscall.SIGWINCH}) {
		signal.Notify(signals, s)
	}
	if m, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil { // what is typed would stand between what is said
		m.Lflag &^= unix.ECHO
		if err := unix.IoctlSetTermios(0, unix.TCSETS, m); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	fmt.Println("telling")
	count := map[os.Signal]int{}
	for {
		select {
		case l := <-lines:
			fmt.Println("line", l)
		case s := <-signals:
			if s != syscall.SIGWINCH {
				count[s]++
				fmt.Println("signal", int(s.(syscall.Signal)), count[s])
			} else if w, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ); err == nil {
				fmt.Println("size", w.Col, w.Row)
			}
		}
	}
}

// events is one resident that many things happen to at once. What uses the bus holds it, so that who breaks it knows what was lost: calls
// that were not answered by then.
type events struct {
	t    *testing.T
	b    *bundle
	p    *process
	pid  int  // of the payload
	y    *tty // or nil: what it says goes to the log
	log  *procd.Syslog
	bus  *ubustest.Server
	held sync.RWMutex
	age  int // of the bus: how often it was broken

	mu   sync.Mutex
	read int // of what the payload has said
	said map[string]bool
}

// hears waits until the payload has said the line.
func (e *events) hears(line string) bool {
	ok := eventually(func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		var news []string
		if e.y != nil {
			text := e.y.screen.String()[e.read:]
			end := strings.LastIndexByte(text, '\n') + 1
			e.read += end
			news = strings.Split(text[:end], "\n")
		} else {
			for _, l := range e.log.Lines(e.read) {
				e.read++
				_, text, _ := strings.Cut(l, "]: ")
				news = append(news, text)
			}
		}
		for _, l := range news {
			e.said[strings.TrimSpace(l)] = true
		}
		return e.said[line]
	})
	if !ok {
		e.t.Errorf("lost: %s", line)
	}
	return ok
}

// dialled is somebody who calls the container, over again when the bus was broken.
type dialled struct {
	*execer
	age int
}

func (e *events) dial(d *dialled) *execer {
	if d.execer == nil || d.age != e.age {
		d.execer, d.age = execIn(e.t, e.b.name), e.age
	}
	return d.execer
}
