package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/relay/stream"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// publisher takes events, except those it is told to refuse by id.
type publisher struct {
	refuse []string
	got    []string
}

func (p *publisher) Publish(_ context.Context, list []bus.Event) error {
	var failed []int
	for i, e := range list {
		if slices.Contains(p.refuse, e.ID) {
			failed = append(failed, i)
			continue
		}
		p.got = append(p.got, e.ID)
	}
	if failed != nil {
		return &bus.PartialError{Failed: failed, Err: errors.New("throttled")}
	}
	return nil
}

func relayTo(p bus.Publisher) relay.Relay {
	r := relay.New(p, system.Real(), slog.New(slog.NewTextHandler(io.Discard, nil)))
	r.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return r
}

func happened(t *testing.T, client tenant.ID) audit.Event {
	t.Helper()
	e, err := audit.Happened(t.Context(), system.Real(), client, audit.Fact{Capability: "agents", Type: "agent.published",
		Target: audit.Target{Type: "agent", ID: "agt_1"}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// record returns the stream's record of an event that was written.
func record(t *testing.T, e audit.Event, sequence string) events.DynamoDBEventRecord {
	t.Helper()
	it, err := store.EventItem(e)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]events.DynamoDBAttributeValue{"client_id": events.NewStringAttribute(string(e.Partition)), "sk": events.NewStringAttribute(it.SK)}
	image := map[string]events.DynamoDBAttributeValue{"version": events.NewNumberAttribute("1"), "schema": events.NewNumberAttribute("1"),
		"summary": events.NewStringAttribute(string(it.Summary)), "parent_sk": events.NewStringAttribute(it.ParentSK)}
	for name, value := range keys {
		image[name] = value
	}
	return events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{Keys: keys, NewImage: image, SequenceNumber: sequence}}
}

func TestHandlerNamesFailuresBySequence(t *testing.T) {
	var list []audit.Event
	var batch events.DynamoDBEvent
	for i := range 5 {
		list = append(list, happened(t, "cli_one"))
		batch.Records = append(batch.Records, record(t, list[i], fmt.Sprint(100+i)))
	}
	batch.Records[1].Change.NewImage = nil                                               // poison
	batch.Records[4].Change.NewImage["summary"] = events.NewStringAttribute("{not json") // poison
	p := &publisher{refuse: []string{list[2].Body.ID}}
	response, err := stream.Handler(relayTo(p))(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, f := range response.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	if !slices.Equal(failed, []string{"101", "102", "104"}) {
		t.Errorf("failures %v, want the sequence numbers of poison and of what was refused", failed)
	}
	if !slices.Equal(p.got, []string{list[0].Body.ID, list[3].Body.ID}) {
		t.Errorf("published %v", p.got)
	}
}

func TestHandlerPassesWhatIsNoNewEvent(t *testing.T) {
	changed, removed, other, odd := record(t, happened(t, "cli_one"), "1"), record(t, happened(t, "cli_one"), "2"),
		record(t, happened(t, "cli_one"), "3"), record(t, happened(t, "cli_one"), "4")
	changed.EventName, removed.EventName = "MODIFY", "REMOVE"
	other.Change.Keys["sk"] = events.NewStringAttribute("agent#agt_1")
	odd.Change.Keys["sk"] = events.NewNumberAttribute("7")
	p := &publisher{}
	response, err := stream.Handler(relayTo(p))(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{changed, removed, other, odd}})
	if err != nil || len(response.BatchItemFailures) != 0 || len(p.got) != 0 {
		t.Errorf("response %v, %v, published %v", response, err, p.got)
	}
	// A null list would be taken for the failure of the whole batch.
	if b, err := json.Marshal(response); err != nil || string(b) != `{"batchItemFailures":[]}` {
		t.Errorf("answered %s, %v", b, err)
	}
}

// TestInvokeReadsLambdaEvents holds the function against a payload as Lambda sends it.
func TestInvokeReadsLambdaEvents(t *testing.T) {
	payload, err := os.ReadFile("testdata/records.json")
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{}
	answer, err := stream.Function{Relay: relayTo(p)}.Invoke(t.Context(), payload)
	if err != nil || !slices.Equal(p.got, []string{"01KAQ2YV5W3D1N7J8Z4R6T9XQE"}) {
		t.Errorf("published %v, %v", p.got, err)
	}
	if b, err := json.Marshal(answer); err != nil || string(b) != `{"batchItemFailures":[]}` {
		t.Errorf("answered %s, %v", b, err)
	}
	if _, err := (stream.Function{Relay: relayTo(p)}).Invoke(t.Context(), json.RawMessage(`[`)); err == nil {
		t.Error("a payload that is not JSON was taken")
	}
}
