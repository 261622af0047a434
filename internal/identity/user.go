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

	invitation string // the one under way
}

// UserPage is a part of a list of users. Next is empty at the end.
type UserPage struct {
	Items []User
	Next  string
}

// userSummary is also what the authorizer reads: see [UserState].
type userSummary struct {
	ID        string      `json:"id"`
	Person    string      `json:"person,omitempty"`
	Email     string      `json:"email"`
	Name      string      `json:"name"`
	Role      tenant.Role `json:"role"`
	Status    Status      `json:"status"`
	CreatedAt time.Time   `json:"created_at"`
}

type userData struct {
	Invitation string `json:"invitation,omitempty"`
}

func (u User) item() (store.Item, error) {
	it, err := store.Row(keys.User(u.ID), 1, userSummary{u.ID, u.Person, u.Email, u.Name, u.Role, u.Status, u.CreatedAt},
		userData{u.invitation})
	it.ParentSK = keys.UserRole(string(u.Role), u.CreatedAt, u.ID)
	return it, err
}

func userOf(it store.Item) (User, error) {
	var s userSummary
	var d userData
	if err := it.Read(&s, &d); err != nil {
		return User{}, err
	}
	return User{s.ID, s.Person, s.Email, s.Name, s.Role, s.Status, s.CreatedAt, it.Version, d.Invitation}, nil
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

// ListUsers returns a page of at most limit (1 to 100) users of the client in the order of role and creation; with a role, only
// those. Errors: fault.Invalid (limit, role, cursor), those of the table.
func (s *Service) ListUsers(ctx context.Context, client tenant.ID, role tenant.Role, limit int, cursor string) (UserPage, error) {
	const op = "identity.ListUsers"
	prefix := keys.RolePrefix
	if role != "" {
		if !role.Valid() {
			return UserPage{}, fault.BadField(op, "query.role", "must be a role")
		}
		prefix = keys.RoleUsers(string(role))
	}
	if limit < 1 || limit > 100 {
		return UserPage{}, fault.BadField(op, "query.limit", "must be 1 to 100")
	}
	got, err := s.Table.Query(ctx, client, store.Query{Index: store.ByParent, Prefix: prefix, Limit: limit, Cursor: cursor})
	if err != nil {
		return UserPage{}, store.Fault(op, err)
	}
	page := UserPage{Items: make([]User, 0, len(got.Items)), Next: got.Next}
	for _, it := range got.Items {
		u, err := userOf(it)
		if err != nil {
			return UserPage{}, store.Fault(op, err)
		}
		page.Items = append(page.Items, u)
	}
	return page, nil
}
