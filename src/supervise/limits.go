// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"errors"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gojail/src/blob"
	"gojail/src/cgroup"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/spawn"
	"gojail/src/spec"
	"gojail/src/ubus"
)

// freezeLimit is how long the processes of a container may take to stand still, reclaimLimit how long memory is looked for. Together with
// the time for which a worker takes calls they are less than what it may take.
const (
	freezeLimit  = 2 * time.Second
	reclaimLimit = 2 * time.Second
	reclaimStep  = 16 << 20 // bytes
)

// now is the state. Whether a container is paused the kernel knows.
func (c *container) now() string {
	if c.status != stateRunning || c.group == nil {
		return c.status
	}
	g, err := c.group()
	if err != nil {
		return c.status
	}
	defer g.Close()
	if g.Frozen() {
		return statePaused
	}
	return stateRunning
}

// grouped are the methods that need the control group. A refusal is said in words too: {error}.
func (c *container) grouped(in *ubus.Incoming) ([]byte, ubus.Status) {
	if c.status == stateStopped {
		return nil, ubus.StatusNotFound
	}
	if c.group == nil {
		return nil, ubus.StatusNotSupported
	}
	g, err := c.group()
	if err != nil {
		return nil, ubus.StatusNotSupported
	}
	defer g.Close()
	var w blob.Builder
	switch in.Method {
	case "pause", "resume":
		// A container that waits for its start does so in our program, which has to hear of its end.
		if c.status != stateRunning || g.Frozen() != (in.Method == "resume") {
			return nil, ubus.StatusInvalidArgument
		}
		if in.Method == "pause" {
			err = g.Freeze(time.Now().Add(freezeLimit))
		} else {
			err = g.Thaw()
		}
	case "stats":
		cgroup.Stats(&w, reader(g))
	case "update":
		err = c.update(g, in.Data)
	case "reclaim":
		err = reclaim(&w, g, in.Data)
	}
	return answerOf(&w, err)
}

// answerOf is what was written, or why it was not done.
func answerOf(w *blob.Builder, err error) ([]byte, ubus.Status) {
	status := ubus.StatusOK
	if err != nil {
		status = statusOf(err)
		w.Reset()
		w.AddString("error", plan.Message(err.Error()))
	}
	b, err := w.Bytes()
	switch {
	case err != nil:
		return nil, ubus.StatusNoMemory
	case len(b) == 0:
		return nil, status
	}
	return b, status
}

// statusOf says whose fault it is.
func statusOf(err error) ubus.Status {
	var p *plan.Error
	var b *blob.Error
	var refused *spawn.Error
	errno := kernel.ErrnoOf(err)
	if errors.As(err, &refused) {
		errno = refused.Err
	}
	switch {
	case errors.As(err, &p) || errors.As(err, &b):
		return ubus.StatusInvalidArgument
	case errno == syscall.ENOENT:
		return ubus.StatusNotSupported
	case refused != nil:
		return ubus.StatusInvalidArgument
	case errno == syscall.EBUSY:
		return ubus.StatusTimeout
	}
	return ubus.StatusUnknownError
}

// heldGroup opens the control group that the resident holds, and groupAt one by its path.
func heldGroup() func() (kernel.Cgroup, error) {
	held := resident.Held(resident.Group)
	if held < 0 {
		return nil
	}
	return func() (kernel.Cgroup, error) {
		fd, err := kernel.DupAbove(held, 3)
		if err != nil {
			return kernel.NoCgroup, err
		}
		return kernel.CgroupAt(fd)
	}
}

func groupAt(path string) func() (kernel.Cgroup, error) {
	if path == "" {
		return nil
	}
	return func() (kernel.Cgroup, error) {
		root, err := kernel.OpenCgroupRoot()
		if err != nil {
			return root, err
		}
		defer root.Close()
		return root.Sub(strings.TrimPrefix(path, kernel.CgroupRoot+"/"))
	}
}

// reader reads the files of a control group; what cannot be read is "".
func reader(g kernel.Cgroup) func(file string) string {
	return func(file string) string {
		s, _ := g.Read(file)
		return s
	}
}

// update changes what the container may use: linux.resources, of which it takes what is to be another way than now.
func (c *container) update(g kernel.Cgroup, data []byte) error {
	var text []byte
	d := blob.NewFields(data)
	for d.Next() {
		if d.Name() == "resources" && d.Type() == blob.Table {
			text = []byte(blob.Text(d.Bytes()))
		}
	}
	if err := d.Err(); err != nil {
		return err
	}
	if text == nil {
		return &plan.Error{Where: "resources", Reason: "is required, a table as linux.resources of config.json"}
	}
	r, err := spec.DecodeResources(text)
	if err != nil {
		return &plan.Error{Where: "resources", Reason: err.Error()}
	}
	list, err := cgroup.ForUpdate(r, reader(g))
	var rules []cgroup.Rule
	switch {
	case err != nil:
	case r.Devices != nil && len(r.Devices) == 0:
		err = &cgroup.Error{Where: "devices", Reason: "is empty: {\"allow\": true} allows all"}
	case len(r.Devices) > 0:
		s, failed := spec.Decode(c.config)
		if failed != nil {
			return failed
		}
		rules, err = cgroup.Rules(r.Devices, s.Linux.Devices)
	case len(list) == 0:
		return &plan.Error{Where: "resources", Reason: "ask for no change"}
	}
	if err != nil {
		return &plan.Error{Where: "resources", Reason: err.Error()}
	}
	return spawn.Update(g, list, rules)
}

// reclaim has the kernel take memory back that the container can do without: {reclaimed}, in bytes.
func reclaim(w *blob.Builder, g kernel.Cgroup, data []byte) error {
	total, swappiness := int64(0), int64(-1)
	d := blob.NewFields(data)
	for d.Next() {
		switch d.Name() {
		case "bytes":
			total = d.Int()
		case "swappiness":
			swappiness = d.Int()
		}
	}
	switch {
	case d.Err() != nil:
		return d.Err()
	case total <= 0:
		return &plan.Error{Where: "bytes", Reason: "has to be above 0"}
	case swappiness < -1 || swappiness > 200:
		return &plan.Error{Where: "swappiness", Reason: "has to be between 0 and 200"}
	}
	how := ""
	if swappiness >= 0 {
		how = " swappiness=" + itoa(int(swappiness))
	}
	done := int64(0)
	for limit := time.Now().Add(reclaimLimit); done < total && time.Now().Before(limit); {
		step := min(total-done, reclaimStep)
		err := g.Write("memory.reclaim", strconv.FormatInt(step, 10)+how)
		if kernel.ErrnoOf(err) == syscall.EAGAIN { // there is no more
			break
		}
		if err != nil {
			return err
		}
		done += step
	}
	w.AddInt64("reclaimed", done)
	return nil
}
