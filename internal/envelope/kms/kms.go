// Package kms has AWS KMS make and unwrap data keys (GenerateDataKey, Decrypt) under one key of the deployment, with the encryption context
// {client_id, purpose} or {person_id, purpose}. A client's keys are asked for with that client's own credentials, so that a policy with
// kms:EncryptionContext:client_id holds them to it; a person's with the function's.
//
// Data keys are kept in memory for a few minutes, by owner and purpose, so that not every secret is a request.
package kms

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const scheme = 'K'

// API is what the adapter needs of the SDK's client.
type API interface {
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Credentials gives those of one client. It may be called concurrently.
type Credentials func(client tenant.ID) (aws.CredentialsProvider, error)

// Config says which key, and whose credentials.
type Config struct {
	Key         string // ARN
	System      system.System
	Credentials Credentials // nil: the API's own for everybody
}

// Keys is an [envelope.Keys].
type Keys struct {
	api    API
	cfg    Config
	making *shelf // by context
	opened *shelf // by context and wrapped key
}

var _ envelope.Keys = (*Keys)(nil)

// New returns the sealer. It makes no request.
func New(api API, cfg Config) (*envelope.Box, error) {
	if cfg.Key == "" {
		return nil, errors.New("envelope: no KMS key")
	}
	keys := &Keys{api: api, cfg: cfg}
	var err error
	if keys.making, err = newShelf(cfg.System.Now); err != nil {
		return nil, err
	}
	if keys.opened, err = newShelf(cfg.System.Now); err != nil {
		return nil, err
	}
	return envelope.NewBox(keys, cfg.System.Random), nil
}

// Scheme implements [envelope.Keys].
func (*Keys) Scheme() byte { return scheme }

// New implements [envelope.Keys].
func (k *Keys) New(ctx context.Context, of envelope.Context) (envelope.DataKey, error) {
	if err := ctx.Err(); err != nil {
		return envelope.DataKey{}, err
	}
	name := string(of.Bytes())
	if key, ok := k.making.take(name); ok {
		return key, nil
	}
	as, err := k.as(of)
	if err != nil {
		return envelope.DataKey{}, err
	}
	out, err := k.api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &k.cfg.Key, KeySpec: types.DataKeySpecAes256,
		EncryptionContext: of.Pairs()}, as)
	if err != nil {
		return envelope.DataKey{}, failed(ctx, "make", err)
	}
	key := envelope.DataKey{Key: out.Plaintext, Wrapped: out.CiphertextBlob}
	k.making.put(name, key)
	return key, nil
}

// Unwrap implements [envelope.Keys].
func (k *Keys) Unwrap(ctx context.Context, of envelope.Context, wrapped []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(wrapped)
	name := string(of.Bytes()) + string(sum[:]) // the context first: a hit under another owner is impossible
	if key, ok := k.opened.take(name); ok {
		return key.Key, nil
	}
	as, err := k.as(of)
	if err != nil {
		return nil, err
	}
	out, err := k.api.Decrypt(ctx, &kms.DecryptInput{KeyId: &k.cfg.Key, CiphertextBlob: wrapped, EncryptionContext: of.Pairs()}, as)
	if err != nil {
		return nil, failed(ctx, "unwrap", err)
	}
	k.opened.put(name, envelope.DataKey{Key: out.Plaintext})
	return out.Plaintext, nil
}

// as returns what makes a request one with the owner's credentials.
func (k *Keys) as(of envelope.Context) (func(*kms.Options), error) {
	client, ok := of.Client()
	if !ok || k.cfg.Credentials == nil {
		return func(*kms.Options) {}, nil
	}
	credentials, err := k.cfg.Credentials(client)
	if err != nil {
		return nil, fmt.Errorf("envelope: credentials: %w", err)
	}
	return func(o *kms.Options) { o.Credentials = credentials }, nil
}

// failed tells what can never be opened from what could not be asked.
func failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var bad *types.InvalidCiphertextException
	var wrong *types.IncorrectKeyException
	if errors.As(err, &bad) || errors.As(err, &wrong) {
		return envelope.ErrOpen
	}
	return fmt.Errorf("%w: %s a data key: %w", envelope.ErrUnavailable, what, err)
}
