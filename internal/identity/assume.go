package identity

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Limits of assumed sessions.
const (
	MaxAssumed = time.Hour // from its start; nothing prolongs it
	MinReason  = 10        // characters
	MaxReason  = 500
)

// Assume is a global administrator's wish to work inside a client.
type Assume struct {
	Client  tenant.ID
	Reason  string        // for the client's people, who read it; [MinReason] to [MaxReason] characters
	Minutes time.Duration // at most [MaxAssumed]; 0: as long as that
}

// Assumed is an assumed session. Its access token lives as long as it does; there is no refresh token. It ends with the administrator's own
// session that it was begun with: by signing out, a new password, a stolen refresh token that is used.
type Assumed struct {
	AccessToken string
	Client      tenant.ID
	Session     string
	ExpiresAt   time.Time // whole seconds
	ExpiresIn   int       // seconds
}

// assumedSummary is a session's as the authorizer reads it; without data, nothing can refresh it.
type assumedSummary struct {
	ID        string    `json:"id"`
	User      string    `json:"user"` // who has no row in this client: it is at directory.Home
	CreatedAt time.Time `json:"created_at"`
	Method    string    `json:"method"`
	Assumed   bool      `json:"assumed"`
	Home      string    `json:"home"` // the administrator's session that it was begun with, and ends with
}

const methodAssumed = "assumed"

// Assume lets the global administrator of the call in ctx into a client as its administrator, for an hour at most. It is recorded in
// the client's trail and in the platform's, with the reason in the private part, and the client's administrators are told by mail;
// a mail that fails is recorded and changes nothing.
//
// Errors: fault.Forbidden (anybody else: an API key, who has assumed already, who has yet to enrol a second factor), fault.Invalid
// (reason, minutes), fault.NotFound `client_not_found`, fault.Forbidden `client_suspended`, those of the table.
func (s *Service) Assume(ctx context.Context, in Assume) (Assumed, error) {
	const op = "identity.Assume"
	p := tenant.CallFrom(ctx).Principal
	if p.Role != tenant.GlobalAdmin || p.Session == "" || p.Restricted {
		return Assumed{}, fault.New(op, fault.Forbidden, "forbidden")
	}
	in, err := in.normalized(op)
	if err != nil {
		return Assumed{}, err
	}
	if err := s.assumable(ctx, op, in.Client); err != nil {
		return Assumed{}, err
	}
	now := s.now()
	out := Assumed{Client: in.Client, Session: s.System.NewID("ses"), ExpiresAt: now.Add(in.Minutes).Truncate(time.Second)}
	out.ExpiresIn = int(out.ExpiresAt.Sub(now) / time.Second)
	if out.AccessToken, err = s.Signer.IssueUntil(tenant.Principal{Client: in.Client, User: p.User, Role: tenant.ClientAdmin,
		Session: out.Session, Assumed: true}, out.ExpiresAt); err != nil {
		return Assumed{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	row, err := store.Row(keys.Session(out.Session), 1, assumedSummary{out.Session, p.User, now, methodAssumed, true, p.Session}, nil)
	if err != nil {
		return Assumed{}, store.Fault(op, err)
	}
	row.ParentSK, row.ExpiresAt = keys.UserSession(p.User, now), out.ExpiresAt
	e, err := s.event(ctx, in.Client, audit.Fact{Type: events.TypeSessionAssumed, Target: audit.Target{Type: "session", ID: out.Session},
		Change:  events.SessionAssumed{SessionID: out.Session, UserID: p.User, ReasonGiven: true, ExpiresAt: out.ExpiresAt},
		Private: assumedValues{in.Reason, callerIn(ctx, "")}})
	if err != nil {
		return Assumed{}, store.Fault(op, err)
	}
	err = s.Table.Commit(ctx, in.Client, audit.Of(e, directory.PlatformEvent(e)), store.Create(row), store.Check(keys.Client, 0))
	if err != nil {
		return Assumed{}, store.Fault(op, err)
	}
	s.announce(ctx, p, in, out)
	return out, nil
}

// assumedValues is what is personal about it: what somebody wrote, and from where.
type assumedValues struct {
	Reason string `json:"reason"`
	callerValues
}

func (in Assume) normalized(op string) (Assume, error) {
	var bad []fault.Field
	in.Reason = strings.TrimSpace(in.Reason)
	if n := utf8.RuneCountInString(in.Reason); n < MinReason || n > MaxReason || !utf8.ValidString(in.Reason) ||
		strings.ContainsFunc(in.Reason, unicode.IsControl) {
		bad = append(bad, fault.Field{Location: "body.reason", Message: "must have 10 to 500 characters, none of them control characters"})
	}
	if in.Minutes == 0 {
		in.Minutes = MaxAssumed
	}
	if in.Minutes < time.Minute || in.Minutes > MaxAssumed {
		bad = append(bad, fault.Field{Location: "body.minutes", Message: "must be 1 to 60 minutes"})
	}
	if len(bad) > 0 {
		return in, &fault.Error{Op: op, Kind: fault.Invalid, Code: "validation_failed", Fields: bad}
	}
	return in, nil
}

// assumable returns a fault unless the client is there and active: suspended means out for everybody (invariant 11).
func (s *Service) assumable(ctx context.Context, op string, client tenant.ID) error {
	status, err := s.Clients.Status(ctx, client)
	if err == nil && status != "active" {
		return fault.New(op, fault.Forbidden, "client_suspended")
	}
	return err
}
