// SPDX-License-Identifier: LGPL-2.1-only

package caps

// maxName bounds what is compared and shown: the longest known name has 22
// bytes, and what is much longer is no misspelling.
const maxName = 32

// Nearest returns the known name that was probably meant, or "" when none is
// near. Case, a missing CAP_ and "-" for "_" cost nothing.
func Nearest(name string) string {
	if len(name) == 0 || len(name) > maxName {
		return ""
	}
	b := make([]byte, 0, maxName+4)
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case c == '-':
			c = '_'
		}
		b = append(b, c)
	}
	if len(b) < 4 || string(b[:4]) != "CAP_" {
		b = append([]byte("CAP_"), b...)
	}
	want := string(b[4:])
	best, at := len(want)/3+1, ""
	for _, n := range names {
		if d := distance(want, n[4:]); d < best {
			best, at = d, n
		}
	}
	return at
}

// distance is the number of single-byte edits between a and b, both at most
// maxName bytes long.
func distance(a, b string) int {
	var row [maxName + 1]int
	for j := range row[:len(b)+1] {
		row[j] = j
	}
	for i := 0; i < len(a); i++ {
		diag := row[0]
		row[0] = i + 1
		for j := 0; j < len(b); j++ {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, diag+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func clip(s string) string {
	if len(s) > 2*maxName {
		return s[:2*maxName] + "..."
	}
	return s
}
