// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"strconv"
	"syscall"

	"gojail/src/elfdep"
	"gojail/src/kernel"
)

// files are the host's files, or those of a rootfs, as package elfdep reads them.
type files struct{ root string }

func (f files) Open(path string) (elfdep.File, elfdep.Info, error) {
	r, err := kernel.OpenRegular(f.root, path)
	if err != nil || r == nil {
		return nil, elfdep.Info{}, err
	}
	return r, elfdep.Info{Regular: true, Executable: r.Executable}, nil
}

func (f files) ReadDir(path string) ([]string, error) { return kernel.ReadNames(f.root+path, 4096) }

// notFound tells what a shell calls not found, as opposed to not executable.
func notFound(e syscall.Errno) bool {
	return e == syscall.ENOENT || e == syscall.ENOTDIR || e == syscall.ELOOP || e == syscall.ENAMETOOLONG
}

func itoa(v int) string { return strconv.Itoa(v) }
