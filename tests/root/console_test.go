// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// terminal gives the payload one.
func terminal(s *specs.Spec) { s.Process.Terminal = true }

// shell is a container's shell at a terminal, after its first prompt.
func shell(t *testing.T, edits ...edit) (*tty, *process) {
	t.Helper()
	b := newBundle(t, append([]edit{terminal, args("/bin/sh")}, edits...)...)
	y := openTTY(t)
	p := y.start(b.command())
	y.isRaw().expect("# ")
	return y, p
}

// The payload's terminal is one of its own, under all its names, and it ends with the key that ends a file.
func TestTerminal(t *testing.T) {
	y, p := shell(t)
	y.does(`tty`, "/dev/pts/0")
	y.does(`for fd in 0 1 2; do echo =$(readlink /proc/$$/fd/$fd)=; done`, "=/dev/pts/0=\r\n=/dev/pts/0=\r\n=/dev/pts/0=\r\n")
	y.does(`stat -c =%t:%T /dev/console`, "=88:0")
	y.does(`stat -c =%u:%g:%a /dev/console`, "=0:5:620")
	y.does(`echo to-"the"-console >/dev/console`, "to-the-console")
	y.does(`echo to-"the"-terminal >/dev/tty`, "to-the-terminal")
	y.does(`ls -1 /proc/1/fd`, "fd\r\n0\r\n1\r\n10\r\n2\r\n") // 10 is the shell's own
	y.expect("# ").keys("\x04")
	p.wait().ends(0)
	if strings.Contains(y.screen.String(), "job control") {
		t.Errorf("the shell has no job control: %q", y.screen)
	}
}

const startedSleep = `sh -c 'echo "has" started; exec sleep 1000'`

// The keys reach the job in the foreground, and no other.
func TestTerminalJobControl(t *testing.T) {
	y, p := shell(t)
	y.does("sleep 1000 &", "# ")
	y.does(startedSleep, "has started").hasForeground(p.payload(), "sleep").keys("\x03").does("echo $?", "130")
	y.does("jobs", "Running")
	y.does(startedSleep, "has started").hasForeground(p.payload(), "sleep").keys("\x1a").expect("Stopped").does("echo stop$?", "stop148")
	y.does("fg", "exec sleep").hasForeground(p.payload(), "sleep").keys("\x03").does("echo fg$?", "fg130")
	y.does("kill %1; wait; jobs; echo no'thing'", "nothing")
	y.does(`sh -c 'echo "is" ready; exec cat'`, "is ready").keys("some words\n").expect("some words\r\nsome words").keys("\x04").does("echo cat$?", "cat0")
	y.keys("exit 7\n")
	p.wait().ends(7)
}

// How the terminal was is how it is afterwards, whatever the end was.
func TestTerminalRestored(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(p *process)
		code int
	}{
		"exit":    {func(p *process) {}, 9},
		"KILL":    {func(p *process) { syscall.Kill(p.payload(), syscall.SIGKILL) }, 137},
		"TERM":    {func(p *process) { p.signal(syscall.SIGTERM) }, 137}, // a shell with a terminal ignores it
		"command": {func(p *process) {}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, terminal, args("/bin/sh"))
			y := openTTY(t)
			odd, err := unix.IoctlGetTermios(int(y.slave.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			odd.Cc[unix.VINTR], odd.Iflag = 'q', odd.Iflag|unix.IUTF8
			if err := unix.IoctlSetTermios(int(y.slave.Fd()), unix.TCSETS, odd); err != nil {
				t.Fatal(err)
			}
			before := y.modes()
			p := y.start(b.command("-t", "1"))
			y.isRaw().expect("# ")
			switch name {
			case "exit":
				y.keys("exit 9\n")
			case "command":
				y.keys("exec sh -c 'exit 3'\n")
			}
			c.end(p)
			p.wait().ends(c.code)
			if after := y.modes(); after != before {
				t.Errorf("modes %+v, before %+v", after, before)
			}
		})
	}
}

