// SPDX-License-Identifier: LGPL-2.1-only

package trampoline

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// The tests run the image. For a foreign architecture tests/cross/run.sh runs the test program in an emulator for user
// programs and names that in this variable; the image, and the test program where it is the payload, then need it too.
const (
	emulatorVariable = "GOJAIL_EMULATOR"
	payloadVariable  = "GOJAIL_TEST_PAYLOAD"
	payloadStatus    = 42
)

var emulator = os.Getenv(emulatorVariable)

// seen is what the payload has found.
type seen struct {
	Args        []string
	Env         []string
	Channels    []string // pipes and sockets above 2: Go's own runtime may have opened others since
	DeathSignal int
	Session     int `json:",omitempty"`
}

// The signal of a dead parent belongs to the thread that asked for it, here the one that was there before the exec.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	standIn()
	if os.Getenv(payloadVariable) == "" {
		os.Exit(m.Run())
	}
	s := seen{Args: os.Args, Env: os.Environ()}
	for fd := 3; fd < 10; fd++ {
		link, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err == nil && (strings.HasPrefix(link, "pipe:") || strings.HasPrefix(link, "socket:")) {
			s.Channels = append(s.Channels, strconv.Itoa(fd)+" "+link)
		}
	}
	const prGetDeathSignal = 2
	var signal int32
	syscall.RawSyscall(syscall.SYS_PRCTL, prGetDeathSignal, uintptr(unsafe.Pointer(&signal)), 0)
	s.DeathSignal = int(signal)
	if len(os.Args) == 1 { // of the joined image
		session, _, _ := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
		s.Session = int(session)
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		os.Exit(1)
	}
	os.Exit(payloadStatus)
}

// program returns the path and arguments that run the file with the arguments, argv[0] included.
func program(file string, args ...string) (path string, argv []string) {
	if emulator == "" {
		return file, args
	}
	return emulator, append([]string{emulator, "-0", args[0], file}, args[1:]...)
}

// run executes the image with the arguments and returns its exit status, output and report. A nil life leaves the
// program without a life line, noError without an error channel.
func run(t *testing.T, argv []string, life *os.File, noError bool) (status int, output, report []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, mustImage(t, false), 0o700); err != nil {
		t.Fatal(err)
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	cmd := &exec.Cmd{Env: []string{"A=b", payloadVariable + "=1", emulatorVariable + "=" + emulator}, Stderr: os.Stderr}
	cmd.Path, cmd.Args = program(file, argv...)
	if !noError {
		cmd.ExtraFiles = []*os.File{theirs, life}
	}
	if life == nil && !noError {
		cmd.ExtraFiles = cmd.ExtraFiles[:1]
	}
	output, err = cmd.Output()
	theirs.Close()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if report, err = io.ReadAll(ours); err != nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), output, report
}

// lifeLine returns the two ends of a socket.
func lifeLine(t *testing.T, kind int) (child, supervisor *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, kind|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	child, supervisor = os.NewFile(uintptr(fds[0]), "child"), os.NewFile(uintptr(fds[1]), "supervisor")
	t.Cleanup(func() { child.Close(); supervisor.Close() })
	return child, supervisor
}

func TestPayloadIsExecuted(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want := seen{
		Args: []string{"zero", "", "two words", "three"},
		Env:  []string{"A=b", payloadVariable + "=1", emulatorVariable + "=" + emulator},
	}
	path, args := program(exe, want.Args...)
	alive, _ := lifeLine(t, syscall.SOCK_SEQPACKET)
	full, supervisor := lifeLine(t, syscall.SOCK_SEQPACKET)
	if _, err := supervisor.Write([]byte("unread")); err != nil {
		t.Fatal(err)
	}
	for name, life := range map[string]*os.File{"life line": alive, "unread data on it": full, "no life line": nil} {
		t.Run(name, func(t *testing.T) {
			if want.DeathSignal = int(syscall.SIGKILL); life == nil {
				want.DeathSignal = 0
			}
			status, output, report := run(t, append([]string{path}, args...), life, false)
			if status != payloadStatus || len(report) != 0 {
				t.Fatalf("status %d, report % x", status, report)
			}
			var got seen
			if err := json.Unmarshal(output, &got); err != nil {
				t.Fatalf("%v in %q", err, output)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("the payload saw\n%+v\nnot\n%+v", got, want)
			}
		})
	}
}

