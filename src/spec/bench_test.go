// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"encoding/json"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func BenchmarkDecode(b *testing.B) {
	configs := corpus(b)
	for _, name := range []string{"runc-spec", "podman-run"} {
		in := configs[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := Decode(in); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/encoding-json", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if err := json.Unmarshal(in, new(specs.Spec)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	s, err := Decode(corpus(b)["runc-spec"])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Validate(s); err != nil {
			b.Fatal(err)
		}
	}
}

// What every container's start pays: allocations are counted, time is not.
func TestAllocations(t *testing.T) {
	in := corpus(t)["runc-spec"]
	got := testing.AllocsPerRun(100, func() {
		if _, err := Decode(in); err != nil {
			t.Fatal(err)
		}
	})
	if got > 25 {
		t.Errorf("%v allocations for the configuration that runc writes", got)
	}
}
