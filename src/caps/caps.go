// SPDX-License-Identifier: LGPL-2.1-only

// Package caps turns Linux capability names, as config.json and ujail's -C
// file spell them, into bit sets and back.
//
// It is pure: it neither asks the kernel which capabilities it knows nor sets
// any, and it does not judge whether one set fits another (ambient within
// permitted, and so on); plan does.
package caps

import "strconv"

// Cap is the number of one capability as in capabilities(7), 0 to 63. Last is
// the highest with a name here.
type Cap uint8

// The capabilities of linux/capability.h under their kernel names.
const (
	CHOWN Cap = iota
	DAC_OVERRIDE
	DAC_READ_SEARCH
	FOWNER
	FSETID
	KILL
	SETGID
	SETUID
	SETPCAP
	LINUX_IMMUTABLE
	NET_BIND_SERVICE
	NET_BROADCAST
	NET_ADMIN
	NET_RAW
	IPC_LOCK
	IPC_OWNER
	SYS_MODULE
	SYS_RAWIO
	SYS_CHROOT
	SYS_PTRACE
	SYS_PACCT
	SYS_ADMIN
	SYS_BOOT
	SYS_NICE
	SYS_RESOURCE
	SYS_TIME
	SYS_TTY_CONFIG
	MKNOD
	LEASE
	AUDIT_WRITE
	AUDIT_CONTROL
	SETFCAP
	MAC_OVERRIDE
	MAC_ADMIN
	SYSLOG
	WAKE_ALARM
	BLOCK_SUSPEND
	AUDIT_READ
	PERFMON
	BPF
	CHECKPOINT_RESTORE

	// Last is the highest capability known here. A kernel may know fewer or
	// more: /proc/sys/kernel/cap_last_cap says.
	Last = CHECKPOINT_RESTORE
)

// All holds every capability from 0 to Last.
const All Set = 1<<(Last+1) - 1

// names is an array, and searched from its start: that needs neither
// relocation nor initialisation, and 41 length comparisons are cheaper than
// any table would be to set up.
var names = [Last + 1]string{
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
}

// Parse returns the capability a name stands for. Only the spelling of the OCI
// runtime-spec is accepted (config.md, "process.capabilities"): upper case,
// with CAP_. For a name that is refused, Nearest finds what may be meant.
func Parse(name string) (Cap, bool) {
	for i := range names {
		if names[i] == name {
			return Cap(i), true
		}
	}
	return 0, false
}

// String is the OCI name, or CAP_<number> for one without a name here.
func (c Cap) String() string {
	if c <= Last {
		return names[c]
	}
	return "CAP_" + strconv.Itoa(int(c))
}
