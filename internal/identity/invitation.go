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
	// Replace lets the invitation take the place of one to the same address that is under way, which is a Conflict otherwise.
	Replace bool
}

// Invitation is an invitation under way. Token and URL are filled only where no mail is configured; whoever has them can
// accept it.
type Invitation struct {
	ID        string // inv_…
	ExpiresAt time.Time
	Token     string
	URL       string
}

// Invited is a user who was invited, with the invitation.
type Invited struct {
	User       User
	Invitation Invitation
}

// PrepareInvitation returns the rows, the event and the mail of inviting somebody into client, for the caller to commit. Errors:
// fault.Invalid (email, name, role, language), fault.Conflict `user_exists`, those of the table.
func (s *Service) PrepareInvitation(ctx context.Context, client tenant.ID, in InviteInput) (Prepared, error) {
	const op = "identity.PrepareInvitation"
	in, err := in.normalized(op)
	if err != nil {
		return Prepared{}, err
	}
	p, err := s.prepareInvite(ctx, op, client, in)
	return p, store.Fault(op, err)
}

// Invite invites somebody into client, and returns after the mail, if any, was accepted for delivery. Errors: fault.RateLimited
// `too_many_invitations` where a mail would be one too many, those of
// [Service.PrepareInvitation] and [Service.Deliver].
func (s *Service) Invite(ctx context.Context, client tenant.ID, in InviteInput) (Invited, error) {
	const op = "identity.Invite"
	in, err := in.normalized(op)
	if err != nil {
		return Invited{}, err
	}
	return s.send(ctx, op, client, func() (Prepared, error) { return s.prepareInvite(ctx, op, client, in) })
}

// prepareInvite prepares the invitation of a new user, or of one who has none under way.
func (s *Service) prepareInvite(ctx context.Context, op string, client tenant.ID, in InviteInput) (Prepared, error) {
	old, err := s.invitee(ctx, op, client, in)
	if err != nil {
		return Prepared{}, err
	}
	user := User{ID: s.System.NewID("usr"), Email: in.Email, CreatedAt: s.now()}
	if old != nil {
		user = old.user
	}
	user.Name, user.Role, user.Status, user.language = in.Name, in.Role, StatusInvited, in.Language
	if user.Role != tenant.AgentManager {
		user.Within = ""
	}
	return s.prepare(ctx, client, user, old, in.ClientName, func(inv Invitation) audit.Fact {
		return audit.Fact{Type: events.TypeUserInvited,
			Change: events.UserInvited{InvitationID: inv.ID, Role: string(user.Role), ExpiresAt: inv.ExpiresAt}}
	})
}

// invitee returns the user with the address whose invitation a new one may replace, and nil where the address is new to the client.
// Whoever has accepted is a Conflict, and so is a user with an invitation under way unless it is to be replaced.
func (s *Service) invitee(ctx context.Context, op string, client tenant.ID, in InviteInput) (*held, error) {
	it, err := s.Table.Get(ctx, client, keys.Email(emailHash(in.Email)))
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
	h, err := s.held(ctx, client, u)
	if err != nil {
		return nil, err
	}
	if u.Status != StatusInvited || h.invitation > 0 && !in.Replace {
		return nil, fault.New(op, fault.Conflict, "user_exists")
	}
	return &h, nil
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
