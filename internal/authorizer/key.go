package authorizer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// noteTime bounds what a call waits for its key's use to be written down.
const noteTime = time.Second

// machine is an API key as the table had it. Where it is never changes; the rest may be used again until its time is over.
type machine struct {
	at     directory.KeyPlace
	key    identity.APIKey // zero: there is none
	client bool            // active
	until  time.Time
}

// decideKey looks for the key of the credential, and whether it opens it. Who does not have the right secret learns nothing of a key,
// not even whether there is one.
func (a *Authorizer) decideKey(ctx context.Context, token string, now time.Time) (verdict, error) {
	const op = "authorizer.Authorize"
	refused := fault.New(op, fault.Unauthenticated, "invalid_api_key")
	c, ok := identity.ParseKeyCredential(token)
	if !ok {
		return verdict{}, &denial.Refusal{Method: denial.APIKey, Err: refused}
	}
	m, err := a.machine(ctx, c.Prefix, now)
	if err != nil {
		return verdict{}, err
	}
	end, opened := m.key.Opens(c, now)
	if m.key.ID == "" {
		return verdict{}, &denial.Refusal{Method: denial.APIKey, Err: refused}
	}
	p := m.key.Principal(m.at.Client)
	switch {
	case !opened:
		return verdict{}, denial.Proven(denial.APIKey, p, refused)
	case m.key.Expired(now):
		return verdict{}, denial.Proven(denial.APIKey, p, fault.New(op, fault.Unauthenticated, "api_key_expired"))
	case !m.client:
		return verdict{}, denial.Proven(denial.APIKey, p, fault.New(op, fault.Forbidden, "client_suspended"))
	case p.Scopes == "" || !p.Machine():
		return verdict{}, denial.Proven(denial.APIKey, p, refused) // no key is made so; one that is so is broken
	}
	a.noteUse(ctx, c.Prefix, m)
	return verdict{p, earlier(now.Add(VerdictLifetime), end)}, nil
}

// machine returns what is known of the key with the prefix, from memory if that is fresh. What is not there is not remembered: prefixes
// that somebody made up should not push out those in use.
func (a *Authorizer) machine(ctx context.Context, prefix string, now time.Time) (machine, error) {
	m, known := a.machines.Get(prefix)
	if known && now.Before(m.until) {
		return m, nil
	}
	if !known {
		var err error
		m.at, err = a.directory.APIKey(ctx, prefix)
		if errors.Is(err, store.ErrNotFound) {
			return machine{}, nil
		}
		if err != nil {
			return machine{}, store.Fault("authorizer.Authorize", err)
		}
	}
	m, err := a.readMachine(ctx, m.at)
	if err != nil {
		return machine{}, err
	}
	if m.key.ID == "" {
		a.machines.Remove(prefix)
		return m, nil
	}
	m.until = now.Add(LivenessLifetime) // from before the read: what changes after it counts from then
	a.machines.Add(prefix, m)
	return m, nil
}

// readMachine reads key and client, consistently and in one call.
func (a *Authorizer) readMachine(ctx context.Context, at directory.KeyPlace) (machine, error) {
	const op = "authorizer.Authorize"
	rows, err := a.table.BatchGet(ctx, at.Client, []string{keys.APIKey(at.Key), keys.Client})
	if err != nil {
		return machine{}, store.Fault(op, err)
	}
	m := machine{at: at}
	for _, row := range rows {
		switch row.SK {
		case keys.Client:
			m.client, err = active(row)
		default:
			m.key, err = identity.APIKeyOf(row)
		}
		if err != nil {
			return machine{}, fault.Wrap(op, fault.Internal, "internal", err)
		}
	}
	return m, nil
}

// noteUse writes down, at most once an hour, that the key is used. Failing to is logged and tried again later, and refuses nobody.
func (a *Authorizer) noteUse(ctx context.Context, prefix string, m machine) {
	if !m.key.UseDue(a.sys.Now()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	call := tenant.CallFrom(ctx)
	call.Principal = m.key.Principal(m.at.Client)
	used, err := identity.NoteKeyUse(tenant.WithCall(ctx, call), a.table, a.sys, m.at.Client, m.key)
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "the use of an API key is not written down", slog.String("client_id", string(m.at.Client)),
			slog.String("key_id", m.at.Key), slog.String("error", err.Error()))
	}
	m.key = used
	a.machines.Add(prefix, m)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
