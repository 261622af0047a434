package identity_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/system"
)

func TestHashIsArgon2idInPHCForm(t *testing.T) {
	a := identity.NewArgon2(identity.Recommended(), system.Real())
	hash, err := a.Hash(t.Context(), good)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q, %v", hash, err)
	}
	again, err := a.Hash(t.Context(), good)
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are the same: %v", err)
	}
	for password, want := range map[string]bool{good: true, other: false, "": false, good + " ": false} {
		if got, err := a.Verify(t.Context(), hash, password); err != nil || got != want {
			t.Errorf("Verify(%q) = %v, %v, want %v", password, got, err, want)
		}
	}
	if got, err := a.Verify(t.Context(), "", good); err != nil || got {
		t.Errorf("without a hash: %v, %v, want false", got, err)
	}
}

// The reference vector of the argon2 command line, echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32.
func TestHashOfAnotherProgramIsUnderstood(t *testing.T) {
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	a := identity.NewArgon2(identity.Params{MemoryKiB: 8, Time: 1, Threads: 1}, system.Real())
	if ok, err := a.Verify(t.Context(), phc, "password"); err != nil || !ok {
		t.Errorf("%v, %v, want true", ok, err)
	}
}

func TestDamagedHashIsAnErrorAndNoCost(t *testing.T) {
	a := identity.NewArgon2(identity.Params{MemoryKiB: 8, Time: 1, Threads: 1}, system.Real())
	const salt, sum = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, hash := range []string{"plain", "$2a$10$abc", "$argon2i$v=19$m=8,t=1,p=1$" + salt + "$" + sum, "$argon2id$v=16$m=8,t=1,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + sum, "$argon2id$v=19$m=8,t=4000000,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=8,t=1,p=0$" + salt + "$" + sum, "$argon2id$v=19$m=8,t=1,p=1$$" + sum, "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$",
		"$argon2id$v=19$m=8,t=1,p=1$" + salt, "$argon2id$v=19$m=x$" + salt + "$" + sum} {
		if ok, err := a.Verify(t.Context(), hash, "password"); err == nil || ok {
			t.Errorf("%q: %v, %v, want an error", hash, ok, err)
		}
	}
}

func TestHashingWaitsForItsTurnOnlyAsLongAsItsCaller(t *testing.T) {
	a := identity.NewArgon2(identity.Params{MemoryKiB: 8, Time: 1, Threads: 1}, system.Real())
	release := identity.OccupyHasher(a)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := a.Hash(ctx, good)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
