// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"io"
	"io/fs"
)

// Over makes an FS of an fs.FS whose root stands for /, such as os.DirFS("/")
// or a map of files. Its regular files must implement io.ReaderAt.
func Over(fsys fs.FS) FS { return over{fsys} }

type over struct{ fsys fs.FS }

func (o over) Open(name string) (File, Info, error) {
	st, err := fs.Stat(o.fsys, relative(name))
	if err != nil {
		return nil, Info{}, err
	}
	info := Info{Regular: st.Mode().IsRegular(), Executable: st.Mode()&0o111 != 0}
	if !info.Regular {
		return nil, info, nil
	}
	f, err := o.fsys.Open(relative(name))
	if err != nil {
		return nil, Info{}, err
	}
	at, ok := f.(interface {
		io.ReaderAt
		io.Closer
	})
	if !ok {
		f.Close()
		return nil, Info{}, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	return at, info, nil
}

func (o over) ReadDir(name string) ([]string, error) {
	list, err := fs.ReadDir(o.fsys, relative(name))
	names := make([]string, 0, len(list))
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, err
}

func relative(name string) string {
	if name == "/" || name == "" {
		return "."
	}
	return name[1:]
}
