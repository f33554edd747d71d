// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"strings"

	"golang.org/x/sys/unix"

	"gojail/src/cgroup"
	"gojail/src/kernel"
)

// Update writes settings to the control group of a container that runs, and has other rules decide on devices unless they are nil. If one is
// not taken, those before it are put back: all of them hold, or none.
func Update(c kernel.Cgroup, list []cgroup.Setting, devices []cgroup.Rule) error {
	prog := -1
	var err error
	if devices != nil {
		if prog, err = loadDevices(devices); err != nil {
			return faultAt("resources.devices", err, hintForDevices)
		}
		defer kernel.Close(prog)
	}
	var undo []cgroup.Setting
	for _, s := range list {
		was, known := "", false
		if was, known, err = before(c, s.File); err == nil {
			err = c.Write(s.File, s.Value)
		}
		if s.Else != nil && kernel.ErrnoOf(err) == unix.ENOENT {
			s.File, s.Value = s.Else.File, s.Else.Value
			if was, known, err = before(c, s.File); err == nil {
				err = c.Write(s.File, s.Value)
			}
		}
		switch {
		case err == nil && known:
			undo = append(undo, cgroup.Setting{File: s.File, Value: cgroup.Undo(s.File, s.Value, was)})
		case s.MayMiss && kernel.ErrnoOf(err) == unix.ENOENT:
			err = nil
		}
		if err != nil {
			err = faultAt("resources."+s.Where, err, hintForSetting(kernel.ErrnoOf(err)))
			break
		}
	}
	if err == nil && devices != nil {
		if err = c.ReplaceDeviceProgram(prog); err != nil {
			err = faultAt("resources.devices", err, hintForDevices)
		}
	}
	if err != nil {
		for i := len(undo) - 1; i >= 0; i-- {
			_ = c.Write(undo[i].File, undo[i].Value)
		}
	}
	return err
}

// before is what a file holds. One that is not there may be so because its controller is not switched on: nothing was limited yet. What cannot
// be read, as memory.reclaim, is not known.
func before(c kernel.Cgroup, file string) (text string, known bool, err error) {
	text, err = c.Read(file)
	if kernel.ErrnoOf(err) == unix.ENOENT {
		if controller := (cgroup.Setting{File: file}).Controller(); controller != "" && switchOn(c.Path(), controller) == nil {
			text, err = c.Read(file)
		}
		if err != nil {
			return "", false, err
		}
	}
	return text, err == nil, nil
}

// switchOn switches a controller on, down to the group with this path. It stays so: that alone limits nothing.
func switchOn(path, controller string) error {
	below, ok := strings.CutPrefix(path, kernel.CgroupRoot+"/")
	if !ok {
		return unix.EXDEV
	}
	at, err := kernel.OpenCgroupRoot()
	if err != nil {
		return err
	}
	defer func() { at.Close() }()
	for name := range strings.SplitSeq(below, "/") {
		if err := at.Write("cgroup.subtree_control", "+"+controller); err != nil {
			return err
		}
		next, err := at.Sub(name)
		if err != nil {
			return err
		}
		at.Close()
		at = next
	}
	return nil
}
