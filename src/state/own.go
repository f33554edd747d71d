// SPDX-License-Identifier: LGPL-2.1-only

package state

import "gojail/src/kernel"

// Rewrite writes a state anew for its owner while that lives: nobody else changes anything then, and it waits for nobody who looks. The
// container's directory has to be there.
func Rewrite(root string, s *State) error {
	return kernel.Replace(root+"/"+s.ID, "state", s.Encode(), 0o600)
}
