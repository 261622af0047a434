// Command authentication serves the authentication capability as a function behind API Gateway.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/app/function"
	envelope "github.com/nowgo/agents/internal/envelope/kms"
)

func main() { function.ServeAuthentication(function.Redis, function.Mail, sealer) }

// sealer seals the secrets of each client with that client's credentials, and those of persons with the function's own.
func sealer(_ context.Context, d function.Deployment, ports *app.Ports) (err error) {
	if d.Env.Key == "" {
		return nil
	}
	cfg := envelope.Config{Key: d.Env.Key, System: d.System, Credentials: d.Credentials()}
	ports.Envelope, err = envelope.New(kms.NewFromConfig(d.AWS), cfg)
	return err
}