// The descriptors below those that the program expects are the payload's.
func TestShift(t *testing.T) {
	image := mustImage(t, false)
	Shift(image, 2)
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, image, 0o700); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	first, second := lifeLine(t, syscall.SOCK_STREAM)
	theirs, ours := lifeLine(t, syscall.SOCK_SEQPACKET)
	life, _ := lifeLine(t, syscall.SOCK_SEQPACKET)
	path, args := program(exe, "zero", "one")
	cmd := &exec.Cmd{Env: []string{payloadVariable + "=1", emulatorVariable + "=" + emulator}, Stderr: os.Stderr,
		ExtraFiles: []*os.File{first, second, theirs, life}}
	cmd.Path, cmd.Args = program(file, append([]string{path}, args...)...)
	output, err := cmd.Output()
	if status := cmd.ProcessState.ExitCode(); status != payloadStatus {
		t.Fatalf("status %d, %v", status, err)
	}
	theirs.Close()
	if n, err := ours.Read(make([]byte, 8)); n != 0 || err != io.EOF && err != nil {
		t.Errorf("a report of %d bytes, %v", n, err)
	}
	var got seen
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatalf("%v in %q", err, output)
	}
	if len(got.Channels) != 2 || !strings.HasPrefix(got.Channels[0], "3 ") || !strings.HasPrefix(got.Channels[1], "4 ") || got.DeathSignal != int(syscall.SIGKILL) {
		t.Errorf("the payload saw %+v", got)
	}
}

func TestPayloadCannotBeExecuted(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]syscall.Errno{
		"/nonexistent/payload": syscall.ENOENT,
		plain:                  syscall.EACCES,
		plain + "/below":       syscall.ENOTDIR,
	} {
		for _, args := range [][]string{{}, {"zero"}, {"zero", "one"}} {
			status, output, report := run(t, append([]string{path}, args...), nil, false)
			if status != ExitNoExec || len(report) != 8 || len(output) != 0 {
				t.Errorf("%s: status %d, report % x, output %q", path, status, report, output)
				continue
			}
			word, errno := binary.NativeEndian.Uint32(report), syscall.Errno(binary.NativeEndian.Uint32(report[4:]))
			if word != ReportExec || errno != want {
				t.Errorf("%s: report %#x, %v, not %v", path, word, errno, want)
			}
		}
	}
}

func TestNoErrorChannel(t *testing.T) {
	status, output, _ := run(t, []string{"/bin/echo", "echo", "executed"}, nil, true)
	if status != ExitReentered || len(output) != 0 {
		t.Errorf("status %d, output %q", status, output)
	}
}

func TestSupervisorIsDead(t *testing.T) {
	for name, kind := range map[string]int{"stream": syscall.SOCK_STREAM, "seqpacket": syscall.SOCK_SEQPACKET} {
		t.Run(name, func(t *testing.T) {
			life, supervisor := lifeLine(t, kind)
			if _, err := supervisor.Write([]byte("unread")); err != nil {
				t.Fatal(err)
			}
			supervisor.Close()
			status, output, report := run(t, []string{"/bin/echo", "echo", "executed"}, life, false)
			if status != ExitOrphaned || len(output) != 0 || len(report) != 0 {
				t.Errorf("status %d, output %q, report % x", status, output, report)
			}
		})
	}
	t.Run("pipe", func(t *testing.T) {
		life, supervisor, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer life.Close()
		supervisor.Close()
		if status, output, _ := run(t, []string{"/bin/echo", "echo", "executed"}, life, false); status != ExitOrphaned {
			t.Errorf("status %d, output %q", status, output)
		}
	})
}

// In an emulator /proc/self/exe is the emulator, and it needs descriptors of its own: these two are for native runs.
func TestNative(t *testing.T) {
	if emulator != "" {
		return
	}
	t.Run("script of ourselves", func(t *testing.T) {
		for _, line := range []string{"#!/proc/self/exe\n", "#!/proc/self/exe argument\n"} {
			script := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(script, []byte(line), 0o700); err != nil {
				t.Fatal(err)
			}
			if status, _, report := run(t, []string{script, "zero"}, nil, false); status != ExitReentered || len(report) != 0 {
				t.Errorf("%s: status %d, report % x", strings.TrimSpace(line), status, report)
			}
		}
	})
	// poll is refused there. The shell makes the image its own payload, which the second time finds no error channel.
	t.Run("no descriptor allowed", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(file, mustImage(t, false), 0o700); err != nil {
			t.Fatal(err)
		}
		ours, theirs, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer ours.Close()
		defer theirs.Close()
		life, supervisor := lifeLine(t, syscall.SOCK_STREAM)
		defer supervisor.Close()
		cmd := exec.Command("/bin/sh", "-c", `ulimit -n 0; exec "$0" zero`, file)
		cmd.ExtraFiles = []*os.File{theirs, life}
		err = cmd.Run()
		if status := cmd.ProcessState.ExitCode(); status != ExitReentered {
			t.Errorf("status %d, %v", status, err)
		}
	})
}
