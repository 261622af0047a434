package secrets_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/keykeeper/secrets"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// newSecret makes a secret in the emulator with the text that the infra app has generated.
func newSecret(t *testing.T, text string) secrets.Secret {
	t.Helper()
	api := secretsmanager.NewFromConfig(env.AWS(env.MiniStack(t)))
	out, err := api.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String(system.Real().NewID("sec")), SecretString: aws.String(text)})
	if err != nil {
		t.Fatal(err)
	}
	return secrets.Secret{API: api, ID: aws.ToString(out.ARN), System: system.Real()}
}

func rotated(t *testing.T, document []byte) []byte {
	t.Helper()
	next, steps, err := identity.RotateKeys(document, system.Real())
	if err != nil || len(steps) != 1 {
		t.Fatalf("%v, %v", steps, err)
	}
	return next
}

func TestTheGeneratedTextBecomesADocumentThatHoldsItsKey(t *testing.T) {
	text := strings.Repeat("s", 64)
	s := newSecret(t, text)
	first, version, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	derived, err := identity.DeriveKeys([]byte(text))
	if err != nil || string(first) != string(derived) {
		t.Fatalf("not the derived key: %v", err)
	}
	if err := s.Replace(t.Context(), version, rotated(t, first)); err != nil {
		t.Fatal(err)
	}
	document, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, errBefore := identity.ParseKeys(first)
	after, errAfter := identity.ParseKeys(document)
	if err := errors.Join(errBefore, errAfter); err != nil {
		t.Fatal(err)
	}
	if len(after.IDs()) != 2 || after.IDs()[0] != before.IDs()[0] {
		t.Errorf("%v after %v", after.IDs(), before.IDs())
	}
}

func TestOfTwoRunsOneReplaces(t *testing.T) {
	s := newSecret(t, strings.Repeat("r", 64))
	first, version, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var results [4]error
	var documents [4]string
	for i := range results {
		documents[i] = string(rotated(t, first))
		all.Go(func() { results[i] = s.Replace(t.Context(), version, []byte(documents[i])) })
	}
	all.Wait()
	now, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	won := 0
	for i, err := range results {
		switch {
		case err == nil:
			won++
			if documents[i] != string(now) {
				t.Error("another's document is in place of the winner's")
			}
		case !errors.Is(err, identity.ErrKeysMoved):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d runs replaced the keys, want 1", won)
	}
}

func TestWhatIsNoSecretIsAnError(t *testing.T) {
	s := newSecret(t, "short")
	if _, err := s.Load(t.Context()); err == nil {
		t.Error("a key was made of five letters")
	}
	s.ID = "none"
	if _, err := s.Load(t.Context()); err == nil {
		t.Error("a secret that is not there was read")
	}
	if err := s.Replace(t.Context(), "v", []byte("{}")); err == nil || errors.Is(err, identity.ErrKeysMoved) {
		t.Errorf("err %v", err)
	}
}
