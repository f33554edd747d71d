// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// LogAnnotation asks for the container's output in the system log, with the value 1. procd cannot do that: it names the lines of a
// bundle after its command, which it does not know.
const LogAnnotation = "org.openwrt.gojail.log"

// log plans where the output goes. It comes before the limits: a small one for files forbids even descriptors 1 and 2.
func (b *builder) log(s *specs.Spec, o *Bundle) error {
	switch v := s.Annotations[LogAnnotation]; {
	case v == "" || v == "0":
	case v != "1":
		return refuse("annotations["+LogAnnotation+"]", quoted(v)+" is neither 0 nor 1")
	case !o.Ujail:
		b.note("annotations[" + LogAnnotation + "]: stdout and stderr are the caller's")
	case s.Process.Terminal:
		b.warning("annotations[" + LogAnnotation + "]: what goes to a terminal is not logged")
	default:
		b.add(Log{o.Name})
	}
	return nil
}
