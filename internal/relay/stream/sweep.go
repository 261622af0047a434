package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/nowgo/agents/internal/relay"
)

// Queue is what the sweep needs of the SQS client.
type Queue interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

// Streams is what the sweep needs of the DynamoDB Streams client.
type Streams interface {
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

const (
	hidden   = 300  // seconds that a note is hidden from the next look while it is worked on
	maxNotes = 1000 // notes in one sweep
	maxPages = 1000 // pages of records for one note: a stream's pages may be empty before its end
)

// ErrGone is wrapped by the error of a note whose records the stream no longer has, 24 hours after they were written.
var ErrGone = errors.New("stream: the records are gone from the stream")

// errCut is the error of a note whose last record was not found.
var errCut = errors.New("stream: the last record was not found")

// Sweep publishes what the function could not: see the package's comment.
type Sweep struct {
	Relay    relay.Relay
	Queue    Queue
	QueueURL string
	Streams  Streams
}

// Swept says what a sweep did.
type Swept struct {
	Notes int `json:"notes"` // failure notes read
	Left  int `json:"left"`  // of them, those that stay in the queue for the next sweep
}

// Run reads every note that is in the failure queue. A note whose events were all published is deleted; one that failed stays, and
// keeps none of the others back. The error, where notes are left, joins why.
func (s Sweep) Run(ctx context.Context) (Swept, error) {
	var done Swept
	var errs []error
	for done.Notes < maxNotes {
		out, err := s.Queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &s.QueueURL, MaxNumberOfMessages: 10,
			VisibilityTimeout: hidden, WaitTimeSeconds: 1})
		if err != nil {
			return done, errors.Join(append(errs, fmt.Errorf("stream: failure queue: %w", err))...)
		}
		if len(out.Messages) == 0 {
			break
		}
		for _, m := range out.Messages {
			done.Notes++
			if err := s.settle(ctx, m); err != nil {
				done.Left++
				errs = append(errs, err)
				s.Relay.Log.ErrorContext(ctx, "a failure note is left in the queue", "message_id", aws.ToString(m.MessageId), "error", err)
			}
		}
	}
	return done, errors.Join(errs...)
}

// note is what Lambda puts into an on-failure queue for a DynamoDB stream (Lambda Developer Guide, "Retain discarded records for a
// DynamoDB event source").
type note struct {
	Batch struct {
		ShardID   string `json:"shardId"`
		Start     string `json:"startSequenceNumber"`
		End       string `json:"endSequenceNumber"`
		StreamARN string `json:"streamArn"`
	} `json:"DDBStreamBatchInfo"`
}

// settle publishes the events of a note and deletes it.
func (s Sweep) settle(ctx context.Context, m sqstypes.Message) error {
	var n note
	if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &n); err != nil {
		return fmt.Errorf("stream: note: %w", err)
	}
	if n.Batch.ShardID == "" || n.Batch.Start == "" || n.Batch.End == "" || n.Batch.StreamARN == "" {
		return errors.New("stream: note: it names no records")
	}
	records, err := s.read(ctx, n)
	if err != nil {
		return err
	}
	if failed := send(ctx, s.Relay, records); len(failed) > 0 {
		return fmt.Errorf("stream: %d events of shard %s were not published, the first at %s", len(failed), n.Batch.ShardID, failed[0])
	}
	if _, err := s.Queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &s.QueueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
		return fmt.Errorf("stream: failure queue: %w", err)
	}
	return nil
}

// read returns the records of a note from the stream.
func (s Sweep) read(ctx context.Context, n note) ([]events.DynamoDBEventRecord, error) {
	at, err := s.Streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &n.Batch.StreamARN,
		ShardId: &n.Batch.ShardID, ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, SequenceNumber: &n.Batch.Start})
	if err != nil {
		return nil, asGone(err)
	}
	var records []events.DynamoDBEventRecord
	iterator := at.ShardIterator
	for range maxPages {
		if iterator == nil {
			break
		}
		page, err := s.Streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
		if err != nil {
			return nil, asGone(err)
		}
		for _, r := range page.Records {
			if r.Dynamodb == nil {
				continue
			}
			record := convert(r)
			order := compare(record.Change.SequenceNumber, n.Batch.End)
			if order <= 0 {
				records = append(records, record)
			}
			if order >= 0 {
				return records, nil
			}
		}
		iterator = page.NextShardIterator
	}
	return nil, errCut
}

func asGone(err error) error {
	var trimmed *types.TrimmedDataAccessException
	var missing *types.ResourceNotFoundException
	if errors.As(err, &trimmed) || errors.As(err, &missing) {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return fmt.Errorf("stream: reading again: %w", err)
}

// compare orders sequence numbers: decimal numbers of up to 40 digits.
func compare(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// convert returns a record of the stream's API as Lambda would have delivered it, as far as the relay looks at it.
func convert(r types.Record) events.DynamoDBEventRecord {
	return events.DynamoDBEventRecord{EventName: string(r.EventName), Change: events.DynamoDBStreamRecord{
		SequenceNumber: aws.ToString(r.Dynamodb.SequenceNumber), Keys: convertImage(r.Dynamodb.Keys), NewImage: convertImage(r.Dynamodb.NewImage)}}
}

// convertImage keeps the texts and the numbers: the table's rows have nothing else.
func convertImage(image map[string]types.AttributeValue) map[string]events.DynamoDBAttributeValue {
	out := make(map[string]events.DynamoDBAttributeValue, len(image))
	for name, value := range image {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			out[name] = events.NewStringAttribute(v.Value)
		case *types.AttributeValueMemberN:
			out[name] = events.NewNumberAttribute(v.Value)
		}
	}
	return out
}
