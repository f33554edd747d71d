// SPDX-License-Identifier: LGPL-2.1-only

// Package hostfs has the files of the host, or of a root file system, as package elfdep reads them.
package hostfs

import (
	"gojail/src/elfdep"
	"gojail/src/kernel"
)

// FS is a directory as the root of a file system: no link leads out of it. "" is the host's own root.
type FS string

// Open opens a regular file to read it.
func (f FS) Open(path string) (elfdep.File, elfdep.Info, error) {
	r, err := kernel.OpenRegular(string(f), path)
	if err != nil || r == nil {
		return nil, elfdep.Info{}, err
	}
	return r, elfdep.Info{Regular: true, Executable: r.Executable}, nil
}

// ReadDir lists the names in a directory.
func (f FS) ReadDir(path string) ([]string, error) { return kernel.ReadNames(string(f)+path, 4096) }
