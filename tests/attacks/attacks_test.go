package attacks

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/tests/env"
	"github.com/nowgo/agents/tests/journey"
	"github.com/nowgo/agents/tests/stack"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// keyOf returns the private key of a key document.
func keyOf(t *testing.T, document []byte) ed25519.PrivateKey {
	t.Helper()
	var set struct{ Keys []struct{ D string } }
	if err := json.Unmarshal(document, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%d keys: %v", len(set.Keys), err)
	}
	seed, err := base64.RawURLEncoding.DecodeString(set.Keys[0].D)
	if err != nil {
		t.Fatal(err)
	}
	return ed25519.NewKeyFromSeed(seed)
}

// event is what the tests look at of an audit event.
type event struct {
	Type   string
	Change struct {
		Method string
		Reason string
		Count  int
		Step   string
	}
	Actor struct{ Type string }
}

// refusals returns the credential.refused of the trail that the token's principal reads.
func refusals(t *testing.T, d Target, token string) []event {
	t.Helper()
	var all []event
	for cursor := ""; ; {
		var page struct {
			Items []event
			Next  *string `json:"next_cursor"`
		}
		d.As(t, token).Must(200, "GET", "/v1/audit-events?limit=100&cursor="+cursor, nil).Into(&page)
		for _, e := range page.Items {
			if e.Type == "credential.refused" {
				all = append(all, e)
			}
		}
		if page.Next == nil {
			return all
		}
		cursor = *page.Next
	}
}

func root(t *testing.T, d Target) string {
	t.Helper()
	return d.As(t, "").Must(200, "POST", "/v1/auth/sign-in", object{"email": d.AdminEmail, "password": d.AdminPassword}).Text("access_token")
}

// expired fails unless the client's own trail says that tokens of its people were tried after their end.
func expired(t *testing.T, d Target, v Victim) {
	t.Helper()
	n := 0
	for _, e := range refusals(t, d, v.Token) {
		if e.Change.Reason != "token_expired" || e.Change.Method != "token" || e.Actor.Type != "anonymous" {
			t.Errorf("in the client's trail: %+v", e)
		}
		n += e.Change.Count
	}
	if n != 2 {
		t.Errorf("%d expired tokens in the client's trail, want 2", n)
	}
}

func TestMonolith(t *testing.T) {
	binary, folder := journey.BuildMonolith(t), t.TempDir()
	p := journey.StartMonolith(t, binary, folder)
	document, err := os.ReadFile(filepath.Join(folder, "signing-keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := Target{Deployment: p.Deployment(), Key: keyOf(t, document)}
	v := Onboard(t, d)
	sent := Tokens(t, d, v)
	sent += Headers(t, d, v)
	t.Run("published keys", func(t *testing.T) { Published(t, d) })
	expired(t, d, v)
	if n := len(refusals(t, d, root(t, d))); n < 10 || n > 40 {
		t.Errorf("%d of %d refusals listed at once, want ten a minute", n, sent)
	}
	// What is counted and not listed is written at the end of the minute, or of the process.
	if status := p.Stop(t); status != 0 {
		t.Fatalf("status %d: %s", status, p.Log())
	}
	d.Deployment = journey.StartMonolith(t, binary, folder).Deployment()
	all := refusals(t, d, root(t, d))
	n := 0
	for _, e := range all {
		n += e.Change.Count
	}
	if n < sent || n > sent+10 || len(all) > 40 {
		t.Errorf("%d events of %d refusals, %d were sent", len(all), n, sent)
	}
}

func TestStack(t *testing.T) {
	s := stack.Deploy(t)
	api := secretsmanager.NewFromConfig(env.AWS(s.Endpoint))
	list, err := api.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{})
	if err != nil {
		t.Fatal(err)
	}
	d := Target{Gateway: true, Deployment: journey.Deployment{URL: s.APIURL, AdminEmail: s.AdministratorEmail, AdminPassword: s.AdministratorPassword,
		Archived: s.Archived}}
	var id *string
	for _, secret := range list.SecretList {
		if filepath.Base(aws.ToString(secret.Name)) == "signing-keys" {
			id = secret.ARN
		}
	}
	read := func() []byte {
		value, err := api.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: id})
		if err != nil {
			t.Fatal(err)
		}
		document, err := identity.KeyDocument([]byte(aws.ToString(value.SecretString)))
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	d.Key = keyOf(t, read())
	v := Onboard(t, d)
	sent := Tokens(t, d, v)
	sent += Headers(t, d, v)
	t.Run("published keys", func(t *testing.T) { Published(t, d) })
	expired(t, d, v)
	n := 0
	for _, e := range refusals(t, d, root(t, d)) {
		n += e.Change.Count
	}
	if n < 10 {
		t.Errorf("%d of %d refusals recorded", n, sent)
	}
	t.Run("rotation", func(t *testing.T) { rotation(t, s, d, v, read) })
}

// rotation wakes the keeper of the keys as its rule does every hour: the text that the first key is derived from becomes a document with
// that key and one to come, all that was issued stays good, and a second run finds nothing to do.
func rotation(t *testing.T, s *stack.Stack, d Target, v Victim, read func() []byte) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for range 2 {
		s.Invoke(t, "keykeeper")
		var set struct {
			Keys []struct{ Kid, D string }
		}
		// The clock may have woken another run, which this one leaves the keys to: what counts is what is there in the end.
		for deadline := time.Now().Add(30 * time.Second); ; {
			err := json.Unmarshal(read(), &set)
			if err == nil && len(set.Keys) == 2 && set.Keys[0].Kid == v.header["kid"] && set.Keys[0].D != "" && set.Keys[1].D != "" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d keys: %v", len(set.Keys), err)
			}
			<-tick.C
		}
	}
	admitted(t, d, v.claims["sub"], "Bearer "+v.Token)
	steps := 0
	var page struct{ Items []event }
	d.As(t, root(t, d)).Must(200, "GET", "/v1/audit-events?limit=100", nil).Into(&page)
	for _, e := range page.Items {
		if e.Type == "signing_key.rotated" {
			steps++
			if e.Change.Step != "announced" || e.Actor.Type != "system" {
				t.Errorf("%+v", e)
			}
		}
	}
	// A run that came second has recorded the step that it then left.
	if steps < 1 || steps > 2 {
		t.Errorf("%d steps recorded, want 1, or 2 where two runs met", steps)
	}
}
