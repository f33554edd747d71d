// SPDX-License-Identifier: LGPL-2.1-only

package spawn

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gojail/src/cgroup"
	"gojail/src/kernel"
	"gojail/src/plan"
)

// A group is the container's control group while the container is being started.
type group struct {
	plan *plan.Cgroup
	kernel.Cgroup
	path []kernel.Cgroup // from the root to the parent
	made int             // how many of the last cgroups, the container's own included, are new
}

// counted are the controllers that are switched on where they can be, though nothing is limited: what they count is shown to the
// user.
var counted = [...]string{"cpu", "memory", "pids", "io"}

// openGroup makes the container's control group and sets its limits. It gives nil where there is no cgroup v2 and none is needed.
func openGroup(c *plan.Cgroup, parent Parent) (g *group, err error) {
	root, err := kernel.OpenCgroupRoot()
	g = &group{plan: c, Cgroup: root}
	switch {
	case err != nil && !c.Required:
		return nil, nil
	case err != nil:
		return nil, g.fault(err, "limits need cgroup v2 alone, as OpenWrt has it; this machine has cgroup v1, or nothing there")
	}
	for try := 0; ; try++ {
		err = g.make()
		if e := kernel.ErrnoOf(err); e != unix.ENOENT && e != unix.ENODEV || try == makeTries {
			break
		}
		g.again()
	}
	if ours := g.ours(); err == nil {
		err = parent.Group(g.FD(), ours)
	} else {
		for i := len(ours) - 1; i >= 0; i-- {
			_ = kernel.Rmdir(ours[i])
		}
	}
	switch {
	case err == nil:
		if err = g.set(); err == nil {
			return g, nil
		}
	case !c.Required && kernel.ErrnoOf(err) != unix.EBUSY:
		g.close()
		return nil, nil
	default:
		err = g.fault(err, hintForGroup(err))
	}
	g.close()
	return nil, err
}

// makeTries is how often the groups on the way are made anew.
const makeTries = 4

func hintForGroup(err error) string {
	if e, ok := err.(*kernel.Error); ok && e.Errno == unix.EBUSY {
		if e.Op == useGroup {
			return "processes are in it: of another container of this name, or linux.cgroupsPath is somebody else's"
		}
		return "processes in a group keep it from passing controllers on"
	}
	return ""
}

const useGroup = "use the control group"

// make makes the group and its parents, with the controllers switched on down to it.
func (g *group) make() error {
	have, err := g.Read("cgroup.controllers")
	if err != nil {
		return err
	}
	need := controllers(g.plan)
	for _, c := range need {
		if !hasWord(have, c) {
			return &plan.Error{Where: g.why(), Reason: "the kernel offers no controller " + c + " in " + g.Path() +
				"/cgroup.controllers: it was built without it, or cgroup v1 has taken it"}
		}
	}
	names := strings.Split(g.plan.Path[1:], "/")
	for i, name := range names {
		if err := g.enable(need, have); err != nil {
			return err
		}
		made, err := g.Make(name)
		sub := kernel.NoCgroup
		if !made && err == nil && i == len(names)-1 {
			made, err = g.anew(name)
		}
		if err == nil {
			sub, err = g.Sub(name)
		}
		if err != nil {
			return err
		}
		g.path, g.Cgroup = append(g.path, g.Cgroup), sub
		if made {
			g.made++
		} else {
			g.made = 0
		}
	}
	return nil
}

// anew replaces a group that a container has left whose supervisor was killed: its limits are not this one's.
func (g *group) anew(name string) (made bool, err error) {
	old, err := g.Sub(name)
	if err != nil {
		return false, err
	}
	defer old.Close()
	if busy, err := old.Populated(); err != nil || busy {
		if err == nil {
			err = &kernel.Error{Op: useGroup, Path: old.Path(), Errno: unix.EBUSY}
		}
		return false, err
	}
	if err := old.RemoveBelow(time.Now().Add(removeLimit)); err != nil {
		return false, err
	}
	if err := g.Remove(name); err != nil {
		return false, err
	}
	return g.Make(name)
}

const removeLimit = 2 * time.Second

// again goes back to the root: a group that was there has gone with the last container in it.
func (g *group) again() {
	root := g.Cgroup
	for i := len(g.path) - 1; i >= 0; i-- {
		root.Close()
		root = g.path[i]
	}
	g.Cgroup, g.path, g.made = root, nil, 0
}

