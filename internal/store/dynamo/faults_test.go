package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/env"
)

const someClient = "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa"

// zeros is a random source by which no retry waits.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var still = system.System{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }, Random: zeros{}}

// scripted answers each request of a transaction with the next error of its script, and in the end with success.
type scripted struct {
	dynamo.API
	script []error
	tokens []string
}

func (s *scripted) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	s.tokens = append(s.tokens, aws.ToString(in.ClientRequestToken))
	if n := len(s.tokens); n <= len(s.script) {
		return nil, s.script[n-1]
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

func canceledBy(codes ...string) error {
	reasons := make([]types.CancellationReason, len(codes))
	for i, c := range codes {
		reasons[i].Code = aws.String(c)
	}
	return fmt.Errorf("operation error: %w", &types.TransactionCanceledException{CancellationReasons: reasons})
}

func times(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func commitOne(api dynamo.API) error {
	e := audit.Event{Partition: someClient, Body: audit.Body{ID: "01J", Type: "thing.made"}}
	table := dynamo.New(api, dynamo.Config{Table: "t", System: still})
	return table.Commit(context.Background(), someClient, audit.Of(e), store.Create(store.Item{SK: "a"}), store.Create(store.Item{SK: "b"}))
}

func TestCommitTriesAgainOnlyWhatCanSucceed(t *testing.T) {
	conflict, throttle := canceledBy("None", "TransactionConflict", "None"), canceledBy("ThrottlingError", "None", "None")
	for name, c := range map[string]struct {
		script []error
		want   error // nil: success
		tries  int
	}{
		"a conflict passes":                  {times(3, conflict), nil, 4},
		"a conflict that never passes":       {times(99, conflict), store.ErrConflict, 10},
		"throttling passes":                  {times(2, throttle), nil, 3},
		"throttling that never passes":       {times(99, throttle), store.ErrUnavailable, 10},
		"an earlier try is still in the way": {[]error{&types.TransactionInProgressException{}}, nil, 2},
		"an outage is left to the caller":    {times(1, &types.InternalServerError{}), store.ErrUnavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			api := &scripted{script: c.script}
			if err := commitOne(api); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if len(api.tokens) != c.tries {
				t.Errorf("%d tries, want %d", len(api.tokens), c.tries)
			}
			for _, token := range api.tokens {
				if token == "" || len(token) > 36 || token != api.tokens[0] {
					t.Errorf("request tokens %q: want one, of 1 to 36 characters, in all tries", api.tokens)
				}
			}
		})
	}
}

// asking notes for which partitions clients are asked.
type asking struct {
	dynamo.API
	client tenant.ID
	beside []tenant.ID
}

func (a *asking) For(_ context.Context, client tenant.ID, beside []tenant.ID) (dynamo.API, error) {
	a.client, a.beside = client, beside
	return a.API, nil
}

// INVARIANT 1: a commit is made by who may write what is in it: the client's partition, and each of the platform's once.
func TestCommitAsksForWhatItTouches(t *testing.T) {
	clients := &asking{API: &scripted{}}
	table := dynamo.NewFor(clients, dynamo.Config{Table: "t", System: still})
	e := audit.Event{Partition: someClient, Body: audit.Body{ID: "01J", Type: "thing.made"}}
	changes := []store.Change{store.Create(store.Item{SK: "a"}), store.Create(store.Item{SK: "b"}), store.Create(store.Item{SK: "c"}), store.Create(store.Item{SK: "d"})}
	changes[1].Partition, changes[2].Partition, changes[3].Partition = "$login#1", "$clients#2", "$login#1"
	if err := table.Commit(t.Context(), someClient, audit.Of(e), changes...); err != nil {
		t.Fatal(err)
	}
	if want := []tenant.ID{"$clients#2", "$login#1"}; clients.client != someClient || !slices.Equal(clients.beside, want) {
		t.Errorf("asked for %q beside %q, want %q", clients.beside, clients.client, want)
	}
}

func TestACanceledTransactionIsReadByItsReasons(t *testing.T) {
	for name, c := range map[string]struct {
		codes []string
		index int // of the ConditionError; -1: another error
	}{
		"the second condition":              {[]string{"None", "ConditionalCheckFailed", "None"}, 1},
		"the first of two":                  {[]string{"ConditionalCheckFailed", "ConditionalCheckFailed", "None"}, 0},
		"an event's":                        {[]string{"None", "None", "ConditionalCheckFailed"}, 2},
		"a condition outweighs a conflict":  {[]string{"TransactionConflict", "ConditionalCheckFailed", "None"}, 1},
		"a defect":                          {[]string{"None", "ValidationError", "None"}, -1},
		"more reasons than actions":         {[]string{"None", "None", "None", "None", "ConditionalCheckFailed"}, -1},
		"no reasons":                        {nil, -1},
		"reasons that all say nothing":      {[]string{"None", "None", "None"}, -1},
		"a code that nobody has heard of":   {[]string{"Moonlight"}, -1},
		"a defect outweighs what may pass":  {[]string{"ValidationError", "TransactionConflict"}, -1},
		"a condition outweighs a throttled": {[]string{"ThrottlingError", "None", "ConditionalCheckFailed"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			api := &scripted{script: times(99, canceledBy(c.codes...))}
			err := commitOne(api)
			index, ok := store.FailedOn(err)
			if ok != (c.index >= 0) || ok && index != c.index {
				t.Errorf("got %v", err)
			}
			if !ok && (err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUnavailable)) {
				t.Errorf("a defect came as %v", err)
			}
			if len(api.tokens) != 1 {
				t.Errorf("%d tries, want 1", len(api.tokens))
			}
		})
	}
}

