package httpapi

import (
	"context"
	"strings"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/tenant"
)

// Decide decides about a thing that the call in ctx is upon, by the same policies as the edge did about its client. read, where it is
// given, reads what of the thing is not known yet, and is called only where the answer depends on it. Errors are those of read.
func (a *API) Decide(ctx context.Context, r access.Resource, read func() (access.Resource, error)) (access.Decision, error) {
	call := tenant.CallFrom(ctx)
	if read == nil {
		return a.cfg.Access.Decide(call.Principal, call.Operation, r), nil
	}
	return a.cfg.Access.Reaches(call.Principal, call.Operation, r, read)
}

// Reach is Decide for an operation that goes no further where it is denied: the answer is then absent, which is that of a thing that
// does not exist, so that nobody learns by asking what there is. The denial is recorded.
func (a *API) Reach(ctx context.Context, r access.Resource, read func() (access.Resource, error), absent error) error {
	d, err := a.Decide(ctx, r, read)
	if err != nil || d.Allow {
		return err
	}
	return &denial.Denial{Target: audit.Target{Type: strings.ToLower(r.Type), ID: r.ID}, Policies: d.Policies, Err: absent}
}