// Nobody can restore the terminal for a supervisor that was killed; but nothing else stays behind.
func TestTerminalSupervisorKilled(t *testing.T) {
	b := newBundle(t, terminal, script(untilTerm))
	y := openTTY(t)
	p := y.start(b.command())
	y.isRaw().expect("ready")
	payload := p.payload()
	p.signal(syscall.SIGKILL).wait()
	if !eventually(func() bool { return !alive(payload) }) {
		t.Error("the payload lives")
	}
	cleanStart(t, b.command())
}

// A terminal that is gone takes the payload's along.
func TestTerminalHangsUp(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		code   int
	}{
		"shell":        {"exec sh", 0},
		"who ignores":  {`trap "" HUP; echo "is" up; read line; echo read; exit 4`, 4},
		"who is told":  {`trap "exit 5" HUP; echo "is" up; while :; do sleep 0.01; done`, 5},
		"who is ended": {`exec sleep 1000`, 129},
	} {
		t.Run(name, func(t *testing.T) {
			edits := []edit{terminal, script(c.script)}
			if name == "who is ended" {
				edits = append(edits, withoutNamespace(specs.PIDNamespace))
			}
			b := newBundle(t, edits...)
			y := openTTY(t)
			p := y.start(b.command())
			y.isRaw()
			switch name {
			case "shell":
				y.expect("# ")
			case "who is ended":
				p.payload()
				eventually(func() bool { text, _ := os.ReadFile(procPath(p.payload(), "comm")); return string(text) == "sleep\n" })
			default:
				y.expect("is up")
			}
			y.slave.Close()
			y.hangUp()
			p.wait()
			if p.res.code != c.code {
				t.Errorf("exit status %d, want %d", p.res.code, c.code)
			}
		})
	}
}

const sayTheSize = `trap "echo size \$(stty size)" WINCH; echo size $(stty size); while :; do sleep 0.01; done`

// The size is that of our own terminal, also when it changes; or what the configuration says; or what the bus says.
func TestTerminalSize(t *testing.T) {
	size := func(s *specs.Spec) { s.Process.ConsoleSize = &specs.Box{Width: 77, Height: 33} }
	t.Run("own", func(t *testing.T) {
		b := newBundle(t, terminal, size, script(sayTheSize))
		y := openTTY(t)
		y.resize(101, 41)
		p := y.start(b.command())
		y.isRaw().expect("size 41 101\r\n").resize(90, 40)
		y.expect("size 40 90\r\n")
		syscall.Kill(p.payload(), syscall.SIGKILL)
		p.wait().ends(137)
	})
	t.Run("configuration", func(t *testing.T) {
		newBundle(t, terminal, size, script("stty size")).run().prints("33 77\r\n")
	})
	t.Run("neither", func(t *testing.T) {
		newBundle(t, terminal, script("stty size 2>/dev/null; echo none")).run().prints("none\r\n")
	})
	t.Run("bus", func(t *testing.T) {
		newBus(t)
		b := newBundle(t, terminal, size, script(sayTheSize))
		p := b.start()
		p.until("size 33 77\r\n")
		onBus(t, b.name)
		if err := resize(b.name, 120, 50); err != nil {
			t.Fatal(err)
		}
		p.until("size 50 120\r\n")
		syscall.Kill(p.payload(), syscall.SIGKILL)
		p.wait().ends(137)
	})
}

func resize(name string, width, height int32) error {
	_, err := call(name, "resize", func(w *blob.Builder) {
		w.AddInt32("width", width)
		w.AddInt32("height", height)
	})
	return err
}

