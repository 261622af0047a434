package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Person is a human with a login. It belongs to no client (invariant 14): clients have users, which are a person's places.
type Person struct {
	ID           string // per_…
	Email        string // normalized; the login
	PasswordHash string // PHC string
	Name         string
	Memberships  []Membership
	CreatedAt    time.Time
	Version      int64
	// SessionsFrom is when the person last put an end to all sessions: those that are older may not be refreshed.
	SessionsFrom time.Time
	TOTP         *TOTP    // nil: no second factor
	Recovery     []string // SHA-256 of the recovery codes that are left, in hexadecimal
}

// TOTP is a second factor (RFC 6238).
type TOTP struct {
	Sealed      []byte    `json:"sealed"`       // the shared secret, encrypted for the person
	ConfirmedAt time.Time `json:"confirmed_at"` // zero until the first code was right
	LastStep    int64     `json:"last_step"`    // of the last code that was taken: no code works twice (RFC 6238 §5.2)
}

// Membership is a person's place in a client, or over the platform.
type Membership struct {
	Client tenant.ID `json:"client,omitempty"` // empty where Global
	User   string    `json:"user"`
	Global bool      `json:"global,omitempty"` // a global administrator
}

// Partition returns where the membership's user and sessions are kept.
func (m Membership) Partition() tenant.ID {
	if m.Global {
		return Home(m.User)
	}
	return m.Client
}

// HasFactor reports whether the person has a second factor that counts: one that was confirmed.
func (p Person) HasFactor() bool { return p.TOTP != nil && !p.TOTP.ConfirmedAt.IsZero() }

// Join returns p with one more membership, which replaces one of the same client; p itself stays as it was.
func (p Person) Join(m Membership) Person {
	p.Memberships = append(slices.DeleteFunc(slices.Clone(p.Memberships), func(o Membership) bool {
		return o.Client == m.Client && o.Global == m.Global
	}), m)
	return p
}

// Leave returns p without a membership; p itself stays as it was.
func (p Person) Leave(m Membership) Person {
	p.Memberships = slices.DeleteFunc(slices.Clone(p.Memberships), func(o Membership) bool { return o == m })
	return p
}

type personData struct {
	ID           string       `json:"id"`
	Email        string       `json:"email"`
	PasswordHash string       `json:"password_hash"`
	Name         string       `json:"name"`
	Memberships  []Membership `json:"memberships"`
	CreatedAt    time.Time    `json:"created_at"`
	SessionsFrom time.Time    `json:"sessions_from,omitzero"`
	TOTP         *TOTP        `json:"totp,omitempty"`
	Recovery     []string     `json:"recovery,omitempty"`
}

func (p Person) item() (store.Item, error) {
	return store.Row(keys.Person, 1, nil, personData{p.ID, p.Email, p.PasswordHash, p.Name, p.Memberships, p.CreatedAt,
		p.SessionsFrom, p.TOTP, p.Recovery})
}

// PersonByEmail returns the person who signs in with the address. Errors: [ErrEmail], store.ErrNotFound, those of the table.
func (d *Directory) PersonByEmail(ctx context.Context, email string) (Person, error) {
	email, err := NormalizeEmail(email)
	if err != nil {
		return Person{}, err
	}
	it, err := d.table.Get(ctx, login(email), keys.Person)
	if err != nil {
		return Person{}, fmt.Errorf("directory: person: %w", err)
	}
	p, err := personOf(it)
	if err != nil {
		return Person{}, fmt.Errorf("directory: person: %w", err)
	}
	return p, nil
}

func personOf(it store.Item) (Person, error) {
	var r personData
	err := it.Read(nil, &r)
	return Person{r.ID, r.Email, r.PasswordHash, r.Name, r.Memberships, r.CreatedAt, it.Version, r.SessionsFrom, r.TOTP, r.Recovery}, err
}

// CreatePerson returns the change that adds a person; the condition is that the address has no login. p.Email must be
// normalized.
func (d *Directory) CreatePerson(p Person) store.Change {
	it, err := p.item()
	return in(login(p.Email), store.Create(it), err)
}

// UpdatePerson returns the change that replaces a person; the condition is that it is still at p.Version.
func (d *Directory) UpdatePerson(p Person) store.Change {
	it, err := p.item()
	return in(login(p.Email), store.Update(it, p.Version), err)
}

// DeletePerson returns the change that removes a person; the condition is that it is still at p.Version.
func (d *Directory) DeletePerson(p Person) store.Change {
	return in(login(p.Email), store.Delete(keys.Person, p.Version), nil)
}
