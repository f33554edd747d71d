// SPDX-License-Identifier: LGPL-2.1-only

// Package blob reads and writes the two formats of libubox: blob, a sequence of attributes that have a number (the parts of a ubus
// message), and blobmsg, a sequence of attributes that have a type and a name (arguments, replies, events). It knows no socket and
// no message of ubus; package ubus does.
//
// An attribute is a word of four bytes, big-endian: one bit that says that a name follows (blobmsg), seven bits of number or type,
// 24 bits of length, header included. Then come the name, if any, and the content, and zeros up to a multiple of four:
//
//	0  e | id | length                      e: 0x80000000
//	4  length of name | name | 0 | padding  only if e is set
//	.  content | padding
//
// Both directions keep their first error; what came before it stands. Nothing here panics, whatever the input, and nothing is
// safe for use by several goroutines at once.
package blob

import (
	"encoding/binary"
	"strconv"
)

// Limits of what is read and written.
const (
	MaxLen   = 1 << 20 // bytes of one sequence of attributes: what ubusd takes as a message
	MaxDepth = 32      // sequences in one another
	maxName  = 1 << 12 // bytes of a name: procd has paths as names, of mounts
)

const (
	header   = 4
	extended = 0x80000000
	lenMask  = 0x00ffffff
	idShift  = 24
	idMask   = 0x7f
)

// A Type says what a named attribute holds (blobmsg.h, enum blobmsg_type).
type Type uint8

// The types, with their numbers in the format. Tables have names for their elements, arrays have none.
const (
	Unspec Type = iota // bytes
	Array
	Table
	String // ends with a zero byte
	Int64
	Int32
	Int16
	Int8
	Double
	lastType = Double
	Bool     = Int8
)

func (t Type) String() string {
	switch t {
	case Unspec:
		return "bytes"
	case Array:
		return "array"
	case Table:
		return "table"
	case String:
		return "string"
	case Int64:
		return "int64"
	case Int32:
		return "int32"
	case Int16:
		return "int16"
	case Int8:
		return "int8"
	case Double:
		return "double"
	}
	return "type " + strconv.Itoa(int(t))
}

// width is the length of a type that has always the same, 0 for the others.
func (t Type) width() int {
	switch t {
	case Int64, Double:
		return 8
	case Int32:
		return 4
	case Int16:
		return 2
	case Int8:
		return 1
	}
	return 0
}

// An Error is why something is not in the format, or cannot be written in it.
type Error struct {
	Offset int    // bytes from the beginning of the outermost sequence to the attribute that is wrong
	Name   string // of the attribute; may be empty
	Reason string
}

func (e *Error) Error() string {
	where := "blob: at byte " + strconv.Itoa(e.Offset)
	if e.Name != "" {
		where += ", " + strconv.Quote(e.Name)
	}
	return where + ": " + e.Reason
}

func aligned(n int) int { return (n + 3) &^ 3 }

// nameLen is how many bytes a name of n bytes takes with its length, its zero and its padding.
func nameLen(n int) int { return aligned(2 + n + 1) }

// Len reads the length of the attribute that begins with the four bytes of b, header included and padding not. It may be anything
// from 0 to 2^24-1: the caller judges.
func Len(b [4]byte) int { return int(binary.BigEndian.Uint32(b[:]) & lenMask) }
