// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gojail/src/plan"
)

// A kernel that was built without some namespaces is told from other reasons of the same error.
func TestMissingNamespaces(t *testing.T) {
	small := func(name string) bool { return name != "user" && name != "time" }
	for _, c := range []struct {
		wanted plan.Namespace
		errno  unix.Errno
		want   string
	}{
		{plan.NewUser | plan.NewNS | plan.NewPID, unix.EINVAL, "this kernel does not have: user"},
		{plan.NewTime | plan.NewUser, unix.EINVAL, "this kernel does not have: user time"},
		{plan.NewNS | plan.NewPID, unix.EINVAL, ""},
		{plan.NewUser, unix.ENOSPC, "/proc/sys/user"},
		{plan.NewPID, unix.ENOMEM, "its first process has ended"},
		{plan.NewPID, unix.EPERM, "is this root"},
		{plan.NewPID, unix.EAGAIN, ""},
	} {
		if got := missingNamespaces(c.wanted, c.errno, small); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%v, %v: %q, want %q", c.wanted, c.errno, got, c.want)
		}
	}
}
