// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// run links what f puts together and interprets it here: it must not execute anything. at reads a uint32 of the program's memory.
func run(f func(c *compiler)) (insn int, errno syscall.Errno, at func(place arg) uint32) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := &compiler{h: &Handles{}}
	f(c)
	places := func(place arg) uint32 { return *(*uint32)(unsafe.Pointer(&c.data[place.v])) }
	c.link()
	insn, errno = Run(c.Code())
	runtime.KeepAlive(c)
	return insn, errno, places
}

// A program that comes to its end without an exec has failed at its last instruction.
const atEnd = syscall.ENOEXEC

func TestRunRegisters(t *testing.T) {
	var pid, small, kept, last arg
	insn, errno, at := run(func(c *compiler) {
		pid, small, kept, last = c.room(4), c.words32(7, 8), c.words32(9), c.room(4)
		c.call(unix.SYS_GETPID).into(rTmp)
		c.insn(kindStore, 0, pid, rTmp.arg())
		c.move(rKeep, num(uint32(0x89abcdef)))
		c.insn(kindStore, 0, small, rKeep.arg())
		c.move(rTree, rKeep.arg())
		c.move(rKeep, num(1))
		c.insn(kindStore, 0, last, rTree.arg())
		c.insn(kindStore, 0, small.at(4), num(5))
	})
	if insn != 7 || errno != atEnd {
		t.Errorf("ended at %d with %v", insn, errno)
	}
	if got := at(pid); got != uint32(os.Getpid()) {
		t.Errorf("pid %d, want %d", got, os.Getpid())
	}
	if at(small) != 0x89abcdef || at(small.at(4)) != 5 || at(kept) != 9 || at(last) != 0x89abcdef {
		t.Errorf("memory: %#x %#x %#x %#x", at(small), at(small.at(4)), at(kept), at(last))
	}
}

// A word is as wide as a pointer.
func TestRunWord(t *testing.T) {
	var first, words arg
	_, _, at := run(func(c *compiler) {
		first = c.words64(^uint64(0), ^uint64(0))
		words = first.at(unsafe.Sizeof(uintptr(0)))
		c.insn(kindWord, 0, first, num(3))
	})
	if at(first) != 3 && at(first.at(unsafe.Sizeof(uintptr(0))-4)) != 3 || at(words) != ^uint32(0) {
		t.Errorf("memory: %#x %#x", at(first), at(words))
	}
}

// descriptor passes a file descriptor from one call to others.
func TestRunDescriptor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var n, text arg
	insn, errno, at := run(func(c *compiler) {
		n, text = c.words32(99), c.room(8)
		c.call(unix.SYS_OPENAT, num(cwd), c.str(file), num(unix.O_RDONLY|unix.O_CLOEXEC), none).into(rTree)
		c.call(unix.SYS_READ, rTree.arg(), text, num(8)).into(rTmp)
		c.insn(kindStore, 0, n, rTmp.arg())
		c.close(rTree)
		c.call(unix.SYS_READ, rTree.arg(), text, num(8))
		c.fail(unix.EXDEV)
	})
	if insn != 4 || errno != unix.EBADF || at(n) != 5 {
		t.Errorf("ended at %d with %v, %d bytes read", insn, errno, at(n))
	}
}

func TestRunErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	open := func(c *compiler) *Insn {
		return c.call(unix.SYS_OPENAT, num(cwd), c.str(missing), num(unix.O_PATH), none).into(rTmp)
	}
	for _, c := range []struct {
		name  string
		f     func(c *compiler, trace func(n int))
		insn  int // of the end; -1: the last
		errno syscall.Errno
		trace string
	}{
		{"not tolerated", func(c *compiler, trace func(int)) { trace(1); open(c); trace(2) }, 1, unix.ENOENT, "1"},
		{"another is tolerated", func(c *compiler, trace func(int)) { open(c).mayFail(unix.ENOTDIR, unix.EACCES) }, 0, unix.ENOENT, ""},
		{"tolerated", func(c *compiler, trace func(int)) { open(c).mayFail(unix.EACCES, unix.ENOENT); trace(1) }, -1, atEnd, "1"},
		{"tolerated, and passed over", func(c *compiler, trace func(int)) {
			open(c).mayFail(unix.ENOENT)
			at := c.here() - 1
			trace(1)
			trace(2)
			c.land(at)
			trace(3)
		}, -1, atEnd, "3"},
		{"passed over only after an error", func(c *compiler, trace func(int)) {
			c.call(unix.SYS_GETPID).mayFail(unix.ENOENT)
			at := c.here() - 1
			trace(1)
			c.land(at)
			trace(2)
		}, -1, atEnd, "12"},
		{"the register has ^0", func(c *compiler, trace func(int)) {
			c.move(rTmp, num(5))
			open(c).mayFail(unix.ENOENT)
			at := c.skipIf(rTmp, ^uintptr(0), ^uintptr(0))
			trace(1)
			c.land(at)
			found := c.skipIf(rTmp, 1<<31, 0)
			trace(2)
			c.land(found)
			trace(3)
		}, -1, atEnd, "23"},
		{"an errno from 64 on", func(c *compiler, trace func(int)) {
			c.call(unix.SYS_OPENAT, num(cwd), c.str("/dev/null"), num(unix.O_CLOEXEC), none).into(rTree)
			c.call(unix.SYS_LISTEN, rTree.arg(), num(0)).mayFail(unix.ENOTSOCK)
			c.close(rTree)
			trace(1)
		}, -1, atEnd, "1"},
		{"caught", func(c *compiler, trace func(int)) {
			start := c.here()
			trace(1)
			open(c)
			trace(2)
			c.tolerate(start)
			trace(3)
		}, -1, atEnd, "13"},
		{"caught at its end", func(c *compiler, trace func(int)) {
			start := c.here()
			open(c)
			c.tolerate(start)
			trace(3)
		}, -1, atEnd, "3"},
		{"tolerated goes before caught", func(c *compiler, trace func(int)) {
			start := c.here()
			open(c).mayFail(unix.ENOENT)
			trace(1)
			open(c).mayFail(unix.ENOTDIR)
			trace(2)
			c.tolerate(start)
			trace(3)
		}, -1, atEnd, "13"},
		{"a failure is caught", func(c *compiler, trace func(int)) {
			start := c.here()
			c.fail(unix.EIO)
			trace(1)
			c.tolerate(start)
			trace(2)
		}, -1, atEnd, "2"},
		{"but not after it", func(c *compiler, trace func(int)) {
			start := c.here()
			trace(1)
			c.tolerate(start)
			open(c)
		}, 1, unix.ENOENT, "1"},
		{"what is vital is not caught", func(c *compiler, trace func(int)) {
			start := c.here()
			c.fail(unix.EIO)
			c.isVital(start)
			c.tolerate(start)
			trace(1)
		}, 0, unix.EIO, ""},
		{"fail", func(c *compiler, trace func(int)) { trace(1); c.fail(unix.ECANCELED); trace(2) }, 1, unix.ECANCELED, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var marks []arg
			var n int
			insn, errno, at := run(func(p *compiler) {
				for range 4 {
					marks = append(marks, p.words32(0))
				}
				c.f(p, func(n int) { p.insn(kindStore, 0, marks[n], num(1)) })
				n = p.here()
			})
			got := ""
			for i, m := range marks {
				if at(m) != 0 {
					got += strconv.Itoa(i)
				}
			}
			if c.insn < 0 {
				c.insn = n - 1
			}
			if insn != c.insn || errno != c.errno || got != c.trace {
				t.Errorf("ended at %d with %v after %q, want %d, %v, %q", insn, errno, got, c.insn, c.errno, c.trace)
			}
		})
	}
}

