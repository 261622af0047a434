// Package function runs the platform's parts as AWS Lambda functions: it makes the ports over DynamoDB, S3, EventBridge and
// Secrets Manager, and starts one capability or worker.
package function

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/nowgo/agents/internal/app"
	blobs3 "github.com/nowgo/agents/internal/blob/s3"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/cache/redis"
	"github.com/nowgo/agents/internal/envelope"
	envelopekms "github.com/nowgo/agents/internal/envelope/kms"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/keykeeper/secrets"
	"github.com/nowgo/agents/internal/settings"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/store/dynamo/tenantcred"
	"github.com/nowgo/agents/internal/system"
)

// env is what a function is told by its environment. The infra app sets, for each function, the names of what it may reach and no
// others.
type env struct {
	Table         string // NOWGO_TABLE
	Bus           string // NOWGO_BUS
	Blobs         string // NOWGO_BLOBS: a bucket
	SigningKeys   string // NOWGO_SIGNING_KEYS_SECRET: the signing keys or, at first, a random text that the first is derived from
	Platform      string // NOWGO_PLATFORM_SECRET: a random text that cursors and kept answers are sealed with
	Administrator string // NOWGO_ADMINISTRATOR_SECRET: {"email", "password"} of the first administrator
	DataRole      string // NOWGO_DATA_ROLE_ARN: assumed for one client's rows and files; empty in the emulator, which has no roles
	RegistrarRole string // NOWGO_REGISTRAR_ROLE_ARN: assumed for commits of a client's rows with the directory's
	Failures      string // NOWGO_FAILURES: queue that the stream leaves notes in of what the relay could not publish
	Key           string // NOWGO_KMS_KEY_ARN: of the data keys that secrets are sealed with; empty where none is
	PublicURL     string // NOWGO_PUBLIC_URL
	Mail          string // NOWGO_MAIL: `ses:`; empty: invitations answer with their token, and no password can be reset
	MailFrom      string // NOWGO_MAIL_FROM: the sender's address, which SES has verified
	BackupDays    string // NOWGO_BACKUP_DAYS: for which the environment keeps copies of the table and the files
	Redis         string // NOWGO_REDIS_URL: redis:// or rediss://; empty: each instance has its own caches and meters
	// RateShare is NOWGO_RATE_SHARE: the part of every plan's rate that an instance gives out. 1 with Redis, which the instances share; without
	// it an instance cannot know the others, and a busy client meets about four.
	RateShare    float64
	Endpoint     string // AWS_ENDPOINT_URL: of the emulator; empty on AWS
	Region       string // AWS_REGION
	AccessKey    string // AWS_ACCESS_KEY_ID: this and the next two are the function's role, as Lambda hands it over
	SecretKey    string // AWS_SECRET_ACCESS_KEY
	SessionToken string // AWS_SESSION_TOKEN
}

// readEnv reads the environment of a function that cannot do without the given variables.
func readEnv(e *settings.Env, needs ...string) (env, error) {
	for _, name := range append(needs, "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") {
		e.Required(name)
	}
	get := func(name string) string { return e.Optional(name, "") }
	share := 0.25
	if get("NOWGO_REDIS_URL") != "" {
		share = 1
	}
	return env{Table: get("NOWGO_TABLE"), Bus: get("NOWGO_BUS"), Blobs: get("NOWGO_BLOBS"),
		SigningKeys: get("NOWGO_SIGNING_KEYS_SECRET"), Platform: get("NOWGO_PLATFORM_SECRET"),
		Administrator: get("NOWGO_ADMINISTRATOR_SECRET"), DataRole: get("NOWGO_DATA_ROLE_ARN"),
		RegistrarRole: get("NOWGO_REGISTRAR_ROLE_ARN"), Failures: get("NOWGO_FAILURES"), Key: get("NOWGO_KMS_KEY_ARN"), PublicURL: get("NOWGO_PUBLIC_URL"),
		Mail: get("NOWGO_MAIL"), MailFrom: get("NOWGO_MAIL_FROM"), BackupDays: get("NOWGO_BACKUP_DAYS"),
		Redis: get("NOWGO_REDIS_URL"), RateShare: e.Number("NOWGO_RATE_SHARE", share), Endpoint: get("AWS_ENDPOINT_URL"), Region: get("AWS_REGION"), AccessKey: get("AWS_ACCESS_KEY_ID"),
		SecretKey: get("AWS_SECRET_ACCESS_KEY"), SessionToken: get("AWS_SESSION_TOKEN")}, e.Err()
}

