// SPDX-License-Identifier: LGPL-2.1-only

package passwd

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
)

// ShareSize is how many ids a user namespace gets: as many as programs expect to find (nobody is 65534).
const ShareSize = 65536

// SubOwner is whose ranges in /etc/subuid and /etc/subgid containers share, as with podman's --userns=auto.
const SubOwner = "containers"

// A Range is Count ids from Start on.
type Range struct{ Start, Count uint32 }

// BuiltinRange is shared where the files say nothing: the ids that systemd-nspawn uses for the same, which no account of OpenWrt's has.
var BuiltinRange = Range{0x80000, 0x6fff0000 - 0x80000}

// SubRanges are the ranges that a file such as /etc/subuid gives to an owner (subuid(5)), in the order in which they stand there. Lines that are
// malformed, or go beyond the last id, are passed over.
func SubRanges(text []byte, owner string) []Range {
	var list []Range
	for line := range bytes.Lines(text) {
		name, rest, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		first, count, ok2 := bytes.Cut(rest, []byte(":"))
		if !ok || !ok2 || string(name) != owner || len(line) > maxLine || len(list) == maxGroups {
			continue
		}
		start, err := strconv.ParseUint(string(first), 10, 32)
		n, err2 := strconv.ParseUint(string(count), 10, 32)
		if err == nil && err2 == nil && n > 0 && start+n <= uint64(NoID) {
			list = append(list, Range{uint32(start), uint32(n)})
		}
	}
	return list
}

// Shares gives each container ShareSize ids of its own from a pool, or from BuiltinRange if the pool is empty: the first id by the
// container's name. A name gets the same ids whenever it is asked for, unless two of the names want the same: then the later one in
// alphabetical order gives way. So what a container has written stays its own.
func Shares(names []string, pool []Range) (map[string]uint32, error) {
	if len(pool) == 0 {
		pool = []Range{BuiltinRange}
	}
	slots := uint64(0)
	for _, r := range pool {
		slots += uint64(r.Count / ShareSize)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if uint64(len(names)) > slots {
		return nil, errors.New("ids for " + strconv.FormatUint(slots, 10) + " containers, " + strconv.Itoa(ShareSize) + " each, and there are " +
			strconv.Itoa(len(names)))
	}
	shares, taken := make(map[string]uint32, len(names)), make(map[uint64]bool, len(names))
	for _, name := range names {
		slot := uint64(hash(name)) % slots
		for taken[slot] {
			slot = (slot + 1) % slots
		}
		taken[slot] = true
		rest := slot
		for _, r := range pool {
			have := uint64(r.Count / ShareSize)
			if rest < have {
				shares[name] = r.Start + uint32(rest)*ShareSize
				break
			}
			rest -= have
		}
	}
	return shares, nil
}

// hash is FNV-1a.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
