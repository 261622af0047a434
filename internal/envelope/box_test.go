package envelope_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/tenant"
)

// careless gives everybody one key.
type careless struct{ wrapped []byte }

func (careless) Scheme() byte { return 'X' }

func (c careless) New(context.Context, envelope.Context) (envelope.DataKey, error) {
	return envelope.DataKey{Key: make([]byte, envelope.KeyBytes), Wrapped: c.wrapped}, nil
}

func (careless) Unwrap(context.Context, envelope.Context, []byte) ([]byte, error) {
	return make([]byte, envelope.KeyBytes), nil
}

// INVARIANT 6: the owner and the purpose are authenticated with the secret, whatever the keys are bound to.
func TestASecretIsBoundToItsContextByItself(t *testing.T) {
	s := envelope.NewBox(careless{[]byte("wrapped")}, rand.Reader)
	box, err := s.Seal(t.Context(), "cli_azul", "channel", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Open(t.Context(), "cli_azul", "channel", box); err != nil || string(got) != "secret" {
		t.Fatalf("%q, %v", got, err)
	}
	_, purpose := s.Open(t.Context(), "cli_azul", "webhook", box)
	_, client := s.Open(t.Context(), "cli_azul2", "channel", box)
	_, shifted := s.Open(t.Context(), "cli_azulc", "hannel", box)
	_, person := s.OpenPerson(t.Context(), "per_azul", "channel", box)
	changed := bytes.Clone(box)
	changed[4] ^= 1
	_, header := s.Open(t.Context(), "cli_azul", "channel", changed)
	for name, err := range map[string]error{"purpose": purpose, "client": client, "the border between them": shifted, "person": person, "wrapped key": header} {
		if !errors.Is(err, envelope.ErrOpen) {
			t.Errorf("another %s: %v, want ErrOpen", name, err)
		}
	}
}

// INVARIANT 6: what is no client is no owner, and no key is asked for on its behalf.
func TestOnlyAClientOwns(t *testing.T) {
	s := envelope.NewBox(careless{[]byte("wrapped")}, rand.Reader)
	for _, owner := range []tenant.ID{"", "cli", "CLI_AZUL", "$platform#1", "cli_a b"} {
		if box, err := s.Seal(t.Context(), owner, "channel", []byte("secret")); !errors.Is(err, envelope.ErrContext) || box != nil {
			t.Errorf("%q: %x, %v", owner, box, err)
		}
	}
}

func TestKeysOfNoUse(t *testing.T) {
	s := envelope.NewBox(careless{make([]byte, envelope.MaxWrapped+1)}, rand.Reader)
	if _, err := s.Seal(t.Context(), "cli_azul", "channel", nil); !errors.Is(err, envelope.ErrUnavailable) {
		t.Errorf("a wrapped key that is too long: %v", err)
	}
	s = envelope.NewBox(careless{}, bytes.NewReader(nil))
	if _, err := s.Seal(t.Context(), "cli_azul", "channel", nil); err == nil {
		t.Error("sealed without a nonce")
	}
}
