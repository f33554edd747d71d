// SPDX-License-Identifier: LGPL-2.1-only

package seccomp

import (
	"os"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The default profile for routers.
func defaultProfile(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../../files/etc/seccomp/container.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// It reads as podman would read it, every name in it is a system call, and its cost is logarithmic; with capabilities and without.
func TestDefaultProfile(t *testing.T) {
	b := defaultProfile(t)
	if len(b) > 16<<10 {
		t.Errorf("%d bytes: it lives in flash", len(b))
	}
	for goarch, machine := range machines() {
		for name, caps := range map[string][]string{"none": nil, "podman's": {"CAP_CHOWN", "CAP_NET_RAW", "CAP_SYS_CHROOT"},
			"many": {"CAP_SYS_ADMIN", "CAP_AUDIT_WRITE", "CAP_SYS_CHROOT", "CAP_BPF", "CAP_SYS_TIME", "CAP_NET_RAW", "CAP_SYS_PTRACE"}} {
			t.Run(goarch+", "+name, func(t *testing.T) {
				p := decoded(t, b, goarch, caps...)
				if want := resolved(t, b, goarch, machine, caps...); !sameProfile(t, p, want) {
					t.Errorf("read as %+v, want %+v", p, want)
				}
				f, err := compile(p, Options{RefuseUnknown: true}, machine)
				if err != nil || len(f.Notes) > 0 {
					t.Fatal(err, f)
				}
				logarithmic(t, p, machine)
			})
		}
	}
}

// What is to be refused is, on every architecture, and what is not known yet is said not to exist.
func TestDefaultProfileRefuses(t *testing.T) {
	const namespaces = 0x7e020000
	b := defaultProfile(t)
	for goarch, machine := range machines() {
		nosys, nofamily, noproto := uint32(errno|38), uint32(errno|97), uint32(errno|93)
		if strings.HasPrefix(goarch, "mips") {
			nosys, nofamily, noproto = errno|89, errno|124, errno|120
		}
		none, sysAdmin := decoded(t, b, goarch), decoded(t, b, goarch, "CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_AUDIT_WRITE")
		says := func(p *specs.LinuxSeccomp, name string, want uint32, args ...uint64) {
			t.Helper()
			number, ok := machine[0].number(newIndex().find(name))
			if !ok {
				return
			}
			d := data{arch: machine[0].token, number: number}
			copy(d.args[:], args)
			if got := verdictFor(t, p, machine, d); got != want {
				t.Errorf("%s: %s %x: %#x, want %#x", goarch, name, args, got, want)
			}
		}
		for _, name := range strings.Fields(`mount umount2 fsopen open_tree move_mount pivot_root setns unshare sethostname ptrace process_vm_readv
			pidfd_getfd kexec_load init_module finit_module delete_module bpf perf_event_open keyctl add_key request_key userfaultfd
			io_uring_setup reboot swapon settimeofday clock_settime clock_adjtime syslog acct chroot open_by_handle_at iopl mbind quotactl
			fanotify_init`) {
			says(none, name, errno|eperm)
		}
		for _, name := range strings.Fields("kexec_load kexec_file_load keyctl add_key io_uring_setup userfaultfd swapon init_module") {
			says(sysAdmin, name, errno|eperm)
		}
		for _, name := range strings.Fields("modify_ldt memfd_secret vmsplice lookup_dcookie statmount remap_file_pages clone3") {
			says(none, name, nosys)
		}
		for _, name := range strings.Fields("mount bpf unshare setns clone3 clone") {
			says(sysAdmin, name, allow, namespaces)
		}
		for _, name := range strings.Fields("read openat execve futex clone socketpair prctl seccomp mprotect set_robust_list rt_sigreturn") {
			says(none, name, allow)
		}
		for bit := range 32 {
			want := uint32(allow)
			if namespaces>>bit&1 != 0 {
				want = errno | eperm
			}
			says(none, "clone", want, 1<<bit|17)
		}
		for family, want := range map[uint64]uint32{1: allow, 2: allow, 10: allow, 16: allow, 17: errno | eperm, 31: nofamily, 38: nofamily, 40: nofamily,
			44: nofamily, 1000: nofamily, 15: nosys} {
			says(none, "socket", want, family, 3, 0)
		}
		says(none, "socket", noproto, 16, 3, 9)
		says(sysAdmin, "socket", allow, 16, 3, 9)
		says(sysAdmin, "socket", allow, 17, 3, 0)
		// There is no call of that number yet.
		for i := range machine[:1] {
			d := data{arch: machine[i].token, number: machine[i].base + 999}
			if got := verdictFor(t, none, machine, d); got != nosys {
				t.Errorf("%s: a call of the future: %#x, want %#x", goarch, got, nosys)
			}
		}
		// Programs of another architecture are ended: it has other numbers.
		for i := range machine[1:] {
			d := data{arch: machine[1+i].token, number: machine[1+i].base + 1}
			if got := verdictFor(t, none, machine, d); got != killProcess {
				t.Errorf("%s: %s: %#x", goarch, machine[1+i].name, got)
			}
		}
	}
}
