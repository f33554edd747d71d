// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"encoding/binary"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/caps"
	"gojail/src/plan"
)

// argument gives the last instruction's argument j, and what it points to.
func (p *Program) argument(j, size int) (uintptr, []byte) {
	in := p.insns[len(p.insns)-1]
	if in.argk[j] != argPtr {
		return in.arg[j], nil
	}
	return in.arg[j], p.data[in.arg[j]:][:size]
}

// What the kernel reads as structures is where it looks for it, whatever was put before it.
func TestAlignment(t *testing.T) {
	c := &compiler{}
	for n := range 40 {
		c.str(string(make([]byte, n)))
		for _, a := range []arg{c.room(n + 1), c.words32(1), c.words64(1), c.longs(1), c.vec([]string{"x"}), c.bytes([]byte{1})} {
			if a.v%8 != 0 {
				t.Fatalf("after a string of %d bytes: at %d", n, a.v)
			}
		}
	}
	c.link()
	if at := uintptr(unsafe.Pointer(&c.data[0])); at%8 != 0 {
		t.Errorf("the data block is at %#x", at)
	}
	for _, n := range []int{0, 1, 8} {
		c := &compiler{}
		c.data = c.data[:0]
		place := c.room(n)
		c.call(0, place)
		c.link()
		if at := uintptr(unsafe.Pointer(&c.data[0])); c.insns[0].arg[0] != at+place.v || c.insns[0].argk[0] != argValue {
			t.Errorf("%d bytes: linked to %#x, not %#x", n, c.insns[0].arg[0], at)
		}
	}
}

func TestStructures(t *testing.T) {
	order := binary.NativeEndian
	c := &compiler{h: &Handles{}, empty: arg{0, argPtr}}
	c.str("")

	c.setattr(rRoot, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NODEV, unix.MOUNT_ATTR__ATIME, unix.MS_SLAVE, true)
	flags, _ := c.argument(2, 0)
	size, _ := c.argument(4, 0)
	_, b := c.argument(3, 32)
	if got := *(*unix.MountAttr)(unsafe.Pointer(&b[0])); got != (unix.MountAttr{Attr_set: 5, Attr_clr: 0x70, Propagation: unix.MS_SLAVE}) || size != 32 ||
		flags != unix.AT_EMPTY_PATH|unix.AT_RECURSIVE {
		t.Errorf("struct mount_attr: %+v, %d bytes, flags %#x", got, size, flags)
	}

	a := c.schedAttr(plan.Scheduler{Policy: 6, Flags: 1 << 40, Nice: -20, Priority: 99, Runtime: 1, Deadline: 1 << 33, Period: 3})
	got := *(*unix.SchedAttr)(unsafe.Pointer(&c.data[a.v:][:56][0]))
	if want := (unix.SchedAttr{Size: 56, Policy: 6, Flags: 1 << 40, Nice: -20, Priority: 99, Runtime: 1, Deadline: 1 << 33, Period: 3}); got != want {
		t.Errorf("struct sched_attr: %+v, want %+v", got, want)
	}

	c.rlimit(plan.Rlimit{Resource: 7, Soft: 1 << 40, Hard: ^uint64(0)})
	if _, b := c.argument(2, 16); order.Uint64(b) != 1<<40 || order.Uint64(b[8:]) != ^uint64(0) {
		t.Errorf("struct rlimit64: %x", b)
	}

	c.memoryPolicy(plan.MemoryPolicy{Mode: 2, Nodes: []uint64{1<<63 | 1<<32 | 1, 2}, Max: 1024})
	_, b = c.argument(1, 128)
	most, _ := c.argument(2, 0)
	var nodes []int
	for n := range 1024 { // the kernel's bitmaps are arrays of long
		long := int(unsafe.Sizeof(uintptr(0)))
		w := uint64(0)
		if at := n / (8 * long) * long; long == 8 {
			w = order.Uint64(b[at:])
		} else {
			w = uint64(order.Uint32(b[at:]))
		}
		if w>>(n%(8*long))&1 != 0 {
			nodes = append(nodes, n)
		}
	}
	if !slices.Equal(nodes, []int{0, 32, 63, 65}) || most != 1025 {
		t.Errorf("nodes %d of %d", nodes, most)
	}

	start := c.here()
	c.capabilities(caps.Sets{Effective: 1<<40 | 1, Permitted: 2, Inheritable: 1<<33 | 4, Ambient: 4 | 2})
	head, data := c.insns[start].arg[0], c.insns[start].arg[1]
	var words []uint32
	for i := range uintptr(6) {
		words = append(words, order.Uint32(c.data[data+4*i:]))
	}
	if v := order.Uint32(c.data[head:]); v != unix.LINUX_CAPABILITY_VERSION_3 || !slices.Equal(words, []uint32{1, 2, 4, 1 << 8, 0, 2}) {
		t.Errorf("capset: version %#x, %x", v, words)
	}
	for _, in := range c.insns[start+2:] { // ambient ones are raised only where they are permitted and inheritable too
		t.Errorf("raises ambient capability %d", in.arg[2])
	}

	c.user(plan.User{UID: -1, GID: -1, SetGroups: true, Groups: []uint32{7, 1 << 31}})
	if _, b := c.argument(1, 8); order.Uint32(b) != 7 || order.Uint32(b[4:]) != 1<<31 {
		t.Errorf("groups: %x", b)
	}

	c.loopbackUp()
	in := c.insns[len(c.insns)-2]
	b = c.data[in.arg[2]:][:40]
	if string(b[:3]) != "lo\x00" || order.Uint16(b[16:]) != unix.IFF_UP|unix.IFF_RUNNING || in.arg[1] != unix.SIOCSIFFLAGS {
		t.Errorf("struct ifreq: %q", b)
	}
}

