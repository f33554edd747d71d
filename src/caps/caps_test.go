// SPDX-License-Identifier: LGPL-2.1-only

package caps

import (
	"errors"
	"math/bits"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Anchors from x/sys, which generates its numbers from the kernel's header:
// with the names in one run between them, no entry can be out of place.
func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		c      Cap
		kernel int
		name   string
	}{
		{CHOWN, unix.CAP_CHOWN, "CAP_CHOWN"},
		{SETGID, unix.CAP_SETGID, "CAP_SETGID"},
		{SETUID, unix.CAP_SETUID, "CAP_SETUID"},
		{SETPCAP, unix.CAP_SETPCAP, "CAP_SETPCAP"},
		{NET_BIND_SERVICE, unix.CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE"},
		{NET_ADMIN, unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		{IPC_OWNER, unix.CAP_IPC_OWNER, "CAP_IPC_OWNER"},
		{SYS_PTRACE, unix.CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
		{SYS_ADMIN, unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
		{SYS_RESOURCE, unix.CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
		{MKNOD, unix.CAP_MKNOD, "CAP_MKNOD"},
		{SETFCAP, unix.CAP_SETFCAP, "CAP_SETFCAP"},
		{SYSLOG, unix.CAP_SYSLOG, "CAP_SYSLOG"},
		{PERFMON, unix.CAP_PERFMON, "CAP_PERFMON"},
		{BPF, unix.CAP_BPF, "CAP_BPF"},
		{CHECKPOINT_RESTORE, unix.CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE"},
		{Last, unix.CAP_LAST_CAP, "CAP_CHECKPOINT_RESTORE"},
	} {
		if int(tt.c) != tt.kernel || tt.c.String() != tt.name {
			t.Errorf("%s is %d, the kernel says %s is %d", tt.c, tt.c, tt.name, tt.kernel)
		}
	}
	if got := Cap(41).String(); got != "CAP_41" {
		t.Errorf("capability 41 is called %s", got)
	}
}

func TestEveryNameParses(t *testing.T) {
	spelling := regexp.MustCompile(`^CAP_[A-Z]+(_[A-Z]+)*$`)
	seen := map[string]bool{}
	for i, n := range names {
		if c, ok := Parse(n); !ok || c != Cap(i) {
			t.Errorf("Parse(%s) = %d, %v; want %d", n, c, ok, i)
		}
		if !spelling.MatchString(n) || seen[n] {
			t.Errorf("name %d is %q", i, n)
		}
		seen[n] = true
		if got := Nearest(n); got != n {
			t.Errorf("Nearest(%s) = %s", n, got)
		}
	}
}

// The machine's own header, read as text, is an independent list.
func TestNamesOfHeader(t *testing.T) {
	b, err := os.ReadFile("/usr/include/linux/capability.h")
	if err != nil {
		b = []byte(headerExcerpt)
	}
	found := 0
	for _, m := range regexp.MustCompile(`(?m)^#define\s+(CAP_[A-Z_]+)\s+(\d+)\s*$`).FindAllStringSubmatch(string(b), -1) {
		n, _ := strconv.Atoi(m[2])
		if c, ok := Parse(m[1]); !ok || int(c) != n {
			t.Errorf("%s is %s, here %d, %v", m[1], m[2], c, ok)
		}
		found++
	}
	if found < 3 {
		t.Errorf("only %d capabilities in the header", found)
	}
}

const headerExcerpt = "#define CAP_CHOWN            0\n#define CAP_SETUID           7\n#define CAP_BPF\t\t\t39\n"

func TestParseRefuses(t *testing.T) {
	for _, n := range []string{"", "CAP_", "cap_chown", "CHOWN", "CAP_CHOWN ", "CAP_CHOWN\x00", "CAP_41", "ALL"} {
		if c, ok := Parse(n); ok {
			t.Errorf("Parse(%q) = %s", n, c)
		}
	}
}

func TestNearest(t *testing.T) {
	for in, want := range map[string]string{
		"cap_net_admin":         "CAP_NET_ADMIN",
		"NET_ADMIN":             "CAP_NET_ADMIN",
		"net-admin":             "CAP_NET_ADMIN",
		"CAP_NET_ADMN":          "CAP_NET_ADMIN",
		"CAP_SYS_ADMINS":        "CAP_SYS_ADMIN",
		"CAP_MKNODE":            "CAP_MKNOD",
		"bpf":                   "CAP_BPF",
		"":                      "",
		"CAP_":                  "",
		"x":                     "",
		"CAP_TELEPORT":          "",
		strings.Repeat("A", 99): "",
	} {
		if got := Nearest(in); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSet(t *testing.T) {
	for _, tt := range []struct {
		s    Set
		want string
	}{
		{0, "none"},
		{All, "all"},
		{1, "CAP_CHOWN"},
		{Of(SYS_ADMIN, CHOWN, SYS_ADMIN), "CAP_CHOWN,CAP_SYS_ADMIN"},
		{Of(CHECKPOINT_RESTORE), "CAP_CHECKPOINT_RESTORE"},
		{Of(BPF, 41, 63), "CAP_BPF,CAP_41,CAP_63"},
	} {
		if got := tt.s.String(); got != tt.want {
			t.Errorf("%#x: %s, want %s", uint64(tt.s), got, tt.want)
		}
	}
	if !strings.HasSuffix((All | 1<<41).String(), ",CAP_41") {
		t.Error("a bit above Last is hidden by \"all\"")
	}
	if bits.OnesCount64(uint64(All)) != len(names) || All.Without(Last).Has(Last) || !Set(0).With(63).Has(63) || All.Has(64) {
		t.Error("set arithmetic is off")
	}
}

func TestFromNames(t *testing.T) {
	s, err := FromNames([]string{"CAP_KILL", "CAP_KILL", "CAP_CHECKPOINT_RESTORE"})
	if err != nil || s != 1<<40|1<<5 {
		t.Errorf("%#x, %v", uint64(s), err)
	}
	s, err = FromNames([]string{"CAP_KILL", "cap_chown", "CAP_NONESUCH"})
	want := `[1]: unknown capability "cap_chown" (did you mean CAP_CHOWN?); [2]: unknown capability "CAP_NONESUCH"`
	if err == nil || err.Error() != want || s != Of(KILL) {
		t.Errorf("%s, %v", s, err)
	}
	if s, err := FromNames(nil); s != 0 || err != nil {
		t.Errorf("%s, %v", s, err)
	}
}

func TestFromSpec(t *testing.T) {
	c := &specs.LinuxCapabilities{
		Bounding:    []string{"CAP_CHOWN"},
		Effective:   []string{"CAP_KILL"},
		Permitted:   []string{"CAP_BPF"},
		Inheritable: []string{"CAP_MKNOD"},
		Ambient:     []string{"CAP_LEASE"},
	}
	got, err := FromSpec(c)
	if want := (Sets{Of(CHOWN), Of(KILL), Of(BPF), Of(MKNOD), Of(LEASE)}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}

	if got, err := FromSpec(nil); err != nil || got != (Sets{}) {
		t.Errorf("%+v, %v", got, err)
	}

	c.Bounding = []string{"CAP_CHOWN", "CAP_KILL", "CAP_BPF", "net_raw"}
	c.Ambient = []string{"junk\n"}
	got, err = FromSpec(c)
	want := `process.capabilities.bounding[3]: unknown capability "net_raw" (did you mean CAP_NET_RAW?); ` +
		`process.capabilities.ambient[0]: unknown capability "junk\n"`
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
	if got.Bounding != Of(CHOWN, KILL, BPF) || got.Effective != Of(KILL) || got.Ambient != 0 {
		t.Errorf("the known names are not all there: %+v", got)
	}
	var e *Error
	if !errors.As(err, &e) || len(e.Unknown) != 2 || e.Unknown[0].Path != "process.capabilities.bounding[3]" {
		t.Errorf("%#v", err)
	}

	_, err = FromSpecAt("", c)
	if err == nil || !strings.HasPrefix(err.Error(), "bounding[3]: ") {
		t.Errorf("%v", err)
	}
}

func FuzzFromNames(f *testing.F) {
	f.Add("CAP_CHOWN CAP_BPF")
	f.Add("cap_chown \xff\x00 " + strings.Repeat("CAP_", 40))
	f.Fuzz(func(t *testing.T, in string) {
		list := strings.Fields(in)
		s, err := FromNames(list)
		if s&^All != 0 {
			t.Fatalf("%q gave %#x", in, uint64(s))
		}
		for _, n := range list {
			if c, ok := Parse(n); ok && !s.Has(c) {
				t.Fatalf("%s is missing in %s", n, s)
			} else if !ok && err == nil {
				t.Fatalf("%q was accepted", n)
			}
		}
		if err != nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
		if err == nil && len(list) > 0 {
			back, err := FromNames(strings.Split(strings.Replace(s.String(), "all", strings.Join(names[:], ","), 1), ","))
			if err != nil || back != s {
				t.Fatalf("%s came back as %s, %v", s, back, err)
			}
		}
	})
}
