// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// execs gives this process an empty table of processes made by exec.
func execs(t *testing.T) {
	t.Helper()
	control(t)
	boot().execs, announced = [maxExecs]execed{}, 0
	r().payload, r().worker, r().stranger, r().due = 1, 2, 0, false
	t.Cleanup(func() { announced = 0 })
}

func TestExecs(t *testing.T) {
	execs(t)
	lives, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Wait4(lives, nil, 0, nil)
	defer unix.Kill(lives, unix.SIGKILL)
	for _, pid := range []int{lives, lives, 1, 2, 0, -1} { // twice, the payload, the worker, nobody
		if err := AnnounceExec(pid); err != nil {
			t.Fatal(err)
		}
	}
	readControl()
	if n := len(EndedExecs()); n != 0 || r().due || boot().execs[maxExecs-1] != (execed{int32(lives), execRuns}) || boot().execs[maxExecs-2].pid != 0 {
		t.Errorf("%d ended, due %v, table %v", n, r().due, boot().execs)
	}
	if execEnded(12345, 1) || !execEnded(int32(lives), 7) || execEnded(int32(lives), 8) || !r().due {
		t.Error("the end of one that runs was not noted, or of one that does not")
	}
	// Its pid is another's before anybody has asked.
	if err := AnnounceExec(lives); err != nil {
		t.Fatal(err)
	}
	readControl()
	if got := EndedExecs(); !slices.Equal(got, []Ended{{lives, 7}}) {
		t.Errorf("ended: %v", got)
	}
	for range 2 {
		if err := ForgetExec(Ended{lives, 7}); err != nil {
			t.Fatal(err)
		}
	}
	readControl()
	if n, running := len(EndedExecs()), slices.Contains(boot().execs[:], execed{int32(lives), execRuns}); n != 0 || !running {
		t.Errorf("%d are still there, the other one: %v", n, running)
	}
}

// One that has ended before anybody knew what it was is told as well.
func TestExecEndedEarly(t *testing.T) {
	execs(t)
	r().stranger, r().strangerCode = 4711, 3
	gone := endedChild(t, "exit 0")
	unix.Wait4(gone, nil, 0, nil)
	for _, pid := range []int{4711, gone} {
		if err := AnnounceExec(pid); err != nil {
			t.Fatal(err)
		}
	}
	readControl()
	got := EndedExecs()
	slices.SortFunc(got, func(a, b Ended) int { return a.Status - b.Status })
	if !slices.Equal(got, []Ended{{4711, 3}, {gone, 137}}) || !r().due {
		t.Errorf("%v, due %v", got, r().due)
	}
}

// There is room for so many; the one too many does not live, nor one that comes when the container has ended.
func TestExecsFull(t *testing.T) {
	for name, c := range map[string]struct {
		payload int32
		fill    bool
	}{"full": {1, true}, "ended": {0, false}} {
		t.Run(name, func(t *testing.T) {
			execs(t)
			r().payload = c.payload
			if room := ExecRoom(); room != maxExecs {
				t.Errorf("room for %d", room)
			}
			for i := range &boot().execs {
				if c.fill {
					boot().execs[i] = execed{int32(1000 + i), 0}
				}
			}
			if room := ExecRoom(); c.fill && room != 0 {
				t.Errorf("room for %d", room)
			}
			pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{})
			if err != nil {
				t.Fatal(err)
			}
			if err := AnnounceExec(pid); err != nil {
				t.Fatal(err)
			}
			readControl()
			var ws unix.WaitStatus
			if _, err := unix.Wait4(pid, &ws, 0, nil); err != nil || ws.Signal() != unix.SIGKILL {
				t.Errorf("%v, %v", ws, err)
			}
		})
	}
}

func TestExecsEndWithThePayload(t *testing.T) {
	execs(t)
	pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	if err := AnnounceExec(pid); err != nil {
		t.Fatal(err)
	}
	readControl()
	payloadEnded(0)
	var ws unix.WaitStatus
	if _, err := unix.Wait4(pid, &ws, 0, nil); err != nil || ws.Signal() != unix.SIGKILL {
		t.Errorf("%v, %v", ws, err)
	}
}
