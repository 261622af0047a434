package store

import (
	"context"
	"errors"

	"github.com/nowgo/agents/internal/fault"
)

// Fault turns an error of the port that no caller gave a meaning to into the platform's error: a lost race or a silent table is
// Unavailable (try again), a bad cursor Invalid, too much TooLarge, anything else Internal. A *fault.Error and a context's error
// pass through; nil stays nil.
func Fault(op string, err error) error {
	var known *fault.Error
	var lost *ConditionError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, ErrUnavailable):
		return fault.Wrap(op, fault.Unavailable, "unavailable", err)
	case errors.Is(err, ErrConflict), errors.As(err, &lost):
		return fault.Wrap(op, fault.Unavailable, "busy", err)
	case errors.Is(err, ErrBadQuery):
		return fault.Wrap(op, fault.Invalid, "invalid_cursor", err)
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrTooMany):
		return fault.Wrap(op, fault.TooLarge, "too_large", err)
	case errors.Is(err, ErrNotFound):
		return fault.Wrap(op, fault.NotFound, "not_found", err)
	default:
		return fault.Wrap(op, fault.Internal, "internal", err)
	}
}
