// SPDX-License-Identifier: LGPL-2.1-only

package rpcd

import (
	"strconv"

	"gojail/src/spec"
)

// object is JSON that is being written: a member is added behind a comma where it is not the first. Its methods are not inlined, for the size
// of the program.
type object []byte

//go:noinline
func (w *object) key(k string) {
	if n := len(*w); n > 0 && (*w)[n-1] != '{' && (*w)[n-1] != '[' {
		*w = append(*w, ',')
	}
	if k != "" {
		*w = append(spec.AppendJSON(*w, k), ':')
	}
}

//go:noinline
func (w *object) open(k string, bracket byte) {
	w.key(k)
	*w = append(*w, bracket)
}

func (w *object) close(bracket byte) { *w = append(*w, bracket) }

//go:noinline
func (w *object) text(k, v string) {
	w.key(k)
	*w = spec.AppendJSON(*w, v)
}

// some adds a text that is not empty.
func (w *object) some(k, v string) {
	if v != "" {
		w.text(k, v)
	}
}

//go:noinline
func (w *object) number(k string, v int64) {
	w.key(k)
	*w = strconv.AppendInt(*w, v, 10)
}

//go:noinline
func (w *object) yes(k string, v bool) {
	w.key(k)
	*w = strconv.AppendBool(*w, v)
}

//go:noinline
func (w *object) list(k string, v []string) {
	w.open(k, '[')
	for _, s := range v {
		w.text("", s)
	}
	w.close(']')
}
