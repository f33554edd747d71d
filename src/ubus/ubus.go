// SPDX-License-Identifier: LGPL-2.1-only

// Package ubus is a client of ubusd, OpenWrt's message bus: it looks up and calls objects, offers objects of its own, subscribes,
// notifies, sends events and listens for them, and passes a descriptor with a call or an answer. It is not a bus (package ubustest
// is one, for tests), and it does not reconnect by itself.
//
// A Client starts no goroutine and has no callbacks: its owner asks for the next thing that has come in, with Receive, when FD is
// readable or when it likes. What comes in during a request is kept for Receive. A Client is for one goroutine at a time. What may
// have to wait is told Until when: a time, or with From a context. Only with one that can be cancelled there is a goroutine, and
// it is gone when the call returns.
//
// Names of user and group in a call are what ubusd says of the caller. ubusd has applied its access lists by then; nothing here, and
// nothing built on it, grants more because of them. Neither is anything taken from a peer's credentials.
//
// The protocol is that of ubusmsg.h: a header of eight bytes, big-endian, and an attribute of package blob that holds the others.
//
//	client                           ubusd                        owner of the object
//	   | <-- HELLO, peer: own id ------ |
//	   | -- LOOKUP seq path ----------> |
//	   | <-- DATA seq path id type ---- |   one for each
//	   | <-- STATUS seq 0 ------------- |
//	   | -- INVOKE seq id method data > | -- INVOKE seq, peer: client > |   with a descriptor or without
//	   | <-- DATA seq, peer: id ------- | <-- DATA seq, peer: client -- |   none or several
//	   | <-- STATUS seq, peer: id ----- | <-- STATUS seq -------------- |   with a descriptor or without
//	   | -- NOTIFY seq id type -------> | -- INVOKE seq type ---------> |   each subscriber
//	   | <-- STATUS seq subscribers --- |
//	   | <-- STATUS seq, peer: each --- | <-- STATUS seq -------------- |   unless it wants no reply
package ubus

import (
	"strconv"
	"time"
)

// Path is where ubusd listens on OpenWrt.
const Path = "/var/run/ubus/ubus.sock"

// grace is for tidying up when the time is over.
const grace = 100 * time.Millisecond

// Objects of ubusd itself; its other objects have higher ids.
const (
	ObjectEvent    = 1    // events: register and send
	ObjectMonitor  = 3    // copies of all messages, for root
	MaxSystemID    = 1024 // objects of clients have higher ids
	minClientID    = 2
	maxSubscribers = 1024 // of a notification, that are waited for
)

// A MsgType is what a message is about (ubusmsg.h, enum ubus_msg_type).
type MsgType uint8

// The types of messages.
const (
	MsgHello MsgType = iota
	MsgStatus
	MsgData
	MsgPing
	MsgLookup
	MsgInvoke
	MsgAddObject
	MsgRemoveObject
	MsgSubscribe
	MsgUnsubscribe
	MsgNotify
	MsgMonitor
)

// Attributes of a message (ubusmsg.h, enum ubus_msg_attr).
const (
	AttrStatus = iota + 1
	AttrObjPath
	AttrObjID
	AttrMethod
	AttrObjType
	AttrSignature
	AttrData
	AttrTarget
	AttrActive
	AttrNoReply
	AttrSubscribers
	AttrUser
	AttrGroup
)

// A Status is how a request has ended (ubusmsg.h, enum ubus_msg_status). All but StatusOK are errors.
type Status uint32

// The statuses.
const (
	StatusOK Status = iota
	StatusInvalidCommand
	StatusInvalidArgument
	StatusMethodNotFound
	StatusNotFound
	StatusNoData
	StatusPermissionDenied
	StatusTimeout
	StatusNotSupported
	StatusUnknownError
	StatusConnectionFailed
	StatusNoMemory
	StatusParseError
	StatusSystemError
)

func (s Status) Error() string {
	switch s {
	case StatusOK:
		return "success"
	case StatusInvalidCommand:
		return "invalid command"
	case StatusInvalidArgument:
		return "invalid argument"
	case StatusMethodNotFound:
		return "no such method"
	case StatusNotFound:
		return "not found"
	case StatusNoData:
		return "no data"
	case StatusPermissionDenied:
		return "permission denied by ubusd's access lists"
	case StatusTimeout:
		return "the other side has timed out"
	case StatusNotSupported:
		return "not supported"
	case StatusUnknownError:
		return "unknown error"
	case StatusConnectionFailed:
		return "connection failed"
	case StatusNoMemory:
		return "out of memory"
	case StatusParseError:
		return "the message could not be parsed"
	case StatusSystemError:
		return "system error"
	}
	return "status " + strconv.FormatUint(uint64(s), 10)
}

// err is nil for StatusOK.
func (s Status) err() error {
	if s == StatusOK {
		return nil
	}
	return s
}

// An OpError is what this package fails with.
type OpError struct {
	Op  string // what was tried, in words: "connect to", "call"
	On  string // an object, a method, a path; may be empty
	Err error  // a Status, a *kernel.Error or its errno, a *blob.Error, ErrTimeout, ErrClosed, ErrProtocol or that of a context
}

func (e *OpError) Error() string {
	what := "ubus: " + e.Op
	if e.On != "" {
		what += " " + e.On
	}
	return what + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *OpError) Unwrap() error { return e.Err }

// opError makes an OpError of err, nil of nil. An OpError stays as it is.
func opError(op, on string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*OpError); ok {
		return err
	}
	return &OpError{op, on, err}
}

type constError string

func (e constError) Error() string { return string(e) }

const (
	// ErrClosed is a connection that the other side has closed, or this one: connect anew.
	ErrClosed = constError("the connection is closed")
	// ErrProtocol is a message that is none: the connection is of no use any more.
	ErrProtocol = constError("the other side does not speak ubus")
)

// ErrTimeout is a deadline that has come. It is context.DeadlineExceeded and os.ErrDeadlineExceeded too for errors.Is.
var ErrTimeout error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string { return "timed out" }

// Timeout is true, as it is of the errors of the standard library that mean the same.
func (timeoutError) Timeout() bool { return true }

func (timeoutError) Is(target error) bool {
	t, ok := target.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// Fatal tells whether a Client is of no use after err: closed, broken, or not ubus. After any other error it can be used further.
func Fatal(err error) bool {
	for err != nil {
		if _, ok := err.(fatalError); ok {
			return true
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return false
		}
		err = u.Unwrap()
	}
	return false
}

// A fatalError marks what ends a connection.
type fatalError struct{ error }

func (e fatalError) Unwrap() error { return e.error }
