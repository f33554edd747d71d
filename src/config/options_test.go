// SPDX-License-Identifier: LGPL-2.1-only

package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write OPTIONS.md anew")

// OPTIONS.md is the schema.
func TestOptionsFile(t *testing.T) {
	const file = "OPTIONS.md"
	var b strings.Builder
	b.WriteString("# Options of /etc/config/container\n\nSizes take K, M and G, of 1024. `+` marks lists. Made from src/config/schema.go by `go test ./src/config -update`.\n")
	section := ""
	for _, o := range Options() {
		if o.Section != section {
			section = o.Section
			b.WriteString("\n## config " + section + "\n\n| option | kind | default | what it is |\n|---|---|---|---|\n")
		}
		kind := strings.ReplaceAll(o.Kind, ",", ", ")
		if o.List {
			kind += " +"
		}
		value := ""
		if o.Default != "" {
			value = "`" + o.Default + "`"
		}
		b.WriteString("| `" + o.Name + "` | " + strings.Replace(kind, ":", ": ", 1) + " | " + value + " | " + o.Help + " |\n")
	}
	b.WriteString("\n## Defaults of the profiles\n\n| profile | option | default |\n|---|---|---|\n")
	for line := range strings.SplitSeq(strings.TrimSpace(profiles), "\n") {
		f := strings.Fields(line)
		b.WriteString("| " + f[0] + " | `" + f[1] + "` | `" + f[2] + "` |\n")
	}
	have, err := os.ReadFile(file)
	if string(have) == b.String() {
		return
	}
	if *update {
		err = os.WriteFile(file, []byte(b.String()), 0o644)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not what the schema says (%v): go test ./src/config -update", file, err)
}
