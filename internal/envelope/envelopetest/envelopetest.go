// Package envelopetest is the suite that every adapter of envelope passes.
package envelopetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	azul   tenant.ID = "cli_azul"
	azul2  tenant.ID = "cli_azul-2"
	ana              = "per_ana"
	bia              = "per_bia"
	secret           = "a secret that nobody may see"
)

// Run runs the suite. Open returns a sealer; those that it returns in one test share their keys, as the processes of a deployment do.
func Run(t *testing.T, open func(t *testing.T) envelope.Sealer) {
	t.Run("what was sealed opens, in every process", func(t *testing.T) { opens(t, open(t), open(t)) })
	t.Run("no other owner and no other purpose opens it", func(t *testing.T) { bound(t, open(t), open(t)) })
	t.Run("whatever is changed does not open", func(t *testing.T) { changed(t, open(t)) })
	t.Run("a secret shows nowhere and looks different each time", func(t *testing.T) { hidden(t, open(t)) })
	t.Run("owners, purposes and sizes have limits", func(t *testing.T) { limits(t, open(t)) })
	t.Run("a cancelled context is answered with its error", func(t *testing.T) { cancelled(t, open(t)) })
	t.Run("many at once", func(t *testing.T) { concurrent(t, open(t)) })
}

func sealed(t *testing.T, s envelope.Sealer, client tenant.ID, purpose, text string) []byte {
	t.Helper()
	box, err := s.Seal(t.Context(), client, purpose, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func opens(t *testing.T, one, other envelope.Sealer) {
	for _, text := range []string{"", "x", secret, strings.Repeat("z", envelope.MaxPlaintext)} {
		box := sealed(t, one, azul, "channel", text)
		for range 2 {
			if got, err := other.Open(t.Context(), azul, "channel", box); err != nil || string(got) != text {
				t.Errorf("%d bytes: got %d, %v", len(text), len(got), err)
			}
		}
		box, err := one.SealPerson(t.Context(), ana, "totp", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := other.OpenPerson(t.Context(), ana, "totp", box); err != nil || string(got) != text {
			t.Errorf("%d bytes of a person: got %d, %v", len(text), len(got), err)
		}
	}
}

// INVARIANT 6: also where the same process has the right key in memory.
func bound(t *testing.T, one, other envelope.Sealer) {
	box := sealed(t, one, azul, "channel", secret)
	own, err := one.SealPerson(t.Context(), ana, "totp", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []envelope.Sealer{one, other} {
		if _, err := s.Open(t.Context(), azul, "channel", box); err != nil {
			t.Fatal(err)
		}
		for name, open := range map[string]func() ([]byte, error){
			"another client":       func() ([]byte, error) { return s.Open(t.Context(), azul2, "channel", box) },
			"another purpose":      func() ([]byte, error) { return s.Open(t.Context(), azul, "webhook", box) },
			"a purpose cut short":  func() ([]byte, error) { return s.Open(t.Context(), azul, "channe", box) },
			"a person":             func() ([]byte, error) { return s.OpenPerson(t.Context(), ana, "channel", box) },
			"another person":       func() ([]byte, error) { return s.OpenPerson(t.Context(), bia, "totp", own) },
			"a client of its name": func() ([]byte, error) { return s.Open(t.Context(), tenant.ID(ana), "totp", own) },
		} {
			if got, err := open(); !errors.Is(err, envelope.ErrOpen) || got != nil {
				t.Errorf("%s: %q, %v, want ErrOpen", name, got, err)
			}
		}
	}
}

func changed(t *testing.T, s envelope.Sealer) {
	box := sealed(t, s, azul, "channel", secret)
	for i := range box {
		bad := bytes.Clone(box)
		bad[i] ^= 1
		if got, err := s.Open(t.Context(), azul, "channel", bad); err == nil || got != nil {
			t.Fatalf("byte %d of %d changed: opened as %q", i, len(box), got)
		}
	}
	for n := range box {
		if got, err := s.Open(t.Context(), azul, "channel", box[:n]); err == nil || got != nil {
			t.Fatalf("cut to %d of %d bytes: opened as %q", n, len(box), got)
		}
	}
	if got, err := s.Open(t.Context(), azul, "channel", append(bytes.Clone(box), 0)); err == nil || got != nil {
		t.Errorf("one byte more: opened as %q", got)
	}
	// The key of one ciphertext before the content of another.
	two := sealed(t, s, azul2, "channel", secret)
	swapped := append(bytes.Clone(two[:len(two)-len(secret)-28]), box[len(box)-len(secret)-28:]...)
	for _, client := range []tenant.ID{azul, azul2} {
		if got, err := s.Open(t.Context(), client, "channel", swapped); !errors.Is(err, envelope.ErrOpen) || got != nil {
			t.Errorf("spliced, as %s: %q, %v", client, got, err)
		}
	}
}

func hidden(t *testing.T, s envelope.Sealer) {
	seen := map[string]bool{}
	for range 50 {
		box := sealed(t, s, azul, "channel", secret)
		if bytes.Contains(box, []byte(secret)) || seen[string(box)] {
			t.Fatal("the secret shows, or one ciphertext came twice")
		}
		seen[string(box)] = true
	}
	for box := range seen {
		bad := []byte(box)
		bad[len(bad)-1] ^= 1
		if _, err := s.Open(t.Context(), azul, "channel", bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v", err)
		}
	}
}

func limits(t *testing.T, s envelope.Sealer) {
	if _, err := s.Seal(t.Context(), azul, "channel", make([]byte, envelope.MaxPlaintext+1)); !errors.Is(err, envelope.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	for _, c := range []struct{ owner, purpose string }{{"", "totp"}, {"$login#x", "totp"}, {"$platform#1", "totp"}, {"cli_a b", "totp"}, {"CLI_A", "totp"},
		{strings.Repeat("c", 65), "totp"}, {string(azul), ""}, {string(azul), "a purpose"}, {string(azul), strings.Repeat("p", envelope.MaxPurpose+1)}} {
		_, err := s.Seal(t.Context(), tenant.ID(c.owner), c.purpose, []byte(secret))
		_, err2 := s.Open(t.Context(), tenant.ID(c.owner), c.purpose, []byte(secret))
		if !errors.Is(err, envelope.ErrContext) || !errors.Is(err2, envelope.ErrContext) {
			t.Errorf("client %q, purpose %q: %v and %v, want ErrContext", c.owner, c.purpose, err, err2)
		}
	}
	for _, person := range []string{"", "per_", "cli_azul", "per_a#b", "per_" + strings.Repeat("x", 61)} {
		_, err := s.SealPerson(t.Context(), person, "totp", []byte(secret))
		_, err2 := s.OpenPerson(t.Context(), person, "totp", []byte(secret))
		if !errors.Is(err, envelope.ErrContext) || !errors.Is(err2, envelope.ErrContext) {
			t.Errorf("person %q: %v and %v, want ErrContext", person, err, err2)
		}
	}
}

func cancelled(t *testing.T, s envelope.Sealer) {
	box := sealed(t, s, azul, "channel", secret)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Seal(ctx, azul2, "other", []byte(secret)); !errors.Is(err, context.Canceled) {
		t.Errorf("seal: %v", err)
	}
	if _, err := s.Open(ctx, azul, "channel", box); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v", err)
	}
}

func concurrent(t *testing.T, s envelope.Sealer) {
	var wg sync.WaitGroup
	for i := range 8 {
		client := []tenant.ID{azul, azul2}[i%2]
		wg.Go(func() {
			for range 20 {
				box, err := s.Seal(t.Context(), client, "channel", []byte(client))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := s.Open(t.Context(), client, "channel", box); err != nil || string(got) != string(client) {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}
