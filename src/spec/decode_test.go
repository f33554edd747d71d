// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"bytes"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat("[", maxDepth)
	many := ""
	for i := range 3 * fewKeys {
		many += `"k` + strconv.Itoa(i) + `":` + strconv.Itoa(i) + ","
	}
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "line 1, column 1: expected a value, found the end of the text"},
		{"white space", " \n\t\n ", "line 3, column 2: expected a value, found the end of the text"},
		{"byte order mark", "\ufeff{}", `line 1, column 1: expected a value, found '\ufeff'`},
		{"not an object", "[]", "must be an object, not an array"},
		{"null", "null", "must be an object, not null"},
		{"no version", "{}", "ociVersion: is required"},
		{"null version", `{"ociVersion":null}`, "ociVersion: is required"},
		{"key of another case", `{"ociversion":"1.0.0"}`, "ociVersion: is required"},
		{"cut in an object", `{"ociVersion":"1.0.0"`, "line 1, column 22: expected ',' or '}', found the end of the text"},
		{"cut in a string", "{\n  \"ociVersion\": \"1.0", "ociVersion: line 2, column 17: the string that starts here does not end"},
		{"cut in an escape", `{"a":"\`, "a: line 1, column 6: the string that starts here does not end"},
		{"cut after an escape", `{"a":"\n`, "a: line 1, column 6: the string that starts here does not end"},
		{"trailing comma", `{"ociVersion":"1.0.0",}`, `line 1, column 23: expected a key, found '}'`},
		{"trailing comma in an array", `{"x":[1,]}`, `x[0]: line 1, column 9: expected a value, found ']'`},
		{"leading comma", `{,"a":1}`, `line 1, column 2: expected a key, found ','`},
		{"no comma", `{"a":1 "b":2}`, `line 1, column 8: expected ',' or '}', found '"'`},
		{"no comma in an array", `{"a":[1 2]}`, `a[0]: line 1, column 9: expected ',' or ']', found '2'`},
		{"no colon", `{"a" 1}`, `line 1, column 6: expected ':', found '1'`},
		{"no value", `{"a":}`, `a: line 1, column 6: expected a value, found '}'`},
		{"single quotes", `{'a':1}`, `line 1, column 2: expected a key, found '\''`},
		{"key without quotes", `{a:1}`, `line 1, column 2: expected a key, found 'a'`},
		{"a comment", "{\n// no\n}", "line 2, column 1: expected a key, found '/'"},
		{"bad literal", `{"a":trve}`, `a: line 1, column 6: expected a value, found 't'`},
		{"bad null", `{"root":nil}`, `root: line 1, column 9: expected a value, found 'n'`},
		{"literal with a tail", `{"a":nullx}`, `line 1, column 10: expected ',' or '}', found 'x'`},
		{"bad literal of another type", `{"hostname":falsy}`, `hostname: line 1, column 13: expected a value, found 'f'`},
		{"NaN", `{"a":NaN}`, `a: line 1, column 6: expected a value, found 'N'`},
		{"plus", `{"a":+1}`, `a: line 1, column 6: expected a value, found '+'`},
		{"leading zero", `{"a":01}`, "a: line 1, column 6: malformed number"},
		{"only a minus", `{"a":-}`, "a: line 1, column 6: malformed number"},
		{"no digit before the point", `{"a":-.5}`, "a: line 1, column 6: malformed number"},
		{"no digit after the point", `{"a":1.}`, "a: line 1, column 6: malformed number"},
		{"no exponent", `{"a":1e}`, "a: line 1, column 6: malformed number"},
		{"no digit in the exponent", `{"a":1e+}`, "a: line 1, column 6: malformed number"},
		{"hexadecimal", `{"a":0x10}`, `line 1, column 7: expected ',' or '}', found 'x'`},
		{"trailing data", `{"ociVersion":"1.0.0"} {}`, `line 1, column 24: expected the end of the text, found '{'`},
		{"trailing NUL", "{\"ociVersion\":\"1.0.0\"}\x00", `line 1, column 23: expected the end of the text, found '\x00'`},
		{"column counts characters", `{"a":"äöü" x}`, `line 1, column 12: expected ',' or '}', found 'x'`},
		{"newline in a string", "{\"a\":\"b\nc\"}", `a: line 1, column 8: control character '\n' in a string must be escaped`},
		{"NUL in a string", "{\"hostname\":\"b\x00c\"}", `hostname: line 1, column 15: control character '\x00' in a string must be escaped`},
		{"control after an escape", "{\"a\":\"\\n\x01\"}", `a: line 1, column 9: control character '\x01' in a string must be escaped`},
		{"escaped NUL", `{"process":{"args":["a\u0000b"]}}`, "process.args[0]: line 1, column 23: a string must not hold a NUL byte: the kernel would cut it there"},
		{"escaped NUL in an unknown member", `{"x":{"y":["\u0000"]}}`, "x.y[0]: line 1, column 13: a string must not hold a NUL byte: the kernel would cut it there"},
		{"escaped NUL in a key", `{"annotations":{"\u0000":""}}`, "annotations: line 1, column 18: a string must not hold a NUL byte: the kernel would cut it there"},
		{"unknown escape", `{"a":"\x41"}`, `a: line 1, column 7: unknown escape "\\x"`},
		{"short \\u", `{"a":"\u12"}`, `a: line 1, column 7: \u needs four hexadecimal digits`},
		{"bad \\u", `{"a":"\u12g4"}`, `a: line 1, column 7: \u needs four hexadecimal digits`},
		{"bad second half", `{"a":"\ud800\u12g4"}`, `a: line 1, column 13: \u needs four hexadecimal digits`},
		{"invalid UTF-8", "{\n\"a\":\"ö\xff\"}", "line 2, column 7: invalid UTF-8"},
		{"encoded surrogate", "{\"a\":\"\xed\xa0\x80\"}", "line 1, column 7: invalid UTF-8"},
		{"duplicate key", `{"hostname":"a","x":1,"hostname":"a"}`, "hostname: line 1, column 23: duplicate key"},
		{"duplicate key, null first", `{"hostname":null,"hostname":"a"}`, "hostname: line 1, column 18: duplicate key"},
		{"duplicate key, escaped", `{"hostname":"a","host\u006eame":"b"}`, "hostname: line 1, column 17: duplicate key"},
		{"duplicate unknown key", `{"x":[{"y":1,"y":2}]}`, "x[0].y: line 1, column 14: duplicate key"},
		{"duplicate in a map", `{"linux":{"sysctl":{"net.a":"1","net.a":"2"}}}`, `linux.sysctl["net.a"]: line 1, column 33: duplicate key`},
		{"duplicate in another platform", `{"windows":{"a":{"b":1,"b":1}}}`, "windows.a.b: line 1, column 24: duplicate key"},
		{"duplicate among many", "{" + many + `"k7":0}`, "k7: line 1, column " + strconv.Itoa(len(many)+2) + ": duplicate key"},
		{"missing among many", "{" + many + `"ociVersion":null}`, "ociVersion: is required"},
		{"too deep", `{"x":` + deep, "line 1, column " + strconv.Itoa(5+maxDepth) + ": nested deeper than 64 levels"},
		{"type", `{"linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":7}]}}`, "linux.namespaces[2].type: must be a string, not a number"},
		{"type of a list", `{"process":{"args":"sh"}}`, "process.args: must be an array, not a string"},
		{"null in a list", `{"mounts":[null]}`, "mounts[0]: must be an object, not null"},
		{"empty args", `{"process":{"cwd":"/","args":[]}}`, "process.args: must name a program"},
		{"no args", `{"process":{"cwd":"/"}}`, "process.args: is required"},
		{"user without a group", `{"process":{"user":{"uid":5}}}`, "process.user.gid: is required"},
		{"no system call", `{"linux":{"seccomp":{"syscalls":[{"names":[]}]}}}`, "linux.seccomp.syscalls[0].names: must name a system call"},
		{"device without a number", `{"linux":{"devices":[{"type":"c","path":"/dev/a","minor":1}]}}`, "linux.devices[0].major: is required"},
		{"negative", `{"process":{"user":{"uid":-1}}}`, "process.user.uid: must be between 0 and 4294967295, not -1"},
		{"negative zero, unsigned", `{"process":{"user":{"uid":-0}}}`, "process.user.uid: must be between 0 and 4294967295, not -0"},
		{"huge", `{"process":{"oomScoreAdj":` + strings.Repeat("9", 1000) + `}}`, "process.oomScoreAdj: must be between -2147483648 and 2147483647, not " + strings.Repeat("9", 64) + "..."},
		{"huge fraction", `{"process":{"oomScoreAdj":1e` + strings.Repeat("9", 1000) + `}}`, "process.oomScoreAdj: must be an integer in plain digits, not 1e" + strings.Repeat("9", 62) + "..."},
		{"odd key", `{"annotations":{"a b\"\n":1}}`, `annotations["a b\"\n"]: must be a string, not a number`},
		{"empty key", `{"annotations":{"":1}}`, `annotations[""]: must be a string, not a number`},
		{"long key", `{"annotations":{"` + strings.Repeat("k", 1000) + `":1}}`, `annotations["` + strings.Repeat("k", 64) + `"...]: must be a string, not a number`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Decode([]byte(c.in))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if s != nil {
				t.Error("returned a Spec as well")
			}
			if e := (*Error)(nil); !errors.As(err, &e) {
				t.Errorf("%T is not an *Error", err)
			}
		})
	}
}

