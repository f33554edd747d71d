// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"math/bits"
	"strconv"
	"strings"
)

// ParseList reads a list of CPUs or memory nodes such as "0-3,7" (cpuset(7),
// "List format") and returns it as the kernel's calls take it: n is bit n
// modulo the word's width in word n / width, and the last word is not zero.
// An empty list is nil. Spaces around an entry are allowed. most is the highest
// number accepted, 0 to 65535; s has at most 64 KiB.
func ParseList(s string, most int) ([]uintptr, error) {
	if strings.Trim(s, " ") == "" {
		return nil, nil
	}
	if len(s) > 1<<16 {
		return nil, &Error{Reason: "has " + strconv.Itoa(len(s)) + " bytes, at most 65536 are accepted"}
	}
	var words []uintptr
	for rest, more := s, true; more; {
		var entry string
		entry, rest, more = strings.Cut(rest, ",")
		first, last, ranged := strings.Cut(strings.Trim(entry, " "), "-")
		from, ok := listNumber(first, most)
		to := from
		if ok && ranged {
			to, ok = listNumber(last, most)
		}
		if !ok || to < from {
			return nil, &Error{Reason: "must be a list of numbers up to " + strconv.Itoa(most) + " such as \"0-3,7\", not " + quote(s)}
		}
		for to/bits.UintSize >= len(words) {
			words = append(words, 0)
		}
		for n := from; n <= to; n++ {
			words[n/bits.UintSize] |= 1 << (n % bits.UintSize)
		}
	}
	return words, nil
}

func listNumber(s string, most int) (int, bool) {
	if s == "" || !digit(s[0]) {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && int(n) <= most
}
