// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/uxc"
)

// runtime is the OCI runtime.
func runtime(args, env []string, io stdio) int {
	mode := resident.Mode()
	p := uxc.Program{Version: version, Features: features, Attached: mode == resident.Start, Ended: mode == resident.Stopped}
	limits := resident.Limits()
	if mode == resident.Plain {
		limits[0] = resident.Files()
	}
	for i, name := range [...]string{"nofile", "as", "data", "fsize"} {
		if l := limits[i]; l.Hard > 0 && (i == 0 || mode != resident.Plain) {
			p.Limits = append(p.Limits, plan.Rlimit{Name: name, Resource: l.Resource, Soft: l.Soft, Hard: l.Hard})
		}
	}
	return uxc.Run(args, env, uxc.IO{Out: io.out, Err: io.err}, p)
}
