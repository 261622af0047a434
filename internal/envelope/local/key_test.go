package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"testing"

	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/tenant"
)

// recorder notes the contexts that a box asks keys for.
type recorder struct{ seen []envelope.Context }

func (*recorder) Scheme() byte { return 'R' }

func (r *recorder) New(_ context.Context, of envelope.Context) (envelope.DataKey, error) {
	r.seen = append(r.seen, of)
	return envelope.DataKey{Key: make([]byte, envelope.KeyBytes)}, nil
}

func (*recorder) Unwrap(context.Context, envelope.Context, []byte) ([]byte, error) {
	return nil, envelope.ErrOpen
}

func TestEveryContextSaltAndSecretHasItsOwnKey(t *testing.T) {
	r := &recorder{}
	box := envelope.NewBox(r, rand.Reader)
	for _, c := range [][2]string{{"cli_azul", "channel"}, {"cli_azul2", "channel"}, {"cli_azul", "webhook"}} {
		if _, err := box.Seal(t.Context(), tenant.ID(c[0]), c[1], nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := box.SealPerson(t.Context(), "per_azul", "channel", nil); err != nil {
		t.Fatal(err)
	}
	keys := map[string]int{}
	for _, secret := range []byte{'1', '2'} {
		m, err := newMaster(bytes.Repeat([]byte{secret}, minSecret))
		if err != nil {
			t.Fatal(err)
		}
		for _, salt := range []byte{'a', 'b'} {
			for _, of := range r.seen {
				key, err := m.key(of, bytes.Repeat([]byte{salt}, saltBytes))
				if err != nil || len(key) != envelope.KeyBytes {
					t.Fatalf("%d bytes, %v", len(key), err)
				}
				keys[string(key)]++
			}
		}
	}
	if len(keys) != 2*2*len(r.seen) {
		t.Errorf("%d keys of %d", len(keys), 2*2*len(r.seen))
	}
}
