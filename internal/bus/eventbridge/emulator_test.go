package eventbridge_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/bus/bustest"
	"github.com/nowgo/agents/internal/bus/eventbridge"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// emulator is an event bus of its own on MiniStack.
type emulator struct {
	events *sdk.Client
	queues *sqs.Client
	bus    string
}

func TestEventBridge(t *testing.T) {
	cfg := env.AWS(env.MiniStack(t))
	bustest.Run(t, func(t *testing.T) bustest.Subject {
		e := emulator{sdk.NewFromConfig(cfg), sqs.NewFromConfig(cfg), system.Real().NewID("bus")}
		if _, err := e.events.CreateEventBus(t.Context(), &sdk.CreateEventBusInput{Name: &e.bus}); err != nil {
			t.Fatal(err)
		}
		return bustest.Subject{Publisher: eventbridge.New(e.events, e.bus), Observe: e.observe}
	})
}

// observe makes a rule with the pattern whose target is a new queue, and returns what reads the queue.
func (e emulator) observe(t *testing.T, pattern string) func() []bus.Event {
	t.Helper()
	name := system.Real().NewID("observer")
	queue, err := e.queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	attributes, err := e.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl,
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.events.PutRule(t.Context(), &sdk.PutRuleInput{Name: &name, EventBusName: &e.bus, EventPattern: &pattern})
	if err != nil {
		t.Fatal(err)
	}
	targets, err := e.events.PutTargets(t.Context(), &sdk.PutTargetsInput{Rule: &name, EventBusName: &e.bus,
		Targets: []types.Target{{Id: aws.String("queue"), Arn: aws.String(attributes.Attributes["QueueArn"])}}})
	if err != nil || targets.FailedEntryCount > 0 {
		t.Fatal(err, targets)
	}
	return func() []bus.Event { return e.receive(t, queue.QueueUrl) }
}

// receive takes what is in the queue, waiting up to a second where nothing is.
func (e emulator) receive(t *testing.T, queue *string) []bus.Event {
	t.Helper()
	out, err := e.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
	if err != nil {
		t.Fatal(err)
	}
	var got []bus.Event
	for _, m := range out.Messages {
		var event bus.Event
		if err := json.Unmarshal([]byte(*m.Body), &event); err != nil {
			t.Fatal(err)
		}
		got = append(got, event)
		if _, err := e.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	return got
}
