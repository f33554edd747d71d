// SPDX-License-Identifier: LGPL-2.1-only

package inject

import (
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

var all = map[string]machine{"amd64": amd64(), "386": i386(), "arm": arm(), "arm64": arm64(), "mips": mips(), "mipsle": mips(),
	"riscv64": riscv64(), "loong64": loong64()}

// The tables hold together: every register is one, none is two.
func TestMachines(t *testing.T) {
	for name, m := range all {
		used := map[int]bool{}
		for _, r := range []int{m.pc, m.number, m.args[0], m.args[1], m.args[2]} {
			if r < 0 || r >= m.words || used[r] {
				t.Errorf("%s: register %d", name, r)
			}
			used[r] = true
		}
		if m.size() > maxRegisters || m.breakpoint.size == 0 || m.call.size == 0 || m.breakpoint == m.call {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// Instructions as the manuals of the processors have them.
func TestInstructions(t *testing.T) {
	for name, want := range map[string][2]string{
		"amd64": {"\xcc", "\x0f\x05"}, "386": {"\xcc", "\xcd\x80"}, "thumb": {"\x01\xde", "\x00\xdf"},
		"arm": {"\xf0\x01\xf0\xe7", "\x00\x00\x00\xef"}, "arm64": {"\x00\x00\x20\xd4", "\x01\x00\x00\xd4"},
		"riscv64": {"\x73\x00\x10\x00", "\x73\x00\x00\x00"}, "loong64": {"\x00\x00\x2a\x00", "\x00\x00\x2b\x00"},
		"mipsle": {"\x0d\x00\x00\x00", "\x0c\x00\x00\x00"},
	} {
		m := all[name]
		if name == "thumb" {
			m.breakpoint, m.call = arm().thumbBreak, arm().thumbDo
		}
		got := [2]string{string(m.breakpoint.bytes()), string(m.call.bytes())}
		if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 { // on big-endian mips, the only one, its own are the other way round
			if name != "mipsle" {
				continue
			}
			want = [2]string{"\x00\x00\x00\x0d", "\x00\x00\x00\x0c"}
		}
		if got != want {
			t.Errorf("%s: % x, want % x", name, got, want)
		}
	}
}

// What x/sys knows of this machine is the same. On mips it has another form of the registers.
func TestOwnMachine(t *testing.T) {
	list := machines()
	if len(list) == 0 || list[0] != all[runtime.GOARCH] {
		t.Fatalf("%s has %v", runtime.GOARCH, list)
	}
	m := list[0]
	found, _ := machineOf(m.size())
	if _, ok := machineOf(1); m.seccomp != unix.SYS_SECCOMP || found != m || ok {
		t.Errorf("seccomp is call %d", m.seccomp)
	}
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		return
	}
	var r unix.PtraceRegs
	if int(unsafe.Sizeof(r)) != m.size() {
		t.Fatalf("%d bytes of registers, not %d", unsafe.Sizeof(r), m.size())
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(&r)), m.size())
	m.set(b, m.pc, 0x12345678)
	if r.PC() != 0x12345678 {
		t.Errorf("the program counter is %#x: %+v", r.PC(), r)
	}
	r.SetPC(0x7654321)
	if got := m.word(b[m.pc*m.wordSize():]); got != 0x7654321 {
		t.Errorf("the program counter is %#x: %+v", got, r)
	}
}

func TestEntry(t *testing.T) {
	for name, m := range all {
		vector := func(words ...uint64) []byte {
			b := make([]byte, len(words)*m.wordSize())
			for i, w := range words {
				m.put(b[i*m.wordSize():], w)
			}
			return b
		}
		if at, ok := m.entry(vector(6, 4096, 9, 0x401234, 0, 0)); !ok || at != 0x401234 {
			t.Errorf("%s: %#x %v", name, at, ok)
		}
		for _, b := range [][]byte{nil, vector(9), vector(6, 9, 0, 0), vector(6, 4096, 9, 1)[:3*m.wordSize()+1]} {
			if at, ok := m.entry(b); ok {
				t.Errorf("%s: %#x of % x", name, at, b)
			}
		}
	}
}
