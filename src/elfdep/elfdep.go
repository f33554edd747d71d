// SPDX-License-Identifier: LGPL-2.1-only

// Package elfdep finds what a file needs to run in a jail that has nothing but
// what is staged: the ELF interpreter, the libraries as the dynamic loaders of
// musl and glibc would find them, and the interpreter of a #! line with its own
// needs.
//
// It is pure: it reads through an FS, mounts nothing and decides nothing about
// mounts. It does not find what a program opens by itself: dlopen(3), NSS,
// gconv, data. It does not expand $LIB and $PLATFORM, does not look into
// glibc-hwcaps directories, and does not follow DT_FILTER and DT_AUXILIARY.
//
// Every path is the string the loader will open. Symlinks in it are not
// resolved: a bind mount follows them on the host and puts the file under the
// name it is looked for. $ORIGIN likewise stands for the directory in the path
// that was asked for.
package elfdep

import "io"

// FS is where files are looked for: the host's root, or a container's rootfs.
// Paths are absolute, and symlinks in them are followed.
type FS interface {
	// Open opens a regular file for reading, which the caller closes. What is
	// not regular must not be opened, for that can block or start a device:
	// then File is nil, Info says so, and there is no error.
	Open(path string) (File, Info, error)
	// ReadDir lists the names in a directory, in any order. It is called for
	// the include lines of /etc/ld.so.conf alone.
	ReadDir(path string) ([]string, error)
}

// File is an open regular file.
type File interface {
	io.ReaderAt
	Close() error
}

// Info is what has to be known of a file beside its content.
type Info struct {
	Regular    bool // a regular file
	Executable bool // has an x bit
}

// Search is what the environment of the payload adds.
type Search struct {
	Path        string // PATH, for scripts that start with #!/usr/bin/env
	LibraryPath string // LD_LIBRARY_PATH
}

// Limits. Real files stay far below them; hostile ones end there.
const (
	maxObjects = 512     // libraries of one program
	maxOpens   = 1 << 15 // attempts to open a file, in one call of Deps
	maxScripts = 5       // #! lines in a row, as the kernel has it
	maxPath    = 4095    // PATH_MAX without its NUL
	maxName    = 255     // NAME_MAX
)

// Resolver answers for several files of one jail and remembers what it read
// and returned. It must not be used by two goroutines at a time, and the files
// are taken not to change meanwhile.
type Resolver struct {
	fs     FS
	search Search
	files  map[string]*file    // everything looked at
	staged map[string]struct{} // everything returned
	last   flavour             // the last program's

	conf     []string // directories of ld.so.conf
	confRead bool
	musl     map[string]muslPath // by interpreter

	buf []byte // for reading: maxHead long
	str []byte // for reading strings
}

// New returns a Resolver that has returned nothing yet.
func New(fsys FS, search Search) *Resolver {
	return &Resolver{
		fs: fsys, search: search,
		files:  make(map[string]*file, 16),
		staged: make(map[string]struct{}, 16),
	}
}

// Deps returns what to stage beside the file at the absolute path name: in the
// order of need, absolute, each once, without name itself and without what an
// earlier call has returned. A file that is neither ELF nor script, a static
// ELF and anything but a regular file need nothing. What is below /proc, /sys
// and /dev is not even opened, for reading there can block or act.
//
//   - ELF: the PT_INTERP, then the NEEDED libraries breadth first. Searched are,
//     for glibc, DT_RPATH of the object and of those that brought it in (unless
//     it has a DT_RUNPATH), LD_LIBRARY_PATH, its DT_RUNPATH, the directories of
//     /etc/ld.so.conf, the default ones; for musl LD_LIBRARY_PATH, DT_RUNPATH or
//     else DT_RPATH of the object and of those that brought it in, and
//     /etc/ld-musl-ARCH.path or else /lib:/usr/local/lib:/usr/lib. Libraries of
//     another class, byte order or machine are passed over. Empty and relative
//     elements of a search path, which mean the working directory, are not used.
//   - The loader's own list of directories (/etc/ld.so.cache,
//     /etc/ld-musl-ARCH.path) is returned as well if a library is found through
//     it alone.
//   - A shared object without PT_INTERP is searched for as a library of the
//     program asked about before, or else by which C library it names.
//   - Script: the interpreter and its needs, up to 5 scripts deep as in the
//     kernel. For #!/usr/bin/env PROG and env -S PROG also PROG, looked for in
//     Search.Path, with its needs; with other options of env only env itself.
//
// Errors are *Error; errors.Is(err, fs.ErrNotExist) also when what is missing is
// a dependency. After one the Resolver is as if it had not been asked.
func (r *Resolver) Deps(name string) ([]string, error) {
	w := walk{r: r, top: name, opens: maxOpens}
	if err := w.start(name); err != nil {
		return nil, err
	}
	if w.last.interp != "" {
		r.last = w.last
	}
	out := w.out[:0]
	for _, p := range w.out {
		if _, twice := r.staged[p]; !twice && p != w.top {
			r.staged[p] = struct{}{}
			out = append(out, p)
		}
	}
	return out, nil
}

// Deps is Resolver.Deps for a single file.
func Deps(fsys FS, name string, search Search) ([]string, error) {
	return New(fsys, search).Deps(name)
}

// start handles the file asked about, which may be of any kind.
func (w *walk) start(name string) *Error {
	if name == "" || name[0] != '/' || len(name) > maxPath {
		return &Error{Object: name, Why: "not an absolute path of at most 4095 bytes"}
	}
	if !ordinary(name) {
		return nil
	}
	at, f, err := w.literal(name)
	if err != nil {
		return err
	}
	w.top = at
	if f.kind == irregular {
		return nil
	}
	return w.program(at, f, 0)
}
