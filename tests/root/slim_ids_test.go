// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// -U -G -C -c: with namespaces and, as most services of OpenWrt have them, without.

// idStatus is uid, gid and sorted supplementary groups of a /proc/PID/status.
func idStatus(t testing.TB, text string) string {
	t.Helper()
	groups := strings.Fields(status(t, text, "Groups"))
	slices.Sort(groups)
	return strings.Fields(status(t, text, "Uid") + " x")[0] + " " + strings.Fields(status(t, text, "Gid") + " x")[0] + " " + strings.Join(groups, ",")
}

func TestSlimUser(t *testing.T) {
	for _, options := range []string{"", "-c ", "-p "} {
		for ids, want := range map[string]string{
			"-U nobody":       "65534 65533 65533",
			"-U daemon":       "1 1 1,2001",
			"-U web":          "1234 1235 1235,2001,2002",
			"-U web -G media": "1234 2001 1235,2001,2002",
			"-U root":         "0 0 0",
		} {
			t.Run(options+ids, func(t *testing.T) {
				r := slimRun(t, options+ids, busybox, "cat", "/proc/self/status").ok()
				if got := idStatus(t, r.stdout); got != want {
					t.Errorf("ids %s, want %s", got, want)
				}
			})
		}
		t.Run(options+"-G media", func(t *testing.T) {
			r := slimRun(t, options+"-G media", busybox, "cat", "/proc/self/status").ok()
			if got := idStatus(t, r.stdout); !strings.HasPrefix(got, "0 2001 ") {
				t.Errorf("ids %s, want 0 2001", got)
			}
		})
		for ids, word := range map[string]string{"-U nosuch": "nosuch", "-G nosuch": "nosuch", "-U web -G nosuch": "nosuch"} {
			t.Run(options+ids, func(t *testing.T) { slimRun(t, options+ids, busybox, "echo", "ran").refused(word) })
		}
	}
	t.Run("knows its name", func(t *testing.T) {
		slimRun(t, "-p -U web", sh("id; cat /etc/passwd /etc/group")...).
			prints("uid=1234(web) gid=1235(web) groups=1235(web),2001(media),2002(backup)\n" + passwd + group)
	})
}

// The C ujail leaves the primary group of root.
func TestD3PrimaryGroupOfUser(t *testing.T) {
	for _, options := range []string{"-U nobody", "-c -U nobody", "-p -U nobody", "-h box -U nobody"} {
		slimRun(t, options, sh("id -u; id -g; id -G")...).prints("65534\n65533\n65533\n")
	}
}

func TestSlimCapabilities(t *testing.T) {
	two := `["CAP_NET_RAW","CAP_NET_BIND_SERVICE"]`
	mask := bits(unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE)
	d := hostFiles(t, map[string]string{
		"all":     `{"bounding":` + two + `,"effective":` + two + `,"permitted":` + two + `,"inheritable":` + two + `,"ambient":` + two + `}`,
		"none":    `{"bounding":[],"effective":[],"permitted":[],"inheritable":[],"ambient":[]}`,
		"bad":     `{"bounding":["CAP_NET_RAW"`,
		"unknown": `{"bounding":["CAP_TELEPORT"]}`,
		"type":    `["CAP_NET_RAW"]`,
	})
	for _, c := range []struct{ options, file, eff, bnd, amb string }{
		{"", "all", mask, mask, mask},
		{"-U web ", "all", mask, mask, mask},
		{"-p -U web ", "all", mask, mask, mask},
		{"-c -U web ", "all", mask, mask, mask},
		{"", "none", bits(), bits(), bits()},
		{"-p -c ", "none", bits(), bits(), bits()},
	} {
		t.Run(c.options+c.file, func(t *testing.T) {
			r := slimRun(t, c.options+"-C "+d+"/"+c.file, busybox, "cat", "/proc/self/status").ok()
			got := []string{status(t, r.stdout, "CapEff"), status(t, r.stdout, "CapPrm"), status(t, r.stdout, "CapBnd"), status(t, r.stdout, "CapAmb")}
			if want := []string{c.eff, c.eff, c.bnd, c.amb}; !slices.Equal(got, want) {
				t.Errorf("effective, permitted, bounding, ambient %v, want %v", got, want)
			}
		})
	}
	for file, word := range map[string]string{"bad": "bad", "unknown": "CAP_TELEPORT", "type": "type", "missing": "missing"} {
		t.Run(file, func(t *testing.T) { slimRun(t, "-C "+d+"/"+file, busybox, "echo", "ran").refused(word) })
	}
}

// -c alone is a jail, too; the C ujail refuses it.
func TestD10NoNewPrivilegesAlone(t *testing.T) {
	for options, want := range map[string]string{"-c": "1", "-U web": "0", "-p": "0", "-p -c": "1"} {
		r := slimRun(t, options, busybox, "cat", "/proc/self/status").ok()
		if got := status(t, r.stdout, "NoNewPrivs"); got != want {
			t.Errorf("%s: NoNewPrivs %s, want %s", options, got, want)
		}
	}
}
