// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

type request struct {
	kind         byte
	access       Access
	major, minor uint32
}

// allowed is what the rules say, one kind of access after another: the last that speaks of it counts.
func allowed(rules []Rule, q request) bool {
	for _, a := range [...]Access{Mknod, Read, Write} {
		ok := false
		for _, r := range rules {
			if q.access&a != 0 && r.Access&a != 0 && (r.Type == 'a' || r.Type == q.kind) &&
				(r.Major < 0 || r.Major == int64(q.major)) && (r.Minor < 0 || r.Minor == int64(q.minor)) {
				ok = r.Allow
			}
		}
		if q.access&a != 0 && !ok {
			return false
		}
	}
	return true
}

// run does what the kernel does with a program. Jumps go forwards only, as its verifier wants it.
func run(t *testing.T, prog []Insn, q request) bool {
	t.Helper()
	kind := uint64(charDevice)
	if q.kind == 'b' {
		kind = blockDevice
	}
	context := map[int16]uint64{0: uint64(q.access)<<16 | kind, 4: uint64(q.major), 8: uint64(q.minor)}
	var reg [11]uint64
	var set [11]bool
	set[rContext] = true
	for pc := 0; pc < len(prog); pc++ {
		i := prog[pc]
		if i.Off < 0 && i.Code != load32 {
			t.Fatalf("%d: a jump backwards", pc)
		}
		switch i.Code {
		case load32:
			v, ok := context[i.Off]
			if !ok || i.Src != rContext {
				t.Fatalf("%d: bad load %+v", pc, i)
			}
			reg[i.Dst], set[i.Dst] = v, true
			continue
		case setImm:
			reg[i.Dst], set[i.Dst] = uint64(int64(i.Imm)), true
			continue
		case copyReg:
			reg[i.Dst], set[i.Dst] = reg[i.Src], true
		case andImm:
			reg[i.Dst] &= uint64(int64(i.Imm))
		case shiftRight:
			reg[i.Dst] >>= uint(i.Imm)
		case jumpEqual:
			if reg[i.Dst] == uint64(int64(i.Imm)) {
				pc += int(i.Off)
			}
		case jumpOther:
			if reg[i.Dst] != uint64(int64(i.Imm)) {
				pc += int(i.Off)
			}
		case leave:
			if !set[rResult] {
				t.Fatalf("%d: leaves without a result", pc)
			}
			return reg[rResult] == 1
		default:
			t.Fatalf("%d: unknown %+v", pc, i)
		}
		if !set[i.Dst] {
			t.Fatalf("%d: uses a register that was never set: %+v", pc, i)
		}
	}
	t.Fatal("runs off the end")
	return false
}

func TestProgram(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	number := func() int64 { return int64(random.IntN(4)) - 1 }
	for range 3000 {
		rules := make([]Rule, random.IntN(12))
		for i := range rules {
			rules[i] = Rule{random.IntN(2) == 0, "abc"[random.IntN(3)], number(), number(), Access(random.IntN(8))}
		}
		prog := Program(rules)
		for range 200 {
			q := request{"bc"[random.IntN(2)], Access(1 + random.IntN(7)), uint32(random.IntN(4)), uint32(random.IntN(4))}
			if got, want := run(t, prog, q), allowed(rules, q); got != want {
				t.Fatalf("%v of %+v: %v", rules, q, got)
			}
		}
	}
}

func TestRules(t *testing.T) {
	denyAll := specs.LinuxDeviceCgroup{Access: "rwm"}
	rules, err := Rules([]specs.LinuxDeviceCgroup{denyAll, {Allow: true, Type: "c", Major: ref(int64(10)), Minor: ref(int64(200)), Access: "rw"}, {Allow: true, Type: "b", Major: ref(int64(7)), Access: "r"}},
		[]specs.LinuxDevice{{Type: "c", Major: 188, Minor: 0}, {Type: "p"}, {Type: "b", Major: 8, Minor: 1}})
	if err != nil {
		t.Fatal(err)
	}
	prog := Program(rules)
	for _, c := range []struct {
		request
		want bool
	}{
		{request{'c', Read | Write, 1, 3}, true},  // null
		{request{'c', Read | Write, 1, 1}, false}, // mem
		{request{'c', Mknod, 1, 1}, true},
		{request{'c', Read | Write, 136, 7}, true}, // a terminal
		{request{'c', Read | Write, 5, 1}, false},  // the host's console
		{request{'c', Read | Write, 10, 200}, true},
		{request{'b', Read, 7, 3}, true},
		{request{'b', Read | Write, 7, 3}, false},
		{request{'c', Read, 188, 0}, true}, // linux.devices
		{request{'b', Write, 8, 1}, true},
		{request{'b', Read, 8, 0}, false},
	} {
		if got := run(t, prog, c.request); got != c.want {
			t.Errorf("%c %d:%d %d: %v", c.kind, c.major, c.minor, c.access, got)
		}
	}
	if rules, err := Rules(nil, []specs.LinuxDevice{{Type: "c"}}); rules != nil || err != nil {
		t.Error(rules, err)
	}
	if s := rules[1].String(); s != "allow c 10:200 rw" {
		t.Error(s)
	}
	if s := rules[0].String(); s != "deny a *:* rwm" {
		t.Error(s)
	}
	if !DenyAll([]specs.LinuxDeviceCgroup{denyAll}) || DenyAll(nil) || DenyAll([]specs.LinuxDeviceCgroup{{Allow: true}}) || DenyAll([]specs.LinuxDeviceCgroup{{Access: "r"}}) {
		t.Error("DenyAll")
	}
}

func TestRulesRefused(t *testing.T) {
	for want, r := range map[string]specs.LinuxDeviceCgroup{
		"devices[0].type: ":   {Type: "x"},
		"devices[0].access: ": {Access: "rx"},
		"devices[0].major: ":  {Major: ref(int64(4096))},
		"devices[0].minor: ":  {Minor: ref(int64(-2))},
	} {
		if rules, err := Rules([]specs.LinuxDeviceCgroup{r}, nil); err == nil || rules != nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, rules, err)
		}
	}
	if _, err := Rules(make([]specs.LinuxDeviceCgroup, maxRules+1), nil); err == nil {
		t.Error("too many rules are taken")
	}
}

func TestEncode(t *testing.T) {
	prog := []Insn{{Code: jumpOther, Dst: 4, Src: 1, Off: 0x0102, Imm: 0x03040506}}
	if got, want := Encode(prog, false), []byte{jumpOther, 0x14, 2, 1, 6, 5, 4, 3}; !bytes.Equal(got, want) {
		t.Errorf("% x", got)
	}
	if got, want := Encode(prog, true), []byte{jumpOther, 0x41, 1, 2, 3, 4, 5, 6}; !bytes.Equal(got, want) {
		t.Errorf("% x", got)
	}
}