func TestDecodeSize(t *testing.T) {
	const text = `{"ociVersion":"1.0.0"}`
	b := append([]byte(text), bytes.Repeat([]byte(" "), MaxSize-len(text))...)
	if _, err := Decode(b); err != nil {
		t.Error(err)
	}
	want := "has 4194305 bytes, at most 4194304 are accepted"
	if _, err := Decode(append(b, ' ')); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	want = "has 100000000 bytes, at most 4194304 are accepted"
	if _, err := Decode(bytes.Repeat([]byte("["), 1e8)); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	want = "line 1, column 1: expected"
	if _, err := Decode(bytes.Repeat([]byte("]"), MaxSize)); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s...", err, want)
	}
}

// The depth cap is exact, counts objects and arrays alike, and holds no list
// on one level back.
func TestDecodeDepth(t *testing.T) {
	for depth, ok := range map[int]bool{1: true, maxDepth - 1: true, maxDepth: false} {
		for _, pair := range []string{"[]", `{"x":}`} {
			open, shut := pair[:len(pair)-1], pair[len(pair)-1:]
			in := `{"ociVersion":"1.0.0","x":` + strings.Repeat(open, depth) + "1" + strings.Repeat(shut, depth) + "}"
			if _, err := Decode([]byte(in)); (err == nil) != ok {
				t.Errorf("%d levels of %s: %v", depth, pair, err)
			}
		}
	}
	wide := `{"ociVersion":"1.0.0","x":[` + strings.Repeat("[],{},", 10000) + "0]}"
	if _, err := Decode([]byte(wide)); err != nil {
		t.Error(err)
	}
}

