// SPDX-License-Identifier: LGPL-2.1-only

package config

import (
	"math"
	"strconv"
	"strings"

	"gojail/src/caps"
)

const (
	maxPath  = 4095 // PATH_MAX less its NUL
	maxName  = 63
	maxValue = 128 << 10 // the kernel's limit of an argument
)

// check tells what is wrong with a value, or "".
func check(kind, v string) string {
	kind, args, _ := strings.Cut(kind, ":")
	if v == "" && kind != "argument" && kind != "text" {
		return "is empty"
	}
	if len(v) > maxValue {
		return "is longer than 128 KiB"
	}
	no := func(ok bool, reason string) string {
		if ok {
			return ""
		}
		return reason
	}
	switch kind {
	case "argument", "text", "user": // users are looked up later
		return ""
	case "bool":
		_, ok := parseBool(v)
		return no(ok, "must be 0 or 1")
	case "enum":
		list := strings.Split(args, ",")
		for _, name := range list {
			if name == v {
				return ""
			}
		}
		return "must be one of " + strings.Join(list, ", ") + meant(v, list)
	case "int":
		low, high, _ := strings.Cut(args, ",")
		least, _ := strconv.ParseInt(low, 10, 64)
		most, _ := strconv.ParseInt(high, 10, 64)
		n, err := strconv.ParseInt(v, 10, 64)
		return no(err == nil && n >= least && n <= most && plainNumber(v), "must be a number from "+low+" to "+high)
	case "name":
		return no(validID(v), "must have letters, digits, _ . and - only, a letter or digit first, and at most 63 of them")
	case "reference":
		return no(validID(v), "is no name of a container")
	case "path":
		return checkPath(v)
	case "size":
		_, ok := Size(v)
		return no(ok, "must be a size such as 16M (K, M and G are of 1024)")
	case "memory":
		if percent, ok := strings.CutSuffix(v, "%"); ok {
			n, err := strconv.ParseUint(percent, 10, 8)
			return no(err == nil && n >= 1 && n <= 100, "must be from 1% to 100%")
		}
		n, ok := Size(v)
		return no(ok && n > 0, "must be a size such as 64M, or a part of the memory such as 25%")
	case "swap":
		_, ok := Size(v)
		return no(ok || v == "unlimited", "must be a size such as 64M, 0, or unlimited")
	case "cpus":
		n, ok := CPUs(v)
		return no(ok && n >= 1000 && n <= 4096*100000, "must be a number of processors such as 0.5 or 2, at least 0.01")
	case "cpuset":
		return checkCPUSet(v)
	case "octal":
		n, err := strconv.ParseUint(v, 8, 16)
		return no(err == nil && n <= 0o777, "must be an octal number from 0 to 0777")
	case "hostname":
		return no(len(v) <= 64 && onlyBytes(v, func(c byte) bool { return alnum(c) || c == '-' || c == '.' || c == '_' }), "must be a host name of at most 64 letters, digits, - and .")
	case "word":
		return no(onlyBytes(v, func(c byte) bool { return c > ' ' && c != 0x7f }), "must be one word")
	case "capability":
		if v == "ALL" {
			return ""
		}
		if _, ok := Capability(v); !ok {
			if near := caps.Nearest(v); near != "" {
				return "is no capability (did you mean " + near[4:] + "?)"
			}
			return "is no capability"
		}
		return ""
	case "seccomp":
		return no(v == "default" || v == "unconfined" || v[0] == '/' && checkPath(v) == "", "must be default, unconfined, or the path of a profile")
	case "signal":
		_, ok := Signal(v)
		return no(ok, "is no signal (TERM, INT, RTMIN+3 or a number)")
	case "env", "annotation":
		name, value, ok := strings.Cut(v, "=")
		return no(ok && name != "" && !strings.ContainsRune(name, 0) && (kind == "env" || value != ""), "must be name=value")
	case "sysctl":
		name, value, ok := strings.Cut(v, "=")
		return no(ok && name != "" && value != "" && onlyBytes(name, func(c byte) bool { return c > ' ' && c < 0x7f }), "must be name=value, as net.ipv4.ip_forward=1")
	case "idmap":
		_, reason := ParseIDMap(v)
		return reason
	case "rlimit":
		_, reason := ParseRlimit(v)
		return reason
	case "device":
		_, reason := ParseDevice(v)
		return reason
	case "mount":
		_, reason := ParseMount(v)
		return reason
	case "tmpfs":
		target, _, _ := strings.Cut(v, ":")
		return checkPath(target)
	case "access":
		return checkAccess(v)
	case "network":
		kinds := []string{"none", "host", "bridge", "routed", "netifd"}
		for _, k := range kinds {
			if k == v {
				return ""
			}
		}
		name, ok := strings.CutPrefix(v, "container:")
		return no(ok && validID(name), "must be none, host, bridge, routed, netifd or container:NAME"+meant(v, kinds))
	}
	return checkNet(kind, v)
}

func alnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func onlyBytes(s string, f func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if !f(s[i]) {
			return false
		}
	}
	return true
}

// plainNumber refuses the signs and zeros that strconv takes and nobody means.
func plainNumber(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits == "0" && s == "0" || digits != "" && digits[0] != '0' && digits[0] != '+'
}

func validID(s string) bool {
	return s != "" && len(s) <= maxName && alnum(s[0]) && onlyBytes(s, func(c byte) bool { return alnum(c) || c == '_' || c == '.' || c == '-' })
}

func checkPath(p string) string {
	switch {
	case p == "" || p[0] != '/':
		return "must be an absolute path"
	case len(p) > maxPath:
		return "is longer than a path can be"
	case strings.ContainsRune(p, '\n'):
		return "has a new line in it"
	}
	for part := range strings.SplitSeq(p, "/") {
		switch {
		case part == "..":
			return "must not contain .."
		case len(part) > 255:
			return "has a name that is longer than 255 bytes"
		}
	}
	return ""
}

// parseBool knows the words that OpenWrt's config_get_bool does.
func parseBool(v string) (b, ok bool) {
	switch v {
	case "1", "on", "true", "yes", "enabled":
		return true, true
	case "0", "off", "false", "no", "disabled":
		return false, true
	}
	return false, false
}

// Size reads a number of bytes with K, M or G (1024) behind it.
func Size(v string) (uint64, bool) {
	shift := 0
	if v != "" {
		switch v[len(v)-1] {
		case 'K', 'k':
			shift = 10
		case 'M', 'm':
			shift = 20
		case 'G', 'g':
			shift = 30
		}
	}
	if shift > 0 {
		v = v[:len(v)-1]
	}
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil || n > math.MaxInt64>>shift || v[0] == '+' {
		return 0, false
	}
	return n << shift, true
}

// CPUs reads a number of processors, with at most five decimals, as microseconds of each 100000.
func CPUs(v string) (uint64, bool) {
	whole, part, point := strings.Cut(v, ".")
	if len(part) > 5 || point && part == "" || whole == "" || len(whole) > 5 {
		return 0, false
	}
	n, err := strconv.ParseUint(whole+(part + "00000")[:5], 10, 64)
	return n, err == nil && v[0] != '+'
}

func checkCPUSet(v string) string {
	for part := range strings.SplitSeq(v, ",") {
		low, high, ranged := strings.Cut(part, "-")
		a, err := strconv.ParseUint(low, 10, 16)
		b, err2 := a, error(nil)
		if ranged {
			b, err2 = strconv.ParseUint(high, 10, 16)
		}
		if err != nil || err2 != nil || b < a || b > 8191 {
			return "must be a list of processors such as 0-1,3"
		}
	}
	return ""
}

// Capability is the capability of that name, with CAP_ or without, in any case.
func Capability(name string) (caps.Cap, bool) {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "CAP_") {
		name = "CAP_" + name
	}
	return caps.Parse(name)
}

const signals = " HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS "

// Signal is the plain name of a signal that a name (with SIG or without) or a number stands for, as RTMIN+3 or TERM.
func Signal(v string) (string, bool) {
	v = strings.TrimPrefix(strings.ToUpper(v), "SIG")
	if n, ok := strings.CutPrefix(v, "RTMIN"); ok {
		if n == "" {
			return "RTMIN", true
		}
		i, err := strconv.Atoi(n)
		return v, err == nil && n[0] == '+' && i <= 30 && i >= 0
	}
	if n, err := strconv.Atoi(v); err == nil {
		return v, n >= 1 && n <= 64 && plainNumber(v)
	}
	return v, v != "" && !strings.Contains(v, " ") && strings.Contains(signals, " "+v+" ")
}
