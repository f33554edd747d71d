// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"math/bits"
	"reflect"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// stricter are the refusals that encoding/json does not know: the ways in
// which the decoders are meant to differ from it.
var stricter = []string{
	"is required",
	"must name a ", // empty lists of arguments and of system calls
	"duplicate key",
	"invalid UTF-8",
	"NUL byte",
	"nested deeper",
	"not null",        // as an element or a value of a map, and the document itself
	"must be between", // int and uint have 32 bits
	"bytes, at most",
}

func agree[T any](t *testing.T, decode func([]byte) (*T, error), b []byte) *T {
	got, err := decode(b)
	want, refErr := reference[T](b)
	if err != nil {
		if refErr == nil && !meant(err) {
			t.Fatalf("refuses what encoding/json accepts: %v", err)
		}
		if got != nil {
			t.Fatal("an error and a result")
		}
		return nil
	}
	if refErr != nil {
		t.Fatalf("accepts what encoding/json refuses: %v", refErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("decoded differently:\n%s\n%s", asJSON(t, got), asJSON(t, want))
	}
	return got
}

func meant(err error) bool {
	for _, class := range stricter {
		if strings.Contains(err.(*Error).Reason, class) {
			return true
		}
	}
	return false
}

func FuzzDecode(f *testing.F) {
	for _, b := range corpus(f) {
		f.Add(b)
	}
	everything := new(specs.Spec)
	new(filler).fill(reflect.ValueOf(everything).Elem())
	f.Add(asJSON(f, everything))
	f.Add(asJSON(f, everything.Process))
	f.Add(asJSON(f, everything.Process.Capabilities))
	f.Add(asJSON(f, everything.Linux.Seccomp))
	f.Add(asJSON(f, everything.Linux.Resources))
	f.Add([]byte(conditionalProfile))
	f.Add([]byte(`{"ociVersion":"\ud800\udc00\ud800\u0041","x":[1e5,-0.5E-3,{"":null}],"linux":{"timeOffsets":{"monotonic":{"secs":-0}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		agree(t, DecodeCapabilities, b)
		agree(t, decodeSeccomp, b)
		agree(t, DecodeResources, b)
		conditional(t, b)
		if p := agree(t, DecodeProcess, b); p != nil {
			refusals(t, ValidateProcess(p))
		}
		if s := agree(t, Decode, b); s != nil {
			refusals(t, Validate(s))
		}
	})
}

// refusals checks that each has a path and a reason on one line.
func refusals(t *testing.T, err error) {
	if err == nil {
		return
	}
	for i, e := range err.(Errors) {
		if (e.Path == "") != (i == maxErrors) || e.Reason == "" || strings.Contains(e.Error(), "\n") {
			t.Errorf("%q: %q", e.Path, e.Reason)
		}
	}
}

func FuzzSysctlPath(f *testing.F) {
	for _, name := range []string{"net.ipv4.ip_forward", "net/ipv4/conf/eth0.100/rp_filter", "net.//.x", "..", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		path, ok := SysctlPath(name)
		if !ok {
			return
		}
		for part := range strings.SplitSeq(path, "/") {
			if part == "" || part == "." || part == ".." {
				t.Errorf("%q is taken for %q", name, path)
			}
		}
		if again, ok := SysctlPath(path); strings.Contains(path, "/") && (again != path || !ok) {
			t.Errorf("%q is taken for %q, that for %q", name, path, again)
		}
	})
}

func FuzzParseList(f *testing.F) {
	for _, s := range []string{"0-3,7", "", " 1 , 2", "8191", "1-", "3-1"} {
		f.Add(s, 8191)
	}
	f.Fuzz(func(t *testing.T, s string, most int) {
		most &= 65535
		words, err := ParseList(s, most)
		if err != nil && words != nil {
			t.Error("an error and a result")
		}
		if n := len(words); n > 0 && (words[n-1] == 0 || n > most/bits.UintSize+1) {
			t.Errorf("%q: %x", s, words)
		}
		if err == nil && (words == nil) != (strings.Trim(s, " ") == "") {
			t.Errorf("%q: %x", s, words)
		}
	})
}
