// SPDX-License-Identifier: LGPL-2.1-only

// Package ubustest is a ubusd for tests: a real socket that answers as ubusd does, message for message, and misbehaves when it is
// asked to. It has no access lists (see Server.Deny) and does not ask who its clients are; it is not for production. Its ids count
// up where ubusd's are random.
package ubustest

import (
	"slices"
	"sync"
	"time"

	"gojail/src/kernel"
	"gojail/src/ubus"
)

// Who every client is, as calls say it.
const (
	User  = "root"
	Group = "root"
)

// maxOut is how many bytes are kept for a client that does not read, as in ubusd. What is more is dropped.
const maxOut = 1 << 20

// A Server is a running bus. Its methods may be called from any goroutine.
type Server struct {
	path   string
	listen int
	wake   int
	done   chan struct{}

	mu      sync.Mutex
	closing bool
	hanging bool
	deny    func(path, method string) bool

	clients  []*client
	objects  map[uint32]*object
	types    map[uint32]*objectType
	paths    map[string]*object
	lastID   uint32
	eventSeq uint16
}

// Start listens on path and serves until Close.
func Start(path string) (*Server, error) {
	listen, err := kernel.ListenUnix(path)
	if err != nil {
		return nil, err
	}
	wake, err := kernel.Eventfd()
	if err != nil {
		kernel.Close(listen)
		_ = kernel.Unlink(path)
		return nil, err
	}
	s := &Server{
		path: path, listen: listen, wake: wake, done: make(chan struct{}),
		objects: map[uint32]*object{}, types: map[uint32]*objectType{}, paths: map[string]*object{},
		lastID: ubus.MaxSystemID,
	}
	go s.serve()
	return s, nil
}

// Path is where it listens.
func (s *Server) Path() string { return s.path }

// Close ends all connections, waits until that is done, and takes the socket away. It may be called once.
func (s *Server) Close() {
	s.do(func() { s.closing = true })
	<-s.done
	kernel.Close(s.wake)
}

// Hang has the server accept, read and answer nothing, as one that is stopped, or ends that.
func (s *Server) Hang(on bool) { s.do(func() { s.hanging = on }) }

// Deny is asked, if it is not nil, about each call and each object that is looked up (method is empty then): true hides it.
func (s *Server) Deny(f func(path, method string) bool) { s.do(func() { s.deny = f }) }

// Disconnect ends all connections.
func (s *Server) Disconnect() {
	s.do(func() {
		for _, c := range s.clients {
			c.gone = true
		}
	})
}

// Inject sends bytes to all clients, whatever they are.
func (s *Server) Inject(b []byte) {
	s.do(func() {
		for _, c := range s.clients {
			c.out = append(c.out, frame{slices.Clone(b), -1})
			c.pending += len(b)
		}
	})
}

// Clients is how many are connected.
func (s *Server) Clients() (n int) {
	s.do(func() { n = len(s.clients) })
	return n
}

// do changes something and has the server look at it.
func (s *Server) do(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	_ = kernel.Wake(s.wake) // blocks for nobody: the counter is emptied each time around
}

// serve goes around until Close.
func (s *Server) serve() {
	defer close(s.done)
	for {
		fds := s.waitFor()
		if fds == nil {
			return
		}
		if _, err := kernel.Poll(fds, time.Time{}); err != nil {
			return
		}
		s.around(fds)
	}
}

// waitFor gives what poll waits for, or nil after Close: the wake descriptor, the listening socket, the clients.
func (s *Server) waitFor() []kernel.PollFD {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		kernel.Close(s.listen)
		_ = kernel.Unlink(s.path)
		for _, c := range s.clients {
			c.gone = true
		}
		s.bury()
		return nil
	}
	fds := []kernel.PollFD{{Fd: int32(s.wake), Events: kernel.Readable}}
	if s.hanging {
		return fds
	}
	fds = append(fds, kernel.PollFD{Fd: int32(s.listen), Events: kernel.Readable})
	for _, c := range s.clients {
		events := int16(kernel.Readable)
		if len(c.out) > 0 {
			events |= kernel.Writable
		}
		fds = append(fds, kernel.PollFD{Fd: int32(c.conn.FD()), Events: events})
	}
	return fds
}

func (s *Server) around(fds []kernel.PollFD) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fds[0].Revents != 0 {
		var count [8]byte
		_, _ = kernel.Recv(s.wake, count[:])
	}
	if s.hanging || len(fds) == 1 {
		return
	}
	known := s.clients
	if fds[1].Revents != 0 {
		s.accept()
	}
	for i := range fds[2:] {
		if c := known[i]; fds[2+i].Revents != 0 && !c.gone {
			c.flush()
			s.read(c)
		}
	}
	for _, c := range s.clients {
		c.flush()
	}
	s.bury()
}

// accept takes all who have connected and greets them.
func (s *Server) accept() {
	known := s.clients
	s.clients = slices.Clip(known)
	for {
		fd, err := kernel.Accept(s.listen)
		if err != nil {
			return
		}
		c := &client{id: s.newID(), conn: ubus.NewConn(fd)}
		s.clients = append(s.clients, c)
		s.send(c, &ubus.Message{Type: ubus.MsgHello, Peer: c.id, FD: -1})
	}
}

// read handles what a client has sent, but not without end: others want their turn.
func (s *Server) read(c *client) {
	for range 64 {
		m, err := c.conn.Receive(now)
		if err != nil {
			c.gone = c.gone || err != ubus.ErrTimeout
			return
		}
		s.watched(c, &m, false)
		s.handle(c, &m)
		kernel.Close(m.FD)
	}
}

// now only looks.
var now = ubus.Look()

// bury removes who is gone, and what was theirs; others may learn of it.
func (s *Server) bury() {
	for {
		i := slices.IndexFunc(s.clients, func(c *client) bool { return c.gone })
		if i < 0 {
			return
		}
		c := s.clients[i]
		s.clients = slices.Delete(slices.Clone(s.clients), i, i+1)
		for _, id := range sortedIDs(s.objects) {
			if o := s.objects[id]; o != nil && o.client == c {
				s.free(o)
			}
		}
		for _, f := range c.out {
			kernel.Close(f.fd)
		}
		c.conn.Close()
	}
}

func (s *Server) newID() uint32 {
	s.lastID++
	return s.lastID
}

func sortedIDs(objects map[uint32]*object) []uint32 {
	ids := make([]uint32, 0, len(objects))
	for id := range objects {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