func TestRunBranches(t *testing.T) {
	for _, c := range []struct {
		reg, mask, value uintptr
		want             bool
	}{
		{5, ^uintptr(0), 5, true}, {5, ^uintptr(0), 4, false}, {5, 4, 4, true}, {5, 2, 0, true}, {5, 1, 0, false},
		{^uintptr(0), ^uintptr(0), ^uintptr(0), true}, {^uintptr(0), 1 << 31, 0, false}, {7, 1 << 31, 0, true},
	} {
		var inRegister, inMemory arg
		_, _, at := run(func(p *compiler) {
			inRegister, inMemory = p.words32(0), p.words32(0)
			place := p.words32(1, uint32(c.reg), 2)
			p.move(rTmp, num(c.reg))
			skip := p.skipIf(rTmp, c.mask, c.value)
			over := p.jump()
			p.land(skip)
			p.insn(kindStore, 0, inRegister, num(1))
			p.land(over)
			skip = p.skipIfMem(place.at(4), c.mask&0xffffffff, c.value&0xffffffff)
			over = p.jump()
			p.land(skip)
			p.insn(kindStore, 0, inMemory, num(1))
			p.land(over)
		})
		if got := at(inRegister) == 1; got != c.want {
			t.Errorf("%#x & %#x == %#x is %v for a register", c.reg, c.mask, c.value, got)
		}
		if got := at(inMemory) == 1; got != c.want {
			t.Errorf("%#x & %#x == %#x is %v in memory", c.reg, c.mask, c.value, got)
		}
	}
	for value, want := range map[uint32]syscall.Errno{0x1234: atEnd, 0x1235: unix.EEXIST} {
		_, errno, _ := run(func(p *compiler) { p.expect(p.words32(value), 0xffff, 0x1234, unix.EEXIST) })
		if errno != want {
			t.Errorf("expect 0x1234 of %#x: %v", value, errno)
		}
	}
}

// readCalls is how many reads this thread has tried.
func readCalls(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/thread-self/io")
	if err != nil {
		t.Skip("the kernel does not count system calls: ", err)
	}
	_, rest, _ := strings.Cut(string(b), "syscr: ")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A call is tried again as often as it says, and no more, if it would block.
func TestRunRetries(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	readCalls(t)
	before := readCalls(t)
	overhead := readCalls(t) - before
	for _, tries := range []int{0, 1, 7, 255} {
		before := readCalls(t)
		insn, errno, _ := run(func(c *compiler) {
			c.call(unix.SYS_GETPID)
			c.call(unix.SYS_READ, num(fds[0]), c.room(8), num(8)).tries(uint8(tries))
		})
		if insn != 1 || errno != unix.EAGAIN {
			t.Errorf("%d tries: ended at %d with %v", tries, insn, errno)
		}
		if got := readCalls(t) - before - overhead; got != tries+1 {
			t.Errorf("%d more tries: %d calls", tries, got)
		}
	}
	if _, err := unix.Write(fds[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	var n arg
	_, errno, at := run(func(c *compiler) {
		n = c.room(4)
		c.call(unix.SYS_READ, num(fds[0]), c.room(8), num(8)).into(rTmp).tries(9)
		c.insn(kindStore, 0, n, rTmp.arg())
	})
	if errno != atEnd || at(n) != 1 {
		t.Errorf("a read that works: %v, %d bytes", errno, at(n))
	}
	_, errno, _ = run(func(c *compiler) { c.call(unix.SYS_READ, num(-1), c.room(8), num(8)).tries(255) })
	if errno != unix.EBADF {
		t.Errorf("other errors: %v", errno)
	}
}

func TestSkipTooFar(t *testing.T) {
	const most = 1<<16 - 1
	panics := func(f func(c *compiler)) (did bool) {
		defer func() { did = recover() != nil }()
		f(&compiler{})
		return false
	}
	fill := func(c *compiler, n int) {
		for range n {
			c.move(rTmp, num(0))
		}
	}
	for n, want := range map[int]bool{0: false, most: false, most + 1: true} {
		if got := panics(func(c *compiler) { at := c.jump(); fill(c, n); c.land(at) }); got != want {
			t.Errorf("land after %d instructions: panic is %v", n, got)
		}
	}
	for n, want := range map[int]bool{0: false, most: false, most + 1: true} {
		if got := panics(func(c *compiler) { fill(c, n); c.tolerate(0) }); got != want {
			t.Errorf("tolerate %d instructions: panic is %v", n, got)
		}
	}
}
