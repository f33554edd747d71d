// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gojail/tests/procd"
)

// The init script, under OpenWrt's own rc.common, uci, ubus and procd.

// overlaid puts files above a directory of the host, until the test ends: for each path in it, what is copied there.
func overlaid(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	work, err := os.MkdirTemp("/mnt", "overlaid")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(work) })
	for path, source := range files {
		b, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, work+"/upper/"+path, string(b), 0o755)
	}
	if err := errors.Join(os.MkdirAll(work+"/upper", 0o755), os.Mkdir(work+"/work", 0o755),
		unix.Mount("overlay", dir, "overlay", 0, "lowerdir="+dir+",upperdir="+work+"/upper,workdir="+work+"/work")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
}

// TestProcdInit types what a user of OpenWrt types.
func TestProcdInit(t *testing.T) {
	owrt, uci, jshn := os.Getenv("OPENWRT"), os.Getenv("UCI"), os.Getenv("JSHN")
	if owrt == "" || uci == "" || jshn == "" {
		t.Skip("SKIPPED: OPENWRT, UCI and JSHN do not say where OpenWrt's base files, uci and jshn are")
	}
	procd.Skip(t)
	watch(t)
	t.Cleanup(func() {
		for _, path := range []string{"/run/config.md5", "/run/lock", "/tmp/.uci"} {
			if err := os.RemoveAll(path); err != nil {
				t.Error(err)
			}
		}
	})
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	overlaid(t, "/usr/bin", map[string]string{"uci": uci, "jshn": jshn, "ubus": os.Getenv("UBUS"), "sh": busybox})
	overlaid(t, "/usr/lib", map[string]string{"functions.sh": owrt + "/lib/functions.sh", "functions/procd.sh": owrt + "/lib/functions/procd.sh",
		"functions/service.sh": owrt + "/lib/functions/service.sh", "config/uci.sh": owrt + "/lib/config/uci.sh"})
	overlaid(t, "/usr/share", map[string]string{"libubox/jshn.sh": owrt + "/usr/share/libubox/jshn.sh"})
	overlaid(t, "/etc", map[string]string{"rc.common": owrt + "/etc/rc.common", "init.d/container": "../../files/etc/init.d/container",
		"uci-defaults/50-container": "../../uci-defaults/50-container"})
	p := procds(t)
	b, err := os.ReadFile(programPath)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "/usr/sbin/gojail", string(b), 0o755)
	b, err = os.ReadFile(owrt + "/sbin/reload_config")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "/usr/sbin/reload_config", string(b), 0o755)
	for _, dir := range []string{"/run/lock", "/etc/config", "/tmp/.uci"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sh := func(script string) string {
		t.Helper()
		cmd := exec.Command("/bin/sh", "-c", script)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
	f := newFleet(t, "Db", "Web")
	db, web := f.name("Db"), f.name("Web")

	sh(". /etc/uci-defaults/50-container")
	if out := sh("uci show container"); !strings.Contains(out, "container.globals=globals") {
		t.Errorf("after the first boot: %s", out)
	}
	box := func(name string) string {
		return "uci set container." + name + "=container; uci set container." + name + ".rootfs=" + f.root + "; uci set container." + name +
			".log=0; uci set container." + name + ".seccomp=unconfined; uci set container." + name +
			".command='sh -c \"trap \\\"exit 0\\\" TERM; while :; do sleep 0.02; done\"'; "
	}
	sh(box(db) + box(web) + "uci set container.globals.bundle_dir=" + f.out + "; uci commit container; reload_config; /etc/init.d/container restart")
	f.runs("Db", "Web")
	if out := sh("/etc/init.d/container status"); out != db+": running\n"+web+": running\n" {
		t.Errorf("status: %s", out)
	}
	pid := func(name string) int { return p.State("container", name).PID }
	before, other := pid(db), pid(web)

	// a change is made so by the trigger, and only where it belongs
	sh("uci set container." + web + ".hostname=changed; uci commit container; reload_config")
	if !eventually(func() bool { now := pid(web); return now != 0 && now != other }) {
		t.Error("the changed container was not restarted")
	}
	f.runs("Db", "Web")
	if pid(db) != before {
		t.Error("the other container was restarted as well")
	}

	sh("/etc/init.d/container stop " + web)
	f.runs("Db")
	sh("/etc/init.d/container reload")
	f.runs("Db")
	if pid(db) != before {
		t.Error("reload has restarted what had not changed")
	}
	sh("/etc/init.d/container start " + web)
	f.runs("Db", "Web")
	sh("/etc/init.d/container stop")
	f.runs()
	if out := sh("ubus call container list; /etc/init.d/container running || echo none"); strings.Contains(out, db) || !strings.HasSuffix(out, "none\n") {
		t.Errorf("after stop: %s", out)
	}
	if left := madeBundles(t, f.out); len(left) > 0 {
		t.Errorf("bundles: %v", left)
	}
	// The cleanup of the fleet has a configuration of its own.
	f.write()
}
