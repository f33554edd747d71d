// SPDX-License-Identifier: LGPL-2.1-only

package hooks

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestState(t *testing.T) {
	for _, s := range []State{
		{Version: "1.0.2", ID: "web", Bundle: "/srv/web"},
		{Version: "1.3.0", ID: "a\"\\", Bundle: "/ü\n\x7f", Annotations: []Annotation{{"a", ""}, {"b\x00", "\x1f\u2028</>"}}},
	} {
		for _, status := range []string{"creating", "created", "running", "stopped"} {
			for _, pid := range []int{0, 1, 1 << 22} {
				var got specs.State
				text := s.JSON(status, pid)
				if err := json.Unmarshal(text, &got); err != nil {
					t.Fatalf("%v: %s", err, text)
				}
				want := map[string]string{}
				for _, a := range s.Annotations {
					want[a.Key] = a.Value
				}
				if got.Version != s.Version || got.ID != s.ID || string(got.Status) != status || got.Pid != pid || got.Bundle != s.Bundle ||
					!maps.Equal(got.Annotations, want) {
					t.Errorf("%+v of %s", got, text)
				}
				if strings.Contains(string(text), `"pid"`) != (pid > 0) || strings.Contains(string(text), "annotations") != (len(want) > 0) {
					t.Errorf("%s", text)
				}
			}
		}
	}
}

// A path need not be UTF-8, JSON has to be.
func TestStateOfOddPath(t *testing.T) {
	var got specs.State
	s := State{Bundle: "/\xff\xfe"}
	if err := json.Unmarshal(s.JSON("creating", 1), &got); err != nil || got.Bundle != "/\ufffd\ufffd" {
		t.Errorf("%q, %v", got.Bundle, err)
	}
}

func TestParent(t *testing.T) {
	for text, want := range map[string]int32{
		"12 (sh) S 7 12 12 0":               7,
		"12 (a) R 1 (b) Z 99 0 0":           99,
		"12 (sh) S 4194304":                 4194304,
		"":                                  -1,
		"12 sh S 7":                         -1,
		"12 (sh)":                           0,
		strings.Repeat("x", 253) + ")":      0,
		strings.Repeat("x", 251) + ") S 77": 7, // cut off: longer than any that the kernel writes up to there
	} {
		m := &minder{}
		if got := m.parent(copy(m.text[:], text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
