// SPDX-License-Identifier: LGPL-2.1-only

// Package host is this machine as the generator of bundles needs it: its configuration, its devices and files, the bundles that are
// there, and what it lacks for a container. It starts nothing.
package host

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"gojail/src/bundle"
	"gojail/src/caps"
	"gojail/src/config"
	"gojail/src/kernel"
	"gojail/src/uci"
)

// ConfigDir is where UCI's files are; Override has those that go before them, as in libuci.
const (
	ConfigDir = "/etc/config"
	override  = "/var/run/uci"
)

const maxFile = 1 << 20

// Load reads the containers of a directory, of the router's own if it is empty. Changes that are not committed do not count.
func Load(dir string) (*config.Config, error) {
	file := dir + "/container"
	if dir == "" {
		if file = override + "/container"; !kernel.Exists(file) {
			file = ConfigDir + "/container"
		}
	}
	text, err := kernel.ReadFile(file, uci.MaxSize)
	if err != nil {
		return nil, err
	}
	return config.Parse(file, text)
}

// Machine is a bundle.Host.
type Machine struct{}

// Arch is the processor's, as GOARCH has it.
func (Machine) Arch() string { return runtime.GOARCH }

// Memory is all RAM in bytes, 0 if it is not known.
func (Machine) Memory() uint64 {
	text, _ := kernel.ReadProc("/proc/meminfo")
	f := strings.Fields(text)
	if len(f) < 2 || f[0] != "MemTotal:" {
		return 0
	}
	n, _ := strconv.ParseUint(f[1], 10, 53)
	return n << 10
}

// Controllers are those of cgroup v2.
func (Machine) Controllers() []string {
	root, err := kernel.OpenCgroupRoot()
	if err != nil {
		return nil
	}
	defer root.Close()
	text, _ := root.Read("cgroup.controllers")
	return strings.Fields(text)
}

// Capabilities are those that a process of ours may have.
func (Machine) Capabilities() caps.Set {
	text, _ := kernel.ReadProc("/proc/self/status")
	_, rest, _ := strings.Cut(text, "\nCapBnd:\t")
	digits, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		return caps.All
	}
	return caps.Set(n) & caps.All
}

// Device finds a device node.
func (Machine) Device(path string) (n bundle.Node, err error) {
	i, err := kernel.Stat(path)
	switch {
	case kernel.ErrnoOf(err) == syscall.ENOENT:
		return n, errors.New("there is no such device")
	case err != nil:
		return n, err
	case i.Kind() != 'c' && i.Kind() != 'b':
		return n, errors.New("is no device")
	}
	return bundle.Node{Type: i.Kind(), Major: i.Major, Minor: i.Minor, Mode: i.Mode & 0o7777, UID: i.UID, GID: i.GID}, nil
}

// Type is what is at a path, links followed.
func (Machine) Type(path string) byte {
	i, err := kernel.Stat(path)
	if err != nil {
		return 0
	}
	return i.Kind()
}

// File reads a file of the host.
func (Machine) File(path string, private bool) ([]byte, error) {
	if private {
		return kernel.ReadPrivate(path, maxFile)
	}
	return kernel.ReadFile(path, maxFile)
}

// RootFile reads a file in a root.
func (Machine) RootFile(root, path string) ([]byte, error) {
	r, err := kernel.OpenRegular(root, path)
	switch e := kernel.ErrnoOf(err); {
	case e == syscall.ENOENT || e == syscall.ENOTDIR:
		return nil, nil
	case err != nil || r == nil:
		return nil, err
	}
	defer r.Close()
	b := make([]byte, maxFile)
	n, err := r.ReadAt(b, 0)
	if n == len(b) {
		return nil, errors.New(root + path + " is too large")
	}
	if err != nil && n == 0 && kernel.ErrnoOf(err) != 0 {
		return nil, err
	}
	return b[:n:n], nil
}
