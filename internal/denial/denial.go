// Package denial records who was not let in, and who asked for what they may not do, without letting them fill the trail: of each
// source ten a minute are listed, and the rest of the minute is one event that carries their number.
//
// A refused credential is credential.refused, in the trail of the client that it proved or, where it proved nothing, in the
// platform's. A denied operation is access.denied, in the trail of the principal's client, or the platform's for a global
// administrator.
//
// Recording never changes an answer: where the table does not take an event within [Patience] the refusal stands, and is counted for
// the event of the next minute. Counts are a process's own. A function on AWS writes them when it is next asked for something after their
// minute, so that those of its last minute are lost when it is shut down; the log has each of them.
package denial

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// The limits on what is recorded.
const (
	Listed     = 10              // events of one source and minute
	ListedAll  = 100             // events of one minute of all who prove nothing, however many addresses they come from
	Sources    = 4096            // that are told apart at a time; all others count as one
	Window     = time.Minute     // that they are counted over
	Patience   = 2 * time.Second // for the table
	sweepEvery = 10 * time.Second
	sweepMost  = 16 // counts that one call's recording may write beside its own
)

// The sorts of credentials.
const (
	Token  = "token"
	APIKey = "api_key"
)

// Refusal is the error of a credential that was refused, with what it had proved by then. It wraps the error that the caller is
// answered.
type Refusal struct {
	Method    string           // [Token] or [APIKey]
	Principal tenant.Principal // whose it is; zero where it proves nothing
	Err       error
}

func (r *Refusal) Error() string { return r.Err.Error() }

func (r *Refusal) Unwrap() error { return r.Err }

// Proven returns err as the refusal of a credential of p, which was good but for this. A nil err stays nil.
func Proven(method string, p tenant.Principal, err error) error {
	if err == nil {
		return nil
	}
	return &Refusal{Method: method, Principal: p, Err: err}
}

// Denial is the error of an operation that its principal may not do: what was denied, with the error that the caller is answered.
type Denial struct {
	Target   audit.Target // zero where it is not known
	Policies []string     // ids of those that forbade it
	Err      error
}

func (d *Denial) Error() string { return d.Err.Error() }

func (d *Denial) Unwrap() error { return d.Err }

// Refused records that a call's credential was refused with err. Errors that say nothing of the credential, such as a table that
// does not answer, are not recorded.
func (r *Recorder) Refused(ctx context.Context, err error) {
	if r == nil || !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Forbidden) {
		return
	}
	call := tenant.CallFrom(ctx)
	from := source{refused: true, who: network(call.Address)}
	of := occurrence{call: call, fact: audit.Fact{Capability: string(route.Authentication), Type: events.TypeCredentialRefused,
		Target: audit.Target{Type: "credential", ID: "unknown"}, Actor: audit.Actor{Type: "anonymous"}, Result: "failure"}}
	method := Token
	var proved *Refusal
	if errors.As(err, &proved) {
		method = proved.Method
		if p := proved.Principal; !p.Anonymous() {
			from.client, from.who = p.Client, p.User
			of.fact.Target.ID = p.Session
			if p.Session == "" {
				of.fact.Target.ID = p.User
			}
		}
	}
	of.change = func(count int64) any {
		return events.CredentialRefused{Method: method, Reason: codeOf(err), Count: count}
	}
	of.call.Principal = tenant.Principal{}
	r.record(ctx, from, of)
}

// Denied records that the call in ctx was denied with err, which may wrap a [Denial].
func (r *Recorder) Denied(ctx context.Context, err error) {
	if r == nil {
		return
	}
	call := tenant.CallFrom(ctx)
	p := call.Principal
	target, policies := audit.Target{}, []string{}
	var denied *Denial
	if errors.As(err, &denied) {
		target = denied.Target
		policies = append(policies, denied.Policies...)
	}
	if !slices.Contains(targets, target.Type) || !made(target.ID) {
		target = audit.Target{Type: "operation", ID: call.Operation}
	}
	capability := string(route.Authentication)
	if row, ok := route.Find(call.Operation); ok {
		capability = string(row.Capability)
	}
	from := source{client: p.Client, who: p.User}
	if p.Anonymous() {
		from.who = network(call.Address)
	}
	r.record(ctx, from, occurrence{call: call,
		fact: audit.Fact{Capability: capability, Type: events.TypeAccessDenied, Target: target, Result: "denied"},
		change: func(count int64) any {
			return events.AccessDenied{Reason: codeOf(err), Policies: policies, Count: count}
		}})
}

// Watch returns authorize with its refusals recorded.
func (r *Recorder) Watch(authorize func(ctx context.Context, header string) (tenant.Principal, error),
) func(ctx context.Context, header string) (tenant.Principal, error) {
	return func(ctx context.Context, header string) (tenant.Principal, error) {
		p, err := authorize(ctx, header)
		if err != nil {
			r.Refused(ctx, err)
		}
		return p, err
	}
}

// targets are the types of things that an event may say were asked for.
var targets = []string{"client", "user", "session", "profile", "agent", "document", "conversation"}

// made reports whether the text has the form of an id that the platform makes (system.NewID), so that no text of a caller's gets
// into an event.
func made(id string) bool {
	if len(id) != 30 || id[3] != '_' {
		return false
	}
	for i := range len(id) {
		if c := id[i]; i != 3 && (c < 'a' || c > 'z') && (i < 4 || c < '2' || c > '7') {
			return false
		}
	}
	return true
}

func codeOf(err error) string {
	var e *fault.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "forbidden"
}

// network is what tells callers apart who prove nothing: the address or, of IPv6, the /64 that one caller has for itself.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return p.String()
}
