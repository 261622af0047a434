package function

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/archive"
	"github.com/nowgo/agents/internal/gateway"
	"github.com/nowgo/agents/internal/keykeeper"
	"github.com/nowgo/agents/internal/settings"
	"github.com/nowgo/agents/internal/store"
)

// ServeHTTP runs a function that serves a part over HTTP. It does not return.
func ServeHTTP(part app.Part, ports ...Port) {
	_, a := mustCompose(ports, "NOWGO_TABLE", "NOWGO_PLATFORM_SECRET")
	serve(a, part)
}

// ServeAuthentication is ServeHTTP for app.Authentication, which alone has signing keys, and makes the first administrator.
func ServeAuthentication(ports ...Port) {
	d, a := mustCompose(append(ports, SigningKeys), "NOWGO_TABLE", "NOWGO_PLATFORM_SECRET", "NOWGO_SIGNING_KEYS_SECRET")
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := d.administrator(ctx, a); err != nil {
		settings.Fail(err)
	}
	serve(a, app.Authentication)
}

// ServeDocs is ServeHTTP for a function that describes the given parts and serves the public ones of monitoring alone: no part is asked to
// do what it would need a port for.
func ServeDocs(parts ...app.Part) {
	_, a := mustCompose(nil, "NOWGO_TABLE", "NOWGO_PLATFORM_SECRET")
	serve(a, parts...)
}

func serve(a *app.App, parts ...app.Part) {
	h, err := a.Handler(parts...)
	if err != nil {
		settings.Fail(err)
	}
	lambda.Start(gateway.Handler(h))
}

// ServeAuthorizer runs the tenant authorizer. It does not return.
func ServeAuthorizer() {
	d, a := mustCompose([]Port{SigningKeys}, "NOWGO_TABLE", "NOWGO_SIGNING_KEYS_SECRET")
	lambda.Start(gateway.AuthorizerHandler(a.Denials.Watch(a.Authorizer.Authorize), func(ctx context.Context, err error) {
		d.Log.ErrorContext(ctx, "no verdict", "error", err)
	}))
}

// ServeKeykeeper runs the keeper of the signing keys, which the clock wakes. It does not return.
func ServeKeykeeper() {
	d := Deploy("NOWGO_TABLE", "NOWGO_SIGNING_KEYS_SECRET")
	k := keykeeper.Keeper{Keys: d.signingKeys(), Table: d.table(), System: d.System, Log: d.Log}
	lambda.Start(k.Run)
}

// ServeArchivist runs the archivist on its queue. It does not return.
func ServeArchivist() {
	d := Deploy("NOWGO_BLOBS")
	lambda.Start(archive.SQSHandler(archive.New(d.files()), d.Log))
}

// ServeEraser runs the eraser, which the clock wakes. It does not return.
func ServeEraser() {
	d, a := mustCompose([]Port{Files, Redis}, "NOWGO_TABLE", "NOWGO_BLOBS", "NOWGO_PLATFORM_SECRET")
	rows, ok := d.table().(store.Eraser)
	if !ok {
		settings.Fail(errors.New("the table cannot erase"))
	}
	days, err := strconv.Atoi(cmp.Or(d.Env.BackupDays, "0"))
	if err != nil {
		settings.Fail(fmt.Errorf("environment: NOWGO_BACKUP_DAYS: %w", err))
	}
	w := a.Eraser(app.Erasure{Rows: rows, Settle: time.Duration(d.Env.Settle * float64(time.Second)), Backups: time.Duration(days) * 24 * time.Hour})
	lambda.Start(func(ctx context.Context) error { return w.Run(ctx) })
}

// Deploy returns the deployment of a function that cannot do without the given variables of its environment. It ends the process where one
// is missing.
func Deploy(needs ...string) Deployment {
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

func mustCompose(ports []Port, needs ...string) (Deployment, *app.App) {
	d := Deploy(needs...)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	a, err := d.compose(ctx, ports)
	if err != nil {
		settings.Fail(err)
	}
	return d, a
}
