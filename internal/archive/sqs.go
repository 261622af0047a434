package archive

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/nowgo/agents/internal/bus"
)

// SQSHandler returns the function's handler for messages of a queue that a rule of EventBridge feeds: each message's body is an
// event in EventBridge's envelope. Its answer names the messages that were not archived by their ids (Lambda Developer Guide,
// "Implementing partial batch responses" of SQS), so that the queue delivers them again and at last to its dead letters; the list is
// empty, never null, where there are none.
func SQSHandler(a *Archivist, log *slog.Logger) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		failed := make([]error, len(e.Records))
		var batch []bus.Event
		var indexes []int
		for i, m := range e.Records {
			var event bus.Event
			if err := json.Unmarshal([]byte(m.Body), &event); err != nil {
				failed[i] = err
				continue
			}
			batch, indexes = append(batch, event), append(indexes, i)
		}
		err := a.Handle(ctx, batch)
		var partial *bus.PartialError
		switch {
		case errors.As(err, &partial):
			for _, k := range partial.Failed {
				failed[indexes[k]] = err
			}
		case err != nil:
			return events.SQSEventResponse{}, err
		}
		response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for i, err := range failed {
			if err != nil {
				log.ErrorContext(ctx, "a message was not archived", "message_id", e.Records[i].MessageId, "error", err)
				response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: e.Records[i].MessageId})
			}
		}
		return response, nil
	}
}
