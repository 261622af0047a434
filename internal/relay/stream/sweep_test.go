package stream_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/relay/stream"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/tests/env"
)

// outage is a table whose stream has events that the function gave up on, and the queue with Lambda's notes of them.
type outage struct {
	streams   *dynamodbstreams.Client
	queues    *sqs.Client
	queue     string
	arn       string
	shard     string
	sequences []string // of the records of the events, in the order they were written
	ids       []string
}

// newOutage writes n events to a table of its own.
func newOutage(t *testing.T, n int) *outage {
	t.Helper()
	cfg := env.AWS(env.MiniStack(t))
	db, name := dynamodb.NewFromConfig(cfg), system.Real().NewID("relay")
	if err := dynamo.CreateTable(t.Context(), db, name); err != nil {
		t.Fatal(err)
	}
	table := dynamo.New(db, dynamo.Config{Table: name, System: system.Real()})
	o := &outage{streams: dynamodbstreams.NewFromConfig(cfg), queues: sqs.NewFromConfig(cfg)}
	for range n {
		e := happened(t, "cli_one")
		o.ids = append(o.ids, e.Body.ID)
		if err := table.Commit(t.Context(), "cli_one", audit.Of(e), store.Create(store.Item{SK: "agent#" + e.Body.ID, Schema: 1})); err != nil {
			t.Fatal(err)
		}
	}
	described, err := db.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	o.arn = aws.ToString(described.Table.LatestStreamArn)
	o.readSequences(t)
	queue, err := o.queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	o.queue = *queue.QueueUrl
	return o
}

func (o *outage) readSequences(t *testing.T) {
	t.Helper()
	d, err := o.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &o.arn})
	if err != nil || len(d.StreamDescription.Shards) == 0 {
		t.Fatal(err, "no shards")
	}
	o.shard = *d.StreamDescription.Shards[0].ShardId
	at, err := o.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: &o.arn, ShardId: &o.shard,
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	page, err := o.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: at.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range o.ids {
		for _, r := range page.Records {
			if sk, ok := r.Dynamodb.Keys["sk"].(*types.AttributeValueMemberS); ok && sk.Value == "event#00#"+id {
				o.sequences = append(o.sequences, *r.Dynamodb.SequenceNumber)
			}
		}
	}
	if len(o.sequences) != len(o.ids) {
		t.Fatalf("%d of %d events are in the stream", len(o.sequences), len(o.ids))
	}
}

// note puts Lambda's note of the events first to last into the queue.
func (o *outage) note(t *testing.T, first, last int) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"version": "1.0", "timestamp": "2026-11-23T20:00:00.000Z",
		"requestContext": map[string]any{"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 6},
		"DDBStreamBatchInfo": map[string]any{"shardId": o.shard, "startSequenceNumber": o.sequences[first],
			"endSequenceNumber": o.sequences[last], "batchSize": last - first + 1, "streamArn": o.arn}})
	if err != nil {
		t.Fatal(err)
	}
	o.send(t, string(body))
}

func (o *outage) send(t *testing.T, body string) {
	t.Helper()
	if _, err := o.queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &o.queue, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

func (o *outage) sweep(p *publisher) stream.Sweep {
	return stream.Sweep{Relay: relayTo(p), Queue: o.queues, QueueURL: o.queue, Streams: o.streams}
}

// left counts the notes in the queue, hidden ones included.
func (o *outage) left(t *testing.T) string {
	t.Helper()
	out, err := o.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &o.queue, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + " and " + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// TestSweepPublishesWhatAnOutageLeft holds that what the function gave up on is published by the next sweep, and only that.
func TestSweepPublishesWhatAnOutageLeft(t *testing.T) {
	o := newOutage(t, 5)
	o.note(t, 1, 2)
	o.note(t, 4, 4)
	p := &publisher{}
	payload := json.RawMessage(`{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`)
	answer, err := stream.Function{Relay: relayTo(p), Sweep: o.sweep(p)}.Invoke(t.Context(), payload)
	if err != nil || answer != (stream.Swept{Notes: 2}) {
		t.Fatalf("swept %+v, %v", answer, err)
	}
	slices.Sort(p.got)
	want := []string{o.ids[1], o.ids[2], o.ids[4]}
	slices.Sort(want)
	if !slices.Equal(p.got, want) {
		t.Errorf("published %v, want %v", p.got, want)
	}
	if left := o.left(t); left != "0 and 0" {
		t.Errorf("notes left: %s", left)
	}
}

// TestSweepLeavesWhatFails holds that a note goes only with its events, and that one which fails keeps no other back.
func TestSweepLeavesWhatFails(t *testing.T) {
	o := newOutage(t, 3)
	o.note(t, 0, 0)
	o.send(t, `{"no":"note"}`)
	o.send(t, `not JSON`)
	o.note(t, 2, 2)
	p := &publisher{refuse: o.ids[:1]}
	done, err := o.sweep(p).Run(t.Context())
	if err == nil || done != (stream.Swept{Notes: 4, Left: 3}) {
		t.Errorf("swept %+v, %v", done, err)
	}
	if !slices.Equal(p.got, o.ids[2:]) {
		t.Errorf("published %v, want %v", p.got, o.ids[2:])
	}
	if left := o.left(t); left != "0 and 3" {
		t.Errorf("notes left: %s", left)
	}
}

// TestSweepTellsWhatIsGone holds that a note whose records the stream does not have is not taken for done.
func TestSweepTellsWhatIsGone(t *testing.T) {
	o := newOutage(t, 1)
	o.arn += "-gone"
	o.note(t, 0, 0)
	p := &publisher{}
	if done, err := o.sweep(p).Run(t.Context()); !errors.Is(err, stream.ErrGone) || done.Left != 1 || len(p.got) != 0 {
		t.Errorf("swept %+v, %v, published %v", done, err, p.got)
	}
}
