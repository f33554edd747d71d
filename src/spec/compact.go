// SPDX-License-Identifier: LGPL-2.1-only

package spec

// Compact is a JSON text without the blanks between its tokens: what is kept of a config.json while its container runs. The text has to be
// one that a decoder of this package has accepted.
func Compact(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case ' ', '\t', '\n', '\r':
			continue
		case '"':
			from := i
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			out = append(out, b[from:min(i+1, len(b))]...)
			continue
		}
		out = append(out, b[i])
	}
	return out
}
