package identity

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Status is where a user stands.
type Status string

// The statuses.
const (
	StatusInvited  Status = "invited"  // has not accepted yet
	StatusActive   Status = "active"   // may sign in
	StatusDisabled Status = "disabled" // may not
)

// User is a person's place in a client.
type User struct {
	ID        string // usr_…
	Person    string // per_…; empty until the invitation is accepted
	Email     string // normalized
	Name      string
	Role      tenant.Role
	Status    Status
	CreatedAt time.Time
	Version   int64
	// Within is what an agent manager is limited to: ids of profiles and agents. Empty: all of its client.
	Within tenant.Names

	invitation string // the one under way, or the last one where it ran out
	language   string // of the invitation's mail; empty where it was made by an older version
}

// administers reports whether the user is one of the active administrators, of whom a client that has one keeps one.
func (u User) administers() bool { return u.Role == tenant.ClientAdmin && u.Status == StatusActive }

// userSummary is also what the authorizer reads: see [UserState].
type userSummary struct {
	ID        string       `json:"id"`
	Person    string       `json:"person,omitempty"`
	Email     string       `json:"email"`
	Name      string       `json:"name"`
	Role      tenant.Role  `json:"role"`
	Status    Status       `json:"status"`
	CreatedAt time.Time    `json:"created_at"`
	Within    tenant.Names `json:"within,omitempty"`
}

type userData struct {
	Invitation string `json:"invitation,omitempty"`
	Language   string `json:"language,omitempty"`
}

func (u User) item() (store.Item, error) {
	it, err := store.Row(keys.User(u.ID), 1, userSummary{u.ID, u.Person, u.Email, u.Name, u.Role, u.Status, u.CreatedAt, u.Within},
		userData{u.invitation, u.language})
	it.ParentSK = keys.UserRole(string(u.Role), u.CreatedAt, u.ID)
	it.ActorSK = keys.UserName(folded(u.Name), u.ID)
	return it, err
}

func userOf(it store.Item) (User, error) {
	var s userSummary
	var d userData
	if err := it.Read(&s, &d); err != nil {
		return User{}, err
	}
	return User{s.ID, s.Person, s.Email, s.Name, s.Role, s.Status, s.CreatedAt, it.Version, s.Within, d.Invitation, d.Language}, nil
}

// GetUser returns a user of the client. Errors: fault.NotFound `user_not_found`, those of the table.
func (s *Service) GetUser(ctx context.Context, client tenant.ID, id string) (User, error) {
	const op = "identity.GetUser"
	u, err := s.user(ctx, client, id)
	if isAbsent(err) {
		return User{}, fault.Wrap(op, fault.NotFound, "user_not_found", err)
	}
	return u, store.Fault(op, err)
}

// user reads a user; an id that cannot be a key is as absent as one that nobody has.
func (s *Service) user(ctx context.Context, partition tenant.ID, id string) (User, error) {
	it, err := s.Table.Get(ctx, partition, keys.User(id))
	if err != nil {
		return User{}, err
	}
	return userOf(it)
}
