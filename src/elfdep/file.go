// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"bytes"
	"errors"
	"io"
)

// file is what matters of a file's content. It is read once per Resolver.
type file struct {
	kind kind
	exec bool  // has an x bit
	err  error // it is missing, malformed, or reading failed

	interp string // of a script or an ELF
	arg    string // of a script's interpreter

	arch    arch
	needed  []string
	soname  string
	rpath   string // DT_RUNPATH if there is one, else DT_RPATH
	runpath bool   // rpath is a DT_RUNPATH
}

type kind uint8

const (
	missing   kind = iota
	irregular      // a directory, device, ...
	data
	script
	elf
)

const (
	maxHead   = 1024 // ELF header, program headers and interpreter of nearly all files
	maxScript = 256  // BINPRM_BUF_SIZE: what the kernel reads of a #! line
)

// read looks at the content of an open file.
func (r *Resolver) read(f io.ReaderAt) *file {
	head, err := readAt(f, r.head(), 0)
	switch {
	case err != nil:
		return &file{err: err}
	case bytes.HasPrefix(head, []byte("#!")):
		return readScript(head)
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		x := reader{f: f, head: head, str: &r.str}
		out := &file{kind: elf}
		if err := x.elf(out); err != nil {
			return &file{kind: elf, err: err}
		}
		return out
	}
	return &file{kind: data}
}

// head returns the buffer for the beginning of a file.
func (r *Resolver) head() []byte {
	if r.buf == nil {
		r.buf = make([]byte, maxHead)
	}
	return r.buf
}

// readAt fills b as far as the file reaches.
func readAt(f io.ReaderAt, b []byte, off int64) ([]byte, error) {
	n, err := f.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}

// readScript takes a #! line apart as binfmt_script of the kernel does: what
// counts stands in the first 256 bytes, the interpreter ends at a blank, the
// rest of the line is one argument. A line the kernel refuses makes no script.
func readScript(head []byte) *file {
	full := len(head) >= maxScript
	if full {
		head = head[:maxScript]
	}
	line, _, ended := bytes.Cut(head[2:], []byte{'\n'})
	if line, _, found := bytes.Cut(line, []byte{0}); found {
		return scriptLine(line)
	}
	line = bytes.TrimLeft(line, " \t")
	if full && !ended && !bytes.ContainsAny(line, " \t") {
		// The interpreter's path may go on behind what the kernel reads.
		return &file{kind: data}
	}
	return scriptLine(line)
}

func scriptLine(line []byte) *file {
	line = bytes.Trim(line, " \t")
	if len(line) == 0 {
		return &file{kind: data}
	}
	out := &file{kind: script}
	if i := bytes.IndexAny(line, " \t"); i >= 0 {
		out.arg = string(bytes.TrimLeft(line[i:], " \t"))
		line = line[:i]
	}
	out.interp = string(line)
	return out
}
