// SPDX-License-Identifier: LGPL-2.1-only

package kernel

// A HintError is an Error that the errno alone does not explain.
type HintError struct {
	Err  *Error
	Hint string // what is behind it and what to check; never empty
}

func (e *HintError) Error() string { return e.Err.Error() + " (" + e.Hint + ")" }

// Unwrap gives the Error.
func (e *HintError) Unwrap() error { return e.Err }

// explain adds a hint to an error of fail; nil and an empty hint change nothing.
func explain(err error, hint string) error {
	if e, ok := err.(*Error); ok && hint != "" {
		return &HintError{e, hint}
	}
	return err
}
