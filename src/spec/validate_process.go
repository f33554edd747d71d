// SPDX-License-Identifier: LGPL-2.1-only

package spec

import (
	"math"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// MaxCPU is the highest CPU number accepted; no kernel can be built for more.
const MaxCPU = 8191

// maxGroups is the kernel's NGROUPS_MAX.
const maxGroups = 65536

// noID is what the kernel's calls take for "leave it as it is".
const noID = math.MaxUint32

func (c *checker) process(path place, p *specs.Process) {
	if p.Terminal && p.ConsoleSize != nil && (p.ConsoleSize.Height > math.MaxUint16 || p.ConsoleSize.Width > math.MaxUint16) {
		c.add(path.at("consoleSize"), "a terminal has at most 65535 rows and columns")
	}
	c.user(path.at("user"), &p.User)
	switch {
	case len(p.Args) == 0:
		c.add(path.at("args"), "must name a program")
	case p.Args[0] == "":
		c.add(path.entry("args", 0), "must name a program, not be empty")
	}
	for i, v := range p.Env {
		switch strings.IndexByte(v, '=') {
		case -1:
			c.add(path.entry("env", i), "must be NAME=value, not "+quote(v))
		case 0:
			c.add(path.entry("env", i), "must have a name before the '='")
		}
	}
	c.absolute(path.at("cwd"), p.Cwd)
	c.rlimits(path.at("rlimits"), p.Rlimits)
	if p.OOMScoreAdj != nil && (*p.OOMScoreAdj < -1000 || *p.OOMScoreAdj > 1000) {
		c.add(path.at("oomScoreAdj"), "must be between -1000 and 1000, not "+strconv.Itoa(*p.OOMScoreAdj))
	}
	if p.Scheduler != nil {
		c.scheduler(path.at("scheduler"), p.Scheduler)
	}
	if p.IOPriority != nil {
		c.ioPriority(path.at("ioPriority"), p.IOPriority)
	}
	if p.ExecCPUAffinity != nil {
		affinity := path.at("execCPUAffinity")
		c.list(affinity.at("initial"), p.ExecCPUAffinity.Initial, MaxCPU)
		c.list(affinity.at("final"), p.ExecCPUAffinity.Final, MaxCPU)
	}
}

func (c *checker) user(path place, u *specs.User) {
	c.id(path.at("uid"), u.UID)
	c.id(path.at("gid"), u.GID)
	if u.Umask != nil && *u.Umask > 0o777 {
		c.add(path.at("umask"), "must be between 0 and 511 (octal 777), not "+strconv.FormatUint(uint64(*u.Umask), 10))
	}
	if len(u.AdditionalGids) > maxGroups {
		c.add(path.at("additionalGids"), "has "+strconv.Itoa(len(u.AdditionalGids))+" entries, the kernel takes at most "+strconv.Itoa(maxGroups))
		return
	}
	for i, gid := range u.AdditionalGids {
		c.id(path.entry("additionalGids", i), gid)
	}
}

// id refuses the one number that would leave an id as it is.
func (c *checker) id(path place, id uint32) {
	if id == noID {
		c.add(path, "must not be 4294967295, which the kernel takes for \"unchanged\"")
	}
}

// rlimitNames are the resources of getrlimit(2) without their prefix.
var rlimitNames = [...]string{
	"AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK", "MSGQUEUE", "NICE", "NOFILE", "NPROC", "RSS", "RTPRIO",
	"RTTIME", "SIGPENDING", "STACK",
}

func (c *checker) rlimits(path place, limits []specs.POSIXRlimit) {
	var seen [len(rlimitNames)]bool
	for i := range limits {
		r, here := &limits[i], path.item(i)
		n := rlimit(r.Type)
		switch {
		case n < 0:
			c.add(here.at("type"), "unknown resource "+quote(r.Type))
		case seen[n]:
			c.add(here.at("type"), r.Type+" is limited twice")
		default:
			seen[n] = true
		}
		if r.Soft > r.Hard {
			c.add(here.at("soft"), "must not exceed the hard limit of "+r.Type)
		}
	}
}

// rlimit returns a resource's place in rlimitNames, -1 if there is none.
func rlimit(name string) int {
	name, ok := strings.CutPrefix(name, "RLIMIT_")
	for i, known := range rlimitNames {
		if ok && name == known {
			return i
		}
	}
	return -1
}

func (c *checker) ioPriority(path place, p *specs.LinuxIOPriority) {
	switch p.Class {
	case specs.IOPRIO_CLASS_RT, specs.IOPRIO_CLASS_BE, specs.IOPRIO_CLASS_IDLE:
	default:
		c.add(path.at("class"), "must be IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE, not "+quote(p.Class))
	}
	if p.Priority < 0 || p.Priority > 7 {
		c.add(path.at("priority"), "must be between 0 and 7, not "+strconv.Itoa(p.Priority))
	}
}
