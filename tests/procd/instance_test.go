// SPDX-License-Identifier: LGPL-2.1-only

package procd

import (
	"strings"
	"testing"
)

// The order in which procd writes the options.
func TestLine(t *testing.T) {
	in := &Instance{
		Command: []string{"/bin/x", "-n"}, User: "u", Group: "g", Seccomp: "/s", Capabilities: "/c", NoNewPrivs: true, TermTimeout: 7,
		Env: map[string]string{"B": "1", "A": "2"}, Extroot: "/r", OverlayDir: "/o", TmpOverlaySize: "1M", Bundle: "/b", PidFile: "/not/ujail's",
		Jail: &Jail{Name: "n", Hostname: "h", Procfs: true, Sysfs: true, Ubus: true, Udebug: true, Log: true, Ronly: true, Netns: true, Userns: true,
			Cgroupsns: true, Console: true, RequireJail: true, Immediately: true, PidFile: "/p", Mount: map[string]string{"/z": "0", "/a": "1"},
			Setns: []Setns{{PID: 5, Namespaces: []string{"net", "ipc"}}}},
	}
	want := "/sbin/ujail -t 7 -n n -h h -S /s -U u -G g -C /c -c -p -s -u -D -l -o -N -f -F -y -R /r -O /o -T 1M -i -P /p -J /b -E -e A -e B -w /a -r /z -j 5:net,ipc -- /bin/x -n"
	if got := strings.Join(in.Line(), " "); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
