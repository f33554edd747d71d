// SPDX-License-Identifier: LGPL-2.1-only

// Package state is what is known of a container while no process of ours has it in memory: a directory for each in /run/gojail, or where
// --root says. Who makes containers writes it; everybody may read it, at any time and without a lock, because a file is replaced as a
// whole. Whether the container runs is not a matter of what is written there: Now looks.
//
//	ROOT/ID/lock          flock(2)ed by who changes anything
//	ROOT/ID/state         a State
//	ROOT/ID/config.json   the configuration it was made from, without blanks
//	ROOT/ID/start         socket on which a detached container in the state created waits for its start
//
// It starts nothing and ends nothing.
package state

import (
	"strconv"

	"gojail/src/kernel"
	"gojail/src/spec"
)

// Root is where the containers of this machine are.
const Root = "/run/gojail"

// A Status is a state of runtime-spec's runtime.md, or paused.
type Status string

// The states. Paused is never written: see Now.
const (
	Creating Status = "creating"
	Created  Status = "created"
	Running  Status = "running"
	Paused   Status = "paused"
	Stopped  Status = "stopped"
)

// A Mode is how a container lives.
type Mode string

// Supervised is a container whose parent is a resident of ours, Detached one whose parent is who has called the runtime.
const (
	Supervised Mode = "supervised"
	Detached   Mode = "detached"
)

// A Process is a pid that cannot be taken for another process'. The zero value is none.
type Process struct {
	PID   int
	Start uint64 // clock ticks since the machine was started (proc(5), stat)
}

// An Annotation is one of config.json's.
type Annotation struct{ Key, Value string }

// State is what is written of a container.
type State struct {
	ID      string
	Bundle  string // absolute
	Rootfs  string // absolute, "" for none of its own
	OCI     string // version of the runtime-spec that its configuration is written for
	Status  Status // when it was written
	Mode    Mode
	Process Process // of the container
	Owner   Process // the resident, or who makes or starts it at the moment
	Created int64   // nanoseconds since 1970
	// Cgroup is the container's control group below the root of the hierarchy, "" for none; Groups are the directories, parents first, that
	// are to be removed with it.
	Cgroup string
	Groups []string
	// Mounts are to be unmounted with it, the last one first; Dirs to be removed if they are empty.
	Mounts, Dirs []string
	Annotations  []Annotation // in the order of their keys
	// Ujail: with what the C ujail adds to a bundle.
	Ujail bool
	// Program is the length of the program that its process runs, in instructions.
	Program int
	// Made: its poststop hooks are to be run.
	Made bool
}

const (
	version = 1
	maxSize = 1 << 20 // bytes
)

// Encode writes the state as JSON.
func (s *State) Encode() []byte {
	w := writer(append(make([]byte, 0, 1024), `{"version":`...))
	w = strconv.AppendInt(w, version, 10)
	w.text("id", s.ID)
	w.text("bundle", s.Bundle)
	w.text("rootfs", s.Rootfs)
	w.text("ociVersion", s.OCI)
	w.text("status", string(s.Status))
	w.text("mode", string(s.Mode))
	w.process("process", s.Process)
	w.process("owner", s.Owner)
	w.number("created", s.Created)
	w.text("cgroup", s.Cgroup)
	w.list("groups", s.Groups)
	w.list("mounts", s.Mounts)
	w.list("dirs", s.Dirs)
	w.yes("ujail", s.Ujail)
	w.yes("made", s.Made)
	w.number("program", int64(s.Program))
	if len(s.Annotations) > 0 {
		w.key("annotations")
		for i, a := range s.Annotations {
			w = spec.AppendJSON(append(w, "{,"[min(i, 1)]), a.Key)
			w = spec.AppendJSON(append(w, ':'), a.Value)
		}
		w = append(w, '}')
	}
	return append(w, '}', '\n')
}

// writer is the JSON of an object so far. Its methods are not inlined, for the size of the program.
type writer []byte

//go:noinline
func (w *writer) key(k string) { *w = append(append(append(*w, `,"`...), k...), `":`...) }

//go:noinline
func (w *writer) text(k, v string) {
	if v != "" {
		w.key(k)
		*w = spec.AppendJSON(*w, v)
	}
}

//go:noinline
func (w *writer) number(k string, v int64) {
	w.key(k)
	*w = strconv.AppendInt(*w, v, 10)
}

//go:noinline
func (w *writer) list(k string, v []string) {
	if len(v) == 0 {
		return
	}
	w.key(k)
	for i, s := range v {
		*w = spec.AppendJSON(append(*w, "[,"[min(i, 1)]), s)
	}
	*w = append(*w, ']')
}

//go:noinline
func (w *writer) process(k string, p Process) {
	if p.PID > 0 {
		w.key(k)
		*w = strconv.AppendInt(append(*w, `{"pid":`...), int64(p.PID), 10)
		*w = append(strconv.AppendUint(append(*w, `,"start":`...), p.Start, 10), '}')
	}
}

//go:noinline
func (w *writer) yes(k string, v bool) {
	if v {
		w.key(k)
		*w = append(*w, "true"...)
	}
}

// Decode reads what Encode has written. A later version's is refused; members that are not known are passed over.
func Decode(b []byte) (*State, error) {
	s := &State{}
	process := func(v *spec.Value) (p Process) {
		v.Object(func(key string, v *spec.Value) {
			switch key {
			case "pid":
				p.PID = int(v.Int(0, 1<<31-1))
			case "start":
				p.Start = v.Uint()
			}
		})
		return p
	}
	have := int64(0)
	err := spec.DecodeObject(b, maxSize, func(key string, v *spec.Value) {
		switch key {
		case "version":
			if have = v.Int(1, 1<<31-1); have > version {
				v.Refuse("was written by a later version of gojail")
			}
		case "id":
			s.ID = v.Text()
		case "bundle":
			s.Bundle = v.Text()
		case "rootfs":
			s.Rootfs = v.Text()
		case "ociVersion":
			s.OCI = v.Text()
		case "status":
			s.Status = Status(v.Text())
		case "mode":
			s.Mode = Mode(v.Text())
		case "process":
			s.Process = process(v)
		case "owner":
			s.Owner = process(v)
		case "created":
			s.Created = v.Int(0, 1<<63-1)
		case "cgroup":
			s.Cgroup = v.Text()
		case "groups":
			s.Groups = v.Strings()
		case "mounts":
			s.Mounts = v.Strings()
		case "dirs":
			s.Dirs = v.Strings()
		case "ujail":
			s.Ujail = v.Bool()
		case "made":
			s.Made = v.Bool()
		case "program":
			s.Program = int(v.Int(0, 1<<31-1))
		case "annotations":
			v.Object(func(key string, v *spec.Value) { s.Annotations = append(s.Annotations, Annotation{key, v.Text()}) })
		}
	})
	if err == nil && have == 0 {
		err = &spec.Error{Path: "version", Reason: "is required"}
	}
	if err == nil && !ValidID(s.ID) {
		err = &spec.Error{Path: "id", Reason: "is no name of a container"}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// This is a process as it can be found again. One that is gone is none.
func This(pid int) Process {
	if _, start, err := kernel.Status(pid); err == nil {
		return Process{pid, start}
	}
	return Process{}
}

// Alive tells whether the process has not ended.
func (p Process) Alive() bool {
	if p.PID <= 0 {
		return false
	}
	letter, start, err := kernel.Status(p.PID)
	return err == nil && start == p.Start && letter != 'Z' && letter != 'X'
}
