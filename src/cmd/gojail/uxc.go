// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/uxc"
)

// runtime is the OCI runtime.
func runtime(args, env []string, io stdio) int {
	p := uxc.Program{Version: version, Features: features}
	if l := resident.Files(); l.Hard > 0 {
		p.Limits = []plan.Rlimit{{Name: "nofile", Resource: l.Resource, Soft: l.Soft, Hard: l.Hard}}
	}
	return uxc.Run(args, env, uxc.IO{Out: io.out, Err: io.err}, p)
}
