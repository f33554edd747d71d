// SPDX-License-Identifier: LGPL-2.1-only

// Package procd makes the containers that procd has those that are wanted. What is to be done is decided first, from what is wanted and
// what procd lists, and then done over its object `container`: add, delete and list, never set, which would end the instances ubus and
// netifd that live under a container's name.
package procd

import (
	"slices"
	"strings"
)

// A Respawn is how procd starts a container again. The zero value is: never.
type Respawn struct {
	Threshold uint32 // seconds that it has to run for earlier failures to be forgotten
	Timeout   uint32 // seconds before a start
	Retry     uint32 // failures in a row until procd gives up; 0: never
	On        bool
}

// A Container is what procd is to run, or what it says that it has.
type Container struct {
	Name        string
	Bundle      string // absolute; its last part changes with its content
	Respawn     Respawn
	TermTimeout uint32 // seconds from TERM to KILL
}

// A Want is a container of the configuration.
type Want struct {
	Container
	Boot    bool     // it is started at boot
	After   []string // those that are to run before it
	Lacking []string // what would have to be mounted and is not
	Err     error    // it cannot be made: what runs of it stays as it is
}

// A Have is a container that procd has.
type Have struct {
	Container
	Running bool
	PID     int
	Exit    int // status of the last end
}

// A Verb is what is done with a container.
type Verb byte

const (
	Keep   Verb = iota // nothing
	Start              // it is not there, or not running
	Change             // it runs from another bundle, or otherwise, and is restarted
	Stop               // it runs, or is listed, and is not wanted
	Wait               // for a mount
)

func (v Verb) String() string {
	return [...]string{"kept", "started", "changed", "stopped", "waiting"}[v]
}

// A Step is one container's.
type Step struct {
	Verb Verb
	Container
	Why   string
	After []string
}

// A Query says which containers are meant and how.
type Query struct {
	Names []string // these, in whatever state; empty: all
	Stop  bool     // end them
	All   bool     // also those that have ended or were stopped by hand; with names always so
	// Stopped tells of a container that somebody has stopped by hand.
	Stopped func(name string) bool
	// Ours is the directory of our bundles: what procd runs from it and is not wanted goes; others' containers are left alone.
	Ours string
}

func (q *Query) meant(name string) bool { return len(q.Names) == 0 || slices.Contains(q.Names, name) }

// Decide compares what is wanted, in the order in which it has to be started, with what procd has.
func Decide(want []Want, have []Have, q *Query) (steps []Step) {
	there := map[string]*Have{}
	for i := range have {
		there[have[i].Name] = &have[i]
	}
	wanted := map[string]bool{}
	if !q.Stop {
		for i := range want {
			w := &want[i]
			wanted[w.Name] = true
			if !q.meant(w.Name) {
				continue
			}
			verb, why := decide(w, there[w.Name], q)
			steps = append(steps, Step{Verb: verb, Container: w.Container, Why: why, After: w.After})
		}
	}
	// Those that go do so first, in the opposite order: what others need ends after them.
	order := map[string]int{}
	for i := range want {
		order[want[i].Name] = i + 1
	}
	var gone []Step
	for i := range have {
		h := &have[i]
		if wanted[h.Name] || !q.meant(h.Name) || !q.ours(h) {
			continue
		}
		why := ""
		if !q.Stop {
			why = "it is not in the configuration any more"
		}
		gone = append(gone, Step{Verb: Stop, Container: h.Container, Why: why})
	}
	slices.SortStableFunc(gone, func(a, b Step) int { return order[b.Name] - order[a.Name] })
	return append(gone, steps...)
}

func (q *Query) ours(h *Have) bool {
	return q.Ours != "" && strings.HasPrefix(h.Bundle, q.Ours+"/") || q.Stop && slices.Contains(q.Names, h.Name)
}

func decide(w *Want, h *Have, q *Query) (Verb, string) {
	named := len(q.Names) > 0
	same := h != nil && h.Container == w.Container
	switch {
	case w.Err != nil:
		return Keep, w.Err.Error()
	case h != nil && h.Running && same:
		return Keep, "it runs"
	case len(w.Lacking) > 0:
		return Wait, "nothing is mounted on " + strings.Join(w.Lacking, ", ")
	case h != nil && h.Running:
		return Change, ""
	case named:
		return Start, ""
	case !w.Boot:
		return Keep, "it is not enabled"
	case q.All:
		return Start, ""
	case q.Stopped != nil && q.Stopped(w.Name):
		return Keep, "it was stopped"
	case same:
		return Keep, "it has ended"
	}
	return Start, ""
}
