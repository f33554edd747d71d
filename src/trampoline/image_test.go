// SPDX-License-Identifier: LGPL-2.1-only

package trampoline

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"runtime"
	"testing"
)

func mustImage(t *testing.T, joined bool) []byte {
	t.Helper()
	b, err := Image(joined)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestImageHeaders(t *testing.T) {
	machines := map[string]elf.Machine{
		"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64, "loong64": elf.EM_LOONGARCH,
		"mips": elf.EM_MIPS, "mipsle": elf.EM_MIPS, "riscv64": elf.EM_RISCV,
	}
	b := mustImage(t, false)
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_EXEC || f.Machine != machines[runtime.GOARCH] {
		t.Errorf("type %v, machine %v", f.Type, f.Machine)
	}
	if got := binary.NativeEndian.Uint16([]byte{1, 0}) == 1; got != (f.Data == elf.ELFDATA2LSB) {
		t.Errorf("byte order %v", f.Data)
	}
	if len(f.Progs) != 2 {
		t.Fatalf("%d segments", len(f.Progs))
	}
	load, stack := f.Progs[0], f.Progs[1]
	if load.Type != elf.PT_LOAD || load.Flags != elf.PF_R|elf.PF_X || load.Off != 0 || load.Vaddr%load.Align != 0 ||
		load.Filesz != uint64(len(b)) || load.Memsz != load.Filesz {
		t.Errorf("load segment %+v of an image of %d bytes", load.ProgHeader, len(b))
	}
	if stack.Type != elf.PT_GNU_STACK || stack.Flags != elf.PF_R|elf.PF_W {
		t.Errorf("stack segment %+v", stack.ProgHeader)
	}
	if f.Entry <= load.Vaddr || f.Entry >= load.Vaddr+load.Filesz || f.Entry%4 != 0 {
		t.Errorf("entry %#x outside of %#x+%#x or not aligned", f.Entry, load.Vaddr, load.Filesz)
	}
	t.Logf("%s: %d bytes", runtime.GOARCH, len(b))
}

func TestImageHasAllOfTheCode(t *testing.T) {
	b := mustImage(t, false)
	if len(b) > 1024 {
		t.Errorf("%d bytes: the end mark was not found where it should be", len(b))
	}
	if bytes.Contains(b, []byte(endMark)) {
		t.Error("the end mark is part of the image")
	}
	// The trap behind exit_group, which every code_*.s has before the mark.
	trap := map[string]string{
		"386": "\x0f\x0b", "amd64": "\x0f\x0b", "arm": "\xfd\xbc\xfa\xf7", "arm64": "\x00\x00\x00\x00", "loong64": "\x00\x00\x2a\x00",
		"mips": "\x00\x00\x00\x34", "mipsle": "\x34\x00\x00\x00", "riscv64": "\x02\x90",
	}[runtime.GOARCH]
	if !bytes.HasSuffix(b, []byte(trap)) {
		t.Errorf("ends with % x, not with the trap % x", b[len(b)-4:], trap)
	}
}

func TestImageIsCheap(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { mustImage(t, false) }); n != 1 {
		t.Errorf("%v allocations, not the one of the bytes themselves", n)
	}
}
