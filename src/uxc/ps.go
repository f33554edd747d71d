// SPDX-License-Identifier: LGPL-2.1-only

package uxc

import (
	"slices"
	"strconv"
	"strings"

	"gojail/src/kernel"
	"gojail/src/state"
)

var psVerb = verb{name: "ps", args: "ID", about: "list the processes of a container",
	options: []option{{long: "format", short: 'f', value: "table|json", about: "json: the pids alone (default: table)"}},
	run: func(c *call) error {
		if len(c.args) == 0 {
			return usage("an ID is missing")
		}
		st, err := state.Load(c.root, c.args[0])
		if err != nil {
			return err
		}
		if now := st.Now(c.root); now == state.Stopped || now == state.Creating {
			return notRunning(st.ID)
		}
		pids, err := processes(st)
		if err != nil {
			return err
		}
		switch f := c.value("format", "table"); f {
		case "json":
			b := []byte{'['}
			for i, pid := range pids {
				if i > 0 {
					b = append(b, ',')
				}
				b = strconv.AppendInt(b, int64(pid), 10)
			}
			c.io.Out(string(b) + "]\n")
		case "table":
			rows := [][]string{{"UID", "PID", "PPID", "STATE", "RSS", "CMD"}}
			for _, pid := range pids {
				if row := processRow(pid); row != nil {
					rows = append(rows, row)
				}
			}
			c.io.Out(table(rows))
		default:
			return usage("--format " + f + ": it is table or json")
		}
		return nil
	}}

// processes are those of the control group, or where there is none those of the pid namespace; where that is ours as well, the first one.
func processes(st *state.State) ([]int, error) {
	if g, err := groupOf(st); err == nil {
		defer g.Close()
		pids, err := g.Processes()
		slices.Sort(pids)
		return pids, err
	}
	ours, err := kernel.ReadLink("/proc/self/ns/pid")
	if err != nil {
		return nil, err
	}
	theirs, err := kernel.ReadLink("/proc/" + strconv.Itoa(st.Process.PID) + "/ns/pid")
	if err != nil {
		return nil, err
	}
	if ours == theirs {
		return []int{st.Process.PID}, nil
	}
	names, err := kernel.ReadNames("/proc", 1<<22)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if ns, err := kernel.ReadLink("/proc/" + name + "/ns/pid"); err == nil && ns == theirs {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// processRow is nil for a process that has gone.
func processRow(pid int) []string {
	dir := "/proc/" + strconv.Itoa(pid)
	text, err := kernel.ReadProc(dir + "/status")
	if err != nil {
		return nil
	}
	field := func(key string) string {
		for l := range strings.Lines(text) {
			if v, ok := strings.CutPrefix(l, key+":"); ok {
				if f := strings.Fields(v); len(f) > 0 {
					return f[0]
				}
			}
		}
		return "0"
	}
	command, err := kernel.ReadProc(dir + "/cmdline")
	if err != nil {
		return nil
	}
	command = strings.Join(strings.FieldsFunc(command, func(r rune) bool { return r == 0 }), " ")
	if command == "" {
		command = "[" + field("Name") + "]"
	}
	return []string{field("Uid"), strconv.Itoa(pid), field("PPid"), field("State"), field("VmRSS"), printableCommand(command)}
}

// printableCommand keeps what a process calls itself from writing to the terminal.
func printableCommand(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
