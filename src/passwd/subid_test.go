// SPDX-License-Identifier: LGPL-2.1-only

package passwd

import (
	"fmt"
	"slices"
	"testing"
)

func TestSubRanges(t *testing.T) {
	const text = "# comment\nroot:100000:65536\ncontainers:200000:65536\n\ncontainers:x:1\ncontainers:1:0\ncontainers:1\ncontainers:4294967000:1000\n" +
		" containers:400000:131072 \ncontainer:7:7\ncontainers:4294967294:1"
	want := []Range{{200000, 65536}, {400000, 131072}, {4294967294, 1}}
	if got := SubRanges([]byte(text), SubOwner); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := SubRanges(nil, SubOwner); got != nil {
		t.Error(got)
	}
}

// Every container has ids of its own, the same ones each time, whoever else there is.
func TestShares(t *testing.T) {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprint("box", i))
	}
	all, err := Shares(names, nil)
	if err != nil || len(all) != 1000 {
		t.Fatal(len(all), err)
	}
	seen, moved := map[uint32]string{}, 0
	for name, start := range all {
		if start < 0x80000 || start+ShareSize-1 >= 0x6fff0000 || start%ShareSize != 0 || seen[start] != "" {
			t.Errorf("%s: %#x, and so has %q", name, start, seen[start])
		}
		seen[start] = name
		if one, err := Shares([]string{name}, nil); err != nil || one[name] != start {
			moved++
		}
	}
	if moved > 50 {
		t.Errorf("%d of 1000 names have other ids when they are alone", moved)
	}
	slices.Reverse(names)
	again, err := Shares(append(names, "box7"), nil)
	for name := range all {
		if err != nil || again[name] != all[name] {
			t.Fatalf("%s: %#x, then %#x, %v", name, all[name], again[name], err)
		}
	}
}

func TestSharesOfPool(t *testing.T) {
	pool := []Range{{100, 65535}, {200000, 65536}, {1000000, 3*65536 - 1}}
	got, err := Shares([]string{"a", "b", "c"}, pool)
	if err != nil {
		t.Fatal(err)
	}
	starts := []uint32{got["a"], got["b"], got["c"]}
	slices.Sort(starts)
	if !slices.Equal(starts, []uint32{200000, 1000000, 1065536}) {
		t.Error(got)
	}
	if _, err := Shares([]string{"a", "b", "c", "d"}, pool); err == nil || err.Error() != "ids for 3 containers, 65536 each, and there are 4" {
		t.Error(err)
	}
	if got, err := Shares(nil, pool[:1]); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	if _, err := Shares([]string{"a"}, pool[:1]); err == nil {
		t.Error("ids that are not there")
	}
}

func FuzzSubRanges(f *testing.F) {
	f.Add([]byte("containers:200000:65536\ncontainers:1:4294967294\n"), "a")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		pool := SubRanges(text, SubOwner)
		shares, err := Shares([]string{name, "b"}, pool)
		if err != nil {
			return
		}
		for n, start := range shares {
			if uint64(start)+ShareSize > uint64(NoID) || !slices.ContainsFunc(append(pool, BuiltinRange), func(r Range) bool {
				return start >= r.Start && uint64(start)+ShareSize <= uint64(r.Start)+uint64(r.Count)
			}) {
				t.Errorf("%s: %d", n, start)
			}
		}
		if name != "b" && shares[name] == shares["b"] {
			t.Error("shared by two")
		}
	})
}