// enable switches controllers on for the groups below: those that are needed, and of the others that the kernel has what can be.
func (g *group) enable(need []string, have string) error {
	if have == "" || have == "\n" {
		return nil
	}
	on, err := g.Read("cgroup.subtree_control")
	if err != nil {
		return err
	}
	for _, c := range need {
		if !hasWord(on, c) {
			if err := g.Write("cgroup.subtree_control", "+"+c); err != nil {
				return err
			}
		}
	}
	for _, c := range counted {
		if hasWord(have, c) && !hasWord(on, c) && !slices.Contains(need, c) {
			_ = g.Write("cgroup.subtree_control", "+"+c)
		}
	}
	return nil
}

// controllers are those that the settings need.
func controllers(c *plan.Cgroup) (need []string) {
	for _, s := range c.Settings {
		if name := s.Controller(); name != "" && !s.MayMiss && !slices.Contains(need, name) {
			need = append(need, name)
		}
	}
	return need
}

// why is the member of config.json that the group is needed for.
func (g *group) why() string {
	switch {
	case len(g.plan.Settings) > 0:
		return "linux.resources." + g.plan.Settings[0].Where
	case len(g.plan.Devices) > 0 && !g.plan.DevicesMayFail:
		return "linux.resources.devices"
	}
	return "linux.cgroupsPath"
}

func (g *group) fault(err error, hint string) error { return faultAt(g.why(), err, hint) }

func faultAt(where string, err error, hint string) error {
	if p, ok := err.(*plan.Error); ok { // it says where itself
		return p
	}
	e, ok := err.(*kernel.Error)
	if !ok {
		return &plan.Error{Where: where, Reason: err.Error()}
	}
	return &Error{Op: strings.TrimSpace(where + ": " + e.Op + " " + e.Path), Err: e.Errno, Hint: hint}
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}

// set writes the limits and has the device program decide.
func (g *group) set() error {
	for _, s := range g.plan.Settings {
		if s.Percent > 0 {
			s.Value = strconv.FormatUint(kernel.TotalMemory()/100*uint64(s.Percent), 10)
		}
		err := g.Write(s.File, s.Value)
		if s.Else != nil && kernel.ErrnoOf(err) == unix.ENOENT {
			err = g.Write(s.Else.File, s.Else.Value)
		}
		if err != nil && !(s.MayMiss && kernel.ErrnoOf(err) == unix.ENOENT) {
			return faultAt("linux.resources."+s.Where, err, hintForSetting(kernel.ErrnoOf(err)))
		}
	}
	if len(g.plan.Devices) == 0 {
		return nil
	}
	err := g.attachDevices()
	if err != nil && !g.plan.DevicesMayFail {
		return faultAt("linux.resources.devices", err, hintForDevices)
	}
	return nil
}

const hintForDevices = "the kernel needs CONFIG_CGROUP_BPF"

func loadDevices(rules []cgroup.Rule) (int, error) {
	return kernel.LoadDeviceProgram(cgroup.Encode(cgroup.Program(rules), bigEndian))
}

func (g *group) attachDevices() error {
	prog, err := loadDevices(g.plan.Devices)
	if err != nil {
		return err
	}
	defer kernel.Close(prog)
	return g.AttachDeviceProgram(prog)
}

const bigEndian = runtime.GOARCH == "mips" || runtime.GOARCH == "mips64"

func hintForSetting(e kernel.Errno) string {
	switch e {
	case unix.ENOENT:
		return "this kernel does not have that limit"
	case unix.EINVAL, unix.ERANGE:
		return "the kernel does not take the value"
	case unix.ENODEV:
		return "there is no such device"
	case unix.EBUSY:
		return "more is in use already"
	}
	return ""
}

// ours are the directories that are to be removed at the end, if they are empty then: those that make has made, and below /containers all.
func (g *group) ours() (paths []string) {
	for i, c := range append(slices.Clone(g.path), g.Cgroup) {
		if i > 0 && (g.plan.Own || i > len(g.path)-g.made) {
			paths = append(paths, c.Path())
		}
	}
	return paths
}

func (g *group) close() {
	if g == nil {
		return
	}
	for _, c := range g.path {
		c.Close()
	}
	g.Close()
}

// fd is what clone wants: -1 for none.
func (g *group) fd() int {
	if g == nil {
		return -1
	}
	return g.FD()
}
