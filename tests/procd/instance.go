// SPDX-License-Identifier: LGPL-2.1-only

// Package procd is what tests need of OpenWrt's procd: the instances of its services, the command line that it makes of one, and the
// real procd with the real ubusd, run where their paths are known (tests/root, TestProcd*).
//
// It is not a procd: what has to happen in time (respawn, reload) is tested with the real one only.
package procd

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"gojail/src/blob"
)

// Ujail is the program that procd starts for an instance with a jail.
const Ujail = "/sbin/ujail"

// An Instance is one process of a service, with the attributes that reach ujail or its end (procd, service/instance.c). Its JSON names
// are those of the fields in lower case with _ for a new word.
type Instance struct {
	Command        []string
	Env            map[string]string
	Limits         map[string]string // "as", "nofile"...: "soft hard" or "unlimited"
	Nice           int
	User, Group    string
	Stdout, Stderr bool // to logd; otherwise /dev/null
	NoNewPrivs     bool
	Seccomp        string
	Capabilities   string // the file for -C
	PidFile        string // of ujail itself
	ReloadSignal   int
	TermTimeout    int      // seconds; 0: the attribute is absent, which means 5
	Respawn        []string // threshold, timeout, retry; nil: never
	Extroot        string
	OverlayDir     string
	TmpOverlaySize string
	Bundle         string
	Jail           *Jail // nil: no jail
}

// A Jail is an instance's "jail" table.
type Jail struct {
	Name, Hostname string
	Procfs, Sysfs  bool
	Ubus, Udebug   bool
	Log, Ronly     bool
	Mount          map[string]string // "0" read-only, "1" writable
	Netns, Userns  bool
	Cgroupsns      bool
	Console        bool
	RequireJail    bool
	Immediately    bool
	PidFile        string // of the payload
	Setns          []Setns
}

// A Setns is a process whose namespaces the jail joins.
type Setns struct {
	PID        int
	Namespaces []string
}

// Line is the command line that procd starts for the instance. Variables and mounts are in the order of their names: procd keeps them
// in a tree.
func (in *Instance) Line() []string {
	if in.Jail == nil {
		return in.Command
	}
	j := in.Jail
	timeout := in.TermTimeout
	if timeout == 0 {
		timeout = 5
	}
	line := []string{Ujail, "-t", strconv.Itoa(timeout)}
	value := func(letter, v string) {
		if v != "" {
			line = append(line, letter, v)
		}
	}
	flag := func(letter string, on bool) {
		if on {
			line = append(line, letter)
		}
	}
	value("-n", j.Name)
	value("-h", j.Hostname)
	value("-S", in.Seccomp)
	value("-U", in.User)
	value("-G", in.Group)
	value("-C", in.Capabilities)
	flag("-c", in.NoNewPrivs)
	flag("-p", j.Procfs)
	flag("-s", j.Sysfs)
	flag("-u", j.Ubus)
	flag("-D", j.Udebug)
	flag("-l", j.Log)
	flag("-o", j.Ronly)
	flag("-N", j.Netns)
	flag("-f", j.Userns)
	flag("-F", j.Cgroupsns)
	flag("-y", j.Console)
	value("-R", in.Extroot)
	value("-O", in.OverlayDir)
	value("-T", in.TmpOverlaySize)
	flag("-i", j.Immediately)
	value("-P", j.PidFile)
	value("-J", in.Bundle)
	flag("-E", j.RequireJail)
	for _, name := range slices.Sorted(maps.Keys(in.Env)) {
		value("-e", name)
	}
	for _, path := range slices.Sorted(maps.Keys(j.Mount)) {
		letter := "-r"
		if strings.HasPrefix(j.Mount[path], "1") {
			letter = "-w"
		}
		value(letter, path)
	}
	for _, s := range j.Setns {
		value("-j", strconv.Itoa(s.PID)+":"+strings.Join(s.Namespaces, ","))
	}
	return append(append(line, "--"), in.Command...)
}

// put writes the instance into a table of instances.
func (in *Instance) put(w *blob.Builder, name string) {
	w.OpenTable(name)
	putList(w, "command", in.Command)
	putMap(w, "env", in.Env)
	putMap(w, "limits", in.Limits)
	putInt(w, "nice", in.Nice)
	putText(w, "user", in.User)
	putText(w, "group", in.Group)
	putBool(w, "stdout", in.Stdout)
	putBool(w, "stderr", in.Stderr)
	putBool(w, "no_new_privs", in.NoNewPrivs)
	putText(w, "seccomp", in.Seccomp)
	putText(w, "capabilities", in.Capabilities)
	putText(w, "pidfile", in.PidFile)
	putInt(w, "reload_signal", in.ReloadSignal)
	putInt(w, "term_timeout", in.TermTimeout)
	putList(w, "respawn", in.Respawn)
	putText(w, "extroot", in.Extroot)
	putText(w, "overlaydir", in.OverlayDir)
	putText(w, "tmpoverlaysize", in.TmpOverlaySize)
	putText(w, "bundle", in.Bundle)
	if in.Jail != nil {
		in.Jail.put(w)
	}
	w.Close()
}

func (j *Jail) put(w *blob.Builder) {
	w.OpenTable("jail")
	putText(w, "name", j.Name)
	putText(w, "hostname", j.Hostname)
	putBool(w, "procfs", j.Procfs)
	putBool(w, "sysfs", j.Sysfs)
	putBool(w, "ubus", j.Ubus)
	putBool(w, "udebug", j.Udebug)
	putBool(w, "log", j.Log)
	putBool(w, "ronly", j.Ronly)
	putMap(w, "mount", j.Mount)
	putBool(w, "netns", j.Netns)
	putBool(w, "userns", j.Userns)
	putBool(w, "cgroupsns", j.Cgroupsns)
	putBool(w, "console", j.Console)
	putBool(w, "requirejail", j.RequireJail)
	putBool(w, "immediately", j.Immediately)
	putText(w, "pidfile", j.PidFile)
	if j.Setns != nil {
		w.OpenArray("setns")
		for _, s := range j.Setns {
			w.OpenTable("")
			putInt(w, "pid", s.PID)
			putList(w, "namespaces", s.Namespaces)
			w.Close()
		}
		w.Close()
	}
	w.Close()
}

func putText(w *blob.Builder, name, s string) {
	if s != "" {
		w.AddString(name, s)
	}
}

func putInt(w *blob.Builder, name string, n int) {
	if n != 0 {
		w.AddInt32(name, int32(n))
	}
}

func putBool(w *blob.Builder, name string, on bool) {
	if on {
		w.AddBool(name, true)
	}
}

func putList(w *blob.Builder, name string, list []string) {
	if list == nil {
		return
	}
	w.OpenArray(name)
	for _, s := range list {
		w.AddString("", s)
	}
	w.Close()
}

func putMap(w *blob.Builder, name string, m map[string]string) {
	if m == nil {
		return
	}
	w.OpenTable(name)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		w.AddString(k, m[k])
	}
	w.Close()
}
