// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"path"
	"slices"
	"strings"
)

// object is a file in the address space of the program that is loaded.
type object struct {
	*file
	path string
	by   *object  // who needed it first; nil for the program
	dirs []string // rpath, expanded
	set  bool     // dirs is valid
}

// flavour is what decides how libraries are searched for: the loader, by its
// path as PT_INTERP has it, and for what machine it is.
type flavour struct {
	interp string // "" if no program says
	arch   arch
}

// loader imitates how a program is loaded.
type loader struct {
	w    *walk
	main *object
	musl bool

	system   []string // where to look at last
	standard []string // the part of it that the loader knows by itself
	list     string   // the file that tells it the rest, or ""

	names map[string]struct{} // what is loaded, under every name it answers to
	queue []*object           // what is loaded, in order
}

// load handles the ELF file at name, which needs an interpreter or libraries.
func (w *walk) load(name string, f *file) *Error {
	l := &loader{w: w, main: &object{file: f, path: name}, names: make(map[string]struct{}, 16)}
	by := flavour{f.interp, f.arch}
	if f.interp == "" {
		by = w.guess(f)
	} else {
		at, interp, err := w.needs(name, f.interp)
		if err != nil {
			return err
		}
		if err := l.fits(l.main, f.interp, at, interp); err != nil {
			return err
		}
		l.answers(path.Base(f.interp), interp)
		w.stage(at)
		w.last = by
	}
	l.musl = isMusl(by.interp)
	l.systemDirs(by)
	l.answers("", f)
	l.queue = append(l.queue, l.main)
	for i := 0; i < len(l.queue); i++ {
		for _, need := range l.queue[i].needed {
			if err := l.need(l.queue[i], need); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits refuses what cannot be loaded together with the program.
func (l *loader) fits(by *object, name, at string, f *file) *Error {
	if f.err != nil {
		return &Error{Object: at, For: l.w.top, Why: "cannot be used", Err: f.err}
	}
	if f.kind != elf || f.arch != l.main.arch {
		return l.w.fault(by.path, name, "not an ELF file of the same class and machine")
	}
	return nil
}

// answers notes the names under which a loaded object is found again. musl
// does not look at sonames.
func (l *loader) answers(name string, f *file) {
	if name != "" {
		l.names[name] = struct{}{}
	}
	if f.soname != "" && !l.musl {
		l.names[f.soname] = struct{}{}
	}
}

// need loads one NEEDED library.
func (l *loader) need(by *object, name string) *Error {
	if _, loaded := l.names[name]; loaded || l.musl && isLibc(name) {
		return nil
	}
	w := l.w
	if name == "" || len(name) > maxPath {
		return w.fault(by.path, name, "the name of a library is empty or too long")
	}
	o, err := l.find(by, name)
	if err != nil {
		return err
	}
	l.answers(name, o.file)
	if slices.ContainsFunc(l.queue, func(q *object) bool { return q.path == o.path }) {
		return nil
	}
	if len(l.queue) > maxObjects {
		return w.fault(l.main.path, name, "more than 512 libraries")
	}
	w.stage(o.path)
	l.queue = append(l.queue, o)
	return nil
}

// isMusl tells musl's loader by its name.
func isMusl(interp string) bool {
	return strings.HasPrefix(path.Base(interp), "ld-musl-")
}

// isLibc tells whether musl takes a name for itself: libc and what other C
// libraries have beside it.
func isLibc(name string) bool {
	rest, ok := strings.CutPrefix(name, "lib")
	if !ok {
		return strings.HasPrefix(name, "ld-musl-")
	}
	for _, part := range [...]string{"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."} {
		if strings.HasPrefix(rest, part) {
			return true
		}
	}
	return false
}

// guess judges a shared object that names no interpreter: a plug-in, that the
// program asked about before may load.
func (w *walk) guess(f *file) flavour {
	last := w.r.last
	if last.arch != f.arch {
		last = flavour{arch: f.arch}
	}
	for _, n := range f.needed {
		switch {
		case n == "libc.so" || strings.HasPrefix(n, "libc.musl-"):
			if !isMusl(last.interp) {
				return flavour{"ld-musl-", f.arch}
			}
		case n == "libc.so.6":
			if isMusl(last.interp) {
				return flavour{arch: f.arch}
			}
		}
	}
	return last
}