// The numbers of device nodes, as mknod(2) takes them.
func TestDeviceNumbers(t *testing.T) {
	for _, d := range [][2]uint32{{1, 3}, {5, 0}, {188, 255}, {188, 256}, {4095, 1048575}, {0, 0}, {10, 0x12345}} {
		c := &compiler{dirPath: "dev"}
		c.device(plan.Device{Path: "/dev/x", Type: 'c', Major: d[0], Minor: d[1], Mode: 0o640, Default: true})
		for _, in := range c.insns {
			if in.nr == unix.SYS_MKNODAT && (in.arg[3] != uintptr(unix.Mkdev(d[0], d[1])) || in.arg[2] != unix.S_IFCHR|0o640) {
				t.Errorf("%d:%d is %#x with mode %o, want %#x", d[0], d[1], in.arg[3], in.arg[2], unix.Mkdev(d[0], d[1]))
			}
		}
	}
}

// half is what two bytes in memory are as part of a uint32, on either byte order.
func TestHalf(t *testing.T) {
	var memory [4]byte
	binary.NativeEndian.PutUint16(memory[:], 0x1234)
	if got := half(0x1234); got != uintptr(binary.NativeEndian.Uint32(memory[:])) {
		t.Errorf("%#x", got)
	}
}

func TestPaths(t *testing.T) {
	for path, want := range map[string][3]string{
		"/": {".", ".", "."}, "/a": {"a", ".", "a"}, "/a/b/c": {"a/b/c", "a/b", "c"}, "/a/": {"a", ".", "a"}, "a/b": {"a/b", "a", "b"},
	} {
		dir, name := split(path)
		if relative(path) != want[0] || dir != want[1] || name != want[2] {
			t.Errorf("%s: %q, %q and %q; want %q", path, relative(path), dir, name, want)
		}
	}
	if got := escapeLayer(`/a:b,c\d`); got != `/a\:b\,c\\d` {
		t.Errorf("layer %s", got)
	}
}

// The first instruction of an op, those after it, and those before all of them.
func TestOp(t *testing.T) {
	p := &Program{first: []uint32{3, 3, 5, 9}, insns: make([]Insn, 12)}
	var got []int
	for i := range p.Len() {
		got = append(got, p.Op(i))
	}
	if want := []int{0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("%d, want %d", got, want)
	}
}
