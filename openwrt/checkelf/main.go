// SPDX-License-Identifier: LGPL-2.1-only

// Checkelf says whether a program can be what procd starts: static, at a fixed address, and with the supervisor's own entry point.
// A build without `-ldflags '-E jail_entry'` runs, but never leaves the Go runtime; one that is position independent does not run.
//
//	checkelf PROGRAM...
package main

import (
	"debug/elf"
	"debug/gosym"
	"errors"
	"fmt"
	"os"
)

const entry = "jail_entry"

func check(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC {
		return fmt.Errorf("type %v: it has to be at a fixed address, not PIE", f.Type)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			return errors.New("it is linked dynamically: build it with CGO_ENABLED=0 and the internal linker")
		}
	}
	if s := f.Section(".symtab"); s != nil {
		return errors.New("it is not stripped (-ldflags -s)")
	}
	lines, text := f.Section(".gopclntab"), f.Section(".text")
	if lines == nil || text == nil {
		return errors.New("it is no Go program")
	}
	data, err := lines.Data()
	if err != nil {
		return err
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return err
	}
	fn := table.PCToFunc(f.Entry)
	if fn == nil || fn.Name != entry || fn.Entry != f.Entry {
		return fmt.Errorf("its entry point %#x is not %s (-ldflags '-E %s')", f.Entry, entry, entry)
	}
	return nil
}

func main() {
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Fprintf(os.Stderr, "checkelf: %s: %v\n", path, err)
			os.Exit(1)
		}
	}
}
