// SPDX-License-Identifier: LGPL-2.1-only

package resident

import _ "unsafe" // for go:linkname

// Args is the command line, with the program's name. It is what os.Args would be: the runtime hands it out under that name alone, and
// package os would cost 60 KB of flash for nothing else.
func Args() []string { return runtimeArgs() }

//go:linkname runtimeArgs os.runtime_args
func runtimeArgs() []string
