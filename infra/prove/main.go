// The prove program has a deployed environment try to cross from one client to another, and says what was refused: go run ./infra/prove dev.
// It ends with status 1 where something was not as it must be, and with 2 where nothing could be tried.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/nowgo/agents/internal/prover"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "prove: say which environment, as in make prove ENV=dev")
		os.Exit(2)
	}
	findings, err := run(context.Background(), os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove: "+err.Error())
		os.Exit(2)
	}
	wrong := 0
	for _, f := range findings {
		mark := "ok  "
		if !f.OK() {
			mark = "FAIL"
			wrong++
		}
		fmt.Printf("%s  %-52s %s %s\n", mark, f.Attempt, f.Got, f.Error)
	}
	fmt.Printf("%d attempts, %d not as they must be\n", len(findings), wrong)
	if wrong > 0 || len(findings) == 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, env string) ([]prover.Finding, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	out, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("nowgo-" + env + "-prover"), Payload: []byte("{}")})
	if err != nil {
		return nil, err
	}
	if out.FunctionError != nil {
		return nil, fmt.Errorf("the prover failed: %s", out.Payload)
	}
	var findings []prover.Finding
	if err := json.Unmarshal(out.Payload, &findings); err != nil {
		return nil, fmt.Errorf("the prover's answer: %w", err)
	}
	return findings, nil
}
