// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxDirs is the number of directories one search path may have.
const maxDirs = 256

// find looks for a library: at its path if it has one, else in the directories
// its needer has it looked for.
func (l *loader) find(by *object, name string) (*object, *Error) {
	if strings.IndexByte(name, '/') >= 0 {
		full, ok := expand(name, by.path)
		if !ok {
			return nil, l.w.fault(by.path, name, "only $ORIGIN can be expanded")
		}
		at, f, err := l.w.needs(by.path, full)
		if err == nil {
			err = l.fits(by, name, at, f)
		}
		return &object{file: f, path: at, by: by}, err
	}
	if len(name) > maxName {
		return nil, l.w.fault(by.path, name, "the name of a library is too long")
	}
	s := &search{l: l, by: by, name: name}
	env := l.environment()
	switch {
	case l.musl:
		if s.in(env) {
			return s.found, nil
		}
		for p := by; p != nil; p = p.by {
			if s.in(l.rpath(p)) {
				return s.found, nil
			}
		}
	default:
		for p := by; p != nil && !by.runpath; p = p.by {
			if !p.runpath && s.in(l.rpath(p)) {
				return s.found, nil
			}
		}
		if s.in(env) || by.runpath && s.in(l.rpath(by)) {
			return s.found, nil
		}
	}
	if !s.in(l.system) {
		return nil, s.fault()
	}
	if l.list != "" && !slices.Contains(l.standard, s.dir) {
		l.w.stage(l.list)
	}
	return s.found, nil
}

// search is the search for one library, and what to say if it fails.
type search struct {
	l    *loader
	by   *object
	name string

	found *object
	dir   string // where

	dirs []string // looked into
	odd  string   // what was passed over first, and why
}

// in looks for the library in some directories.
func (s *search) in(dirs []string) bool {
	for _, dir := range dirs {
		if s.l.w.opens < 0 {
			return false
		}
		if len(s.dirs) <= maxShown && !slices.Contains(s.dirs, dir) {
			s.dirs = append(s.dirs, dir)
		}
		at, f, err := s.l.w.literal(dir + "/" + s.name)
		switch {
		case err != nil:
			continue
		case f.err == nil && f.kind == elf && f.arch == s.l.main.arch:
			s.found, s.dir = &object{file: f, path: at, by: s.by}, dir
			return true
		case s.odd != "":
		case f.err != nil:
			s.odd = show(at) + ": " + f.err.Error()
		case f.kind == elf:
			s.odd = show(at) + " is for another machine"
		default:
			s.odd = show(at) + " is no library"
		}
	}
	return false
}

func (s *search) fault() *Error {
	e := s.l.w.fault(s.by.path, s.name, "not found")
	if s.l.w.opens < 0 {
		e.Why = "searched too long: too many libraries or directories"
		return e
	}
	if s.odd != "" {
		e.Why += " (" + s.odd + ")"
	}
	e.Dirs, e.Err = s.dirs, fs.ErrNotExist
	return e
}

// rpath returns the directories an object brings along.
func (l *loader) rpath(o *object) []string {
	if !o.set {
		o.set = true
		if o.rpath != "" {
			o.dirs = l.split(o.rpath, o.path)
		}
	}
	return o.dirs
}

// environment returns the directories of LD_LIBRARY_PATH.
func (l *loader) environment() []string {
	if l.w.r.search.LibraryPath == "" {
		return nil
	}
	return l.split(l.w.r.search.LibraryPath, l.main.path)
}

// split divides a search path into its absolute directories. musl gives up on
// the whole path for a $ it does not know, glibc on the one element.
func (l *loader) split(list, origin string) []string {
	var dirs []string
	for dir := range strings.FieldsFuncSeq(list, func(c rune) bool { return c == ':' || c == '\n' || c == ';' }) {
		dir, ok := expand(dir, origin)
		if !ok && l.musl {
			return nil
		}
		if ok && dir != "" && dir[0] == '/' && ordinary(dir) && len(dirs) < maxDirs {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// expand puts the directory of the object at origin where $ORIGIN stands. It
// fails for anything else behind a $.
func expand(s, origin string) (string, bool) {
	i := strings.IndexByte(s, '$')
	if i < 0 {
		return s, true
	}
	var b []byte
	for ; i >= 0; i = strings.IndexByte(s, '$') {
		b = append(b, s[:i]...)
		rest, ok := strings.CutPrefix(s[i:], "$ORIGIN")
		if !ok {
			if rest, ok = strings.CutPrefix(s[i:], "${ORIGIN}"); !ok {
				return "", false
			}
		}
		b = append(b, path.Dir(origin)...)
		if s = rest; len(b) > maxPath {
			return "", false
		}
	}
	return string(append(b, s...)), true
}
