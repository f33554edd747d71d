// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A directory of each list, tried with what it allows and what not. What no list names stays as it is: making links.
func TestOpenWrtLandlock(t *testing.T) {
	lists := func(ro, rx, rw string) edit {
		return func(s *specs.Spec) {
			annotation("org.openwrt.ujail.landlock.ro", ro)(s)
			annotation("org.openwrt.ujail.landlock.rx", rx)(s)
			annotation("org.openwrt.ujail.landlock.rw", rw)(s)
		}
	}
	try := script(`try() { (eval "$2") >/dev/null 2>&1 && echo "$1"; }
try "read etc" "cat /etc/passwd"; try "list etc" "ls /etc"; try "write etc" "echo >>/etc/passwd"; try "run etc" /etc/true
try "run bin" /bin/true; try "write bin" "echo >/bin/new"
try "write srv" "echo >/srv/new"; try "make srv" "mkdir /srv/dir"; try "remove srv" "rm /srv/new"; try "truncate srv" ": >/srv/old"; try "link srv" "ln -s x /srv/l"
try "read opt" "cat /opt/file"; try "list opt" "ls /opt"; true`)
	b := newBundle(t, try, writable, lists("/etc:/dev", "/bin", "/srv:/dev/null"))
	b.write("etc/true", "#!/bin/sh\n", 0o755).write("srv/old", "x", 0o644).write("opt/file", "x", 0o644)
	b.run().prints("read etc\nlist etc\nrun bin\nwrite srv\nmake srv\nremove srv\ntruncate srv\nlink srv\n")

	newBundle(t, args("/bin/true"), lists("/none", "/bin", "")).run().refused("Landlock", "no such file", "has to exist")
	newBundle(t, args("/bin/true"), lists("etc", "", "")).run().refused("annotations.org.openwrt.ujail.landlock.ro")
}

// As another user, in a user namespace, and with no_new_privs that nobody asked for.
func TestOpenWrtLandlockUser(t *testing.T) {
	list := func(s *specs.Spec) {
		annotation("org.openwrt.ujail.landlock.rx", "/bin")(s)
		annotation("org.openwrt.ujail.landlock.ro", "/proc")(s)
	}
	for name, e := range map[string]edit{"user": user(1234, 1235), "user namespace": shifted} {
		t.Run(name, func(t *testing.T) {
			newBundle(t, script("cat /etc/passwd 2>/dev/null || grep NoNewPrivs /proc/self/status"), list, e).run().prints("NoNewPrivs:\t1\n")
		})
	}
}

// The test binary maps memory that may be written and then asks to execute it.
func TestOpenWrtMDWE(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	run := func(words string) result {
		b := newBundle(t, args("/helper"), bind("/usr", "/usr", "ro"), annotation("org.openwrt.ujail.mdwe", words), func(s *specs.Spec) {
			s.Process.Env = append(s.Process.Env, envHelper+"=mdwe")
		})
		b.write("helper", string(self), 0o755).link("lib", "usr/lib").link("lib64", "usr/lib64") // it may be linked dynamically
		return b.run()
	}
	run("").prints("executable\n")
	run("refuse_exec_gain").prints("permission denied\n")
	run("refuse_exec_gain,no_inherit").ok()
	run("no_inherit").refused("annotations.org.openwrt.ujail.mdwe", "needs refuse_exec_gain")
	run("everything").refused("annotations.org.openwrt.ujail.mdwe")
}
