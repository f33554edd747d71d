// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"gojail/src/spec"
)

// FuzzCompile: whatever can be read as a profile compiles or is refused, and the filter says what the profile says.
func FuzzCompile(f *testing.F) {
	names := slices.Sorted(maps.Keys(machines()))
	for i, name := range names {
		r := rand.New(rand.NewPCG(6, uint64(i)))
		b, err := json.Marshal(randomProfile(r, machines()[name]))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(i), uint64(i))
	}
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_KILL_PROCESS","syscalls":[{"names":["read","write"],"action":"SCMP_ACT_ALLOW"}]}`), uint8(0), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, which uint8, seed uint64) {
		p, err := spec.DecodeSeccomp(b, spec.Target{Arch: names[int(which)%len(names)]})
		if err != nil {
			return
		}
		machine := machines()[names[int(which)%len(names)]]
		filter, err := compile(p, Options{}, machine)
		if err != nil {
			if _, isError := err.(*Error); !isError {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		acceptable(t, filter.Program)
		ref, big, r := newReference(p, machine), machine[0].big, rand.New(rand.NewPCG(seed, 0))
		everyCall(machine, func(token, number uint32) {
			if r.IntN(8) != 0 {
				return
			}
			d := data{number: number, arch: token, args: randomArgs(r, p)}
			if got, _, err := run(filter.Program, d.bytes(big), big); err != nil || got != ref.verdict(&d) {
				t.Fatalf("%s: %+v: %#x (%v), want %#x", machine[0].name, d, got, err, ref.verdict(&d))
			}
		})
	})
}
