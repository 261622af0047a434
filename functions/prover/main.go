// Command prover tries to cross from one client to another, and says what became of it. `make prove` invokes it.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/nowgo/agents/internal/app/function"
	"github.com/nowgo/agents/internal/prover"
)

func main() {
	d := function.Deploy("NOWGO_TABLE", "NOWGO_BLOBS", "NOWGO_KMS_KEY_ARN")
	lambda.Start(func(ctx context.Context) ([]prover.Finding, error) {
		if d.Credentials() == nil {
			return nil, errors.New("this environment has no data role: the emulator enforces none, and proves nothing")
		}
		p := prover.Prover{AWS: d.AWS, Credentials: d.Credentials(), Table: d.Env.Table, Bucket: d.Env.Blobs, Key: d.Env.Key, System: d.System}
		return p.Run(ctx)
	})
}
