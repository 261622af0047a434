package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// MaxWithin is how many profiles and agents an agent manager may be limited to.
const MaxWithin = 20

// UserPatch is what to change of a user; nil leaves a field as it is.
type UserPatch struct {
	Name   *string      // in this client; the person's own name stays
	Role   *tenant.Role // any but global_admin
	Status *Status      // StatusActive or StatusDisabled
	// Within is what an agent manager is limited to: at most [MaxWithin] ids of profiles and agents of the client; empty: all of its
	// client. What is deleted later stays in the list, which does not open by that. Another role has no limits and loses them.
	Within *[]string
}

// nameChange is the private part of a change of name.
type nameChange struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// UpdateUser changes a user that is at version seen. Nothing to change is no error. Disabling ends the user's sessions; a change of role
// takes effect with the next refresh, at the latest when what the authorizer remembers ends.
//
// Errors: fault.Invalid (a field), fault.NotFound `user_not_found`, fault.PreconditionFailed `version_mismatch`, fault.Conflict
// `last_administrator` and `user_not_accepted` (a status for somebody who has not accepted), those of the table.
func (s *Service) UpdateUser(ctx context.Context, client tenant.ID, id string, seen int64, p UserPatch) (User, error) {
	const op = "identity.UpdateUser"
	if err := p.validate(op); err != nil {
		return User{}, err
	}
	for try := 1; ; try++ {
		before, err := s.seenUser(ctx, op, client, id, seen)
		if err != nil {
			return User{}, err
		}
		after, err := s.patched(ctx, op, client, before, p)
		if err != nil {
			return User{}, store.Fault(op, err)
		}
		changed := before.differing(after)
		if len(changed) == 0 {
			return before, nil
		}
		err = s.updateOnce(ctx, op, client, before, &after, changed)
		if _, lost := store.FailedOn(err); lost && store.Again(ctx, try) {
			continue
		}
		if err == nil && before.Status == StatusActive && after.Status == StatusDisabled {
			err = s.endUserSessions(ctx, client, id, reasonDisabled)
		}
		return after, store.Fault(op, err)
	}
}

// updateOnce commits a user that was read as before, and sets its new version.
func (s *Service) updateOnce(ctx context.Context, op string, client tenant.ID, before User, after *User, changed []string) error {
	after.Version = before.Version + 1
	row, err := after.item()
	if err != nil {
		return err
	}
	changes := []store.Change{store.Update(row, before.Version)}
	if before.administers() && !after.administers() {
		other, err := s.otherAdministrator(ctx, op, client, before.ID)
		if err != nil {
			return err
		}
		changes = append(changes, other)
	}
	if before.Status == StatusDisabled && after.Status == StatusActive {
		// A sign-in that was under way when the user was disabled may have left a session. It does not come back to life.
		if err := s.endUserSessions(ctx, client, before.ID, reasonDisabled); err != nil {
			return err
		}
	}
	f := audit.Fact{Type: events.TypeUserUpdated, Target: audit.Target{Type: "user", ID: before.ID},
		Change: events.UserUpdated{Fields: changed, Version: after.Version, Within: after.Within.List(),
			Role:   events.Transition{From: string(before.Role), To: string(after.Role)},
			Status: events.Transition{From: string(before.Status), To: string(after.Status)}}}
	if before.Name != after.Name {
		f.Private = struct {
			Name nameChange `json:"name"`
		}{nameChange{before.Name, after.Name}}
	}
	record, err := s.happened(ctx, client, f)
	if err != nil {
		return err
	}
	idempotency.Answer(ctx, *after)
	return s.Table.Commit(ctx, client, audit.Of(record[0], record[1:]...), changes...)
}

