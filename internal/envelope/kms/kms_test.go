package kms_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/envelope/envelopetest"
	"github.com/nowgo/agents/internal/envelope/kms"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// masterKey makes a key of its own for a test.
func masterKey(t *testing.T, api *sdk.Client) string {
	t.Helper()
	out, err := api.CreateKey(t.Context(), &sdk.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.KeyMetadata.Arn)
}

func open(t *testing.T, api kms.API, cfg kms.Config) envelope.Sealer {
	t.Helper()
	s, err := kms.New(api, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKMS(t *testing.T) {
	api := sdk.NewFromConfig(env.AWS(env.MiniStack(t)))
	key := masterKey(t, api)
	envelopetest.Run(t, func(t *testing.T) envelope.Sealer {
		return open(t, api, kms.Config{Key: key, System: system.Real()})
	})
	t.Run("another master key opens nothing", func(t *testing.T) {
		box, err := open(t, api, kms.Config{Key: key, System: system.Real()}).Seal(t.Context(), "cli_azul", "channel", []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		other := open(t, api, kms.Config{Key: masterKey(t, api), System: system.Real()})
		if got, err := other.Open(t.Context(), "cli_azul", "channel", box); err == nil || got != nil {
			t.Errorf("opened as %q", got)
		}
	})
}

// spy counts the requests, and notes what was asked for and as whom.
type spy struct {
	kms.API
	made, opened int
	contexts     []map[string]string
	as           []string // access keys
	err          error
}

func (s *spy) note(ctx context.Context, pairs map[string]string, set []func(*sdk.Options)) error {
	var o sdk.Options
	for _, f := range set {
		f(&o)
	}
	as := ""
	if o.Credentials != nil {
		c, err := o.Credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		as = c.AccessKeyID
	}
	s.contexts, s.as = append(s.contexts, maps.Clone(pairs)), append(s.as, as)
	return s.err
}

func (s *spy) GenerateDataKey(ctx context.Context, in *sdk.GenerateDataKeyInput, set ...func(*sdk.Options)) (*sdk.GenerateDataKeyOutput, error) {
	s.made++
	if err := s.note(ctx, in.EncryptionContext, set); err != nil {
		return nil, err
	}
	wrapped := fmt.Sprint(in.EncryptionContext, s.made)
	return &sdk.GenerateDataKeyOutput{Plaintext: []byte(strings.Repeat("k", 32)), CiphertextBlob: []byte(wrapped)}, nil
}

func (s *spy) Decrypt(ctx context.Context, in *sdk.DecryptInput, set ...func(*sdk.Options)) (*sdk.DecryptOutput, error) {
	s.opened++
	if err := s.note(ctx, in.EncryptionContext, set); err != nil {
		return nil, err
	}
	return &sdk.DecryptOutput{Plaintext: []byte(strings.Repeat("k", 32))}, nil
}

func TestAClientsKeysAreAskedForWithItsCredentialsAndContext(t *testing.T) {
	api := &spy{}
	s := open(t, api, kms.Config{Key: "arn:key", System: system.Real(), Credentials: func(c tenant.ID) (aws.CredentialsProvider, error) {
		return credentials.NewStaticCredentialsProvider("of "+string(c), "s", ""), nil
	}})
	box, err := s.Seal(t.Context(), "cli_azul", "channel", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), "cli_azul", "channel", box); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SealPerson(t.Context(), "per_ana", "totp", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(api.as); got != "[of cli_azul of cli_azul ]" {
		t.Errorf("asked as %s", got)
	}
	if got := fmt.Sprint(api.contexts); got != "[map[client_id:cli_azul purpose:channel] map[client_id:cli_azul purpose:channel] map[person_id:per_ana purpose:totp]]" {
		t.Errorf("contexts %s", got)
	}
	refused := errors.New("no session")
	s = open(t, api, kms.Config{Key: "arn:key", System: system.Real(), Credentials: func(tenant.ID) (aws.CredentialsProvider, error) { return nil, refused }})
	if _, err := s.Seal(t.Context(), "cli_azul", "channel", []byte("x")); !errors.Is(err, refused) || api.made != 2 {
		t.Errorf("without the client's credentials: %v after %d keys", err, api.made)
	}
}

func TestKeysAreKeptForAWhileAndSomeUses(t *testing.T) {
	clock := storetest.NewClock()
	api := &spy{}
	s := open(t, api, kms.Config{Key: "arn:key", System: clock.System()})
	seal := func(client tenant.ID) []byte {
		t.Helper()
		box, err := s.Seal(t.Context(), client, "channel", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		return box
	}
	box := seal("cli_azul")
	for range 999 {
		seal("cli_azul")
	}
	if api.made != 1 {
		t.Errorf("%d keys for 1000 secrets, want 1", api.made)
	}
	seal("cli_azul")
	seal("cli_azul2")
	if api.made != 3 {
		t.Errorf("%d keys, want 3: the second of the client, and another client's", api.made)
	}
	for range 2 {
		if _, err := s.Open(t.Context(), "cli_azul", "channel", box); err != nil {
			t.Fatal(err)
		}
	}
	if api.opened != 1 {
		t.Errorf("%d keys unwrapped, want 1", api.opened)
	}
	for _, open := range []func() ([]byte, error){func() ([]byte, error) { return s.Open(t.Context(), "cli_azul2", "channel", box) },
		func() ([]byte, error) { return s.Open(t.Context(), "cli_azul", "webhook", box) }} {
		before := api.opened
		if _, err := open(); !errors.Is(err, envelope.ErrOpen) || api.opened != before+1 {
			t.Errorf("another context found the key in memory: %v", err)
		}
	}
	api.opened = 1
	clock.Advance(5*time.Minute - time.Second)
	seal("cli_azul2")
	if api.made != 3 {
		t.Errorf("%d keys, want 3 before the lifetime's end", api.made)
	}
	clock.Advance(time.Second)
	seal("cli_azul2")
	if _, err := s.Open(t.Context(), "cli_azul", "channel", box); err != nil || api.made != 4 || api.opened != 2 {
		t.Errorf("after the lifetime: %d made, %d unwrapped, %v", api.made, api.opened, err)
	}
	for i := range 1001 {
		seal(tenant.ID(fmt.Sprintf("cli_%04d", i)))
	}
	before := api.made
	if seal("cli_0000"); api.made != before+1 {
		t.Error("more keys are kept than the bound")
	}
}

func TestAnOutageIsNoDamage(t *testing.T) {
	api := &spy{}
	s := open(t, api, kms.Config{Key: "arn:key", System: system.Real()})
	box, err := s.Seal(t.Context(), "cli_azul", "channel", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	api.err = errors.New("no route to host")
	if _, err := s.Open(t.Context(), "cli_azul", "channel", box); !errors.Is(err, envelope.ErrUnavailable) || errors.Is(err, envelope.ErrOpen) {
		t.Errorf("open: %v", err)
	}
	if _, err := s.Seal(t.Context(), "cli_verde", "channel", []byte("x")); !errors.Is(err, envelope.ErrUnavailable) {
		t.Errorf("seal: %v", err)
	}
	api.err = nil
	if _, err := s.Open(t.Context(), "cli_azul", "channel", box); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := kms.New(api, kms.Config{}); err == nil {
		t.Error("no key was taken")
	}
}
