package identity

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// KeyNoteEvery is how often it is written down that a key was used.
const KeyNoteEvery = time.Hour

// Opens returns until when the credential opens the key, and false where its secret is neither the key's nor, during the overlap of a
// rotation, the one before. It takes the same time for every secret, and for a key that does not exist ([APIKey]{}). Whether the key
// itself has expired is the caller's to ask.
func (k APIKey) Opens(c KeyCredential, now time.Time) (until time.Time, ok bool) {
	const length = 64 // of a hash in hexadecimal
	var none [length]byte
	current, previous := none[:], none[:]
	if len(k.hash) == length {
		current = []byte(k.hash)
	}
	if len(k.previous) == length && now.Before(k.OverlapEnd) {
		previous = []byte(k.previous)
	}
	isCurrent := subtle.ConstantTimeCompare(current, []byte(c.hash))
	isPrevious := subtle.ConstantTimeCompare(previous, []byte(c.hash))
	switch {
	case isCurrent == 1:
		return k.ExpiresAt, true
	case isPrevious == 1 && k.OverlapEnd.Before(k.ExpiresAt):
		return k.OverlapEnd, true
	case isPrevious == 1:
		return k.ExpiresAt, true
	}
	return time.Time{}, false
}

// Principal returns the machine that the key of the client lets in.
func (k APIKey) Principal(client tenant.ID) tenant.Principal {
	return tenant.Principal{Client: client, User: k.ID, Role: k.Role, Scopes: k.Scopes, Rate: k.Rate}
}

// UseDue reports whether it should be written down that the key is used now.
func (k APIKey) UseDue(now time.Time) bool { return now.Sub(k.LastUsedAt) >= KeyNoteEvery }

// NoteKeyUse writes down that the key of the client is used now, and returns it as it then is. How often is the caller's to
// ask, of [APIKey.UseDue]. Losing a race is no error: somebody else wrote the same, or the key has changed. Errors: those of
// the table.
func NoteKeyUse(ctx context.Context, table store.Table, sys system.System, client tenant.ID, k APIKey) (APIKey, error) {
	was := k.row
	k.LastUsedAt, k.row = sys.Now().UTC().Truncate(time.Second), was+1
	row, err := k.item()
	if err != nil {
		return k, err
	}
	e, err := audit.Happened(ctx, sys, client, audit.Fact{Capability: capability, Type: events.TypeAPIKeyUsed, Target: keyTarget(k.ID),
		Actor: audit.Actor{Type: "key", ID: k.ID}, Change: events.APIKeyUsed{KeyID: k.ID}})
	if err != nil {
		return k, err
	}
	err = table.Commit(ctx, client, audit.Of(e), store.Update(row, was))
	if _, lost := store.FailedOn(err); lost {
		err = nil
	}
	return k, err
}
