package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Contact is whom to invite.
type Contact struct {
	Email string
	Name  string
}

// InviteInput is an invitation to be made.
type InviteInput struct {
	Contact
	Role       tenant.Role // any but global_admin
	Language   string      // of the mail: pt-BR or en; empty: pt-BR
	ClientName string      // the company, as the mail names it
}

// Invitation is an invitation under way. Token and URL are filled only where no mail is configured; whoever has them can
// accept it.
type Invitation struct {
	ID        string // inv_…
	ExpiresAt time.Time
	Token     string
	URL       string
}

// Prepared is an invitation that is not committed yet: its changes and events belong into one commit of the client.
// [Service.Deliver] sends it afterwards.
type Prepared struct {
	User       User
	Invitation Invitation
	Changes    []store.Change
	Events     []audit.Event
	Mail       *mail.Message // nil where no mail is configured
}

type invitationSummary struct {
	ID        string    `json:"id"`
	User      string    `json:"user"`
	CreatedAt time.Time `json:"created_at"`
}

type invitationData struct {
	SecretHash string `json:"secret_hash"` // SHA-256 of the token's secret
}

// emailTaken is the row that makes an address unique within its client.
type emailTaken struct {
	User string `json:"user"`
}

type contactValues struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// PrepareInvitation returns the rows, the event and the mail of inviting somebody into client, for the caller to commit. Errors:
// fault.Invalid (email, name, role, language), fault.Conflict `user_exists`, those of the table.
func (s *Service) PrepareInvitation(ctx context.Context, client tenant.ID, in InviteInput) (Prepared, error) {
	const op = "identity.PrepareInvitation"
	in, err := in.normalized(op)
	if err != nil {
		return Prepared{}, err
	}
	old, err := s.invitee(ctx, client, in.Email)
	if err != nil {
		return Prepared{}, store.Fault(op, err)
	}
	now := s.now()
	user := User{ID: s.System.NewID("usr"), Email: in.Email, Name: in.Name, Role: in.Role, Status: StatusInvited, CreatedAt: now, Version: 1}
	if old != nil {
		user.ID, user.CreatedAt, user.Version = old.ID, old.CreatedAt, old.Version+1
	}
	inv := Invitation{ID: s.System.NewID("inv"), ExpiresAt: now.Add(InvitationLifetime).Truncate(time.Second)}
	user.invitation = inv.ID
	token := invitationToken{client: client, id: inv.ID, secret: s.System.NewSecret()}
	p := Prepared{User: user}
	if p.Changes, err = invitationRows(user, old, inv, hashSecret(token.secret), now); err != nil {
		return Prepared{}, store.Fault(op, err)
	}
	e, err := s.event(ctx, client, audit.Fact{Type: events.TypeUserInvited, Target: audit.Target{Type: "user", ID: user.ID},
		Change:  events.UserInvited{InvitationID: inv.ID, Role: string(user.Role), ExpiresAt: inv.ExpiresAt},
		Private: contactValues{in.Email, in.Name}})
	if err != nil {
		return Prepared{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	p.Events = []audit.Event{e}
	url := s.PublicURL + "/invitation#token=" + token.String() // a fragment: it reaches neither logs nor a referrer
	if s.Mailer == nil {
		inv.Token, inv.URL = token.String(), url
	} else {
		p.Mail = invitationMail(in, url, inv.ExpiresAt)
	}
	p.Invitation = inv
	return p, nil
}

// invitee returns the user with the address where a new invitation may replace one that has run out, and nil where the address is
// new to the client. A user with a live invitation, or one that accepted, is a Conflict.
func (s *Service) invitee(ctx context.Context, client tenant.ID, email string) (*User, error) {
	it, err := s.Table.Get(ctx, client, keys.Email(emailHash(email)))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	var taken emailTaken
	if err == nil {
		err = it.Read(nil, &taken)
	}
	if err != nil {
		return nil, err
	}
	u, err := s.user(ctx, client, taken.User)
	if err != nil {
		return nil, err
	}
	exists := fault.New("identity.invitee", fault.Conflict, "user_exists")
	if u.Status != StatusInvited {
		return nil, exists
	}
	if _, err = s.Table.Get(ctx, client, keys.Invitation(u.invitation)); err == nil {
		return nil, exists
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	return &u, nil
}

func invitationRows(u User, old *User, inv Invitation, hash string, now time.Time) ([]store.Change, error) {
	userRow, err := u.item()
	if err != nil {
		return nil, err
	}
	row, err := store.Row(keys.Invitation(inv.ID), 1, invitationSummary{inv.ID, u.ID, now}, invitationData{hash})
	if err != nil {
		return nil, err
	}
	row.ParentSK, row.ExpiresAt = keys.UserInvitation(u.ID, now), inv.ExpiresAt
	if old != nil {
		return []store.Change{store.Create(row), store.Update(userRow, old.Version)}, nil
	}
	taken, err := store.Row(keys.Email(emailHash(u.Email)), 1, nil, emailTaken{u.ID})
	if err != nil {
		return nil, err
	}
	return []store.Change{store.Create(row), store.Create(userRow), store.Create(taken)}, nil
}

// Invited is a new user with the invitation.
type Invited struct {
	User       User
	Invitation Invitation
}

// Invite invites somebody into client, and returns after the mail, if any, was accepted for delivery. Errors: those of
// [Service.PrepareInvitation] and [Service.Deliver].
func (s *Service) Invite(ctx context.Context, client tenant.ID, in InviteInput) (Invited, error) {
	const op = "identity.Invite"
	p, err := s.PrepareInvitation(ctx, client, in)
	if err != nil {
		return Invited{}, err
	}
	out := Invited{p.User, p.Invitation}
	idempotency.Answer(ctx, out)
	err = s.Table.Commit(ctx, client, audit.Of(p.Events[0], p.Events[1:]...), p.Changes...)
	if _, lost := store.FailedOn(err); lost {
		return Invited{}, fault.Wrap(op, fault.Conflict, "user_exists", err)
	}
	if err != nil {
		return Invited{}, store.Fault(op, err)
	}
	return out, s.Deliver(ctx, client, p)
}

// Deliver sends the mail of an invitation that was committed; it does nothing where no mail is configured. If the mail is
// refused the invitation is withdrawn, so that the person can be invited again, and the error is fault.Unavailable
// `mail_failed`.
func (s *Service) Deliver(ctx context.Context, client tenant.ID, p Prepared) error {
	const op = "identity.Deliver"
	if p.Mail == nil {
		return nil
	}
	failed := s.Mailer.Send(ctx, *p.Mail)
	if failed == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // what was committed is taken back even if the caller has gone
	e, err := s.event(ctx, client, audit.Fact{Type: events.TypeUserInvited, Target: audit.Target{Type: "user", ID: p.User.ID},
		Result: "failure",
		Change: events.UserInvited{InvitationID: p.Invitation.ID, Role: string(p.User.Role), ExpiresAt: p.Invitation.ExpiresAt}})
	if err == nil {
		idempotency.Withdraw(ctx) // INVARIANT 12: there is no effect whose answer could be given again
		err = s.Table.Commit(ctx, client, audit.Of(e), store.Delete(keys.Invitation(p.Invitation.ID), 1))
	}
	return fault.Wrap(op, fault.Unavailable, "mail_failed", errors.Join(failed, err))
}

func (in InviteInput) normalized(op string) (InviteInput, error) {
	var bad []fault.Field
	email, err := directory.NormalizeEmail(in.Email)
	if err != nil {
		bad = append(bad, fault.Field{Location: "body.email", Message: "must be an email address"})
	}
	in.Email = email
	if in.Name = strings.TrimSpace(in.Name); !validName(in.Name) {
		bad = append(bad, fault.Field{Location: "body.name", Message: "must have 1 to 120 characters, none of them control characters"})
	}
	if !in.Role.Valid() || in.Role == tenant.GlobalAdmin {
		bad = append(bad, fault.Field{Location: "body.role", Message: "must be client_admin, agent_manager or standard_user"})
	}
	if in.Language == "" {
		in.Language = "pt-BR"
	}
	if in.Language != "pt-BR" && in.Language != "en" {
		bad = append(bad, fault.Field{Location: "body.language", Message: "must be pt-BR or en"})
	}
	if len(bad) > 0 {
		return in, &fault.Error{Op: op, Kind: fault.Invalid, Code: "validation_failed", Fields: bad}
	}
	return in, nil
}

func validName(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= MaxName && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func emailHash(email string) string {
	sum := sha256.Sum256([]byte(email))
	return hex.EncodeToString(sum[:])
}

func hashSecret(secret string) string { return emailHash(secret) }

func sameHash(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
