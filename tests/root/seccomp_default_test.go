// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gojail/src/spec"
)

const defaultProfileFile = "../../files/etc/seccomp/container.json"

// byDefault gives a container the default profile, as the generator of bundles resolves it.
func byDefault(t *testing.T) edit {
	return func(s *specs.Spec) {
		held := []string{}
		if s.Process.Capabilities != nil {
			held = s.Process.Capabilities.Bounding
		}
		b, err := os.ReadFile(defaultProfileFile)
		if err != nil {
			t.Fatal(err)
		}
		p, err := spec.DecodeSeccomp(b, spec.Target{Arch: runtime.GOARCH, Holds: func(c string) bool { return slices.Contains(held, c) }})
		if err != nil {
			t.Fatal(err)
		}
		s.Linux.Seccomp = p
	}
}

// capable has all five sets hold the capabilities.
func capable(list ...string) edit {
	return func(s *specs.Spec) {
		s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: list, Effective: list, Permitted: list, Inheritable: list, Ambient: list}
	}
}

// withHost has the programs of the host, read-only.
func withHost(t *testing.T, edits ...edit) *bundle {
	b := newBundle(t, append([]edit{mount("/usr", "bind", "/usr", "bind", "ro"), mount("/tmp", "tmpfs", "tmpfs")}, edits...)...)
	for _, dir := range []string{"lib", "lib64"} {
		if link, err := os.Readlink("/" + dir); err == nil {
			b.link(dir, link)
		} else {
			b.link(dir, "usr/"+dir)
		}
	}
	return b
}

// What programs do is the same with the filter as without: also what they are refused.
func sameByDefault(t *testing.T, b *bundle, want string) {
	t.Helper()
	plain := b.run()
	byDefault(t)(b.spec)
	filtered := b.run()
	if filtered.stdout != plain.stdout || filtered.stderr != plain.stderr || filtered.code != plain.code {
		t.Errorf("with the filter %d %q %q\nwithout %d %q %q", filtered.code, filtered.stdout, filtered.stderr, plain.code, plain.stdout, plain.stderr)
	}
	if filtered.code != 0 || !strings.Contains(filtered.stdout, want) {
		t.Errorf("status %d, printed %q, %q, want %q", filtered.code, filtered.stdout, filtered.stderr, want)
	}
}

