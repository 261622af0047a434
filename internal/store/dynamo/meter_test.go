package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/env"
)

// TestMeterCountsWhatTheServiceCharges has the prices by DynamoDB's rules: a consistent read costs 1 unit per 4 KB, a
// transactional write 2 units per KB of each item, an index entry 1 unit per KB. Each emulator is asked only what it prices
// as the service does: DynamoDB Local doubles most transactional writes, and MiniStack prices a read of any size as 1.
func TestMeterCountsWhatTheServiceCharges(t *testing.T) {
	for name, c := range map[string]struct {
		start  func(testing.TB) string
		prices map[string]string
	}{
		"reads":  {env.DynamoDBLocal, map[string]string{"GetItem": "2+0", "BatchGetItem": "2+0", "Query": "2+0"}},
		"writes": {env.MiniStack, map[string]string{"TransactWriteItems": "0+13"}}, // 2×5 the item, 2×1 the event, 1 its index entry
	} {
		t.Run(name, func(t *testing.T) {
			metered := meterAll(t, dynamodb.NewFromConfig(env.AWS(c.start(t))))
			for operation, want := range c.prices {
				if got := metered[operation]; got != want {
					t.Errorf("%s: got %q, want %q", operation, got, want)
				}
			}
		})
	}
}

// meterAll makes one request of each operation, on an item of 5 KB, and returns what each consumed, as read+write.
func meterAll(t *testing.T, api *dynamodb.Client) map[string]string {
	t.Helper()
	sys, ctx := system.Real(), t.Context()
	name, client := "meter-"+sys.NewULID(), tenant.ID(sys.NewID("cli"))
	if err := dynamo.CreateTable(ctx, api, name); err != nil {
		t.Fatal(err)
	}
	metered := map[string]string{}
	table := dynamo.New(api, dynamo.Config{Table: name, System: sys, Meter: func(operation string, read, write float64) {
		metered[operation] += fmt.Sprintf("%g+%g", read, write)
	}})
	e := audit.Event{Partition: client, Body: audit.Body{ID: sys.NewULID(), Type: "thing.made", Target: audit.Target{Type: "thing", ID: "1"}}}
	item := store.Item{SK: "k#1", Schema: 1, Summary: json.RawMessage(`"` + strings.Repeat("x", 4<<10) + `"`)}
	commit := table.Commit(ctx, client, audit.Of(e), store.Create(item))
	_, get := table.Get(ctx, client, "k#1")
	_, batch := table.BatchGet(ctx, client, []string{"k#1"})
	_, query := table.Query(ctx, client, store.Query{Prefix: "k#", Limit: 5})
	if err := errors.Join(commit, get, batch, query); err != nil {
		t.Fatal(err)
	}
	return metered
}
