// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/program"
)

// notify is a Parent that notes what it is told.
type notify struct{ pids []int }

func (n *notify) Announce(pid int, _ bool) error { n.pids = append(n.pids, pid); return nil }
func (*notify) LifeLine() int                    { return -1 }
func (*notify) Group(int, []string) error        { return nil }

// served has the supervisor hear these words from a child, which then closes its end.
func served(t *testing.T, words ...[3]uint32) (told []int, answers int, err error) {
	t.Helper()
	ours, theirs, err := kernel.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close(ours)
	p := &plan.Plan{Ops: []plan.Op{plan.Hostname{Name: "web"}, plan.Exec{Args: []string{"/bin/true"}}}}
	parent := &notify{}
	s := &start{plan: p, cfg: &Config{Parent: parent}, handles: program.Handles{Ours: ours, Theirs: theirs}, proc: kernel.NoProcfs, netns: -1}
	prog := program.Build(p, &s.handles)
	for _, w := range words {
		if err := kernel.Send(theirs, (*[12]byte)(unsafe.Pointer(&w))[:]); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Shutdown(theirs, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	err = s.serve(prog, false)
	for {
		var b [8]byte
		n, _, e := unix.Recvfrom(theirs, b[:], unix.MSG_DONTWAIT)
		if e != nil || n == 0 {
			kernel.Close(theirs)
			return parent.pids, answers, err
		}
		answers++
	}
}

// After its last word a child can be traced by others than root: nothing it says then is done.
func TestNothingAfterTheLastWord(t *testing.T) {
	last := [3]uint32{program.SyncLast}
	for name, word := range map[string]uint32{"forked": program.SyncForked, "ready": program.SyncReady, "copy": program.SyncCopyUp,
		"make": program.SyncMake, "terminal": program.SyncTerminal, "last": program.SyncLast, "no word": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			told, answers, err := served(t, last, [3]uint32{word, 1, 1})
			if kernel.ErrnoOf(err) != 0 || err == nil || !strings.Contains(err.Error(), "protocol") || len(told) > 0 || answers != 1 {
				t.Errorf("error %v, announced %v, %d answers; want a protocol error, none, 1", err, told, answers)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		if _, answers, err := served(t, last); err != nil || answers != 1 {
			t.Errorf("error %v, %d answers", err, answers)
		}
	})
	t.Run("failures", func(t *testing.T) {
		for want, w := range map[string][3]uint32{"exec /bin/true": {program.SyncExec, uint32(unix.ENOENT)}, "hostname": {5, uint32(unix.EPERM)}} {
			for _, words := range [][][3]uint32{{w}, {last, w}} {
				if _, _, err := served(t, words...); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %s in it", err, want)
				}
			}
		}
	})
	t.Run("no hook", func(t *testing.T) {
		for _, op := range []uint32{0, 1, 2, 1 << 31} {
			if _, _, err := served(t, [3]uint32{program.SyncHook, op, 0}); err == nil || !strings.Contains(err.Error(), "protocol") {
				t.Errorf("op %d: error %v", op, err)
			}
		}
	})
	t.Run("lives", func(t *testing.T) {
		if _, _, err := served(t, [3]uint32{program.SyncCopyUp, 1, 1}); err == nil || err == ErrCancelled {
			t.Errorf("error %v of a child that lives", err)
		}
	})
	t.Run("before", func(t *testing.T) {
		if told, answers, err := served(t, [3]uint32{program.SyncForked, 77}, last); err != nil || len(told) != 1 || told[0] != 77 || answers != 2 {
			t.Errorf("error %v, announced %v, %d answers", err, told, answers)
		}
	})
}

// A child that has ended: its pid may be anybody's, here it is ours.
func TestNothingForTheDead(t *testing.T) {
	adj := 500
	for name, closed := range map[string]bool{"lives": false, "has ended": true} {
		t.Run(name, func(t *testing.T) {
			ours, theirs, err := kernel.SocketPair()
			if err != nil {
				t.Fatal(err)
			}
			defer kernel.Close(ours)
			if closed {
				kernel.Close(theirs)
			} else {
				defer kernel.Close(theirs)
			}
			proc, err := kernel.OpenProcfs()
			if err != nil {
				t.Fatal(err)
			}
			child := exec.Command("/bin/sleep", "100")
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			defer child.Wait()
			defer child.Process.Kill()
			p := &plan.Plan{Outside: plan.Outside{OOMScoreAdj: &adj}}
			s := &start{plan: p, handles: program.Handles{Ours: ours}, proc: proc, pid: child.Process.Pid, netns: -1}
			defer s.proc.Close()
			err = s.outside()
			text, rerr := kernel.ReadFile("/proc/"+strconv.Itoa(s.pid)+"/oom_score_adj", 64)
			if rerr != nil {
				t.Fatal(rerr)
			}
			if written := string(text) == "500\n"; closed && err != ErrCancelled || !closed && err != nil || written == closed {
				t.Errorf("error %v, oom_score_adj %s", err, text)
			}
			if closed {
				if err := s.copyUp(0, 0); err != ErrCancelled {
					t.Errorf("copy up: error %v", err)
				}
			}
		})
	}
}
