// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"time"

	"gojail/src/kernel"
)

// Until bounds how long something may take. The zero Until is no bound. It is a struct and no context.Context because an interface
// that mentions time.Time has the linker keep all that formats times and reads time zones.
type Until struct {
	deadline time.Time
	// Only what From makes has these, so that a program without From is without goroutines.
	err   func() error
	watch func(wake int) (stop func())
}

// At is a point in time.
func At(deadline time.Time) Until { return Until{deadline: deadline} }

// Within begins now.
func Within(d time.Duration) Until { return At(time.Now().Add(d)) }

// Look is over already: what is there is taken, nothing is waited for.
func Look() Until { return At(time.Unix(1, 0)) }

// A Context is a context.Context, as far as it is of use here.
type Context interface {
	Deadline() (deadline time.Time, ok bool)
	Done() <-chan struct{}
	Err() error
}

// From is over when the context is. Its errors are the context's, or ErrTimeout. A call that has to wait has a goroutine until it
// returns, if the context can be cancelled.
func From(ctx Context) (u Until) {
	if deadline, ok := ctx.Deadline(); ok {
		u.deadline = deadline
	}
	done := ctx.Done()
	if done == nil {
		return u
	}
	u.err = ctx.Err
	u.watch = func(wake int) (stop func()) {
		back, gone := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(gone)
			select {
			case <-done:
				_ = kernel.Wake(wake) // a counter of 1 is not full
			case <-back:
			}
		}()
		return func() { close(back); <-gone }
	}
	return u
}

// cancelled gives the error of a context that has ended.
func (u Until) cancelled() error {
	if u.err == nil {
		return nil
	}
	return u.err()
}

// expired gives an error if the time is over.
func (u Until) expired() error {
	if err := u.cancelled(); err != nil {
		return err
	}
	if !u.deadline.IsZero() && !time.Now().Before(u.deadline) {
		return ErrTimeout
	}
	return nil
}

// wait waits for fd, which may be -1 for nothing but the end of the time.
func (u Until) wait(fd int, events int16) error {
	if err := u.cancelled(); err != nil {
		return err
	}
	both := [2]kernel.PollFD{{Fd: int32(fd), Events: events}}
	fds := both[:1] // poll(2) refuses more than RLIMIT_NOFILE
	if u.watch != nil {
		wake, err := kernel.Eventfd()
		if err != nil {
			return err
		}
		defer kernel.Close(wake)
		defer u.watch(wake)()
		both[1] = kernel.PollFD{Fd: int32(wake), Events: kernel.Readable}
		fds = both[:]
	}
	n, err := kernel.Poll(fds, u.deadline)
	if err != nil {
		return err
	}
	if err := u.cancelled(); err != nil {
		return err
	}
	if n == 0 {
		return ErrTimeout
	}
	return nil
}

// A Backoff says how long to wait before the next attempt to connect: Min, and twice as long each time, up to Max.
type Backoff struct {
	Min, Max time.Duration
	next     time.Duration
}

// Next is how long to wait now. Without a Min it is 100 ms, without a Max 10 s.
func (b *Backoff) Next() time.Duration {
	least, most := b.Min, b.Max
	if least <= 0 {
		least = 100 * time.Millisecond
	}
	if most <= 0 {
		most = 10 * time.Second
	}
	now := min(max(b.next, least), most)
	b.next = min(2*now, most)
	return now
}

// Reset begins with Min again; for after a success that has lasted.
func (b *Backoff) Reset() { b.next = 0 }

// Redial connects to ubusd, again and again until the time is over: the caller decides that it wants that, and adds its objects and
// subscriptions anew, for the old connection's are gone. The error is that of the last attempt. A Client that is not used any more
// has to be closed before.
func Redial(until Until, path string, b *Backoff) (*Client, error) {
	for {
		c, err := Dial(until, path)
		if err == nil {
			return c, nil
		}
		pause := until
		pause.deadline = time.Now().Add(b.Next())
		if !until.deadline.IsZero() && until.deadline.Before(pause.deadline) {
			return nil, err
		}
		if pause.wait(-1, 0) != ErrTimeout {
			return nil, err
		}
	}
}
