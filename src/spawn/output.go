// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"gojail/src/kernel"
	"gojail/src/program"
)

// openOutput makes the pipes of a Log.
func (s *start) openOutput() (err error) {
	read := [2]int{-1, -1}
	for i := range read {
		if read[i], s.handles.Output[i], err = kernel.Pipe(); err != nil {
			break
		}
		if s.handles.Output[i], err = s.atLeast(s.handles.Output[i]); err != nil {
			break
		}
	}
	if err == nil {
		err = s.cfg.Printed(read[0], read[1])
	}
	kernel.Close(read[0])
	kernel.Close(read[1])
	return err
}

// closeOutput closes the child's ends: whoever reads sees the end when the payload, and what it has made, has closed its own.
func (s *start) closeOutput() {
	for i, fd := range s.handles.Output {
		if fd >= program.FirstFD {
			kernel.Close(fd)
		}
		s.handles.Output[i] = -1
	}
}
