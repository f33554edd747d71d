// SPDX-License-Identifier: LGPL-2.1-only

package spec

import specs "github.com/opencontainers/runtime-spec/specs-go"

func (d *decoder) spec(s *specs.Spec) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "ociVersion":
			s.Version = d.str()
		case "process":
			s.Process = one(d, (*decoder).process)
		case "root":
			s.Root = one(d, (*decoder).root)
		case "hostname":
			s.Hostname = d.str()
		case "domainname":
			s.Domainname = d.str()
		case "mounts":
			s.Mounts = list(d, (*decoder).mount)
		case "hooks":
			s.Hooks = one(d, (*decoder).hooks)
		case "annotations":
			s.Annotations = d.strTable()
		case "linux":
			s.Linux = one(d, (*decoder).linux)
		default:
			d.skip()
		}
	}
	d.close(&o, "ociVersion")
}

func (d *decoder) root(r *specs.Root) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "path":
			r.Path = d.str()
		case "readonly":
			r.Readonly = d.boolean()
		default:
			d.skip()
		}
	}
	d.close(&o, "path")
}

func (d *decoder) mount(m *specs.Mount) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "destination":
			m.Destination = d.str()
		case "type":
			m.Type = d.str()
		case "source":
			m.Source = d.str()
		case "options":
			m.Options = d.strs()
		case "uidMappings":
			m.UIDMappings = list(d, (*decoder).idMapping)
		case "gidMappings":
			m.GIDMappings = list(d, (*decoder).idMapping)
		default:
			d.skip()
		}
	}
	d.close(&o, "destination")
}

func (d *decoder) idMapping(m *specs.LinuxIDMapping) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "containerID":
			m.ContainerID = d.uint32()
		case "hostID":
			m.HostID = d.uint32()
		case "size":
			m.Size = d.uint32()
		default:
			d.skip()
		}
	}
	d.close(&o, "containerID", "hostID", "size")
}

func (d *decoder) hooks(h *specs.Hooks) {
	o := d.object()
	for d.member(&o) {
		var hooks *[]specs.Hook
		switch o.key {
		case "prestart":
			// Deprecated, but configurations written for 1.0 have no other.
			hooks = &h.Prestart //nolint:staticcheck
		case "createRuntime":
			hooks = &h.CreateRuntime
		case "createContainer":
			hooks = &h.CreateContainer
		case "startContainer":
			hooks = &h.StartContainer
		case "poststart":
			hooks = &h.Poststart
		case "poststop":
			hooks = &h.Poststop
		default:
			d.skip()
			continue
		}
		*hooks = list(d, (*decoder).hook)
	}
	d.close(&o)
}

func (d *decoder) hook(h *specs.Hook) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "path":
			h.Path = d.str()
		case "args":
			h.Args = d.strs()
		case "env":
			h.Env = d.strs()
		case "timeout":
			h.Timeout = ref(int(d.int32()))
		default:
			d.skip()
		}
	}
	d.close(&o, "path")
}
