// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"strconv"

	"gojail/src/hostfs"
)

type files = hostfs.FS

func itoa(v int) string { return strconv.Itoa(v) }
