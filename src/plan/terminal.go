// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The payload's terminal.
type (
	// Terminal opens a pseudoterminal in the devpts on /dev/pts and gives its master to the supervisor.
	Terminal struct {
		Width, Height uint16 // in characters; 0: as the supervisor likes
		Console       bool   // it is bound on /dev/console
	}
	// UseTerminal makes it stdin, stdout, stderr and the controlling terminal. Owner is who it is given to, -1 leaves it. Joined: it
	// controls the session of the process that an Exec makes with Joined.
	UseTerminal struct {
		Owner  int64
		Joined bool
	}
)

const (
	devPts     = "/dev/pts"
	devConsole = "/dev/console"
)

func (Terminal) Words() string    { return "open a terminal in " + devPts }
func (UseTerminal) Words() string { return "use the terminal" }

func (o Terminal) detail() string {
	var n notes
	n.add(o.Width != 0 || o.Height != 0, utoa(uint32(o.Width))+" columns, "+utoa(uint32(o.Height))+" rows")
	n.add(o.Console, "bound on "+devConsole)
	n.add(true, "no links followed")
	return n.detail()
}

func (o UseTerminal) detail() string {
	var n notes
	n.add(true, "stdin, stdout, stderr and controlling terminal")
	n.add(o.Owner >= 0, "owner "+strconv.FormatInt(o.Owner, 10))
	return n.detail()
}

// terminalOf is the terminal of config.json's process; spec.Validate has seen its size.
func terminalOf(p *specs.Process, console bool) Terminal {
	op := Terminal{Console: console}
	if p.ConsoleSize != nil {
		op.Width, op.Height = uint16(p.ConsoleSize.Width), uint16(p.ConsoleSize.Height)
	}
	return op
}
