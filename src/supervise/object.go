// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"strconv"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/ubus"
)

// The states of a container (runtime-spec, runtime.md, "State").
const (
	stateCreating = "creating"
	stateCreated  = "created"
	stateRunning  = "running"
	statePaused   = "paused" // ours: its processes stand still
	stateStopped  = "stopped"
)

// methods are those of the object container.NAME. The order and the arguments of the first three are the C ujail's.
var methods = []ubus.Method{
	{Name: "start"},
	{Name: "state"},
	{Name: "kill", Args: []ubus.Arg{{Name: "signal", Type: blob.Int32}}},
	{Name: "resize", Args: []ubus.Arg{{Name: "width", Type: blob.Int32}, {Name: "height", Type: blob.Int32}}},
	{Name: "exec", Args: []ubus.Arg{{Name: "args", Type: blob.Array}, {Name: "env", Type: blob.Array}, {Name: "cwd", Type: blob.String},
		{Name: "user", Type: blob.String}, {Name: "capabilities", Type: blob.Array}}},
	{Name: "pause"},
	{Name: "resume"},
	{Name: "stats"},
	{Name: "update", Args: []ubus.Arg{{Name: "resources", Type: blob.Table}}},
	{Name: "reclaim", Args: []ubus.Arg{{Name: "bytes", Type: blob.Int64}, {Name: "swappiness", Type: blob.Int32}}},
}

// container is what the object answers for.
type container struct {
	*record
	status string // but for statePaused
	pid    int
	tty    int // of the payload, or -1
	// group opens the control group; nil: there is none.
	group func() (kernel.Cgroup, error)
	// start, kill and exec are what the calls do; exec is for a container that runs.
	start func() ubus.Status
	kill  func(signal int) error
	exec  func(q *plan.Request, stdio int) (pid int, err error)
}

// handle answers a call: with data, if it is not nil, and a status.
func (c *container) handle(in *ubus.Incoming) ([]byte, ubus.Status) {
	switch in.Method {
	case "state":
		b, err := c.state()
		if err != nil {
			return nil, ubus.StatusNoMemory
		}
		return b, ubus.StatusOK
	case "start":
		if c.status != stateCreated {
			return nil, ubus.StatusInvalidArgument
		}
		return nil, c.start()
	case "kill":
		signal, ok := signalOf(in.Data)
		switch {
		case !ok:
			return nil, ubus.StatusInvalidArgument
		case c.status == stateStopped:
			return nil, ubus.StatusNotFound
		case signal == 0: // only whether it is there
			return nil, ubus.StatusOK
		case signal != kernel.SIGKILL && c.now() == statePaused: // it would wait, and come as a surprise later
			return nil, ubus.StatusPermissionDenied
		case c.kill(signal) != nil:
			return nil, ubus.StatusUnknownError
		}
		return nil, ubus.StatusOK
	case "resize":
		return nil, resize(c.tty, in.Data)
	case "exec":
		return c.execute(in)
	case "pause", "resume", "stats", "update", "reclaim":
		return c.grouped(in)
	}
	return nil, ubus.StatusMethodNotFound
}

// state is the OCI state.
func (c *container) state() ([]byte, error) {
	var w blob.Builder
	w.AddString("ociVersion", c.version)
	w.AddString("id", c.name)
	w.AddString("status", c.now())
	if c.status != stateStopped {
		w.AddUint32("pid", uint32(c.pid))
	}
	w.AddString("bundle", c.bundle)
	w.OpenTable("annotations")
	for _, a := range c.annotations {
		w.AddString(a.key, a.value)
	}
	w.Close()
	return w.Bytes()
}

const sigterm = 15

// signalOf is the argument of kill: a number, or a name with SIG or without. TERM if there is none.
func signalOf(data []byte) (signal int, ok bool) {
	signal = sigterm
	d := blob.NewFields(data)
	for d.Next() {
		if d.Name() != "signal" {
			continue
		}
		switch d.Type() {
		case blob.String:
			if signal, ok = signalNamed(d.Text()); !ok {
				return 0, false
			}
		case blob.Int8, blob.Int16, blob.Int32, blob.Int64:
			n := d.Int()
			if n < 0 || n > kernel.MaxSignal {
				return 0, false
			}
			signal = int(n)
		default:
			return 0, false
		}
	}
	return signal, d.Err() == nil
}

func signalNamed(s string) (int, bool) {
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return int(n), n <= kernel.MaxSignal
	}
	return kernel.Signal(s)
}