// deployment is a function's ports and what they were made from.
type deployment struct {
	env     env
	aws     aws.Config
	system  system.System
	log     *slog.Logger
	clients *tenantcred.Clients // nil in the emulator
}

const (
	startTimeout = 8 * time.Second // for what a function does before it takes its first event
	cacheBytes   = 32 << 20
	cacheEntries = 4096
	meterEntries = 8192
	sessions     = 1000 // clients whose credentials are remembered
)

// deploy makes no request. Lambda hands region and credentials over in the environment (Lambda Developer Guide, "Defined runtime
// environment variables"), so the SDK's own search for them, 1.7 MB of single sign-on and profiles, stays out of the binary.
func deploy(v env) (deployment, error) {
	cfg := aws.Config{Region: v.Region,
		Credentials: credentials.NewStaticCredentialsProvider(v.AccessKey, v.SecretKey, v.SessionToken)}
	if v.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(v.Endpoint)
	}
	d := deployment{env: v, aws: cfg, system: system.Real(), log: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
	if v.DataRole == "" {
		return d, nil
	}
	var err error
	d.clients, err = tenantcred.New(sts.NewFromConfig(cfg), tenantcred.Config{AWS: cfg, DataRole: v.DataRole,
		RegistrarRole: v.RegistrarRole, Sessions: sessions})
	return d, err
}

func (d deployment) table() store.Table {
	cfg := dynamo.Config{Table: d.env.Table, System: d.system}
	if d.clients == nil {
		return dynamo.New(dynamodb.NewFromConfig(d.aws), cfg)
	}
	return dynamo.NewFor(d.clients, cfg)
}

func (d deployment) blobs() *blobs3.Store {
	if d.clients == nil {
		return blobs3.New(blobs3.Client(d.aws), d.env.Blobs)
	}
	return blobs3.NewFor(blobs3.Client(d.aws), d.env.Blobs, d.clients.Credentials)
}

// sealer seals the secrets of each client with that client's credentials, and those of persons with the function's own.
func (d deployment) sealer() (envelope.Sealer, error) {
	cfg := envelopekms.Config{Key: d.env.Key, System: d.system}
	if d.clients != nil {
		cfg.Credentials = d.clients.Credentials
	}
	return envelopekms.New(kms.NewFromConfig(d.aws), cfg)
}

// sharing gives ports the cache and the meter that all instances share, where there are such. A function that never uses them has none,
// and 1.5 MB less.
type sharing func(deployment, *app.Ports) error

// redis is the sharing of an environment with a Redis server.
func (d deployment) redis(ports *app.Ports) error {
	if d.env.Redis == "" {
		return nil
	}
	server, err := redis.Open(d.env.Redis, d.log)
	if err != nil {
		return fmt.Errorf("NOWGO_REDIS_URL is %w", err)
	}
	ports.Cache, ports.Meter = server, server
	return nil
}

// compose makes the platform over AWS, as far as the function's environment reaches.
func (d deployment) compose(ctx context.Context, shared sharing) (*app.App, error) {
	secrets := secretsmanager.NewFromConfig(d.aws)
	table := d.table()
	ports := app.Ports{Table: table, Blobs: d.blobs(), Cache: memory.New(d.system, cacheBytes, cacheEntries),
		Meter: memory.NewMeter(d.system, meterEntries), RateShare: d.env.RateShare, System: d.system, Log: d.log,
		PublicURL: d.env.PublicURL, Ready: directory.New(table).Ready}
	if shared != nil {
		if err := shared(d, &ports); err != nil {
			return nil, err
		}
	}
	if d.env.Key != "" {
		var err error
		if ports.Envelope, err = d.sealer(); err != nil {
			return nil, err
		}
	}
	if d.env.SigningKeys != "" {
		ring, err := identity.NewKeyRing(ctx, d.signingKeys().Load, d.system, d.log)
		if err != nil {
			return nil, err
		}
		ports.Keys = ring
	}
	if d.env.Platform != "" {
		var err error
		if ports.Secret, err = secret(ctx, secrets, d.env.Platform); err != nil {
			return nil, err
		}
	}
	var err error
	if ports.Mail, err = d.sender(); err != nil {
		return nil, err
	}
	a, err := app.New(ports)
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

// signingKeys is where the environment keeps its signing keys.
func (d deployment) signingKeys() secrets.Secret {
	return secrets.Secret{API: secretsmanager.NewFromConfig(d.aws), ID: d.env.SigningKeys, System: d.system}
}
