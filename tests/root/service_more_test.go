// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gojail/tests/procd"
)

// /etc/init.d/wpad: no namespace, only ids and capabilities. Debian's hostapd has no -s (syslog).
func configureHostapd(t *testing.T, dir string) (procd.Instance, func(t *testing.T, log *procd.Syslog)) {
	run := runDir(t, "hostapd", 101)
	in := procd.Instance{
		Command: []string{"/usr/sbin/hostapd", "-g", run + "/global"},
		User:    "network", Group: "network", NoNewPrivs: true, Capabilities: capabilitiesOf(t, dir, "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW"),
		Limits: map[string]string{"core": "0"}, Jail: &procd.Jail{},
	}
	return in, func(t *testing.T, _ *procd.Syslog) {
		var got string
		var err error
		if !eventually(func() bool { got, err = ask(run+"/global", dir+"/client", "PING"); return got == "PONG\n" }) {
			t.Errorf("its control interface says %q, %v", got, err)
		}
	}
}

// ask sends a datagram and gives the answer.
func ask(path, own, question string) (string, error) {
	os.Remove(own)
	c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: own, Net: "unixgram"}, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return "", err
	}
	defer c.Close()
	// the answer is another user's to send
	if err := os.Chmod(own, 0o777); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte(question)); err != nil {
		return "", err
	}
	if err := c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "", err
	}
	b := make([]byte, 100)
	n, err := c.Read(b)
	return string(b[:n]), err
}

// /etc/init.d/rsyncd: it changes its root and its user, by capabilities alone.
func configureRsyncd(t *testing.T, dir string) (procd.Instance, func(t *testing.T, log *procd.Syslog)) {
	writeFile(t, dir+"/rsyncd.conf", "pid file = /var/run/rsyncd.pid\nuse chroot = yes\nuid = nobody\ngid = nogroup\nread only = yes\n[files]\npath = "+dir+"/files\n", 0o644)
	writeFile(t, dir+"/files/one", "from the daemon\n", 0o644)
	in := procd.Instance{
		Command: []string{"/usr/bin/rsync", "--daemon", "--no-detach", "--config=" + dir + "/rsyncd.conf"},
		User:    "rsyncd", Group: "rsyncd", NoNewPrivs: true, Jail: &procd.Jail{},
		Capabilities: capabilitiesOf(t, dir, "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_SETUID", "CAP_SETGID", "CAP_DAC_OVERRIDE"),
	}
	return in, func(t *testing.T, _ *procd.Syslog) {
		untilOutput(t, "", "/usr/bin/rsync", "rsync://127.0.0.1/files/one", dir+"/copy")
		if text, err := os.ReadFile(dir + "/copy"); string(text) != "from the daemon\n" {
			t.Errorf("got %q, %v", text, err)
		}
	}
}

// /etc/init.d/dbus; Debian calls the user messagebus.
func configureDbus(t *testing.T, dir string) (procd.Instance, func(t *testing.T, log *procd.Syslog)) {
	runDir(t, "dbus", 81)
	in := procd.Instance{
		Command: []string{"/usr/bin/dbus-daemon", "--system", "--nofork", "--nopidfile"},
		User:    "messagebus", Group: "messagebus", Stdout: true, Jail: &procd.Jail{},
		Capabilities: capabilitiesOf(t, dir, "CAP_SETPCAP", "CAP_SETUID", "CAP_SETGID"),
	}
	return in, func(t *testing.T, _ *procd.Syslog) {
		// dbus-send says Hello before it asks
		untilOutput(t, `string "org.freedesktop.DBus"`, "/usr/bin/dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus",
			"/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames")
	}
}

// /etc/init.d/postgresql. Debian's has its time zones outside of the directories that OpenWrt's has in its jail.
func configurePostgresql(t *testing.T, dir string) (procd.Instance, func(t *testing.T, log *procd.Syslog)) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	bin, data := found[len(found)-1], dir+"/pgdata"
	run := runDir(t, "postgresql", 5432)
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, 5432, 5432); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin+"/initdb", "-D", data, "--no-sync", "--no-locale", "-E", "UTF8", "-A", "trust", "--no-instructions")
	cmd.Dir, cmd.Env = data, []string{"PATH=" + hostPath}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 5432, Gid: 5432}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	settings, err := os.OpenFile(data+"/postgresql.conf", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer settings.Close()
	fmt.Fprintln(settings, "timezone='GMT'\nlog_timezone='GMT'\nlisten_addresses=''\nfsync=off")
	in := procd.Instance{
		Command: []string{bin + "/postgres", "-D", data, "-k", run},
		User:    "postgres", Stdout: true, Jail: &procd.Jail{Log: true, Mount: map[string]string{
			"/usr/lib/postgresql": "0", "/usr/share/postgresql": "0", run: "1", data: "1", "/dev/shm": "1"}},
	}
	return in, func(t *testing.T, _ *procd.Syslog) {
		untilOutput(t, "42\n", bin+"/psql", "-h", run, "-U", "postgres", "-Atc", "select 6*7")
	}
}
