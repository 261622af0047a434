package function

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/nowgo/agents/internal/app"
	blobs3 "github.com/nowgo/agents/internal/blob/s3"
	"github.com/nowgo/agents/internal/cache/redis"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/keykeeper/secrets"
)

// Port adds to the platform's ports what not every function has use for, as far as the environment has it.
type Port func(context.Context, Deployment, *app.Ports) error

// Files is a [Port]: the clients' files in S3.
func Files(_ context.Context, d Deployment, ports *app.Ports) error {
	ports.Blobs = d.files()
	return nil
}

func (d Deployment) files() *blobs3.Store {
	if d.clients == nil {
		return blobs3.New(blobs3.Client(d.AWS), d.Env.Blobs)
	}
	return blobs3.NewFor(blobs3.Client(d.AWS), d.Env.Blobs, d.clients.Credentials)
}

// Redis is a [Port]: the cache and the meter that all instances share, in an environment with a Redis server. Without one each
// instance has its own.
func Redis(_ context.Context, d Deployment, ports *app.Ports) error {
	if d.Env.Redis == "" {
		return nil
	}
	server, err := redis.Open(d.Env.Redis, d.Log)
	if err != nil {
		return fmt.Errorf("NOWGO_REDIS_URL is %w", err)
	}
	ports.Cache, ports.Meter = server, server
	return nil
}

// SigningKeys is a [Port]: the keys of access tokens, as the keykeeper rotates them.
func SigningKeys(ctx context.Context, d Deployment, ports *app.Ports) error {
	ring, err := identity.NewKeyRing(ctx, d.signingKeys().Load, d.System, d.Log)
	if err != nil {
		return err
	}
	ports.Keys = ring
	return nil
}

// signingKeys is where the environment keeps its signing keys.
func (d Deployment) signingKeys() secrets.Secret {
	return secrets.Secret{API: secretsmanager.NewFromConfig(d.AWS), ID: d.Env.SigningKeys, System: d.System}
}
