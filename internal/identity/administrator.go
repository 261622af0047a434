package identity

import (
	"context"
	"errors"
	"slices"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// administratorName is the name of the first global administrator, until it changes it.
const administratorName = "Administrator"

// EnsureGlobalAdmin makes the person with the given address a global administrator, if they are not one already; it is called at
// every start. Without a password it makes one for a new login and returns it, that one time. A login that exists keeps its own
// password. Errors: fault.Invalid (email, password), those of the table.
func (s *Service) EnsureGlobalAdmin(ctx context.Context, email, password string) (created bool, generated string, err error) {
	const op = "identity.EnsureGlobalAdmin"
	if email, err = directory.NormalizeEmail(email); err != nil {
		return false, "", fault.Wrap(op, fault.Invalid, "validation_failed", err)
	}
	person, err := s.Directory.PersonByEmail(ctx, email)
	isNew := errors.Is(err, store.ErrNotFound)
	if err != nil && !isNew {
		return false, "", store.Fault(op, err)
	}
	if slices.ContainsFunc(person.Memberships, func(m directory.Membership) bool { return m.Global }) {
		return false, "", nil
	}
	if isNew {
		if password == "" {
			generated = s.System.NewSecret()
			password = generated
		}
		if person, err = s.newPerson(ctx, op, email, administratorName, password); err != nil {
			return false, "", store.Fault(op, err)
		}
	}
	err = s.addAdministrator(ctx, person, isNew)
	if _, lost := store.FailedOn(err); lost { // another process started at the same time
		return false, "", nil
	}
	if err != nil {
		return false, "", store.Fault(op, err)
	}
	return true, generated, nil
}

func (s *Service) addAdministrator(ctx context.Context, person directory.Person, isNew bool) error {
	user := User{ID: s.System.NewID("usr"), Person: person.ID, Email: person.Email, Name: person.Name,
		Role: tenant.GlobalAdmin, Status: StatusActive, CreatedAt: s.now()}
	row, err := user.item()
	if err != nil {
		return err
	}
	person = person.Join(directory.Membership{User: user.ID, Global: true})
	login := s.Directory.UpdatePerson(person)
	if isNew {
		login = s.Directory.CreatePerson(person)
	}
	home := directory.Home(user.ID)
	e, err := s.event(ctx, home, audit.Fact{Type: events.TypeAdministratorCreated, Actor: audit.Actor{Type: "system"},
		Target: audit.Target{Type: "user", ID: user.ID}, Private: contactValues{person.Email, person.Name},
		Change: events.AdministratorCreated{UserID: user.ID, FirstStart: isNew}})
	if err != nil {
		return err
	}
	return s.Table.Commit(ctx, home, audit.Of(directory.PlatformEvent(e)), login, store.Create(row))
}
