// Package stream runs the relay as a function on AWS.
//
// The function is woken by the table's DynamoDB stream, filtered to new event items. What it cannot publish it names to Lambda by
// sequence number; Lambda comes again with it, in halves, a bounded number of times, and then puts a note of the records, without
// their content, into the failure queue, and goes on with the shard. Once an hour [Sweep] reads those notes, reads the records
// from the stream again, and publishes them.
//
// What this proves: as long as the function or the sweep works for some minutes within the 24 hours that a stream keeps its records,
// every event is published at least once. A note that is older than its records stays in the queue, where an alarm sees it; the
// event itself is in the trail all the same.
package stream

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/store/dynamo"
)

// Handler returns the function's handler for stream records. Its answer names the records that were not published by their sequence
// numbers (Lambda Developer Guide, "Configuring partial batch response with DynamoDB"); the list is empty, never null, where
// there are none. Records that are not a new event item are passed.
func Handler(r relay.Relay) func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
		for _, sequence := range send(ctx, r, e.Records) {
			response.BatchItemFailures = append(response.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: sequence})
		}
		return response, nil
	}
}

// send publishes the new events among the records and returns the sequence numbers of those that were not published.
func send(ctx context.Context, r relay.Relay, records []events.DynamoDBEventRecord) []string {
	var entries []relay.Entry
	var sequences []string
	for _, record := range records {
		if record.EventName != string(events.DynamoDBOperationTypeInsert) || !isEvent(record.Change.Keys) {
			continue
		}
		// An image that cannot be decoded is poison: Send logs it and names it.
		entry := relay.Entry{}
		client, item, err := dynamo.DecodeImage(record.Change.NewImage)
		if err != nil {
			r.Log.ErrorContext(ctx, "an image cannot be read", "sequence", record.Change.SequenceNumber, "error", err)
		} else {
			entry = relay.Entry{Partition: client, Item: item}
		}
		entries, sequences = append(entries, entry), append(sequences, record.Change.SequenceNumber)
	}
	var failed []string
	for _, f := range r.Send(ctx, entries) {
		failed = append(failed, sequences[f.Index])
	}
	return failed
}

// isEvent reports whether the keys are those of an event item.
func isEvent(keys map[string]events.DynamoDBAttributeValue) bool {
	sk, ok := keys["sk"]
	if !ok || sk.DataType() != events.DataTypeString {
		return false
	}
	var e relay.Entry
	e.Item.SK = sk.String()
	return e.IsEvent()
}

// Function is the whole function: stream records go to the relay, anything else (the hourly schedule's event) starts a sweep.
type Function struct {
	Relay relay.Relay
	Sweep Sweep
}

// New returns the function with the relay, reading its failure notes from the queue at the given URL.
func New(r relay.Relay, cfg aws.Config, failures string) Function {
	return Function{Relay: r, Sweep: Sweep{Relay: r, Queue: sqs.NewFromConfig(cfg), QueueURL: failures,
		Streams: dynamodbstreams.NewFromConfig(cfg)}}
}

// Invoke answers one invocation.
func (f Function) Invoke(ctx context.Context, payload json.RawMessage) (any, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("stream: payload: %w", err)
	}
	if len(e.Records) > 0 {
		return Handler(f.Relay)(ctx, e)
	}
	return f.Sweep.Run(ctx)
}
