// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"math"

	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/spawn"
)

// Attached is what runs in the foreground of a command that is no ujail: its process is the resident's child, which forwards signals and its
// terminal, and ends as it does.
type Attached struct {
	PidFile string
	Group   func(made []string) error // told of the directories of its control group, parents first: the resident removes them
	PID     int
}

// Run carries a plan out. Of cfg it sets who the parent is, and who has the terminal.
func (a *Attached) Run(p *plan.Plan, cfg *spawn.Config) (err error) {
	parent := &parent{killMS: math.MaxUint32, pidFile: a.PidFile, made: a.Group}
	cfg.Parent = parent
	if resident.CanMake() {
		cfg.Parent = maker{parent}
	}
	term := terminal{master: -1, tty: -1}
	cfg.Limits, cfg.Terminal = originalLimits(), term.made
	a.PID, err = spawn.Start(p, cfg)
	if err != nil {
		parent.removePidFile()
		return err
	}
	return resident.Started()
}

// EndGroup empties the control group that the resident could not remove.
func EndGroup() error { return endGroup() }
