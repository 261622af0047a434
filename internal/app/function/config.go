// Package function runs the platform's parts as AWS Lambda functions: it makes the ports over DynamoDB, S3, EventBridge and
// Secrets Manager, and starts one capability or worker.
package function

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/nowgo/agents/internal/app"
	blobs3 "github.com/nowgo/agents/internal/blob/s3"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/settings"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/system"
)

// env is what a function is told by its environment; the infra app sets it.
type env struct {
	Table         string
	Bus           string
	Blobs         string
	SigningKeys   string // secret: a random text that the signing key is derived from
	Platform      string // secret: a random text that cursors and kept answers are sealed with
	Administrator string // secret: {"email", "password"}; only where the function makes the first administrator
	PublicURL     string
	Failures      string // address of the queue that the stream leaves notes in of what the relay could not publish
	Endpoint      string // of the emulator; empty on AWS
	Region        string
	AccessKey     string // this and the next two are the function's role, as Lambda hands it over
	SecretKey     string
	SessionToken  string
}

func readEnv(e *settings.Env) (env, error) {
	v := env{Table: e.Required("NOWGO_TABLE"), Bus: e.Required("NOWGO_BUS"), Blobs: e.Required("NOWGO_BLOBS"),
		SigningKeys: e.Required("NOWGO_SIGNING_KEYS_SECRET"), Platform: e.Required("NOWGO_PLATFORM_SECRET"),
		Administrator: e.Optional("NOWGO_ADMINISTRATOR_SECRET", ""), PublicURL: e.Optional("NOWGO_PUBLIC_URL", ""),
		Failures: e.Optional("NOWGO_FAILURES", ""),
		Endpoint: e.Optional("AWS_ENDPOINT_URL", ""), Region: e.Required("AWS_REGION"), AccessKey: e.Required("AWS_ACCESS_KEY_ID"),
		SecretKey: e.Required("AWS_SECRET_ACCESS_KEY"), SessionToken: e.Optional("AWS_SESSION_TOKEN", "")}
	return v, e.Err()
}

// deployment is a function's ports and what they were made from.
type deployment struct {
	env    env
	aws    aws.Config
	system system.System
	log    *slog.Logger
}

const (
	startTimeout = 8 * time.Second // for what a function does before it takes its first event
	cacheBytes   = 32 << 20
	cacheEntries = 4096
)

// deploy makes no request. Lambda hands region and credentials over in the environment (Lambda Developer Guide, "Defined runtime
// environment variables"), so the SDK's own search for them, 1.7 MB of single sign-on and profiles, stays out of the binary.
func deploy(v env) deployment {
	cfg := aws.Config{Region: v.Region,
		Credentials: credentials.NewStaticCredentialsProvider(v.AccessKey, v.SecretKey, v.SessionToken)}
	if v.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(v.Endpoint)
	}
	return deployment{env: v, aws: cfg, system: system.Real(), log: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
}

func (d deployment) table() store.Table {
	return dynamo.New(dynamodb.NewFromConfig(d.aws), dynamo.Config{Table: d.env.Table, System: d.system})
}

func (d deployment) blobs() *blobs3.Store {
	return blobs3.New(s3.NewFromConfig(d.aws, func(o *s3.Options) { o.UsePathStyle = d.env.Endpoint != "" }), d.env.Blobs)
}

// compose makes the whole platform over AWS.
func (d deployment) compose(ctx context.Context) (*app.App, error) {
	secrets := secretsmanager.NewFromConfig(d.aws)
	seed, err := secret(ctx, secrets, d.env.SigningKeys)
	if err != nil {
		return nil, err
	}
	keys, err := signingKeys(seed)
	if err != nil {
		return nil, err
	}
	platform, err := secret(ctx, secrets, d.env.Platform)
	if err != nil {
		return nil, err
	}
	a, err := app.New(app.Ports{Table: d.table(), Blobs: d.blobs(), Cache: memory.New(d.system, cacheBytes, cacheEntries), Keys: keys,
		Secret: platform, System: d.system, Log: d.log, PublicURL: d.env.PublicURL})
	if err != nil || d.env.Administrator == "" {
		return a, err
	}
	return a, d.administrator(ctx, secrets, a)
}

// administrator makes the platform's first administrator from its secret, if it is not there yet.
func (d deployment) administrator(ctx context.Context, secrets *secretsmanager.Client, a *app.App) error {
	document, err := secret(ctx, secrets, d.env.Administrator)
	if err != nil {
		return err
	}
	var first struct{ Email, Password string }
	if err := json.Unmarshal(document, &first); err != nil {
		return fmt.Errorf("secret %s: %w", d.env.Administrator, err)
	}
	if _, _, err := a.Identity.EnsureGlobalAdmin(ctx, first.Email, first.Password); err != nil {
		return fmt.Errorf("administrator: %w", err)
	}
	return nil
}

func secret(ctx context.Context, api *secretsmanager.Client, id string) ([]byte, error) {
	out, err := api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", id, err)
	}
	value := aws.ToString(out.SecretString)
	if len(value) < 32 {
		return nil, fmt.Errorf("secret %s has %d characters, not 32", id, len(value))
	}
	return []byte(value), nil
}

// signingKeys derives the environment's Ed25519 key (RFC 8032 §5.1.5) from its secret with HKDF (RFC 5869), so that every
// function has the same key and none needs to write the secret.
func signingKeys(secret []byte) (*identity.KeySet, error) {
	seed, err := hkdf.Key(sha256.New, secret, nil, "nowgo signing key 1", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	document, err := identity.GenerateKeys(system.System{Now: time.Now, Random: bytes.NewReader(seed)})
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return identity.ParseKeys(document)
}
