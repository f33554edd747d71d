// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import "gojail/src/spec"

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
