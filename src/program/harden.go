// SPDX-License-Identifier: LGPL-2.1-only

package program

import (
	"golang.org/x/sys/unix"

	"gojail/src/plan"
)

const (
	setMDWE      = 65 // PR_SET_MDWE
	pathBeneath  = 1  // LANDLOCK_RULE_PATH_BENEATH
	landlockSize = 8  // of the first version's struct landlock_ruleset_attr, which every kernel takes
)

// landlock runs in the container's root, with the payload's rights: a path that it cannot reach it needs no right to. The struct
// landlock_path_beneath_attr is packed: the rights, and the descriptor at 8.
func (c *compiler) landlock(o plan.Landlock) {
	known := plan.LandlockRights(c.h.Landlock)
	how := c.words64(unix.O_PATH|unix.O_CLOEXEC, 0, unix.RESOLVE_NO_MAGICLINKS)
	c.call(unix.SYS_LANDLOCK_CREATE_RULESET, c.words64(o.Handled&known), num(landlockSize), num(0)).into(rKeep)
	for _, r := range o.Rules {
		all, file := c.words64(r.Access&known, 0), c.words64(r.Access&known&plan.LandlockFile, 0)
		c.call(unix.SYS_OPENAT2, num(cwd), c.str(r.Path), how, num(24)).into(rTmp).tries(openTries)
		c.insn(kindStore, 0, all.at(8), rTmp.arg())
		c.insn(kindStore, 0, file.at(8), rTmp.arg())
		c.call(unix.SYS_LANDLOCK_ADD_RULE, rKeep.arg(), num(pathBeneath), all, num(0)).into(rParent).mayFail(unix.EINVAL)
		done := c.skipIf(rParent, ^uintptr(0), 0)
		c.call(unix.SYS_LANDLOCK_ADD_RULE, rKeep.arg(), num(pathBeneath), file, num(0)) // it is no directory
		c.land(done)
		c.close(rTmp)
	}
	c.call(unix.SYS_LANDLOCK_RESTRICT_SELF, rKeep.arg(), num(0))
	c.close(rKeep)
}
