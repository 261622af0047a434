package identity_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/testkit"
)

func TestRefreshGivesTheNextGeneration(t *testing.T) {
	w := newWorld(t)
	first := w.member(t, azul, "ana@x.example", good)
	was := w.claims(t, first).Principal
	w.clock.Advance(20 * time.Minute)
	second, err := w.Refresh(w.ctx, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("a token is the same as before")
	}
	if is := w.claims(t, second).Principal; is != was {
		t.Errorf("principal %+v, want %+v", is, was)
	}
	if _, err := w.Refresh(w.ctx, second.RefreshToken); err != nil {
		t.Error(err)
	}
	if n := count(w.trail(t, azul), events.TypeSessionRefreshed, ""); n != 2 {
		t.Errorf("%d session.refreshed, want 2", n)
	}
	wantNoSecrets(t, w.trail(t, azul), []string{"ana@x", "203.0.113.9"}, []string{first.RefreshToken, second.RefreshToken, second.AccessToken})
}

// refreshed uses a refresh token, which must work.
func (w *world) refreshed(t *testing.T, tokens identity.Tokens) identity.Tokens {
	t.Helper()
	next, err := w.Refresh(w.ctx, tokens.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// wantReused fails unless the token ends its session, for its holder and for everybody else's.
func (w *world) wantReused(t *testing.T, stolen, current identity.Tokens) {
	t.Helper()
	for _, tokens := range []identity.Tokens{stolen, current, stolen} {
		_, err := w.Refresh(w.ctx, tokens.RefreshToken)
		wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	}
	trail := w.trail(t, azul)
	if ended, refused := count(trail, events.TypeSessionEnded, "token_reused"), count(trail, events.TypeSessionRefused, "token_reused"); ended != 1 || refused != 1 {
		t.Errorf("%d session.ended and %d session.refused, want 1 of each", ended, refused)
	}
}

func TestUsedRefreshTokenEndsItsSession(t *testing.T) {
	w := newWorld(t)
	first := w.member(t, azul, "ana@x.example", good)
	second := w.refreshed(t, first)
	w.clock.Advance(identity.SupersededFor)
	w.wantReused(t, first, second)
}

func TestGenerationBeforeTheLastEndsItsSessionAtOnce(t *testing.T) {
	w := newWorld(t)
	first := w.member(t, azul, "ana@x.example", good)
	w.wantReused(t, first, w.refreshed(t, w.refreshed(t, first)))
}

func TestSupersededTokenGetsNothingAndEndsNothing(t *testing.T) {
	w := newWorld(t, metered)
	first := w.member(t, azul, "ana@x.example", good)
	second := w.refreshed(t, first)
	row := w.sessionRow(t, first)
	for range 3 {
		w.clock.Advance(identity.SupersededFor/3 - time.Millisecond)
		tokens, err := w.Refresh(w.ctx, first.RefreshToken)
		wantFault(t, err, fault.Conflict, "refresh_superseded")
		if tokens != (identity.Tokens{}) {
			t.Error("the loser got tokens")
		}
	}
	if now := w.sessionRow(t, first); now.Version != row.Version {
		t.Error("a superseded token changed its session")
	}
	if n := count(w.trail(t, azul), events.TypeSessionRefused, "superseded"); n != 1 {
		t.Errorf("%d refusals recorded in a minute, want 1", n)
	}
	third := w.refreshed(t, second)
	w.wantReused(t, first, third) // which is two generations old by now, however little time passed
}

func (w *world) sessionRow(t *testing.T, tokens identity.Tokens) store.Item {
	t.Helper()
	it, err := w.table.Get(t.Context(), azul, keys.Session(w.claims(t, tokens).Principal.Session))
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func TestNobodyEndsASessionByKnowingItsID(t *testing.T) {
	w := newWorld(t)
	eve := w.member(t, azul, "eve@x.example", other)
	ana := w.member(t, azul, "ana@x.example", good)
	for name, forged := range identity.ForgeRefreshTokens(eve.RefreshToken, ana.RefreshToken) {
		_, err := w.Refresh(w.ctx, forged)
		wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if _, err := w.Refresh(w.ctx, ana.RefreshToken); err != nil {
		t.Errorf("the session has gone: %v", err)
	}
}

// The losers of a race are told that they lost, and the session goes on.
func TestOfTwoRacingRefreshesOneWins(t *testing.T) {
	w := newWorld(t)
	for round := range 30 {
		first := w.member(t, azul, fmt.Sprintf("ana%d@x.example", round), good)
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []identity.Tokens
		start := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				<-start
				tokens, err := w.Refresh(w.ctx, first.RefreshToken)
				if err != nil {
					wantFault(t, err, fault.Conflict, "refresh_superseded")
					return
				}
				mu.Lock()
				won = append(won, tokens)
				mu.Unlock()
			})
		}
		close(start)
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d refreshes won, want 1", len(won))
		}
		w.refreshed(t, won[0])
		if n := count(w.trail(t, azul), events.TypeSessionRefreshed, ""); n != 2*(round+1) {
			t.Fatalf("%d session.refreshed, want %d", n, 2*(round+1))
		}
	}
}

