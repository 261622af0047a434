package identity_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store/keys"
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

func TestUsedRefreshTokenEndsItsSession(t *testing.T) {
	w := newWorld(t)
	first := w.member(t, azul, "ana@x.example", good)
	second, err := w.Refresh(w.ctx, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Refresh(w.ctx, first.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	_, err = w.Refresh(w.ctx, second.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	if n := count(w.trail(t, azul), events.TypeSessionEnded, "token_reused"); n != 1 {
		t.Errorf("%d session.ended, want 1", n)
	}
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
					wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
					return
				}
				mu.Lock()
				won = append(won, tokens)
				mu.Unlock()
			})
		}
		close(start)
		wg.Wait()
		if len(won) != 1 || count(w.trail(t, azul), events.TypeSessionRefreshed, "") != round+1 {
			t.Fatalf("%d refreshes won, want 1", len(won))
		}
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
