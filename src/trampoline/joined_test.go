// SPDX-License-Identifier: LGPL-2.1-only

package trampoline

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// joined executes the joined image with a payload and gives our end of the error channel and what it has reported.
func joined(t *testing.T, stdout *os.File) (ours *os.File, word uint32, pid int32) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, mustImage(t, true), 0o700); err != nil {
		t.Fatal(err)
	}
	theirs, ours := lifeLine(t, syscall.SOCK_SEQPACKET)
	path, args := program(exe, "zero")
	cmd := &exec.Cmd{Env: []string{payloadVariable + "=1"}, Stdout: stdout, Stderr: os.Stderr, ExtraFiles: []*os.File{theirs}}
	cmd.Path, cmd.Args = program(file, append([]string{path}, args...)...)
	if err := cmd.Run(); err != nil {
		t.Errorf("the first process: %v", err)
	}
	theirs.Close()
	var report [8]byte
	if n, err := ours.Read(report[:]); n != len(report) {
		t.Fatalf("report of %d bytes, %v", n, err)
	}
	return ours, binary.NativeEndian.Uint32(report[:]), int32(binary.NativeEndian.Uint32(report[4:]))
}

// ends waits for a child that exec.Cmd knows nothing of.
func ends(t *testing.T, pid int32) syscall.WaitStatus {
	t.Helper()
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(int(pid), &ws, 0, nil); err != nil {
		t.Fatal(err)
	}
	return ws
}

// The two images differ in one word.
func TestJoinedImage(t *testing.T) {
	plain, image := mustImage(t, false), mustImage(t, true)
	at := uintptr(joinedAt) - loadAddress
	if at != joinedOffset || len(plain) != len(image) || plain[at] != 0 || image[at] == 0 {
		t.Errorf("%d and %d bytes; at %d % x and % x", len(plain), len(image), at, plain[at:at+8], image[at:at+8])
	}
	copy(image[at:at+unsafe.Sizeof(uintptr(0))], plain[at:])
	if !bytes.Equal(plain, image) {
		t.Error("they differ in more")
	}
}

func TestJoined(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	ours, word, pid := joined(t, out)
	if word != ReportBorn {
		t.Fatalf("report %#x", word)
	}
	if emulator != "" { // it knows a fork by its flags, and not with this one
		if syscall.Errno(-pid) != syscall.EINVAL {
			t.Errorf("the emulator has forked: %d", pid)
		}
		return
	}
	if pid <= 0 {
		t.Fatal(syscall.Errno(-pid))
	}
	// It waits for our word: nothing has run yet.
	time.Sleep(10 * time.Millisecond)
	if got, err := os.ReadFile(out.Name()); len(got) != 0 || err != nil {
		t.Errorf("the payload has run: %q, %v", got, err)
	}
	if _, err := ours.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if ws := ends(t, pid); ws.ExitStatus() != payloadStatus {
		t.Errorf("it ended with %#x", ws)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	var got seen
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if len(got.Channels) != 0 || got.DeathSignal != 0 || got.Session != int(pid) {
		t.Errorf("the payload %d saw %+v", pid, got)
	}
}

func TestJoinedWithoutSupervisor(t *testing.T) {
	if emulator != "" {
		return
	}
	ours, _, pid := joined(t, nil)
	ours.Close()
	if ws := ends(t, pid); ws.ExitStatus() != ExitOrphaned {
		t.Errorf("it ended with %#x", ws)
	}
}