// putFrom has the person put an end to all sessions.
func (w *world) putFrom(t *testing.T, email string) {
	t.Helper()
	p, err := w.dir.PersonByEmail(w.ctx, email)
	if err != nil {
		t.Fatal(err)
	}
	p.SessionsFrom = w.sys.Now().UTC()
	e, err := audit.Happened(w.ctx, w.sys, azul, audit.Fact{Capability: "test", Type: events.TypeSessionRefused, Target: audit.Target{Type: "person", ID: p.ID},
		Change: events.SessionRefused{Method: "test", Reason: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.table.Commit(w.ctx, azul, audit.Of(e), w.dir.UpdatePerson(p)); err != nil {
		t.Fatal(err)
	}
}

func TestSessionsOfBeforeThePersonEndedThemAllAreNotRefreshed(t *testing.T) {
	w := newWorld(t)
	before := w.member(t, azul, "ana@x.example", good)
	w.clock.Advance(time.Minute)
	w.putFrom(t, "ana@x.example")
	_, err := w.Refresh(w.ctx, before.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	if n := count(w.trail(t, azul), events.TypeSessionEnded, "sessions_revoked"); n != 1 {
		t.Errorf("%d session.ended, want 1", n)
	}
	w.refreshed(t, w.signIn(t, "ana@x.example"))
}

// A thief who knows the old password signs in while it is being changed: his session is started after the end of all others.
func TestSignInUnderWayOutlivesNoEndOfAllSessions(t *testing.T) {
	var over testkit.Overtaken
	w := newWorld(t, func(d *identity.Deps) {
		over.Table = d.Table
		d.Table = &over
	})
	w.member(t, azul, "ana@x.example", good)
	over.Times, over.First = 1, func() { w.putFrom(t, "ana@x.example") }
	w.clock.Advance(time.Minute)
	stolen := w.signIn(t, "ana@x.example")
	_, err := w.Refresh(w.ctx, stolen.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
}

func TestRefreshOfAUserWhoMayNotSignInEndsTheSession(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, "ana@x.example", good)
	it, err := w.table.Get(t.Context(), azul, keys.User(w.claims(t, tokens).Principal.User))
	if err != nil {
		t.Fatal(err)
	}
	it.Summary = bytes.Replace(it.Summary, []byte(`"active"`), []byte(`"disabled"`), 1)
	e := w.trail(t, azul)[0]
	e.Body.ID = w.sys.NewULID()
	if err := w.table.Commit(t.Context(), azul, audit.Of(e), store.Update(it, it.Version)); err != nil {
		t.Fatal(err)
	}
	_, err = w.Refresh(w.ctx, tokens.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	trail := w.trail(t, azul)
	if count(trail, events.TypeSessionRefused, "user_inactive") != 1 || count(trail, events.TypeSessionEnded, "user_inactive") != 1 {
		t.Error("the refusal, or the session's end, is not recorded")
	}
}

func TestTokensThatProveNothingAreHandedToWhoeverRecordsThem(t *testing.T) {
	var refused []error
	w := newWorld(t, func(d *identity.Deps) {
		d.Refused = func(_ context.Context, err error) { refused = append(refused, err) }
	})
	tokens := w.member(t, azul, "ana@x.example", good)
	w.clock.Advance(identity.SessionLifetime)
	before := len(w.trail(t, azul))
	for _, text := range []string{"nonsense", tokens.RefreshToken} {
		_, err := w.Refresh(w.ctx, text)
		wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	}
	if len(refused) != 2 || len(w.trail(t, azul)) != before {
		t.Errorf("%d handed over, %d recorded", len(refused), len(w.trail(t, azul))-before)
	}
}

func TestRefreshEndsWithTheSession(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, "ana@x.example", good)
	w.clock.Advance(identity.SessionLifetime - time.Minute)
	tokens, err := w.Refresh(w.ctx, tokens.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Minute)
	_, err = w.Refresh(w.ctx, tokens.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
}

func TestRefreshTokenIsKeptAsAHashAlone(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, "ana@x.example", good)
	it, err := w.table.Get(t.Context(), azul, keys.Session(w.claims(t, tokens).Principal.Session))
	if err != nil {
		t.Fatal(err)
	}
	row := string(it.Summary) + string(it.Data)
	for _, secret := range identity.RefreshSecrets(t, tokens.RefreshToken) {
		if strings.Contains(row, secret) {
			t.Errorf("the session's row holds a secret: %s", row)
		}
	}
}

func TestTextThatIsNoRefreshTokenIsRefused(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, "ana@x.example", good)
	for _, text := range []string{"", "nrt_", "nrt_!!!!", "nrt_" + strings.Repeat("A", 1000), tokens.AccessToken,
		tokens.RefreshToken + "A", tokens.RefreshToken[:len(tokens.RefreshToken)-8], strings.ToUpper(tokens.RefreshToken), "\x00"} {
		_, err := w.Refresh(w.ctx, text)
		wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	}
}
