// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

const envHelper = "GOJAIL_RESIDENT_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(envHelper) != "" {
		slowToStop()
	}
	os.Exit(m.Run())
}

// slowToStop is a process that no SIGSTOP reaches for a second: it waits in vfork(2) for one that does nothing.
func slowToStop() {
	second := unix.Timespec{Sec: 1}
	pid, _, _ := syscall.RawSyscall6(unix.SYS_CLONE, unix.CLONE_VFORK|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 {
		syscall.RawSyscall(unix.SYS_WRITE, 1, uintptr(unsafe.Pointer(&second)), 1)
		syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&second)), 0, 0)
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	os.Exit(5)
}

// The payload of a busy machine may need its time to stop: it is asked until it has.
func TestExecutedLate(t *testing.T) {
	control(t)
	var pipe [2]int
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Pipe2(pipe[:], unix.O_CLOEXEC)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pipe[0])
	unix.Close(pair[1])
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"slow"}, &syscall.ProcAttr{
		Files: []uintptr{0, uintptr(pipe[1]), 2}, Env: []string{envHelper + "=1"}})
	unix.Close(pipe[1])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Read(pipe[0], make([]byte, 1)); n != 1 {
		t.Fatal(n, err)
	}
	r().life, r().payload = int32(pair[0]), int32(pid)
	if !executed() {
		t.Error("it was taken for one that has not been executed")
		unix.Kill(pid, unix.SIGKILL)
	}
	var st unix.WaitStatus
	if _, err := unix.Wait4(pid, &st, 0, nil); err != nil || st.ExitStatus() != 5 {
		t.Errorf("it was not let go on: %v, %v", st, err)
	}
}
