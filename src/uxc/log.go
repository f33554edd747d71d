// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"time"

	"gojail/src/kernel"
	"gojail/src/spec"
)

// logFile is that of --log, in the form that runc writes and clients read.
type logFile struct {
	path string
	json bool
}

// write adds a line. What cannot be written there is on standard error all the same.
func (l *logFile) write(level, text string) {
	if l.path == "" {
		return
	}
	now := time.Now().Format(time.RFC3339)
	var b []byte
	if l.json {
		b = spec.AppendJSON([]byte(`{"level":`), level)
		b = spec.AppendJSON(append(b, `,"msg":`...), text)
		b = append(spec.AppendJSON(append(b, `,"time":`...), now), '}', '\n')
	} else {
		b = append(append([]byte(`time="`), now...), `" level=`...)
		b = append(append(b, level...), " msg="...)
		b = append(spec.AppendJSON(b, text), '\n')
	}
	_ = kernel.Append(l.path, b)
}