func TestTerminalResizeRefused(t *testing.T) {
	newBus(t)
	b, p := sleeper(t)
	onBus(t, b.name)
	if err := resize(b.name, 80, 25); !isStatus(err, ubus.StatusNotSupported) {
		t.Errorf("without a terminal: %v", err)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
	b = newBundle(t, terminal, script(untilTerm))
	p = b.start().until("ready\r\n")
	onBus(t, b.name)
	for _, size := range [][2]int32{{0, 25}, {80, 0}, {-1, 25}, {65536, 25}, {80, 1 << 20}} {
		if err := resize(b.name, size[0], size[1]); !isStatus(err, ubus.StatusInvalidArgument) {
			t.Errorf("%v: %v", size, err)
		}
	}
	if _, err := call(b.name, "resize", nil); !isStatus(err, ubus.StatusInvalidArgument) {
		t.Error(err)
	}
	if err := resize(b.name, 65535, 65535); err != nil {
		t.Error(err)
	}
	p.signal(syscall.SIGTERM).wait().ends(0)
}

// Nobody has to look for the payload to go on.
func TestTerminalNobodyLooks(t *testing.T) {
	const much = `dd if=/dev/zero bs=1000 count=1000 2>/dev/null | tr '\0' x; exit 6`
	for name, setup := range map[string]string{"null": "exec </dev/null >/dev/null", "closed": "exec <&- >&-", "full": "exec >/dev/full"} {
		t.Run(name, func(t *testing.T) {
			run(t, shelled(setup, newBundle(t, terminal, script(much)).command())).ends(6)
		})
	}
	t.Run("gone", func(t *testing.T) { // whose signal is not for the payload
		c := newBundle(t, terminal, script(`trap "exit 9" PIPE; `+much)).command()
		c.args = append([]string{"/bin/sh", "-c", `{ { "$@"; echo code $? >&3; } | head -c 10 >/dev/null; } 3>&1`, "sh"}, c.args...)
		run(t, c).prints("code 6\n")
	})
	t.Run("somebody", func(t *testing.T) {
		r := newBundle(t, terminal, script(much)).run().ends(6)
		if len(r.stdout) != 1000*1000 {
			t.Errorf("%d bytes arrived", len(r.stdout))
		}
	})
}

// What a payload has written before its end is not lost, even if it has ended before anybody could look.
func TestTerminalLastWords(t *testing.T) {
	b := newBundle(t, terminal, script(`while [ ! -e /go ]; do sleep 0.01; done; printf %04000d 1; exit 3`))
	p := b.start()
	payload := p.payload()
	asleep(t, p)
	p.signal(syscall.SIGSTOP)
	b.write("go", "", 0o644)
	if !eventually(func() bool { return !alive(payload) }) {
		t.Fatal("the payload does not end")
	}
	if r := p.signal(syscall.SIGCONT).wait().ends(3); r.stdout != strings.Repeat("0", 3999)+"1" {
		t.Errorf("%d bytes arrived", len(r.stdout))
	}
}

// A payload may close its terminal and open it anew; what is typed meanwhile is there then.
func TestTerminalOpenedAnew(t *testing.T) {
	b := newBundle(t, terminal, writable, script(`exec </dev/null >/dev/null 2>&1; >/closed; while [ ! -e /go ]; do sleep 0.01; done
		read line </dev/console; echo "got" $line >/dev/console; exit 8`))
	y := openTTY(t)
	p := y.start(b.command())
	if !eventually(func() bool { _, err := os.Stat(b.root("closed")); return err == nil }) {
		t.Fatal("it does not close its terminal")
	}
	y.isRaw().keys("this\n")
	asleep(t, p)
	b.write("go", "", 0o644)
	y.expect("got this")
	p.wait().ends(8)
}

// The terminal is its user's.
func TestTerminalOwner(t *testing.T) {
	const look = `stat -c %u:%g /dev/console; echo x >/dev/tty; test -w /dev/console && id -u`
	newBundle(t, terminal, user(1234, 1235), script(look)).run().prints("1234:5\r\nx\r\n1234\r\n")
	newBundle(t, terminal, shifted, user(1000, 1000), script(look)).run().prints("1000:5\r\nx\r\n1000\r\n")
	newBundle(t, terminal, shifted, script(look)).run().prints("0:5\r\nx\r\n0\r\n")
}

// A terminal in the namespaces of others, or where all there is belongs to the host.
func TestTerminalElsewhere(t *testing.T) {
	_, p := sleeper(t)
	pid := strconv.Itoa(p.payload())
	joined := newBundle(t, terminal, script("tty; echo x >/dev/tty"), namespace(specs.MountNamespace, "/proc/"+pid+"/ns/mnt"), namespace(specs.PIDNamespace, "/proc/"+pid+"/ns/pid"))
	joined.run().prints("/dev/pts/0\r\nx\r\n")
	p.signal(syscall.SIGTERM).wait().ends(5)
	newBundle(t, terminal, script("tty"), namespace(specs.TimeNamespace, "")).run().prints("/dev/pts/0\r\n")
	newBundle(t, terminal, args("/bin/echo", "ran"), withoutMount("/dev"), withoutMount("/dev/pts"), bind("/mnt/bin", "/dev")).run().refused("/dev/pts")
}

// A slim jail with -y: a root of its own, the host's, a user's.
func TestSlimConsole(t *testing.T) {
	for options, want := range map[string]string{
		"-y -p": "/dev/pts/0", "-y -c": "/dev/pts/", "-y -p -U web": "/dev/pts/0", "-y -p -f": "/dev/pts/0", "-y -N -h box -F -p": "/dev/pts/0",
	} {
		t.Run(options, func(t *testing.T) {
			y := openTTY(t)
			p := y.start(slim(options, busybox, "sh"))
			y.isRaw().does(busybox+" tty", want)
			// at its prompt it waits for keys: before, a signal that comes between two looks is noticed with the next key only
			y.does(`PS1="shell"'> ' ; trap "echo inter'rupted'" INT`, "shell> ").keys("\x03").expect("interrupted")
			y.keys("exit 5\n")
			p.wait().ends(5)
		})
	}
	t.Run("console", func(t *testing.T) {
		slimRun(t, "-y -p -U web", busybox, "stat", "-c", "%u:%g", "/dev/console").prints("1234:5\r\n")
	})
}

// -y gives a bundle a terminal whose configuration asks for none.
func TestConsoleOfABundle(t *testing.T) {
	newBundle(t, script("tty")).run("-y").prints("/dev/pts/0\r\n")
	newBundle(t, script("tty; :")).run().prints("not a tty\n")
}

// In the background of its terminal ujail leaves it alone, until it is in the foreground.
func TestTerminalBackground(t *testing.T) {
	b := newBundle(t, terminal, script(`echo "is" up; while read line; do echo "has read $line"; done`))
	y := openTTY(t)
	p := y.start(command{args: []string{busybox, "sh", "-i"}})
	y.expect("# ")
	stty := `stty -a | grep -o -e "-icanon" -e " icanon" | tr a-z A-Z`
	y.does(strings.Join(b.command().args, " ")+" & while [ ! -e "+b.root("go")+" ]; do sleep 0.01; done; "+stty, "is up")
	shell := p.pid()
	if !eventually(func() bool { jobs := children(shell); return len(jobs) > 0 && len(children(jobs[0])) == 1 }) {
		t.Fatal("ujail does not come to rest")
	}
	b.write("go", "", 0o644)
	y.expect(" ICANON")
	y.does("fg", "-J").isRaw().keys("this\n").expect("has read this").keys("\x04").expect("# ")
	y.keys("exit 3\n")
	p.wait().ends(3)
}

// receiver is a procd that knows some containers: it takes the masters of their terminals.
type receiver struct {
	args   chan []string // of each console_set: name and instance
	master chan int
}

func newReceiver(t *testing.T, known ...string) *receiver {
	t.Helper()
	c, err := ubus.Dial(ubus.Within(patience), ubus.Path)
	if err != nil {
		t.Fatal(err)
	}
	set := []ubus.Method{{Name: "console_set", Args: []ubus.Arg{{Name: "name", Type: blob.String}, {Name: "instance", Type: blob.String}}}}
	if _, err := c.AddObject(ubus.Within(patience), "container", set); err != nil {
		t.Fatal(err)
	}
	d := &receiver{make(chan []string, 10), make(chan int, 10)}
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			in, err := c.Receive(ubus.Until{})
			if err != nil {
				c.Close()
				return
			}
			var name, instance string
			for f := blob.NewFields(in.Data); f.Next(); {
				switch f.Name() {
				case "name":
					name = f.Text()
				case "instance":
					instance = f.Text()
				}
			}
			status := ubus.StatusOK
			switch {
			case in.Method != "console_set":
				status = ubus.StatusMethodNotFound
			case in.FD < 0 || !slices.Contains(known, name):
				status = ubus.StatusInvalidArgument
				if in.FD >= 0 {
					unix.Close(in.FD)
				}
			default:
				d.args <- []string{name, instance}
				d.master <- in.FD
			}
			c.Finish(ubus.Within(patience), in.Ticket, status, -1)
		}
	}()
	t.Cleanup(func() { <-done })
	return d
}

