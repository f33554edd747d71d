// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
	"gojail/src/trampoline"
)

// make1 has a child made as a worker would, and gives our end of its sync socket. It may have so many descriptors, 0: as many as we.
func make1(t *testing.T, files uint64) (sync, pid int) {
	t.Helper()
	control(t)
	r().payload, r().had, r().cancel = 0, false, 0
	for i, res := range raised {
		if err := unix.Prlimit(0, int(res), nil, (*unix.Rlimit)(unsafe.Pointer(&boot().limits[i]))); err != nil {
			t.Fatal(err)
		}
	}
	if files > 0 {
		boot().limits[0] = [2]uint64{files, files}
	}
	ours, theirs, err := kernel.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Close(ours) })
	life, childs, err := kernel.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Close(life) })
	boot().life = int32(childs)
	high, err := kernel.DupAbove(theirs, 20) // as in the resident, not where the child is to have it
	if err != nil {
		t.Fatal(err)
	}
	if err := Make(0, high, -1, 1234, false); err != nil {
		t.Fatal(err)
	}
	readControl()
	kernel.Close(theirs)
	kernel.Close(high)
	pid, inGroup, err := Made()
	if err != nil || inGroup {
		t.Fatalf("made in the group: %v, error %v", inGroup, err)
	}
	if !r().had || int(r().payload) != pid || r().killMS != 1234 {
		t.Errorf("the resident has payload %d, %d ms; want %d", r().payload, r().killMS, pid)
	}
	return ours, pid
}

// status1 waits for the child.
func status1(t *testing.T, pid int) unix.WaitStatus {
	t.Helper()
	var st unix.WaitStatus
	if _, err := unix.Wait4(pid, &st, 0, nil); err != nil {
		t.Fatal(err)
	}
	return st
}

// What a child is given it runs, with the descriptors that come with it.
func TestMake(t *testing.T) {
	sync, pid := make1(t, 0)
	image, err := trampoline.Image(false)
	if err != nil {
		t.Fatal(err)
	}
	tramp, err := kernel.SealedMemfd("trampoline", image)
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close(tramp)
	h := &program.Handles{Ours: -1, Theirs: trampoline.ErrorFD, LifeLine: trampoline.LifeFD, Trampoline: program.FirstFD + 1, Proc: program.FirstFD}
	p := program.BuildUnlinked(&plan.Plan{Ops: []plan.Op{plan.Exec{Args: []string{"/bin/sh", "-c", "exit 7"}}}}, h)
	insns, data := p.Parts()
	file, err := kernel.NewRegion("program", len(insns)+len(data))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p.LinkAt(file.Addr() + uintptr(len(insns)))
	for _, part := range [][]byte{insns, data} {
		if err := kernel.WriteAll(file.FD, "program", part); err != nil {
			t.Fatal(err)
		}
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := Give(sync, file.FD, file.Addr(), file.Size, p.Len(), len(insns), []int{int(null.Fd()), tramp}); err != nil {
		t.Fatal(err)
	}
	for {
		var m [3]uint32
		n, err := kernel.Recv(sync, unsafe.Slice((*byte)(unsafe.Pointer(&m)), 12))
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		if m[0] != program.SyncLast {
			t.Fatalf("the child says %#x, %v", m[0], syscall.Errno(m[1]))
		}
	}
	if st := status1(t, pid); !st.Exited() || st.ExitStatus() != 7 {
		t.Errorf("status %#x", st)
	}
}

// A child whose worker has died ends; one that is given nonsense says so.
func TestMakeForNothing(t *testing.T) {
	for name, c := range map[string]struct {
		give  func(sync int) error
		errno syscall.Errno // of what it says; 0: nothing
	}{
		"nobody":        {func(sync int) error { return unix.Shutdown(sync, unix.SHUT_WR) }, 0},
		"no descriptor": {func(sync int) error { return kernel.Send(sync, make([]byte, unsafe.Sizeof(gift{}))) }, unix.EPROTO},
		"too short":     {func(sync int) error { return kernel.SendFDs(sync, make([]byte, 8), sync) }, unix.EPROTO},
		"too many":      {func(sync int) error { return Give(sync, sync, 0, 4096, 1, 0, []int{sync, sync}) }, unix.EMFILE},
		"no file":       {func(sync int) error { return Give(sync, sync, uintptr(os.Getpagesize())<<8, 4096, 1, 0, nil) }, unix.ENOMEM},
	} {
		t.Run(name, func(t *testing.T) {
			files := uint64(0)
			if c.errno == unix.EMFILE {
				files = program.FirstFD + 1
			}
			sync, pid := make1(t, files)
			if err := c.give(sync); err != nil {
				t.Fatal(err)
			}
			var m [3]uint32
			n, err := kernel.Recv(sync, unsafe.Slice((*byte)(unsafe.Pointer(&m)), 12))
			if err != nil {
				t.Fatal(err)
			}
			if said := n == 12 && m[0] == program.SyncLost && syscall.Errno(m[1]) == c.errno; said != (c.errno != 0) {
				t.Errorf("it says %#x, %v (%d bytes)", m[0], syscall.Errno(m[1]), n)
			}
			if st := status1(t, pid); !st.Exited() || st.ExitStatus() != 1 {
				t.Errorf("status %#x", st)
			}
		})
	}
}

// After a signal that ended the container nothing is made any more.
func TestMakeTooLate(t *testing.T) {
	control(t)
	r().payload, r().had, r().cancel = 0, false, int32(unix.SIGTERM)
	ours, theirs, err := kernel.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close(ours)
	if err := Make(0, theirs, -1, 5000, false); err != nil {
		t.Fatal(err)
	}
	kernel.Close(theirs)
	readControl()
	if _, _, err := Made(); err != unix.ECANCELED || r().had || r().payload != 0 {
		t.Errorf("error %v, payload %d", err, r().payload)
	}
	if !kernel.HungUp(ours) {
		t.Error("the resident still holds the child's end")
	}
}
