// SPDX-License-Identifier: LGPL-2.1-only

package trampoline

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/seccomp"
)

// filtered is the image with a filter that answers what the rule names with EXDEV.
func filtered(t *testing.T, listener bool, names ...string) []byte {
	t.Helper()
	exdev := uint(syscall.EXDEV)
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: names, Action: specs.ActErrno, ErrnoRet: &exdev}}}
	if listener {
		p.ListenerPath = "/l"
		p.Syscalls = append(p.Syscalls, specs.LinuxSyscall{Names: []string{"symlinkat", "symlink"}, Action: specs.ActNotify})
	}
	f, err := seccomp.Compile(p, seccomp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var program []byte
	for _, in := range f.Program {
		program = binary.NativeEndian.AppendUint16(program, in.Code)
		program = append(program, in.JT, in.JF)
		program = binary.NativeEndian.AppendUint32(program, in.K)
	}
	return WithFilter(mustImage(t, false), program, f.Flags, listener)
}

// start runs an image with a socket as its error channel, whose other end it returns.
func start(t *testing.T, image []byte, argv ...string) (cmd *exec.Cmd, supervisor *os.File, output *bytes.Buffer) {
	t.Helper()
	runtime.LockOSThread() // to its end: no_new_privs cannot be taken back
	const prSetNoNewPrivs = 38
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		t.Fatal(e)
	}
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, image, 0o700); err != nil {
		t.Fatal(err)
	}
	child, supervisor := lifeLine(t, syscall.SOCK_SEQPACKET)
	output = &bytes.Buffer{}
	cmd = &exec.Cmd{Env: []string{"A=b"}, ExtraFiles: []*os.File{child}, Stdout: output, Stderr: output}
	cmd.Path, cmd.Args = program(file, argv...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child.Close()
	return cmd, supervisor, output
}

// self is the test program as a payload: a program of another architecture is not the filter's to judge, and /bin's may be one.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// What the test program does instead of testing where it is called so.
const (
	asMkdir = "trampoline-mkdir"
	asTrue  = "trampoline-true"
)

func standIn() {
	switch os.Args[0] {
	case asMkdir:
		if err := os.Mkdir(os.Args[1], 0o700); err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	case asTrue:
		os.Exit(0)
	}
}

// said is the next report, or nothing where the other end is closed.
func said(t *testing.T, supervisor *os.File) (word, value uint32, any bool) {
	t.Helper()
	var b [12]byte
	n, err := supervisor.Read(b[:])
	switch {
	case err == io.EOF:
		return 0, 0, false
	case err != nil || n != 8:
		t.Fatalf("%d bytes, %v", n, err)
	}
	return binary.NativeEndian.Uint32(b[:]), binary.NativeEndian.Uint32(b[4:]), true
}

func TestFilterInTheImage(t *testing.T) {
	image := filtered(t, false, "mkdir", "mkdirat")
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	if load := f.Progs[0]; load.Filesz != uint64(len(image)) || load.Memsz != load.Filesz {
		t.Errorf("load segment %+v of an image of %d bytes", load.ProgHeader, len(image))
	}
	if kind := binary.NativeEndian.Uint32(image[filterOffset:]); kind != withFilter || f.Progs[0].Vaddr+uint64(filterOffset) != uint64(filterAt) {
		t.Errorf("at %#x, where the code looks for it, is %d", filterAt, kind)
	}
	if plain := mustImage(t, false); len(image)%8 != 0 || bytes.Equal(image[:len(plain)], plain) {
		t.Errorf("%d bytes, or no difference before the filter", len(image))
	}
}

func TestFilter(t *testing.T) {
	made := filepath.Join(t.TempDir(), "made")
	cmd, supervisor, output := start(t, filtered(t, false, "mkdir", "mkdirat"), self(t), asMkdir, made)
	word, errno, any := said(t, supervisor)
	err := cmd.Wait()
	if emulator != "" { // which has no seccomp, and says so
		if word != ReportFilter || errno == 0 || cmd.ProcessState.ExitCode() != ExitNoExec {
			t.Errorf("report %#x, %v, %v", word, syscall.Errno(errno), err)
		}
		return
	}
	if any || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(output.String(), "cross-device link") {
		t.Errorf("report %#x %d, %v: %s", word, errno, err, output)
	}
}

// The filter is in force when the payload is executed: what it says about that is reported.
func TestFilterWithoutExec(t *testing.T) {
	if emulator != "" {
		return
	}
	cmd, supervisor, _ := start(t, filtered(t, false, "execve"), "/bin/true", "true")
	word, errno, _ := said(t, supervisor)
	if cmd.Wait(); word != ReportExec || syscall.Errno(errno) != syscall.EXDEV || cmd.ProcessState.ExitCode() != ExitNoExec {
		t.Errorf("report %#x, %v, %v", word, syscall.Errno(errno), cmd.ProcessState)
	}
}

// A filter that the kernel refuses.
func TestBadFilter(t *testing.T) {
	cmd, supervisor, _ := start(t, WithFilter(mustImage(t, false), make([]byte, 8), 0, false), "/bin/true", "true")
	word, errno, _ := said(t, supervisor)
	cmd.Wait()
	if word != ReportFilter || emulator == "" && syscall.Errno(errno) != syscall.EINVAL || cmd.ProcessState.ExitCode() != ExitNoExec {
		t.Errorf("report %#x, %v, %v", word, syscall.Errno(errno), cmd.ProcessState)
	}
}

// The listener's descriptor is told, and the payload waits until somebody has fetched it.
func TestListener(t *testing.T) {
	if emulator != "" {
		return
	}
	for name, answer := range map[string]bool{"answered": true, "the supervisor has gone": false} {
		t.Run(name, func(t *testing.T) {
			cmd, supervisor, _ := start(t, filtered(t, true, "mkdir"), self(t), asTrue)
			word, fd, _ := said(t, supervisor)
			link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", cmd.Process.Pid, fd))
			if word != ReportListener || err != nil || link != "anon_inode:seccomp notify" {
				t.Errorf("report %#x, %d: %s (%v)", word, fd, link, err)
			}
			want := ExitOrphaned
			if answer {
				want = 0
				if _, err := supervisor.Write([]byte{1}); err != nil {
					t.Error(err)
				}
				if word, _, any := said(t, supervisor); any {
					t.Errorf("report %#x", word)
				}
			} else {
				supervisor.Close()
			}
			if cmd.Wait(); cmd.ProcessState.ExitCode() != want {
				t.Errorf("%v", cmd.ProcessState)
			}
		})
	}
}