func (p UserPatch) validate(op string) error {
	var bad []fault.Field
	if p.Name != nil && !validName(strings.TrimSpace(*p.Name)) {
		bad = append(bad, fault.Field{Location: "body.name", Message: "must have 1 to 120 characters, none of them control characters"})
	}
	if p.Role != nil && (!p.Role.Valid() || *p.Role == tenant.GlobalAdmin) {
		bad = append(bad, fault.Field{Location: "body.role", Message: "must be client_admin, agent_manager or standard_user"})
	}
	if p.Status != nil && *p.Status != StatusActive && *p.Status != StatusDisabled {
		bad = append(bad, fault.Field{Location: "body.status", Message: "must be active or disabled"})
	}
	if p.Within != nil {
		bad = append(bad, badWithin(*p.Within)...)
	}
	if len(bad) > 0 {
		return &fault.Error{Op: op, Kind: fault.Invalid, Code: "validation_failed", Fields: bad}
	}
	return nil
}

func badWithin(ids []string) (bad []fault.Field) {
	if len(ids) > MaxWithin {
		return []fault.Field{{Location: "body.within", Message: fmt.Sprintf("must have at most %d entries", MaxWithin)}}
	}
	for i, id := range ids {
		if !prefixedID(id, "pro_") && !prefixedID(id, "agt_") || strings.ContainsFunc(id, notOfID) {
			bad = append(bad, fault.Field{Location: fmt.Sprintf("body.within[%d]", i), Message: notWithin})
		}
	}
	return bad
}

func notOfID(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' }

const notWithin = "must be the id of a profile or an agent"

// patched returns u with the patch's fields.
func (s *Service) patched(ctx context.Context, op string, client tenant.ID, u User, p UserPatch) (User, error) {
	if p.Status != nil {
		// INVARIANT 14: nobody but the invited person makes the user active.
		if u.Status == StatusInvited {
			return User{}, fault.New(op, fault.Conflict, "user_not_accepted")
		}
		u.Status = *p.Status
	}
	if p.Name != nil {
		u.Name = strings.TrimSpace(*p.Name)
	}
	if p.Role != nil {
		u.Role = *p.Role
	}
	if p.Within != nil {
		if u.Role != tenant.AgentManager && len(*p.Within) > 0 {
			return User{}, fault.BadField(op, "body.within", "is for agent managers alone")
		}
		if err := s.found(ctx, op, client, *p.Within, u.Within); err != nil {
			return User{}, err
		}
		u.Within = tenant.NamesOf(*p.Within...)
	}
	if u.Role != tenant.AgentManager {
		u.Within = ""
	}
	return u, nil
}

// found returns a fault unless every id is of a profile or an agent of the client, or among those that the user has already.
func (s *Service) found(ctx context.Context, op string, client tenant.ID, ids []string, had tenant.Names) error {
	missing := map[string]bool{} // by key
	var sks []string
	for _, id := range ids {
		if sk := withinKey(id); !missing[sk] && !had.Has(id) {
			missing[sk] = true
			sks = append(sks, sk)
		}
	}
	if len(sks) == 0 {
		return nil
	}
	rows, err := s.Table.BatchGet(ctx, client, sks)
	if err != nil {
		return err
	}
	for _, row := range rows {
		delete(missing, row.SK)
	}
	for i, id := range ids {
		if missing[withinKey(id)] {
			return fault.BadField(op, fmt.Sprintf("body.within[%d]", i), notWithin)
		}
	}
	return nil
}

// withinKey is the key of the profile or the agent with the id.
func withinKey(id string) string {
	if strings.HasPrefix(id, "agt_") {
		return keys.Agent(id)
	}
	return keys.Profile(id)
}

// differing names the fields in which two users differ, in byte order.
func (u User) differing(o User) []string {
	var out []string
	for _, f := range []struct {
		name string
		same bool
	}{{"name", u.Name == o.Name}, {"role", u.Role == o.Role}, {"status", u.Status == o.Status}, {"within", u.Within == o.Within}} {
		if !f.same {
			out = append(out, f.name)
		}
	}
	return out
}