// procd gets the master of a container that it knows, and who it gives that to has the container's shell.
func TestConsoleSet(t *testing.T) {
	for name, how := range map[string]func(b *bundle) command{
		"bundle": func(b *bundle) command { return b.command() },
		"slim":   func(b *bundle) command { return slim("-y -p -n "+b.name, busybox, "sh") },
		"created": func(b *bundle) command {
			c := b.command()
			c.args = slices.DeleteFunc(c.args, func(a string) bool { return a == "-i" })
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBus(t)
			b := newBundle(t, terminal, args("/bin/sh"))
			d := newReceiver(t, b.name)
			t.Cleanup(s.Disconnect)
			p := start(t, how(b))
			y := attached(t, <-d.master)
			if got := <-d.args; got[0] != b.name || got[1] != "" {
				t.Errorf("for %q", got)
			}
			if name == "created" {
				if got := onBus(t, b.name); got["status"] != "created" {
					t.Errorf("state %v", got)
				}
				if err := resize(b.name, 70, 30); err != nil {
					t.Error(err)
				}
				if _, err := call(b.name, "start", nil); err != nil {
					t.Error(err)
				}
			}
			y.expect("# ").does(startedSleepBox(name), "has started").keys("\x03").does("echo $?", "130")
			if name != "slim" {
				if err := resize(b.name, 90, 40); err != nil {
					t.Error(err)
				}
				y.does("stty size", "40 90")
			}
			asleep(t, p)
			y.keys("exit 6\n")
			if r := p.wait().ends(6); r.stdout != "" {
				t.Errorf("printed %q", r.stdout)
			}
		})
	}
}

func startedSleepBox(name string) string {
	if name == "slim" {
		return busybox + ` sh -c 'echo "has" started; exec ` + busybox + ` sleep 1000'`
	}
	return startedSleep
}

// The terminal of a container that procd does not know is ours, and so is that of one that was started at a terminal.
func TestConsoleNotSet(t *testing.T) {
	s := newBus(t)
	b := newBundle(t, terminal, script("exit 2"))
	d := newReceiver(t, "known", b.name)
	t.Cleanup(s.Disconnect)
	newBundle(t, terminal, script("echo words")).run().prints("words\r\n")
	slimRun(t, "-n other -y -p", busybox, "echo", "words").prints("words\r\n")
	slimRun(t, "-y -p", busybox, "echo", "words").prints("words\r\n")
	openTTY(t).start(slim("-n known -y -p", busybox, "sh", "-c", "exit 2")).wait().ends(2)
	openTTY(t).start(b.command()).wait().ends(2)
	if len(d.master) > 0 {
		t.Error("procd was given a terminal")
	}
}
