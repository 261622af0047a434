// Command relay publishes new audit events from the table's stream to the event bus.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/nowgo/agents/internal/app/function"
	bus "github.com/nowgo/agents/internal/bus/eventbridge"
	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/relay/stream"
)

func main() {
	d := function.Deploy("NOWGO_BUS", "NOWGO_FAILURES")
	publisher := bus.New(eventbridge.NewFromConfig(d.AWS), d.Env.Bus)
	lambda.Start(stream.New(relay.New(publisher, d.System, d.Log), d.AWS, d.Env.Failures).Invoke)
}
