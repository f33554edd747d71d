// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"math"
	"strconv"
)

// boolean reads true or false.
func (d *decoder) boolean() bool {
	if c := d.peek(); c != 't' && c != 'f' {
		d.mismatch("a boolean")
		return false
	}
	return d.literal() == 't'
}

// number reads over a number and returns its text, and whether it is written
// without fraction and exponent.
func (d *decoder) number() (text string, whole bool) {
	start, i := d.pos, d.pos
	if d.src[i] == '-' {
		i++
	}
	first := i
	i = d.digits(i)
	bad := i == first || d.src[first] == '0' && i > first+1
	whole = true
	if !bad && i < len(d.src) && d.src[i] == '.' {
		whole = false
		from := i + 1
		i = d.digits(from)
		bad = i == from
	}
	if !bad && i < len(d.src) && (d.src[i] == 'e' || d.src[i] == 'E') {
		whole = false
		i++
		if i < len(d.src) && (d.src[i] == '+' || d.src[i] == '-') {
			i++
		}
		from := i
		i = d.digits(from)
		bad = i == from
	}
	if bad {
		d.syntax(start, "malformed number")
		return "", false
	}
	d.pos = i
	return d.src[start:i], whole
}

func (d *decoder) digits(i int) int {
	for i < len(d.src) && digit(d.src[i]) {
		i++
	}
	return i
}

// integer reads a number between least and most, both included. A negative
// result is its two's complement.
func (d *decoder) integer(least int64, most uint64) uint64 {
	if c := d.peek(); c != '-' && !digit(c) {
		d.mismatch("an integer")
		return 0
	}
	text, whole := d.number()
	if d.err != nil {
		return 0
	}
	if !whole {
		d.fail("must be an integer in plain digits, not " + shorten(text))
		return 0
	}
	if text[0] != '-' {
		if v, err := strconv.ParseUint(text, 10, 64); err == nil && v <= most {
			return v
		}
	} else if least < 0 {
		if v, err := strconv.ParseInt(text, 10, 64); err == nil && v >= least {
			return uint64(v)
		}
	}
	d.fail("must be between " + strconv.FormatInt(least, 10) + " and " + strconv.FormatUint(most, 10) + ", not " + shorten(text))
	return 0
}

func shorten(number string) string {
	if len(number) > maxQuote {
		return number[:maxQuote] + "..."
	}
	return number
}

func (d *decoder) int32() int32   { return int32(d.integer(math.MinInt32, math.MaxInt32)) }
func (d *decoder) int64() int64   { return int64(d.integer(math.MinInt64, math.MaxInt64)) }
func (d *decoder) uint16() uint16 { return uint16(d.integer(0, math.MaxUint16)) }
func (d *decoder) uint32() uint32 { return uint32(d.integer(0, math.MaxUint32)) }
func (d *decoder) uint64() uint64 { return d.integer(0, math.MaxUint64) }

// ref makes an optional scalar.
func ref[T any](v T) *T { return &v }