// partial answers as many keys of a batch as it is told, and leaves the rest.
type partial struct {
	dynamo.API
	answer int
	calls  int
}

func (p *partial) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	p.calls++
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{}}
	for table, want := range in.RequestItems {
		n := min(p.answer, len(want.Keys))
		for _, key := range want.Keys[:n] {
			key["version"] = &types.AttributeValueMemberN{Value: "1"}
			out.Responses[table] = append(out.Responses[table], key)
		}
		if n < len(want.Keys) {
			out.UnprocessedKeys = map[string]types.KeysAndAttributes{table: {Keys: want.Keys[n:]}}
		}
	}
	return out, nil
}

func TestBatchGetAsksForWhatWasLeft(t *testing.T) {
	api := &partial{answer: 2}
	table := dynamo.New(api, dynamo.Config{Table: "t", System: still})
	got, err := table.BatchGet(context.Background(), someClient, []string{"e", "d", "c", "b", "a"})
	if err != nil || len(got) != 5 || got[0].SK != "e" || got[4].SK != "a" || api.calls != 3 {
		t.Errorf("got %v, %v after %d calls", got, err, api.calls)
	}
	api = &partial{answer: 0}
	table = dynamo.New(api, dynamo.Config{Table: "t", System: still})
	if _, err := table.BatchGet(context.Background(), someClient, []string{"a"}); !errors.Is(err, store.ErrUnavailable) || api.calls != 10 {
		t.Errorf("got %v after %d calls", err, api.calls)
	}
}

// TestWhatPassesIsUnavailable speaks HTTP, so that the SDK makes the errors.
func TestWhatPassesIsUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		kind   string
		want   bool
	}{
		"a fault of the service": {500, "InternalServerError", true},
		"an unknown fault":       {503, "", true},
		"throttling":             {400, "ThrottlingException", true},
		"too much throughput":    {400, "ProvisionedThroughputExceededException", true},
		"no such table":          {400, "ResourceNotFoundException", false},
		"a denied action":        {400, "AccessDeniedException", false},
		"a defect":               {400, "ValidationException", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				w.WriteHeader(c.status)
				body, err := json.Marshal(map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + c.kind, "message": "scripted"})
				if err == nil {
					_, err = bytes.NewReader(body).WriteTo(w)
				}
				if err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			wantUnavailable(t, server.URL, c.want)
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		server := httptest.NewServer(nil)
		server.Close()
		wantUnavailable(t, server.URL, true)
	})
	t.Run("a connection that breaks", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		defer server.Close()
		wantUnavailable(t, server.URL, true)
	})
}

func wantUnavailable(t *testing.T, endpoint string, want bool) {
	t.Helper()
	api := dynamodb.NewFromConfig(env.AWS(endpoint), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	table := dynamo.New(api, dynamo.Config{Table: "t", System: still})
	_, get := table.Get(context.Background(), someClient, "a")
	_, batch := table.BatchGet(context.Background(), someClient, []string{"a"})
	_, query := table.Query(context.Background(), someClient, store.Query{Prefix: "a", Limit: 1})
	for op, err := range map[string]error{"get": get, "batch get": batch, "query": query, "commit": commitOne(api)} {
		if err == nil || errors.Is(err, store.ErrUnavailable) != want {
			t.Errorf("%s: got %v; unavailable: want %t", op, err, want)
		}
	}
}