func TestDecodeAccepts(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     specs.Spec
	}{
		{"escapes", `{"ociVersion":"\"\\\/\b\f\n\r\t\u00e4\uD83d\uDcE6x"}`, specs.Spec{Version: "\"\\/\b\f\n\r\tä📦x"}},
		{"lone surrogates", `{"ociVersion":"\ud800\ud83d\udce6\udce6\ud800\u0041\ud800"}`, specs.Spec{Version: "\ufffd📦\ufffd\ufffdA\ufffd"}},
		{"raw text", "{\"ociVersion\":\"\u2028\ufffd\x7f日本\"}", specs.Spec{Version: "\u2028\ufffd\x7f日本"}},
		{"null is absent", `{"ociVersion":"1","process":null,"hostname":null,"mounts":null,"annotations":null,"linux":{"devices":null}}`,
			specs.Spec{Version: "1", Linux: &specs.Linux{}}},
		{"empty is not absent", `{"ociVersion":"1","mounts":[],"annotations":{},"linux":{"maskedPaths":[],"seccomp":{"defaultAction":"","flags":[]}}}`,
			specs.Spec{
				Version: "1", Mounts: []specs.Mount{}, Annotations: map[string]string{},
				Linux: &specs.Linux{MaskedPaths: []string{}, Seccomp: &specs.LinuxSeccomp{Flags: []specs.LinuxSeccompFlag{}}},
			}},
		{"a fifo needs no number", `{"ociVersion":"1","linux":{"devices":[{"path":"/dev/f","type":"p"}]}}`,
			specs.Spec{Version: "1", Linux: &specs.Linux{Devices: []specs.LinuxDevice{{Path: "/dev/f", Type: "p"}}}}},
		{"negative zero", `{"ociVersion":"1","linux":{"timeOffsets":{"monotonic":{"secs":-0}}}}`,
			specs.Spec{Version: "1", Linux: &specs.Linux{TimeOffsets: map[string]specs.LinuxTimeOffset{"monotonic": {}}}}},
		{"unknown members", `{"x":{"y":[1,-2.5E+3,0,"\u0061",{},[],true,false,null]},"ociVersion":"1","OCIVERSION":2,"":0}`, specs.Spec{Version: "1"}},
		{"equal keys in different objects", `{"ociVersion":"1","x":{"ociVersion":1},"y":[{"a":1},{"a":1}]}`, specs.Spec{Version: "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got  %s\nwant %s", asJSON(t, got), asJSON(t, c.want))
			}
		})
	}
}

func TestDecodeParts(t *testing.T) {
	c, err := DecodeCapabilities([]byte(`{"bounding":["CAP_CHOWN"],"effective":[],"ambient":["x"],"comment":1}`))
	if want := (&specs.LinuxCapabilities{Bounding: []string{"CAP_CHOWN"}, Effective: []string{}, Ambient: []string{"x"}}); err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%v %v", c, err)
	}
	for in, want := range map[string]string{
		`["CAP_CHOWN"]`:           "must be an object, not an array",
		`{"bounding":"CAP"}`:      "bounding: must be an array, not a string",
		`{"bounding":["a",null]}`: "bounding[1]: must be a string, not null",
		`{} x`:                    "line 1, column 4: expected the end of the text, found 'x'",
	} {
		if _, err := DecodeCapabilities([]byte(in)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	p, err := DecodeProcess([]byte(`{"args":["ls","-l"],"cwd":"/tmp","user":{"uid":1,"gid":2}}`))
	if want := (&specs.Process{Args: []string{"ls", "-l"}, Cwd: "/tmp", User: specs.User{UID: 1, GID: 2}}); err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("%v %v", p, err)
	}
	if _, err := DecodeProcess([]byte(`{"args":["ls"]}`)); err == nil || err.Error() != "cwd: is required" {
		t.Error(err)
	}
}
