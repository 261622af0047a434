package stack

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/nowgo/agents/tests/env"
)

// Invoke wakes a worker as the clock or an operator does, and returns what it answered. It fails the test where the worker does.
func (s *Stack) Invoke(t testing.TB, worker string) []byte {
	t.Helper()
	out, err := lambda.NewFromConfig(env.AWS(s.Endpoint)).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(name + "-" + worker), Payload: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if out.FunctionError != nil {
		t.Fatalf("%s: %s: %s", worker, *out.FunctionError, out.Payload)
	}
	return out.Payload
}
