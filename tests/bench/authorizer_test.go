package bench

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
	"github.com/nowgo/agents/tests/journey"
)

const (
	decisionRounds = 21
	decisionsEach  = 400 // in a round, of each of the two that are compared
)

// decided is a platform in this process with somebody who calls it.
type decided struct {
	app            *app.App
	access         *access.Decider
	keys           *identity.KeySet
	token, refresh string
	apiKey         string
}

func newDecided(b *testing.B) decided {
	b.Helper()
	sys := system.Real()
	document, err := identity.GenerateKeys(sys)
	if err != nil {
		b.Fatal(err)
	}
	d := decided{}
	if d.keys, err = identity.ParseKeys(document); err != nil {
		b.Fatal(err)
	}
	if d.access, err = access.New(); err != nil {
		b.Fatal(err)
	}
	d.app, err = app.New(app.Ports{Table: testkit.OpenTable(b, bolt.Config{System: sys, SweepEvery: -1}), Blobs: testkit.OpenBlobs(b, sys),
		Cache: memory.New(sys, 1<<20, 1024), Meter: memory.NewMeter(sys, 1024), Keys: d.keys, Secret: make([]byte, 32), System: sys,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := d.app.Identity.EnsureGlobalAdmin(b.Context(), adminEmail, adminPassword); err != nil {
		b.Fatal(err)
	}
	handler, err := d.app.Handler(app.All()...)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(httpapi.Authenticate(d.app.Authorizer.Verdict, handler))
	b.Cleanup(server.Close)
	d.onboard(b, journey.Deployment{URL: server.URL})
	return d
}

func (d *decided) onboard(b *testing.B, at journey.Deployment) {
	b.Helper()
	nobody := at.As(b, "")
	root := at.As(b, nobody.Must(200, "POST", "/v1/auth/sign-in", object{"email": adminEmail, "password": adminPassword}).Text("access_token"))
	made := root.Must(201, "POST", "/v1/clients", object{"name": "Loja Azul", "slug": "loja-azul", "languages": []string{"pt-BR"},
		"administrator": object{"email": "ana@loja.example", "name": "Ana"}})
	entered := nobody.Must(200, "POST", "/v1/auth/invitations/accept", object{"token": made.Text("invitation", "token"), "name": "Ana",
		"password": "um-segredo-bem-comprido-42"})
	d.token, d.refresh = entered.Text("access_token"), entered.Text("refresh_token")
	d.apiKey = at.As(b, d.token).Must(201, "POST", "/v1/api-keys", object{"name": "ERP", "role": "agent_manager",
		"scopes": []string{"list-agents"}}).Text("key")
}

// BenchmarkAuthorizer compares the decision about a call (the token verified, its session live from the cache, what it may do decided by
// the policies) with the bare check of the same token's signature by crypto/ed25519, in turn; and shows the other ways in.
func BenchmarkAuthorizer(b *testing.B) {
	d := newDecided(b)
	bare := signature(b, d)
	check := func() {
		if !bare() {
			b.Fatal("the signature does not hold")
		}
	}
	for _, way := range []struct {
		what, credential, operation, target string
		met                                 func(float64) bool
	}{
		{"decision by access token, session in the cache", d.token, "get-own-client", "≤ 1.5", func(r float64) bool { return r <= 1.5 }},
		{"decision by API key, key in the cache", d.apiKey, "list-agents", "shown", func(float64) bool { return true }},
	} {
		header := "Bearer " + way.credential
		decide := func() {
			p, err := d.app.Authorizer.Authorize(b.Context(), header)
			if err != nil {
				b.Fatal(err)
			}
			if !d.access.Decide(p, way.operation, access.Resource{Client: p.Client}).Allow {
				b.Fatal("denied")
			}
		}
		ours, theirs, ratio := inTurn(decide, check)
		allocations := testing.AllocsPerRun(100, decide)
		note(b, fmt.Sprintf("%s (%.0f allocations), against one ed25519 check", way.what, allocations), us(ours), us(theirs), ratio, way.target,
			way.met(ratio))
		b.ReportMetric(ratio, strings.Fields(way.what)[2]+"-ratio")
		b.ReportMetric(allocations, strings.Fields(way.what)[2]+"-allocs")
	}
	d.refreshing(b)
}

// refreshing shows a refresh, which rotates the session in a durable commit and signs a token, against the commit of one row.
func (d decided) refreshing(b *testing.B) {
	b.Helper()
	token := d.refresh
	ctx := tenant.WithCall(context.Background(), tenant.Call{Operation: "refresh"})
	again := func() {
		next, err := d.app.Identity.Refresh(ctx, token)
		if err != nil {
			b.Fatal(err)
		}
		token = next.RefreshToken
	}
	sys := system.Real()
	table := testkit.OpenTable(b, bolt.Config{System: sys, SweepEvery: -1})
	n := 0
	commit := func() {
		n++
		it, e := oneChange(fmt.Sprint(n))
		if err := table.Commit(context.Background(), client, audit.Of(e), store.Create(it)); err != nil {
			b.Fatal(err)
		}
	}
	var ours, theirs []time.Duration
	for range 50 {
		ours, theirs = append(ours, timed(again)), append(theirs, timed(commit))
	}
	ratio := float64(median(ours)) / float64(median(theirs))
	note(b, fmt.Sprintf("warm refresh (%.0f allocations), against one durable commit", testing.AllocsPerRun(10, again)), us(median(ours)), us(median(theirs)),
		ratio, "shown", true)
}

// signature returns the bare check of the token's signature.
func signature(b *testing.B, d decided) func() bool {
	b.Helper()
	var set struct{ Keys []struct{ X string } }
	if err := json.Unmarshal(d.keys.JWKS(), &set); err != nil {
		b.Fatal(err)
	}
	public, err := base64.RawURLEncoding.DecodeString(set.Keys[0].X)
	if err != nil {
		b.Fatal(err)
	}
	at := strings.LastIndexByte(d.token, '.')
	message := []byte(d.token[:at])
	sig, err := base64.RawURLEncoding.DecodeString(d.token[at+1:])
	if err != nil {
		b.Fatal(err)
	}
	return func() bool { return ed25519.Verify(public, message, sig) }
}

// inTurn measures two things in short turns, so that what else the machine does meets both, and returns the median time of one of each
// and the median of the turns' ratios.
func inTurn(ours, theirs func()) (one, other time.Duration, ratio float64) {
	var a, b []time.Duration
	var ratios []float64
	for range decisionRounds {
		x, y := timed(func() { repeat(ours) }), timed(func() { repeat(theirs) })
		a, b = append(a, x/decisionsEach), append(b, y/decisionsEach)
		ratios = append(ratios, float64(x)/float64(y))
	}
	return median(a), median(b), median(ratios)
}

func repeat(do func()) {
	for range decisionsEach {
		do()
	}
}

func timed(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

func us(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d.Nanoseconds())/1000) }
