// SPDX-License-Identifier: LGPL-2.1-only

// Package spec turns a bundle's config.json into a *specs.Spec and says
// whether it can be run at all.
//
// It covers the OCI runtime specification 1.0 to 1.3 for Linux. Decoding is
// written out by hand: reflection would cost more than starting the container
// does. Decode is strict where a guess could change what the container may do:
// wrong types, missing REQUIRED members, duplicate keys, numbers out of range,
// invalid UTF-8 and NUL bytes are refused. Validate adds what can be decided
// from the configuration alone.
//
// The package is pure: it opens no file and asks nothing of the host. What
// this host or this version cannot do is refused by package plan, names of
// capabilities by package caps.
package spec

import (
	"strconv"
	"strings"
	"unicode/utf8"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// MaxSize is the largest input the decoders accept, in bytes.
const MaxSize = 4 << 20

// maxDepth is how many arrays and objects may be nested. The deepest place the
// specification itself knows has eight.
const maxDepth = 64

// Decode reads a whole config.json (runtime-spec, config.md and
// config-linux.md).
//
// Unknown members are ignored, as the specification demands, and so are those
// for other platforms (vm, windows, solaris, zos, freebsd,
// process.commandLine, process.user.username) and what 1.3 has withdrawn
// (linux.intelRdt.enableCMT and enableMBM); all must still be well-formed.
// Keys are matched exactly, unlike encoding/json. A member that is null counts
// as absent; null as an element of an array or a value of a map is refused. A
// member of type int or uint holds 32 bits on every architecture. Lone
// surrogates become U+FFFD.
//
// The strings of the result share one copy of b; b itself is not kept. The
// error is an *Error, the first one met.
func Decode(b []byte) (*specs.Spec, error) {
	return decode(b, (*decoder).spec)
}

// DecodeProcess reads a file that holds only a process object, as `exec
// --process` takes it. Paths in errors start at that object.
func DecodeProcess(b []byte) (*specs.Process, error) {
	return decode(b, (*decoder).process)
}

// DecodeCapabilities reads a file that holds only a capabilities object, as
// ujail's -C takes it. Names are not checked.
func DecodeCapabilities(b []byte) (*specs.LinuxCapabilities, error) {
	return decode(b, (*decoder).capabilities)
}

// DecodeResources reads only a resources object, as an update has it.
func DecodeResources(b []byte) (*specs.LinuxResources, error) {
	return decode(b, (*decoder).resources)
}

func decode[T any](b []byte, read func(*decoder, *T)) (*T, error) {
	if len(b) > MaxSize {
		return nil, &Error{Reason: "has " + strconv.Itoa(len(b)) + " bytes, at most " + strconv.Itoa(MaxSize) + " are accepted"}
	}
	d := &decoder{src: string(b)}
	if !utf8.ValidString(d.src) {
		d.syntax(invalidUTF8(d.src), "invalid UTF-8")
		return nil, d.err
	}
	v := new(T)
	read(d, v)
	d.end()
	if d.err != nil {
		return nil, d.err
	}
	return v, nil
}

// Error is one refusal: where it stands and why.
type Error struct {
	// Path is the member as in linux.namespaces[2].type; keys that are not
	// plain words are written as in linux.sysctl["net.ipv4.ip_forward"]. It is
	// empty for the document itself.
	Path string
	// Reason says what is wrong; for syntax errors it starts with line and
	// column, both counted from 1, the column in characters.
	Reason string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Errors is every refusal of one document, in the order of the specification's
// members.
type Errors []*Error

// Error writes one refusal per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the single refusals.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, one := range e {
		list[i] = one
	}
	return list
}

// maxQuote keeps messages readable when the input is not.
const maxQuote = 64

// quote writes a value of the input into a message.
func quote[T ~string](s T) string {
	if len(s) > maxQuote {
		return strconv.Quote(string(s[:maxQuote])) + "..."
	}
	return strconv.Quote(string(s))
}

// appendMember adds a key to a path.
func appendMember(path []byte, key string) []byte {
	switch {
	case !plain(key):
		return append(append(append(path, '['), quote(key)...), ']')
	case len(path) > 0:
		path = append(path, '.')
	}
	return append(path, key...)
}

// appendIndex adds a position to a path.
func appendIndex(path []byte, i int) []byte {
	return append(strconv.AppendInt(append(path, '['), int64(i), 10), ']')
}

func plain(key string) bool {
	for i := 0; i < len(key); i++ {
		c := key[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return key != "" && len(key) <= maxQuote
}
