// Package function runs the platform's parts as AWS Lambda functions: it makes the ports over DynamoDB, S3, EventBridge and
// Secrets Manager, and starts one capability or worker.
//
// A function links what its main.go names and no more, for Lambda loads all of it at every cold start: a part ([app.Part]) and the
// ports ([Port]) that the part has use for. Clients of AWS that are some 0.3 MB as soon as they are imported (KMS, EventBridge,
// SQS, the table's streams) are named in the main.go that needs them alone.
package function

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/settings"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/store/dynamo/tenantcred"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Env is what a function is told by its environment. The infra app sets, for each function, the names of what it may reach and no
// others.
type Env struct {
	Table         string  // NOWGO_TABLE
	Bus           string  // NOWGO_BUS
	Blobs         string  // NOWGO_BLOBS: a bucket
	SigningKeys   string  // NOWGO_SIGNING_KEYS_SECRET: the signing keys or, at first, a random text that the first is derived from
	Platform      string  // NOWGO_PLATFORM_SECRET: a random text that cursors and kept answers are sealed with
	Administrator string  // NOWGO_ADMINISTRATOR_SECRET: {"email", "password"} of the first administrator
	DataRole      string  // NOWGO_DATA_ROLE_ARN: assumed for one client's rows and files; empty in the emulator, which has no roles
	RegistrarRole string  // NOWGO_REGISTRAR_ROLE_ARN: assumed for commits of a client's rows with the directory's
	Failures      string  // NOWGO_FAILURES: queue that the stream leaves notes in of what the relay could not publish
	Key           string  // NOWGO_KMS_KEY_ARN: of the data keys that secrets are sealed with; empty where none is
	PublicURL     string  // NOWGO_PUBLIC_URL
	Mail          string  // NOWGO_MAIL: `ses:`; empty: invitations answer with their token, and no password can be reset
	MailFrom      string  // NOWGO_MAIL_FROM: the sender's address, which SES has verified
	Settle        float64 // NOWGO_ERASURE_SETTLE: seconds that an erasure leaves to what is under way before it is certified; 0: an hour
	BackupDays    string  // NOWGO_BACKUP_DAYS: for which the environment keeps copies of the table and the files
	Redis         string  // NOWGO_REDIS_URL: redis:// or rediss://; empty: each instance has its own caches and meters
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
func readEnv(e *settings.Env, needs ...string) (Env, error) {
	for _, name := range append(needs, "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") {
		e.Required(name)
	}
	get := func(name string) string { return e.Optional(name, "") }
	share := 0.25
	if get("NOWGO_REDIS_URL") != "" {
		share = 1
	}
	return Env{Table: get("NOWGO_TABLE"), Bus: get("NOWGO_BUS"), Blobs: get("NOWGO_BLOBS"),
		SigningKeys: get("NOWGO_SIGNING_KEYS_SECRET"), Platform: get("NOWGO_PLATFORM_SECRET"),
		Administrator: get("NOWGO_ADMINISTRATOR_SECRET"), DataRole: get("NOWGO_DATA_ROLE_ARN"),
		RegistrarRole: get("NOWGO_REGISTRAR_ROLE_ARN"), Failures: get("NOWGO_FAILURES"), Key: get("NOWGO_KMS_KEY_ARN"), PublicURL: get("NOWGO_PUBLIC_URL"),
		Mail: get("NOWGO_MAIL"), MailFrom: get("NOWGO_MAIL_FROM"), BackupDays: get("NOWGO_BACKUP_DAYS"), Settle: e.Number("NOWGO_ERASURE_SETTLE", 0),
		Redis: get("NOWGO_REDIS_URL"), RateShare: e.Number("NOWGO_RATE_SHARE", share), Endpoint: get("AWS_ENDPOINT_URL"), Region: get("AWS_REGION"), AccessKey: get("AWS_ACCESS_KEY_ID"),
		SecretKey: get("AWS_SECRET_ACCESS_KEY"), SessionToken: get("AWS_SESSION_TOKEN")}, e.Err()
}

// Deployment is what a function's ports are made from.
type Deployment struct {
	Env     Env
	AWS     aws.Config
	System  system.System
	Log     *slog.Logger
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
func deploy(v Env) (Deployment, error) {
	cfg := aws.Config{Region: v.Region,
		Credentials: credentials.NewStaticCredentialsProvider(v.AccessKey, v.SecretKey, v.SessionToken)}
	if v.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(v.Endpoint)
	}
	d := Deployment{Env: v, AWS: cfg, System: system.Real(), Log: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
	if v.DataRole == "" {
		return d, nil
	}
	var err error
	d.clients, err = tenantcred.New(sts.NewFromConfig(cfg), tenantcred.Config{AWS: cfg, DataRole: v.DataRole,
		RegistrarRole: v.RegistrarRole, Sessions: sessions})
	return d, err
}

func (d Deployment) table() store.Table {
	cfg := dynamo.Config{Table: d.Env.Table, System: d.System}
	if d.clients == nil {
		return dynamo.New(dynamodb.NewFromConfig(d.AWS), cfg)
	}
	return dynamo.NewFor(d.clients, cfg)
}

// Credentials returns what gives the credentials of one client; nil in the emulator, where the function's own do for all.
func (d Deployment) Credentials() func(tenant.ID) (aws.CredentialsProvider, error) {
	if d.clients == nil {
		return nil
	}
	return d.clients.Credentials
}

// compose makes the platform over AWS, with the ports that every function has and the given ones.
func (d Deployment) compose(ctx context.Context, more []Port) (*app.App, error) {
	table := d.table()
	ports := app.Ports{Table: table, Cache: memory.New(d.System, cacheBytes, cacheEntries),
		Meter: memory.NewMeter(d.System, meterEntries), RateShare: d.Env.RateShare, System: d.System, Log: d.Log,
		PublicURL: d.Env.PublicURL, Ready: directory.New(table).Ready}
	if d.Env.Platform != "" {
		var err error
		if ports.Secret, err = secret(ctx, secretsmanager.NewFromConfig(d.AWS), d.Env.Platform); err != nil {
			return nil, err
		}
	}
	for _, add := range more {
		if err := add(ctx, d, &ports); err != nil {
			return nil, err
		}
	}
	return app.New(ports)
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
