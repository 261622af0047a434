package identity

import (
	"context"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// endBatch is how many sessions one commit ends: each is a change and an event, which leaves room below [store.MaxActions].
const endBatch = 40

// SignOut ends the session of the call in ctx. A session that has ended already is no error. Errors: fault.Unauthenticated
// where nobody is signed in, those of the table.
func (s *Service) SignOut(ctx context.Context) error {
	const op = "identity.SignOut"
	p := tenant.CallFrom(ctx).Principal
	if p.Anonymous() || p.Session == "" {
		return fault.New(op, fault.Unauthenticated, "unauthenticated")
	}
	_, err := s.endSessions(ctx, partitionOf(p), p.User, []string{p.Session}, "signed_out")
	return store.Fault(op, err)
}

// EndUserSessions ends all sessions of a user but one: except is the id of the session that goes on, or empty. Reason is a word in
// snake_case for the events, of which there is one for each session. The partition is where the user is kept: a client, or
// [directory.Membership.Partition].
//
// On DynamoDB it finds the sessions in an index, which lags by milliseconds: who puts somebody out for good changes the user or the
// person first, which every refresh reads consistently. It works in commits of at most 40 sessions, so that a failure can leave some
// ended; to call it again ends the rest. The answer of a repeatable operation, nil, is announced with the last commit.
//
// Errors: those of the table.
func (s *Service) EndUserSessions(ctx context.Context, partition tenant.ID, user, except, reason string) error {
	const op = "identity.EndUserSessions"
	q := store.Query{Index: store.ByParent, Prefix: keys.UserSessions(user), Limit: endBatch}
	var ids []string
	for {
		page, err := s.Table.Query(ctx, partition, q)
		if err != nil {
			return store.Fault(op, err)
		}
		for _, it := range page.Items {
			var sum sessionSummary
			if err := it.Read(&sum, nil); err != nil {
				return store.Fault(op, err)
			}
			if sum.ID != except {
				ids = append(ids, sum.ID)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for len(ids) > 0 {
		n := min(endBatch, len(ids))
		if n == len(ids) {
			idempotency.Answer(ctx, nil)
		}
		if _, err := s.endSessions(ctx, partition, user, ids[:n], reason); err != nil {
			return store.Fault(op, err)
		}
		ids = ids[n:]
	}
	return nil
}

// endSessions deletes the user's sessions among the given ones, at most [endBatch], at whatever generation they are by then: a refresh
// that slips in between can't keep one alive. It returns how many there were; those of somebody else count as absent. Where there were
// some, also is recorded in the same commit.
func (s *Service) endSessions(ctx context.Context, partition tenant.ID, user string, ids []string, reason string, also ...audit.Event,
) (int, error) {
	sks := make([]string, len(ids))
	for i, id := range ids {
		sks[i] = keys.Session(id)
	}
	for try := 1; ; try++ {
		rows, err := s.Table.BatchGet(ctx, partition, sks)
		if err != nil {
			return 0, err
		}
		changes, ended, err := s.endings(ctx, partition, user, rows, reason)
		if err != nil || len(changes) == 0 {
			return 0, err
		}
		err = s.Table.Commit(ctx, partition, audit.Of(ended[0], append(ended[1:], also...)...), changes...)
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return len(changes), err
		}
	}
}

// endings returns the changes that delete the user's sessions among the rows, and their events.
func (s *Service) endings(ctx context.Context, partition tenant.ID, user string, rows []store.Item, reason string,
) (changes []store.Change, ended []audit.Event, err error) {
	actor := audit.Actor{} // of the call
	if tenant.CallFrom(ctx).Principal.Anonymous() {
		actor = audit.Actor{Type: "user", ID: user}
	}
	for _, row := range rows {
		var sum sessionSummary
		if err := row.Read(&sum, nil); err != nil {
			return nil, nil, err
		}
		if sum.User != user {
			continue
		}
		e, err := s.event(ctx, partition, audit.Fact{Type: events.TypeSessionEnded, Actor: actor, Private: callerOf(ctx, ""),
			Target: audit.Target{Type: "session", ID: sum.ID}, Change: events.SessionEnded{SessionID: sum.ID, Reason: reason}})
		if err != nil {
			return nil, nil, err
		}
		changes, ended = append(changes, store.Delete(row.SK, row.Version)), append(ended, e)
	}
	return changes, ended, nil
}
