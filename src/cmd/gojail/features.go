// SPDX-License-Identifier: LGPL-2.1-only

package main

import (
	"strings"

	"gojail/src/caps"
	"gojail/src/plan"
	"gojail/src/seccomp"
)

// features is runtime-spec's features structure (features.md) as JSON. What config.json may hold and this version does not honour
// is in its annotations: nothing is dropped in silence.
func features() string {
	w := &jsonWriter{}
	w.open("", '{')
	w.text("ociVersionMin", "1.0.0")
	w.text("ociVersionMax", "1.3.0")
	w.list("hooks", plan.HookKinds())
	w.list("mountOptions", plan.MountOptions())
	w.open("linux", '{')
	w.list("namespaces", plan.Namespaces())
	w.open("capabilities", '[')
	for c := caps.Cap(0); c <= caps.Last; c++ {
		w.text("", c.String())
	}
	w.close(']')
	for _, name := range [...]string{"cgroup", "seccomp", "apparmor", "selinux", "intelRdt"} {
		w.open(name, '{')
		switch name {
		case "cgroup":
			w.raw("v1", "false")
			w.raw("v2", "true")
			w.raw("systemd", "false")
			w.raw("systemdUser", "false")
			w.raw("rdma", "true")
		case "seccomp":
			w.raw("enabled", "true")
			w.list("actions", seccomp.Actions())
			w.list("operators", seccomp.Operators())
			w.list("archs", seccomp.Architectures())
			w.list("knownFlags", seccomp.Flags())
			w.list("supportedFlags", seccomp.Flags())
		default:
			w.raw("enabled", "false")
		}
		w.close('}')
	}
	w.open("memoryPolicy", '{')
	w.list("modes", []string{"MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL"})
	w.list("flags", []string{"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"})
	w.close('}')
	w.open("mountExtensions", '{')
	w.open("idmap", '{')
	w.raw("enabled", "true")
	w.close('}')
	w.close('}')
	w.open("netDevices", '{')
	w.raw("enabled", "true")
	w.close('}')
	w.close('}')
	w.open("annotations", '{')
	w.text("org.openwrt.gojail.version", version)
	w.text("org.openwrt.gojail.refused", strings.Join(plan.Refused(), ", "))
	w.text("org.openwrt.gojail.ignored", strings.Join(plan.Ignored(), ", "))
	w.close('}')
	w.close('}')
	w.b.WriteByte('\n')
	return w.b.String()
}

// jsonWriter writes indented JSON, members in the order given.
type jsonWriter struct {
	b     strings.Builder
	depth int
	more  bool // a member stands before the next one
}

func (w *jsonWriter) member(key string) {
	if w.more {
		w.b.WriteByte(',')
	}
	if w.depth > 0 {
		w.b.WriteByte('\n')
		w.b.WriteString(strings.Repeat("  ", w.depth))
	}
	if key != "" {
		w.quote(key)
		w.b.WriteString(": ")
	}
	w.more = true
}

func (w *jsonWriter) open(key string, bracket byte) {
	w.member(key)
	w.b.WriteByte(bracket)
	w.depth++
	w.more = false
}

func (w *jsonWriter) close(bracket byte) {
	w.depth--
	if w.more {
		w.b.WriteByte('\n')
		w.b.WriteString(strings.Repeat("  ", w.depth))
	}
	w.b.WriteByte(bracket)
	w.more = true
}

func (w *jsonWriter) raw(key, value string) {
	w.member(key)
	w.b.WriteString(value)
}

func (w *jsonWriter) text(key, value string) {
	w.member(key)
	w.quote(value)
}

func (w *jsonWriter) list(key string, values []string) {
	w.open(key, '[')
	for _, v := range values {
		w.text("", v)
	}
	w.close(']')
}

func (w *jsonWriter) quote(s string) {
	w.b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			w.b.WriteByte('\\')
			w.b.WriteByte(c)
		case c < ' ':
			const hex = "0123456789abcdef"
			w.b.WriteString(`\u00`)
			w.b.WriteByte(hex[c>>4])
			w.b.WriteByte(hex[c&15])
		default:
			w.b.WriteByte(c)
		}
	}
	w.b.WriteByte('"')
}
