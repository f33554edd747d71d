// SPDX-License-Identifier: LGPL-2.1-only

// Package etcuxc reads the containers of the C uxc: /etc/uxc/NAME.json, and what was changed of them in /etc/uxc/settings/NAME.json. It
// changes nothing.
package etcuxc

import (
	"slices"
	"strings"

	"gojail/src/kernel"
	"gojail/src/spec"
)

// Dir is where they are.
const Dir = "/etc/uxc"

const (
	maxFile  = 64 << 10 // bytes
	maxNames = 1 << 16
)

// An Entry is a container.
type Entry struct {
	Name, Bundle string
	Jail         string // its name on the bus, "" for Name
	PidFile      string
	Autostart    bool
	// A layer on tmpfs of this size, or in this directory, which has upper and work; "" for none.
	TemporarySize, WritePath string
	Volumes                  []string // block devices that are to be mounted, by their names in /etc/config/fstab or their UUIDs
}

// decode reads a file into an entry: what it does not have stays.
func (e *Entry) decode(b []byte) error {
	return spec.DecodeObject(b, maxFile, func(key string, v *spec.Value) {
		switch key {
		case "name":
			e.Name = v.Text()
		case "path":
			e.Bundle = v.Text()
		case "jail":
			e.Jail = v.Text()
		case "pidfile":
			e.PidFile = v.Text()
		case "autostart":
			e.Autostart = v.Bool()
		case "temp-overlay-size":
			e.TemporarySize = v.Text()
		case "write-overlay-path":
			e.WritePath = v.Text()
		case "volumes":
			e.Volumes = v.Strings()
		}
	})
}

// List reads all entries of a directory, in the order of their names. A file that cannot be read, or has no name or path, is left out
// and told of. What is changed in settings goes before what is in the file itself.
func List(dir string) (list []*Entry, errs []error) {
	files, err := kernel.ReadNames(dir, maxNames)
	if err != nil {
		return nil, nil // there are none
	}
	for _, file := range files {
		if !strings.HasSuffix(file, ".json") || file[0] == '.' {
			continue
		}
		e, err := load(dir+"/"+file, new(Entry))
		switch {
		case err == nil && (e.Name == "" || e.Bundle == ""):
			err = &spec.Error{Reason: dir + "/" + file + ": has no name or no path"}
		case err == nil && kernel.Exists(dir+"/settings/"+e.Name+".json"):
			name := e.Name
			if _, err = load(dir+"/settings/"+name+".json", e); err == nil {
				e.Name = name
			}
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *Entry) int { return strings.Compare(a.Name, b.Name) })
	return list, errs
}

func load(path string, e *Entry) (*Entry, error) {
	b, err := kernel.ReadFile(path, maxFile)
	if err != nil {
		return nil, err
	}
	if err := e.decode(b); err != nil {
		return nil, &spec.Error{Reason: path + ": " + err.Error()}
	}
	return e, nil
}
