// Package fault has the one error type of the platform: a stable kind and code for those who call, a cause for those who
// operate. internal/httpapi turns kinds into HTTP statuses; nothing else does.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an error is.
type Kind uint8

// The kinds. Their order has no meaning; internal/httpapi has the HTTP status of each.
const (
	Internal             Kind = iota // a defect or an unexpected answer of a dependency
	Invalid                          // the input is malformed or out of range
	Unauthenticated                  // no credential, or a bad one
	Forbidden                        // the principal may not do this
	NotFound                         // it does not exist, or belongs to another client
	Conflict                         // it is in the way of something that exists
	PreconditionRequired             // an update came without the version it saw
	PreconditionFailed               // the version it saw is not the current one
	Unprocessable                    // well-formed, but contradicts what is known
	TooLarge                         // over a documented size limit
	RateLimited                      // over a rate or a budget
	Unavailable                      // a dependency is not answering; trying again may help
)

// Field is what is wrong with one field of the input.
type Field struct {
	Location string // such as body.metrics[0].unit
	Message  string
}

// Error is the platform's error. Code is stable and documented (snake_case); Err is the cause, logged and never sent.
type Error struct {
	Op         string // where it happened, such as agent.Publish; for logs
	Kind       Kind
	Code       string
	Fields     []Field
	RetryAfter time.Duration // with RateLimited and Unavailable, when known
	Limits     []Limit       // with RateLimited: how the caller's limits stand
	Err        error
}

// Limit is how one limit of a caller stands.
type Limit struct {
	Name      string        // of the policy, such as requests: letters, digits, `_` and `-`
	Quota     int           // how much there is in one window
	Window    time.Duration // in which that much flows in
	Remaining int
	Reset     time.Duration // until all of it is there again
}

// New returns an error of the given kind and code. The code selects the localized detail shown to people.
func New(op string, kind Kind, code string) *Error {
	return &Error{Op: op, Kind: kind, Code: code}
}

// Wrap returns an error of the given kind and code caused by err.
func Wrap(op string, kind Kind, code string, err error) *Error {
	return &Error{Op: op, Kind: kind, Code: code, Err: err}
}

// BadField returns an Invalid error, code `validation_failed`, about one field.
func BadField(op, location, message string) *Error {
	return &Error{Op: op, Kind: Invalid, Code: "validation_failed", Fields: []Field{{location, message}}}
}

func (e *Error) Error() string {
	s := e.Op + ": " + e.Code
	for _, f := range e.Fields {
		s += fmt.Sprintf(" (%s: %s)", f.Location, f.Message)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first Error in err's chain, and Internal where there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err's chain begins with an Error of the given kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
