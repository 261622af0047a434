package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// A session is over 30 days after the sign-in. Switching starts another one without a password, which must not be a way around that: not
// for its person, and not for who has stolen an access token of some minutes.
func TestSwitchProlongsNothing(t *testing.T) {
	w := newWorld(t)
	w.member(t, verde, "ana@x.example", good)
	from := w.member(t, azul, "ana@x.example", good)
	row, err := w.table.Get(w.ctx, azul, keys.Session(w.claims(t, from).Principal.Session))
	if err != nil {
		t.Fatal(err)
	}
	end := row.ExpiresAt
	for range 3 { // to and fro, the last day of each session
		w.clock.Advance(9 * 24 * time.Hour)
		for _, client := range []tenant.ID{verde, azul} {
			from = w.refreshed(t, from)
			if from, err = w.Switch(w.as(t, from), client); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := w.claims(t, from).Principal
	if row, err = w.table.Get(w.ctx, p.Client, keys.Session(p.Session)); err != nil || !row.ExpiresAt.Equal(end) {
		t.Errorf("the session ends %v, want %v as the one of the sign-in; %v", row.ExpiresAt, end, err)
	}
	if n := count(w.trail(t, azul), events.TypeSessionStarted, end.UTC().Format(time.RFC3339)); n != 4 {
		t.Errorf("%d events say when the sessions end, want 4", n)
	}
	w.clock.Advance(3 * 24 * time.Hour)
	_, err = w.Refresh(w.ctx, from.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
}

// An assumed session says which session it was begun with: the authorizer lets it end with that.
func TestAssumedSessionNamesTheOneAtHome(t *testing.T) {
	w := assumeWorld(t)
	ctx, root := w.root(t)
	got, err := w.Assume(ctx, identity.Assume{Client: azul, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.table.Get(w.ctx, azul, keys.Session(got.Session))
	if err != nil || !strings.Contains(string(row.Summary), `"home":"`+root.Session+`"`) {
		t.Errorf("%s, %v", row.Summary, err)
	}
}
