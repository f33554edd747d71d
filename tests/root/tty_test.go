// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// tty is a terminal with somebody at it: the test. What appears on its screen is collected.
type tty struct {
	t      testing.TB
	master *os.File
	slave  *os.File // closed when a program has it
	screen *output
	seen   int // how much of the screen expect has passed
	read   sync.WaitGroup
}

// openTTY makes one.
func openTTY(t testing.TB) *tty {
	t.Helper()
	watch(t)
	fd, err := unix.Open("/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if e != 0 {
		t.Fatal(e)
	}
	y := attached(t, fd)
	y.slave = os.NewFile(slave, "slave")
	t.Cleanup(func() { y.slave.Close() })
	return y
}

// attached is somebody at the terminal whose master this is.
func attached(t testing.TB, master int) *tty {
	t.Helper()
	if err := unix.SetNonblock(master, true); err != nil { // for Go's poller: Close ends a Read
		t.Fatal(err)
	}
	y := &tty{t: t, master: os.NewFile(uintptr(master), "master"), screen: &output{}}
	y.read.Go(func() {
		b := make([]byte, 4096)
		for {
			n, err := y.master.Read(b)
			y.screen.Write(b[:n])
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(y.hangUp)
	return y
}

// hangUp takes the terminal away from whoever has it.
func (y *tty) hangUp() {
	y.master.Close()
	y.read.Wait()
}

// start starts a program on the terminal, which becomes its controlling one. stderr is not the terminal.
func (y *tty) start(c command) *process {
	y.t.Helper()
	p := &process{t: y.t, cmd: exec.Command(c.args[0], c.args[1:]...), out: y.screen, err: &output{}, ended: make(chan error, 1)}
	p.cmd.Env = append([]string{"PATH=" + hostPath}, c.env...)
	p.cmd.Dir = "/"
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = y.slave, y.slave, p.err
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p.cmd.WaitDelay = patience
	if err := p.cmd.Start(); err != nil {
		y.t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	y.t.Cleanup(func() {
		if p.res == nil {
			p.cmd.Process.Kill()
			<-p.ended
		}
	})
	return p
}

// keys types.
func (y *tty) keys(text string) *tty {
	y.t.Helper()
	if _, err := y.master.WriteString(text); err != nil {
		y.t.Fatal(err)
	}
	return y
}

// expect waits until text appears on the screen, after what was expected before.
func (y *tty) expect(text string) *tty {
	y.t.Helper()
	if !eventually(func() bool {
		screen := y.screen.String()[y.seen:]
		at := strings.Index(screen, text)
		if at >= 0 {
			y.seen += at + len(text)
		}
		return at >= 0
	}) {
		y.t.Fatalf("no %q on the screen: %q", text, y.screen.String()[y.seen:])
	}
	return y
}

// does types a line to a shell, and waits for its last one of output, which must not be part of the line.
func (y *tty) does(line, printed string) *tty {
	y.t.Helper()
	return y.keys(line + "\n").expect(printed)
}

// hasForeground waits until the job in the foreground of the terminal of process pid, as the kernel knows it, is another one: the program of
// that name. A shell says that it goes on before it lets it.
func (y *tty) hasForeground(pid int, name string) *tty {
	y.t.Helper()
	var stat string
	if !eventually(func() bool {
		text, _ := os.ReadFile(procPath(pid, "stat"))
		stat = string(text)
		f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // from the third on
		if len(f) < 6 {
			return false
		}
		job, err := strconv.Atoi(f[5])
		comm, _ := os.ReadFile(procPath(job, "comm"))
		return err == nil && job != pid && strings.TrimSpace(string(comm)) == name
	}) {
		y.t.Fatalf("no %s in the foreground: %s", name, stat)
	}
	return y
}

// resize changes the size of the window.
func (y *tty) resize(width, height uint16) {
	y.t.Helper()
	raw, err := y.master.SyscallConn()
	if err != nil {
		y.t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height})
	})
	if err != nil {
		y.t.Fatal(err)
	}
}

// modes are the terminal's.
func (y *tty) modes() unix.Termios {
	y.t.Helper()
	m, err := unix.IoctlGetTermios(int(y.slave.Fd()), unix.TCGETS)
	if err != nil {
		y.t.Fatal(err)
	}
	return *m
}

// isRaw waits until the terminal is.
func (y *tty) isRaw() *tty {
	y.t.Helper()
	if !eventually(func() bool { return y.modes().Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) == 0 }) {
		y.t.Fatal("the terminal does not become raw")
	}
	return y
}
