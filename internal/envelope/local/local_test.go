package local_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/envelope/envelopetest"
	"github.com/nowgo/agents/internal/envelope/local"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

var (
	first  = bytes.Repeat([]byte("1"), 32)
	second = bytes.Repeat([]byte("2"), 43)
)

func open(t testing.TB, secret []byte, previous ...[]byte) envelope.Sealer {
	t.Helper()
	s, err := local.New(system.Real(), secret, previous...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLocal(t *testing.T) {
	envelopetest.Run(t, func(t *testing.T) envelope.Sealer { return open(t, first) })
}

func TestARotatedSecretOpensWhatWasSealedBefore(t *testing.T) {
	before, err := open(t, first).Seal(t.Context(), "cli_azul", "channel", []byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	rotated := open(t, second, first)
	if got, err := rotated.Open(t.Context(), "cli_azul", "channel", before); err != nil || string(got) != "kept" {
		t.Errorf("%q, %v", got, err)
	}
	after, err := rotated.Seal(t.Context(), "cli_azul", "channel", []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, first).Open(t.Context(), "cli_azul", "channel", after); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("the old secret opens what the new one sealed: %v", err)
	}
	if _, err := open(t, second).Open(t.Context(), "cli_azul", "channel", before); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("the new secret alone opens what the old one sealed: %v", err)
	}
}

func TestAShortSecretIsRefused(t *testing.T) {
	for _, secrets := range [][][]byte{{first[:31]}, {nil}, {first, first[:31]}} {
		if _, err := local.New(system.Real(), secrets[0], secrets[1:]...); err == nil {
			t.Errorf("taken: %q", secrets)
		}
	}
}

func FuzzOpen(f *testing.F) {
	// The same in every process of the fuzzer, which hands what one of them sealed to the others.
	s, err := local.New(system.System{Now: time.Now, Random: rand.NewChaCha8([32]byte{})}, first)
	if err != nil {
		f.Fatal(err)
	}
	box, err := s.Seal(f.Context(), "cli_azul", "channel", []byte("the secret"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(box, "cli_azul", "channel")
	f.Add(box[:len(box)-1], "cli_azul", "channel")
	f.Add(box, "cli_azul2", "channel")
	f.Add([]byte{1, 'L', 0xff, 0xff}, "cli_azul", "channel")
	f.Add([]byte{1, 'L', 0, 40}, "cli_azul", "channel")
	f.Fuzz(func(t *testing.T, sealed []byte, client, purpose string) {
		got, err := s.Open(t.Context(), tenant.ID(client), purpose, sealed)
		if bytes.Equal(sealed, box) && client == "cli_azul" && purpose == "channel" {
			if err != nil || string(got) != "the secret" {
				t.Errorf("%q, %v", got, err)
			}
			return
		}
		if err == nil || got != nil {
			t.Errorf("opened as %q by %q for %q: %x", got, client, purpose, sealed)
		}
		if !errors.Is(err, envelope.ErrOpen) && !errors.Is(err, envelope.ErrContext) {
			t.Errorf("error %v", err)
		}
	})
}
