// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// walk is one call of Deps.
type walk struct {
	r     *Resolver
	top   string // the file asked about
	out   []string
	done  map[string]struct{} // programs handled
	opens int                 // attempts left
	last  flavour             // the last program's
}

// open returns what is at the path. Its content may be in error (file.err); the
// error of open itself says that there is nothing.
func (w *walk) open(name string) (*file, *Error) {
	if w.opens--; w.opens < 0 {
		return nil, w.fault(name, "", "searched too long: too many libraries or directories")
	}
	out := w.r.files[name]
	if out == nil {
		out = w.r.look(name)
		w.r.files[name] = out
	}
	if out.kind != missing {
		return out, nil
	}
	e := w.fault(name, "", "cannot be opened")
	if e.Err = out.err; errors.Is(e.Err, fs.ErrNotExist) {
		e.Why, e.Err = "not found", fs.ErrNotExist
	}
	return nil, e
}

// look opens and reads a file.
func (r *Resolver) look(name string) *file {
	f, info, err := r.fs.Open(name)
	if err != nil {
		return &file{kind: missing, err: err}
	}
	out := &file{kind: irregular}
	if f != nil {
		if info.Regular {
			out = r.read(f)
		}
		f.Close()
	}
	out.exec = info.Executable
	return out
}

func (w *walk) fault(object, needs, why string) *Error {
	return &Error{Object: object, For: w.top, Needs: needs, Why: why}
}

func (w *walk) stage(name string) {
	if !slices.Contains(w.out, name) {
		w.out = append(w.out, name)
	}
}

// program handles a file that is executed: the one asked about, or the
// interpreter of a script. level counts the scripts before it.
func (w *walk) program(name string, f *file, level int) *Error {
	if _, before := w.done[name]; before {
		return nil
	}
	if f.err != nil {
		return &Error{Object: name, For: w.top, Why: "cannot be used", Err: f.err}
	}
	switch f.kind {
	case elf:
		if f.interp == "" && len(f.needed) == 0 {
			return nil
		}
		w.enter(name)
		return w.load(name, f)
	case script:
		w.enter(name)
		return w.script(name, f, level)
	}
	return nil
}

func (w *walk) enter(name string) {
	if w.done == nil {
		w.done = make(map[string]struct{}, 4)
	}
	w.done[name] = struct{}{}
}

// script handles the #! line of the file at name.
func (w *walk) script(name string, f *file, level int) *Error {
	if level >= maxScripts {
		return w.fault(name, f.interp, "more than 5 scripts that interpret each other")
	}
	next, interp, err := w.needs(name, f.interp)
	if err != nil {
		return err
	}
	w.stage(next)
	if err := w.program(next, interp, level+1); err != nil {
		return err
	}
	if path.Base(f.interp) != "env" {
		return nil
	}
	prog := envProgram(f.arg)
	if prog == "" {
		return nil
	}
	if prog[0] == '/' {
		next, interp, err = w.needs(name, prog)
	} else {
		next, interp, err = w.inPath(name, prog)
	}
	if err != nil {
		return err
	}
	w.stage(next)
	// env executes the program anew, so the kernel counts from the start.
	return w.program(next, interp, 0)
}

// envProgram is the program that env(1) runs when a #! line gives it arg, or ""
// if that cannot be told.
func envProgram(arg string) string {
	if rest, split := strings.CutPrefix(arg, "-S"); split {
		for _, word := range strings.Fields(rest) {
			if strings.IndexByte(word, '=') > 0 {
				continue // a variable
			}
			if word[0] == '-' || strings.ContainsAny(word, `"'\$`) {
				return ""
			}
			return word
		}
		return ""
	}
	if arg == "" || arg[0] == '-' || strings.IndexByte(arg, '=') >= 0 {
		return ""
	}
	return arg
}

// needs opens a program or interpreter that is named by its path.
func (w *walk) needs(object, name string) (string, *file, *Error) {
	if name[0] != '/' || len(name) > maxPath {
		return "", nil, w.fault(object, name, "not an absolute path")
	}
	if !ordinary(name) {
		return "", nil, w.fault(object, name, "not allowed: it is not an ordinary file")
	}
	at, f, err := w.literal(name)
	if err != nil {
		err.Object, err.Needs = object, name
		return "", nil, err
	}
	if f.kind == irregular {
		return "", nil, w.fault(object, name, "not a regular file")
	}
	return at, f, nil
}

// literal opens the file a path stands for and returns the path to stage it
// under: without "..", which a jail's directories may not bear, unless only
// the path with it leads to the file.
func (w *walk) literal(name string) (string, *file, *Error) {
	clean := path.Clean(name)
	f, err := w.open(clean)
	if err != nil && strings.Contains(name, "/..") {
		if g, err := w.open(name); err == nil {
			return name, g, nil
		}
	}
	return clean, f, err
}

// inPath looks a program up as execvp(3) does.
func (w *walk) inPath(object, prog string) (string, *file, *Error) {
	if strings.IndexByte(prog, '/') >= 0 || len(prog) > maxName {
		return "", nil, w.fault(object, prog, "neither a plain name nor an absolute path")
	}
	var dirs []string
	for dir := range strings.SplitSeq(w.r.search.Path, ":") {
		if dir == "" || dir[0] != '/' || !ordinary(dir+"/") {
			continue
		}
		dir = path.Clean(dir)
		dirs = append(dirs, dir)
		at := path.Join(dir, prog)
		if f, err := w.open(at); err == nil && f.kind != irregular && f.exec {
			return at, f, nil
		} else if w.opens < 0 {
			return "", nil, err
		}
	}
	why := "not found"
	if len(dirs) == 0 {
		why = "not found, PATH is empty"
	}
	return "", nil, &Error{Object: object, For: w.top, Needs: prog, Why: why, Dirs: dirs, Err: fs.ErrNotExist}
}

// ordinary tells whether a path is outside of the file systems whose files
// stand for something else, such as /proc/self/exe for whoever opens it.
func ordinary(name string) bool {
	name = path.Clean(name) + "/"
	for _, dir := range [...]string{"/proc/", "/sys/", "/dev/"} {
		if strings.HasPrefix(name, dir) {
			return false
		}
	}
	return true
}
