package function

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/archive"
	buseb "github.com/nowgo/agents/internal/bus/eventbridge"
	"github.com/nowgo/agents/internal/erasure"
	"github.com/nowgo/agents/internal/gateway"
	"github.com/nowgo/agents/internal/keykeeper"
	"github.com/nowgo/agents/internal/prover"
	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/relay/stream"
	"github.com/nowgo/agents/internal/settings"
	"github.com/nowgo/agents/internal/store"
)

// ServeHTTP runs a function that serves the given parts over HTTP. It does not return.
func ServeHTTP(parts ...app.Part) { serve(deployment.redis, parts) }

// ServeDocs is ServeHTTP for a function that describes the given parts and serves the public ones of monitoring alone. It links no Redis
// client: nothing that it serves is cached or counted.
func ServeDocs(parts ...app.Part) { serve(nil, parts) }

func serve(shared sharing, parts []app.Part) {
	_, a := mustCompose(shared, "NOWGO_TABLE", "NOWGO_PLATFORM_SECRET")
	h, err := a.Handler(parts...)
	if err != nil {
		settings.Fail(err)
	}
	lambda.Start(gateway.Handler(h))
}

// ServeAuthorizer runs the tenant authorizer. It does not return.
func ServeAuthorizer() {
	d, a := mustCompose(nil, "NOWGO_TABLE", "NOWGO_SIGNING_KEYS_SECRET")
	lambda.Start(gateway.AuthorizerHandler(a.Denials.Watch(a.Authorizer.Authorize), func(ctx context.Context, err error) {
		d.log.ErrorContext(ctx, "no verdict", "error", err)
	}))
}

// ServeKeykeeper runs the keeper of the signing keys, which the clock wakes. It does not return.
func ServeKeykeeper() {
	d := mustDeploy("NOWGO_TABLE", "NOWGO_SIGNING_KEYS_SECRET")
	k := keykeeper.Keeper{Keys: d.signingKeys(), Table: d.table(), System: d.system, Log: d.log}
	lambda.Start(func(ctx context.Context) error { return k.Run(ctx) })
}

// ServeRelay runs the relay on the table's stream. It does not return.
func ServeRelay() {
	d := mustDeploy("NOWGO_BUS", "NOWGO_FAILURES")
	publisher := buseb.New(eventbridge.NewFromConfig(d.aws), d.env.Bus)
	lambda.Start(stream.New(relay.New(publisher, d.system, d.log), d.aws, d.env.Failures).Invoke)
}

// ServeArchivist runs the archivist on its queue. It does not return.
func ServeArchivist() {
	d := mustDeploy("NOWGO_BLOBS")
	lambda.Start(archive.SQSHandler(archive.New(d.blobs()), d.log))
}

// ServeEraser runs the eraser, which the clock wakes. It does not return.
func ServeEraser() {
	d, a := mustCompose(deployment.redis, "NOWGO_TABLE", "NOWGO_BLOBS", "NOWGO_PLATFORM_SECRET")
	rows, ok := d.table().(store.Eraser)
	if !ok {
		settings.Fail(errors.New("the table cannot erase"))
	}
	days, err := strconv.Atoi(cmp.Or(d.env.BackupDays, "0"))
	if err != nil {
		settings.Fail(fmt.Errorf("environment: NOWGO_BACKUP_DAYS: %w", err))
	}
	w := a.Eraser(app.Erasure{Rows: rows, Settle: erasure.DefaultSettle, Backups: time.Duration(days) * 24 * time.Hour})
	lambda.Start(func(ctx context.Context) error { return w.Run(ctx) })
}

// ServeProver runs the prover, which an operator invokes. It does not return. In the emulator, which has no roles, it says that there is
// nothing to prove.
func ServeProver() {
	d := mustDeploy("NOWGO_TABLE", "NOWGO_BLOBS", "NOWGO_KMS_KEY_ARN")
	lambda.Start(func(ctx context.Context) ([]prover.Finding, error) {
		if d.clients == nil {
			return nil, errors.New("this environment has no data role: the emulator enforces none, and proves nothing")
		}
		p := prover.Prover{AWS: d.aws, Credentials: d.clients.Credentials, Table: d.env.Table, Bucket: d.env.Blobs, Key: d.env.Key, System: d.system}
		return p.Run(ctx)
	})
}

func mustDeploy(needs ...string) deployment {
	v, err := readEnv(settings.FromProcess(), needs...)
	if err != nil {
		settings.Fail(err)
	}
	d, err := deploy(v)
	if err != nil {
		settings.Fail(err)
	}
	return d
}

func mustCompose(shared sharing, needs ...string) (deployment, *app.App) {
	d := mustDeploy(needs...)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	a, err := d.compose(ctx, shared)
	if err != nil {
		settings.Fail(err)
	}
	return d, a
}
