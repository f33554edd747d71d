// SPDX-License-Identifier: LGPL-2.1-only

package rpcd

import (
	"strconv"
	"strings"

	"gojail/src/jailnet"
	"gojail/src/kernel"
	"gojail/src/state"
)

// stats has the counters of all containers that run, and the time in milliseconds at which they were read: rates are the page's business.
func (s *Server) stats(_ *call, w *object) error {
	states, _ := state.List(s.State)
	networks, _ := jailnet.List("")
	w.number("uptime", uptime())
	w.open("containers", '{')
	root, err := kernel.OpenCgroupRoot()
	if err != nil {
		root = kernel.NoCgroup
	}
	defer root.Close()
	for _, st := range states {
		if st.Now(s.State) == state.Stopped {
			continue
		}
		w.open(st.ID, '{')
		if root.FD() >= 0 && st.Cgroup != "" {
			if group, err := root.Sub(strings.Trim(st.Cgroup, "/")); err == nil {
				counters(group, w)
				group.Close()
			}
		}
		w.open("network", '{')
		for i := range networks {
			if n := &networks[i]; n.Container == st.ID {
				w.open(n.Name, '{')
				w.number("rx", int64(n.Counters.RxBytes))
				w.number("tx", int64(n.Counters.TxBytes))
				w.close('}')
			}
		}
		w.close('}')
		w.close('}')
	}
	w.close('}')
	return nil
}

// counters are the few of a control group that the page shows, in bytes and microseconds. What is not limited, or not counted, is left out.
func counters(group kernel.Cgroup, w *object) {
	for _, f := range [...][2]string{{"memory", "memory.current"}, {"memory_limit", "memory.max"}, {"swap", "memory.swap.current"}, {"pids", "pids.current"},
		{"pids_limit", "pids.max"}} {
		text, _ := group.Read(f[1])
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			w.number(f[0], n)
		}
	}
	for _, f := range [...][3]string{{"cpu", "cpu.stat", "usage_usec"}, {"throttled", "cpu.stat", "throttled_usec"}, {"oom", "memory.events", "oom_kill"}} {
		text, _ := group.Read(f[1])
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(line, f[2]+" "); ok {
				if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil {
					w.number(f[0], n)
				}
			}
		}
	}
	text, _ := group.Read("cpu.max")
	if quota, period, ok := strings.Cut(strings.TrimSpace(text), " "); ok {
		q, err := strconv.ParseInt(quota, 10, 64)
		p, err2 := strconv.ParseInt(period, 10, 64)
		if err == nil && err2 == nil && p > 0 {
			w.number("cpu_limit", q*100/p) // percent of one processor
		}
	}
}

// maxProcesses is how many of a container's processes are listed.
const maxProcesses = 256

// processes lists those of a container's control group and the groups below, or without one its first process.
func (s *Server) processes(c *call, w *object) error {
	st, err := state.Load(s.State, c.name)
	if err != nil {
		return err
	}
	var pids []string
	if st.Now(s.State) != state.Stopped {
		if root, err := kernel.OpenCgroupRoot(); err == nil {
			pids = members(root, strings.Trim(st.Cgroup, "/"), 0)
			root.Close()
		}
		if len(pids) == 0 {
			pids = []string{strconv.Itoa(st.Process.PID)}
		}
	}
	w.number("total", int64(len(pids)))
	w.open("processes", '[')
	for _, pid := range pids[:min(len(pids), maxProcesses)] {
		process(pid, w)
	}
	w.close(']')
	return nil
}

// members are the processes of a control group and of those below.
func members(root kernel.Cgroup, path string, depth int) (pids []string) {
	if path == "" {
		return nil // no group of its own
	}
	group, err := root.Sub(path)
	if err != nil {
		return nil
	}
	defer group.Close()
	text, _ := group.Read("cgroup.procs")
	pids = strings.Fields(text)
	const deepest = 8
	if depth == deepest {
		return pids
	}
	names, _ := kernel.ReadNames(group.Path(), 1<<12)
	for _, name := range names {
		if !strings.Contains(name, ".") || strings.HasSuffix(name, ".scope") || strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".slice") {
			pids = append(pids, members(root, path+"/"+name, depth+1)...)
		}
	}
	return pids
}

const maxCommand = 512

// process writes a line of the list. One that has ended meanwhile is left out.
func process(pid string, w *object) {
	dir := "/proc/" + pid
	stat, err := kernel.ReadProc(dir + "/stat")
	if err != nil {
		return
	}
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(f) < 22 {
		return
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(f[i], 10, 64); return n }
	w.open("", '{')
	id, _ := strconv.ParseInt(pid, 10, 64)
	w.number("pid", id)
	w.number("ppid", number(1))
	w.text("state", f[0])
	w.number("cpu", (number(11)+number(12))*1000/ticks) // milliseconds
	w.number("threads", number(17))
	status, _ := kernel.ReadProc(dir + "/status")
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		switch fields := strings.Fields(value); {
		case len(fields) == 0:
		case key == "Uid":
			w.some("uid", fields[0])
		case key == "NSpid":
			w.some("inner", fields[len(fields)-1])
		case key == "VmRSS":
			n, _ := strconv.ParseInt(fields[0], 10, 53)
			w.number("memory", n<<10)
		}
	}
	line, _ := kernel.ReadProc(dir + "/cmdline")
	line = strings.ReplaceAll(strings.TrimRight(line, "\x00"), "\x00", " ")
	if line == "" { // a process that ends, or has none
		comm, _ := kernel.ReadProc(dir + "/comm")
		line = "[" + strings.TrimSpace(comm) + "]"
	}
	w.text("command", line[:min(len(line), maxCommand)])
	w.close('}')
}