func TestSeccompDefaultBusybox(t *testing.T) {
	sameByDefault(t, newBundle(t, mount("/tmp", "tmpfs", "tmpfs"), capable("CAP_CHOWN", "CAP_FOWNER", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_NET_BIND_SERVICE"), script(`
		cd /tmp; mkdir a; echo text >a/b; cp -a a c; mv c d; ln -s b a/l; ln a/b a/h; chmod 600 a/b; touch -d '2020-01-01 00:00:00' a/b; mkfifo f; mknod n c 1 3 2>/dev/null || echo no node
		ls -l --full-time a/b | cut -c1-60; find . | sort; stat -c %a:%u:%g a/b; tar cf - a | gzip | gunzip | tar tf - | sort; chown 5:6 a/b; ls -n a/b | cut -c1-20
		dd if=/dev/zero of=z bs=1k count=64 2>/dev/null; truncate -s 10k z; sync; sha256sum z; du z; df /tmp | wc -l; cat z | cmp - z; rm -r a
		seq 5 | awk '{s+=$1} END {print s}'; seq 9 | sed -n 5p; seq 3 | xargs -n1 echo; hexdump -n4 /dev/zero; timeout 5 sleep 0.01; renice 6 $$ && echo reniced
		(sleep 60 & kill $!; wait $!) 2>/dev/null; echo $?; setsid echo session; ps >p; grep -c ' ps$' p; rm p; id -u; hostname; uname -s; date -u -d @0; cat /proc/self/comm; free | wc -l
		ip link set lo up; ip addr show lo | grep -c inet; ip route add 192.0.2.0/24 dev lo; ip route | wc -l; mkdir w; echo page >w/index.html
		httpd -f -p 127.0.0.1:80 -h w & until wget -qO- http://127.0.0.1/ 2>/dev/null; do sleep 0.01; done; kill $!; ping -c1 127.0.0.1 | grep -c ' 0% packet loss'
		mount -t tmpfs x /mnt 2>/dev/null || echo no mount; insmod x 2>/dev/null || echo no module; unshare -n true 2>/dev/null || echo no namespace; echo all`)), "all\n")
}

func TestSeccompDefaultShell(t *testing.T) {
	for _, shell := range []string{"/usr/bin/dash", "/usr/bin/bash", "/bin/busybox"} {
		argv := []string{shell, "-c", `trap 'echo usr1' USR1; kill -USR1 $$; f() { (echo sub | cat); }; f; x=$(f); echo "$x" >/tmp/x; read y </tmp/x; echo $y
			sleep 60 & kill $!; wait $!; echo $?; cat <<-E | tr a b
			here
			E
			ulimit -n; umask 027; umask; set -m; sleep 0.01 & wait; cd /tmp; exec 3>z; echo z >&3; test -s z && echo all`}
		if shell == "/bin/busybox" {
			argv = slices.Insert(argv, 1, "sh")
		}
		sameByDefault(t, withHost(t, args(argv...)), "all\n")
	}
}

func TestSeccompDefaultPython(t *testing.T) {
	sameByDefault(t, withHost(t, args("/usr/bin/python3", "-c", `
import os, socket, subprocess, threading, time, signal, select, tempfile, mmap
done = []
threads = [threading.Thread(target=lambda i=i: done.append(i)) for i in range(20)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(done), subprocess.check_output(["/bin/echo", "child"]), subprocess.run("exit 3", shell=True).returncode)
server = socket.create_server(("127.0.0.1", 0))
def serve():
    c, _ = server.accept(); c.sendall(c.recv(10).upper()); c.close()
t = threading.Thread(target=serve); t.start()
client = socket.create_connection(server.getsockname()); client.sendall(b"text"); print(client.recv(10)); t.join()
a, b = socket.socketpair(); a.send(b"x"); print(select.select([b], [], [])[0] == [b], b.recv(1))
with tempfile.NamedTemporaryFile() as f: f.write(b"x" * 5000); f.flush(); print(len(mmap.mmap(f.fileno(), 0)))
signal.signal(signal.SIGALRM, lambda *_: print("alarm")); signal.setitimer(signal.ITIMER_REAL, 0.01); signal.pause()
pid = os.fork()
if not pid: os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), sorted(os.listdir("/proc/self/task"))[0] == str(os.getpid()))
for family in ("AF_PACKET", "AF_BLUETOOTH"):
    try: socket.socket(getattr(socket, family), socket.SOCK_RAW)
    except (OSError, AttributeError): print("no", family)
print("all")`)), "all\n")
}

func TestSeccompDefaultGo(t *testing.T) {
	for _, name := range []string{"busy", "busy386"} {
		if name == "busy386" && runtime.GOARCH != "amd64" {
			continue
		}
		program, err := os.ReadFile(programDir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		b := newBundle(t, mount("/tmp", "tmpfs", "tmpfs"), args("/busy", "/tmp"))
		b.write("busy", string(program), 0o755)
		if name == "busy" {
			sameByDefault(t, b, "done\n")
			continue
		}
		byDefault(t)(b.spec) // it is for the machine's own programs
		b.run().ends(sigsys)
		b.spec.Linux.Seccomp.Architectures = []specs.Arch{specs.ArchX86_64, specs.ArchX86}
		b.run().prints("done\n")
	}
}

func TestSeccompDefaultDnsmasq(t *testing.T) {
	sameByDefault(t, withHost(t, capable("CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_KILL"), script(`
		ip link set lo up; ip addr add 192.0.2.1/24 dev lo; mkdir -p /tmp/run
		/usr/sbin/dnsmasq -k -C /dev/null -x /tmp/run/pid --no-resolv --no-hosts --address=/box.test/192.0.2.7 --dhcp-range=192.0.2.100,192.0.2.110,1h --interface=lo \
			--dhcp-leasefile=/tmp/run/leases --dhcp-authoritative --enable-ra --dhcp-script=/bin/true -u daemon -g daemon 2>/dev/null &
		for i in $(seq 1000); do nslookup box.test 127.0.0.1 2>/dev/null | grep -q 192.0.2.7 && break; sleep 0.01; done
		kill -HUP $!; kill -USR1 $!; nslookup box.test 127.0.0.1 | grep 192.0.2.7; kill $!; wait $!; echo $?`)), "192.0.2.7\n0\n")
}

// With every capability, and so by nothing but the filter, which is the one for none.
func TestSeccompDefaultRefuses(t *testing.T) {
	everything := strings.Fields(`CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_SYS_MODULE CAP_SYS_BOOT CAP_SYS_TIME CAP_SYS_CHROOT CAP_SYSLOG CAP_BPF CAP_PERFMON
		CAP_SYS_NICE CAP_SYS_RAWIO CAP_SYS_PACCT CAP_DAC_READ_SEARCH CAP_NET_RAW CAP_AUDIT_WRITE CAP_NET_ADMIN`)
	b := newBundle(t, capable())
	byDefault(t)(b.spec)
	capable(everything...)(b.spec)
	none := unix.Errno(0)
	for _, c := range []struct {
		name   string
		number int
		want   unix.Errno
		a      []uint64
	}{
		{"mount", unix.SYS_MOUNT, unix.EPERM, nil},
		{"umount2", unix.SYS_UMOUNT2, unix.EPERM, nil},
		{"open_tree", unix.SYS_OPEN_TREE, unix.EPERM, nil},
		{"pivot_root", unix.SYS_PIVOT_ROOT, unix.EPERM, nil},
		{"ptrace", unix.SYS_PTRACE, unix.EPERM, nil}, // PTRACE_TRACEME
		{"process_vm_writev", unix.SYS_PROCESS_VM_WRITEV, unix.EPERM, nil},
		{"pidfd_getfd", unix.SYS_PIDFD_GETFD, unix.EPERM, nil},
		{"kexec_load", unix.SYS_KEXEC_LOAD, unix.EPERM, nil},
		{"init_module", unix.SYS_INIT_MODULE, unix.EPERM, nil},
		{"finit_module", unix.SYS_FINIT_MODULE, unix.EPERM, nil},
		{"bpf", unix.SYS_BPF, unix.EPERM, nil},
		{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, unix.EPERM, nil},
		{"keyctl", unix.SYS_KEYCTL, unix.EPERM, nil},
		{"add_key", unix.SYS_ADD_KEY, unix.EPERM, nil},
		{"userfaultfd", unix.SYS_USERFAULTFD, unix.EPERM, nil},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, unix.EPERM, nil},
		{"reboot", unix.SYS_REBOOT, unix.EPERM, nil},
		{"clock_settime", unix.SYS_CLOCK_SETTIME, unix.EPERM, nil},
		{"syslog", unix.SYS_SYSLOG, unix.EPERM, []uint64{10}},
		{"chroot", unix.SYS_CHROOT, unix.EPERM, nil},
		{"unshare", unix.SYS_UNSHARE, unix.EPERM, []uint64{unix.CLONE_NEWUSER}},
		{"setns", unix.SYS_SETNS, unix.EPERM, nil},
		{"clone", unix.SYS_CLONE, unix.EPERM, []uint64{unix.CLONE_NEWUSER | uint64(unix.SIGCHLD)}},
		{"clone3", unix.SYS_CLONE3, unix.ENOSYS, nil},
		{"AF_ALG", unix.SYS_SOCKET, unix.EAFNOSUPPORT, []uint64{unix.AF_ALG, unix.SOCK_SEQPACKET}},
		{"AF_VSOCK", unix.SYS_SOCKET, unix.EAFNOSUPPORT, []uint64{unix.AF_VSOCK, unix.SOCK_STREAM}},
		{"AF_PACKET", unix.SYS_SOCKET, unix.EPERM, []uint64{unix.AF_PACKET, unix.SOCK_RAW}},
		{"audit", unix.SYS_SOCKET, unix.EPROTONOSUPPORT, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}},
		{"route", unix.SYS_SOCKET, none, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}},
		{"memfd_secret", 447, unix.ENOSYS, nil},
		{"one that does not exist yet", 5999, unix.ENOSYS, nil},
		{"getpid", unix.SYS_GETPID, none, nil},
	} {
		if want := "errno " + strconv.Itoa(int(c.want)) + "\n"; c.want == none {
			probe(b, "probe", c.number, c.a...).run().prints("done\n")
		} else if r := probe(b, "probe", c.number, c.a...).run(); r.stdout != want {
			t.Errorf("%s: %q %q, want %q", c.name, r.stdout, r.stderr, want)
		}
	}
	// The capability brings the call.
	byDefault(t)(b.spec)
	probe(b, "probe", unix.SYS_UNSHARE, unix.CLONE_NEWUTS).run().prints("done\n")
	probe(b, "probe", unix.SYS_CHROOT).run().prints("errno " + strconv.Itoa(int(unix.EFAULT)) + "\n")
	probe(b, "probe", unix.SYS_KEYCTL).run().prints("errno 1\n")
}

// -S takes the file as it is: what it says about capabilities is about those of -C.
func TestSlimSeccompConditions(t *testing.T) {
	b, err := os.ReadFile(defaultProfileFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := hostFiles(t, map[string]string{"profile.json": string(b)})
	none := capabilitiesOf(t, dir, "CAP_CHOWN")
	slimRun(t, "-p -S "+dir+"/profile.json", busybox, "chroot", "/", busybox, "echo", "ran").prints("ran\n")
	slimRun(t, "-p -C "+none+" -S "+dir+"/profile.json", busybox, "sh", "-c", busybox+" chroot / "+busybox+" echo ran 2>/dev/null; echo ended").prints("ended\n")
}
