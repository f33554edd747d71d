// SPDX-License-Identifier: LGPL-2.1-only

package state

import (
	"slices"
	"strings"
	"syscall"
	"time"

	"gojail/src/kernel"
	"gojail/src/spec"
)

// maxID is the longest name, that of a file.
const maxID = 255

// ValidID tells whether a container may have this name: letters, digits and _+-. but neither . nor .. (as runc has it).
func ValidID(id string) bool {
	if id == "" || len(id) > maxID || id == "." || id == ".." {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '+' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

// An Error is about a container as such. Clients of OCI runtimes look for its words.
type Error struct{ ID, Reason string }

func (e *Error) Error() string { return "container " + e.ID + ": " + e.Reason }

// Is has errors.Is compare the reasons.
func (e *Error) Is(other error) bool {
	o, ok := other.(*Error)
	return ok && o.ID == "" && o.Reason == e.Reason
}

// The reasons, for errors.Is.
var (
	ErrNotExist = &Error{Reason: "does not exist"}
	ErrExists   = &Error{Reason: "exists already: a container of that ID (delete it, or use another ID)"}
	ErrName     = &Error{Reason: "is no valid ID: it may have letters, digits and _+-. and at most 255 of them"}
)

func about(id string, e *Error) error { return &Error{id, e.Reason} }

// An Entry is a container's directory, which its owner has locked.
type Entry struct {
	dir, id string
	lock    int
}

// Create makes the directory, and its parents. ErrExists, ErrName.
func Create(root, id string) (*Entry, error) {
	if !ValidID(id) {
		return nil, about(id, ErrName)
	}
	if err := kernel.MakeDirs(root, 0o711); err != nil {
		return nil, err
	}
	dir := root + "/" + id
	for try := 0; ; try++ {
		if _, err := kernel.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		lock, err := kernel.NewLock(dir + "/lock")
		if kernel.ErrnoOf(err) == syscall.EEXIST { // who has made it may not have lived to write a state
			if lock, err = kernel.TryLock(dir + "/lock"); kernel.ErrnoOf(err) == syscall.EAGAIN {
				return nil, about(id, ErrExists)
			}
		}
		switch e := kernel.ErrnoOf(err); {
		case err == nil && kernel.Exists(dir+"/state"):
			kernel.Close(lock)
			return nil, about(id, ErrExists)
		case err == nil:
			return &Entry{dir, id, lock}, nil
		case e != syscall.ENOENT || try == createTries: // a delete has found nothing in the directory, and taken it away
			return nil, err
		}
	}
}

const createTries = 64

// Open locks the directory: it waits until nobody else changes anything there. ErrNotExist, ErrName.
func Open(root, id string) (*Entry, error) {
	if !ValidID(id) {
		return nil, about(id, ErrName)
	}
	dir := root + "/" + id
	lock, err := kernel.Lock(dir + "/lock")
	if err != nil {
		_ = kernel.Rmdir(dir) // if it is empty nobody has it: who makes a container there starts again
		return nil, missing(id, err)
	}
	return &Entry{dir, id, lock}, nil
}

func missing(id string, err error) error {
	if e := kernel.ErrnoOf(err); e == syscall.ENOENT || e == syscall.ENOTDIR {
		return about(id, ErrNotExist)
	}
	return err
}

// Close unlocks it.
func (e *Entry) Close() { kernel.Close(e.lock) }

// Dir is the directory.
func (e *Entry) Dir() string { return e.dir }

// Save writes the state.
func (e *Entry) Save(s *State) error { return kernel.Replace(e.dir, "state", s.Encode(), 0o600) }

// Load reads it. ErrNotExist: who was to make the container has not come that far.
func (e *Entry) Load() (*State, error) { return load(e.dir, e.id) }

// SaveConfig writes the configuration, which has to be one that package spec has decoded.
func (e *Entry) SaveConfig(b []byte) error {
	return kernel.WriteFile(e.dir+"/config.json", spec.Compact(b), 0o600)
}

// Socket is the name of the socket on which a detached container waits, in its directory.
const Socket = "start"

// Remove takes the directory away, with what it holds.
func (e *Entry) Remove() error {
	names, err := kernel.ReadNames(e.dir, 64)
	if err != nil {
		return missing(e.id, err)
	}
	// The lock comes last: who waits for it finds that it is no more, and who makes a container of this ID finds it until then.
	names = slices.DeleteFunc(names, func(n string) bool { return n == "lock" })
	for _, n := range append(names, "lock") {
		if err := kernel.Unlink(e.dir + "/" + n); err != nil && kernel.ErrnoOf(err) != syscall.ENOENT {
			return err
		}
	}
	if err := kernel.Rmdir(e.dir); err != nil && kernel.ErrnoOf(err) != syscall.ENOENT && kernel.ErrnoOf(err) != syscall.ENOTEMPTY {
		return err // else somebody has taken it away, or makes the next container there
	}
	return nil
}

// Load reads a container's state, without a lock.
func Load(root, id string) (*State, error) {
	if !ValidID(id) {
		return nil, about(id, ErrName)
	}
	return load(root+"/"+id, id)
}

func load(dir, id string) (*State, error) {
	b, err := kernel.ReadFile(dir+"/state", maxSize)
	if err != nil {
		return nil, missing(id, err)
	}
	s, err := Decode(b)
	if err != nil {
		return nil, &Error{id, dir + "/state: " + err.Error()}
	}
	return s, nil
}

// Config reads a container's configuration, without a lock.
func Config(root, id string) ([]byte, error) {
	if !ValidID(id) {
		return nil, about(id, ErrName)
	}
	b, err := kernel.ReadFile(root+"/"+id+"/config.json", spec.MaxSize)
	return b, missing(id, err)
}

// maxContainers is how many List lists.
const maxContainers = 65536

// List reads all states, in the order of the IDs. What has none yet, or a damaged one, is left out.
func List(root string) ([]*State, error) {
	names, err := kernel.ReadNames(root, maxContainers)
	if err != nil {
		if kernel.ErrnoOf(err) == syscall.ENOENT {
			return nil, nil
		}
		return nil, err
	}
	slices.Sort(names)
	var out []*State
	for _, n := range names {
		if s, err := Load(root, n); err == nil {
			out = append(out, s)
		}
	}
	return out, nil
}

// Now is the container's state at this moment: from what is written, whether its process lives, and its control group. root is the one that
// the state was loaded from.
func (s *State) Now(root string) Status {
	if !s.Process.Alive() {
		if s.Status == Creating && s.Owner.Alive() {
			return Creating
		}
		return Stopped
	}
	status := s.Status
	switch {
	case status == Stopped: // a process that ends
		return Stopped
	case status == Creating && s.Owner.Alive():
		return Creating
	case status == Creating:
		return Stopped // who was to make it has gone, and with that it ends
	case status == Created && s.Mode == Detached && !kernel.Exists(root+"/"+s.ID+"/"+Socket):
		status = Running // who has started it has not lived to write it
	}
	if s.Cgroup != "" && s.frozen() {
		return Paused
	}
	return status
}

func (s *State) frozen() bool {
	text, err := kernel.ReadProc(kernel.CgroupRoot + s.Cgroup + "/cgroup.freeze")
	return err == nil && strings.HasPrefix(text, "1")
}

// Time is when the container was made, as RFC 3339 has it.
func (s *State) Time() string { return time.Unix(0, s.Created).UTC().Format(time.RFC3339Nano) }
