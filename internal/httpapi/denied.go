package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/tenant"
)

// denied is what keeps the call from an operation at the edge: of what it is upon, the path's last variable is known.
func (o *operation) denied(r *http.Request, d access.Decision) error {
	var target audit.Target
	if n := len(o.variables); n > 0 {
		name := o.variables[n-1]
		target = audit.Target{Type: strings.TrimSuffix(name, "_id"), ID: r.PathValue(name)}
	}
	return &denial.Denial{Target: target, Policies: d.Policies, Err: errForbidden}
}

// noteDenial keeps the error of an answer that somebody who is signed in was denied: what says so ([denial.Denial]), whatever its
// status, and every 403.
func (p *Problem) noteDenial(err error) {
	var d *denial.Denial
	if errors.As(err, &d) || p.Status == http.StatusForbidden {
		p.denied = err
	}
}

// recordDenial records a denial once the answer stands. What public operations refuse they record themselves, and a credential that
// was refused has denied nobody anything yet.
func (a *API) recordDenial(ctx context.Context, x *exchange) {
	if x.problem == nil || x.problem.denied == nil || x.public || x.call.Principal.Anonymous() {
		return
	}
	a.cfg.Denials.Denied(tenant.WithCall(ctx, x.call), x.problem.denied)
}
