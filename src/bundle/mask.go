// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import "gojail/src/spec"

// Foreground has the container's output where its ujail's is, not in the system log.
func (b *Bundle) Foreground() {
	top := parse(string(b.Config))
	top.at("annotations").drop(logging)
	b.Config = top.encode()
}

// Masked is a config.json of New without the values that its annotation keeps from being shown.
func Masked(config []byte) string {
	top := parse(string(config))
	names := map[string]string{spec.SecretAnnotation: top.at("annotations").get(spec.SecretAnnotation).str()}
	env := top.at("process").list("env")
	for i, v := range env.items {
		env.items[i] = text(spec.Hidden(names, v.str()))
	}
	return string(top.encode())
}
