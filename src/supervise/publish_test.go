// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"gojail/src/resident"
	"gojail/src/state"
)

// The resident, which removes what workers have written, cannot import the package that knows where it is.
func TestStateRoot(t *testing.T) {
	if resident.StateRoot != state.Root {
		t.Errorf("%s is not %s", resident.StateRoot, state.Root)
	}
}

// A process is ended if it is the one that is meant.
func TestEndProcess(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	p := state.This(cmd.Process.Pid)
	another := p
	another.Start++
	for _, other := range []state.Process{{}, another, {PID: os.Getpid(), Start: 1}} {
		if err := endProcess(other, time.Now().Add(time.Minute)); err != nil || !p.Alive() {
			t.Fatalf("%+v: %v", other, err)
		}
	}
	if err := endProcess(p, time.Now().Add(time.Minute)); err != nil || p.Alive() {
		t.Errorf("%v, alive: %v", err, p.Alive())
	}
	cmd.Wait()
}
