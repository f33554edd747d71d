// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The edits that many tests share.

func args(a ...string) edit { return func(s *specs.Spec) { s.Process.Args = a } }

// script makes the payload a shell that runs text.
func script(text string) edit { return args("/bin/sh", "-c", text) }

// forever ends a script. A shell without children takes its signals at once, and
// leaves nobody behind who holds its output.
const forever = `while :; do sleep 0.01; done`

// untilTerm ends a script: it says that all is set up, and ends with 0 on TERM.
const untilTerm = `trap "exit 0" TERM; echo ready; ` + forever

// writable makes the rootfs writable, as runc's example is not.
func writable(s *specs.Spec) { s.Root.Readonly = false }

func mount(dst, fstype, src string, options ...string) edit {
	return func(s *specs.Spec) {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: dst, Type: fstype, Source: src, Options: options})
	}
}

func bind(src, dst string, options ...string) edit {
	return mount(dst, "bind", src, append([]string{"bind"}, options...)...)
}

func withoutMount(dst string) edit {
	return func(s *specs.Spec) {
		s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == dst })
	}
}

// namespace adds a namespace, or changes the one of that type; path joins one.
func namespace(kind specs.LinuxNamespaceType, path string) edit {
	return func(s *specs.Spec) {
		withoutNamespace(kind)(s)
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: kind, Path: path})
	}
}

func withoutNamespace(kind specs.LinuxNamespaceType) edit {
	return func(s *specs.Spec) {
		s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == kind })
	}
}

func user(uid, gid uint32, more ...uint32) edit {
	return func(s *specs.Spec) { s.Process.User = specs.User{UID: uid, GID: gid, AdditionalGids: more} }
}

// capabilities gives the same set for all five.
func capabilities(names ...string) edit {
	return func(s *specs.Spec) {
		s.Process.Capabilities = &specs.LinuxCapabilities{
			Bounding: names, Effective: names, Permitted: names, Inheritable: names, Ambient: names,
		}
	}
}

const shift = 100000 // where the ids of shifted user namespaces begin

// shifted gives the container a user namespace whose ids are not the host's.
func shifted(s *specs.Spec) {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: shift, Size: 65536}}
	s.Linux.UIDMappings, s.Linux.GIDMappings = ids, ids
	namespace(specs.UserNamespace, "")(s)
}

func annotation(key, value string) edit {
	return func(s *specs.Spec) {
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		s.Annotations[key] = value
	}
}
