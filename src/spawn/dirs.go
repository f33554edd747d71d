// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"gojail/src/kernel"
	"gojail/src/plan"
)

// MakeDirs makes what the container needs outside, parents included, and gives it away. It tells what was not there before.
func MakeDirs(dirs []plan.HostDir) (made []string, err error) {
	for _, d := range dirs {
		for i := 1; i <= len(d.Path); i++ {
			if i == len(d.Path) || d.Path[i] == '/' {
				anew, err := kernel.Mkdir(d.Path[:i], d.Mode)
				if err != nil {
					return made, err
				}
				if anew {
					made = append(made, d.Path[:i])
				}
			}
		}
		if d.Owner != nil {
			if err := kernel.Chown(d.Path, d.Owner.UID, d.Owner.GID); err != nil {
				return made, err
			}
		}
	}
	return made, nil
}

// Unmake removes the directories that were made for a start that failed. Overlayfs makes one in its work directory.
func Unmake(dirs []string) {
	for i := len(dirs) - 1; i >= 0; i-- {
		_ = kernel.Rmdir(dirs[i] + "/work")
		_ = kernel.Rmdir(dirs[i])
	}
}
