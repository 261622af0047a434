// Package dynamo is the table on Amazon DynamoDB.
//
// One row of the table is one item of package store:
//
//	client_id   S  partition key, of the table and of both indexes
//	sk          S  sort key
//	parent_sk   S  sort key of by_parent; absent where the item is not in that index
//	actor_sk    S  sort key of by_actor; likewise
//	version     N  1 after Create, one more after each Update
//	schema      N  version of the encoding of summary and data
//	expires_at  N  seconds since 1970, the time-to-live attribute; absent: never
//	summary     S  JSON text, projected into the indexes
//	data        S  JSON text, only in the table
//
// A commit is one TransactWriteItems of its changes and events. Time to live deletes late, so every read filters on
// expires_at and every condition treats an expired row as absent (invariant 8).
package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// API is what the adapter calls; *dynamodb.Client is one.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Clients gives the API that may touch a client's items: with credentials that reach no other's. beside names the other
// partitions, all of the platform, that the same request touches; it is empty for everything but a commit of both.
// Implementations may be called concurrently. Package tenantcred has the one for AWS.
type Clients interface {
	For(ctx context.Context, client tenant.ID, beside []tenant.ID) (API, error)
}

// one is the same API for all.
type one struct{ api API }

func (o one) For(context.Context, tenant.ID, []tenant.ID) (API, error) { return o.api, nil }

// Config says which table, and by which clock.
type Config struct {
	Table  string
	System system.System
	// Meter, if set, is told what each request consumed, in read and write capacity units. It may be called concurrently.
	Meter func(operation string, read, write float64)
}

// Table is a store.Table.
type Table struct {
	clients Clients
	cfg     Config
}

var _ store.Table = (*Table)(nil)

// New returns the table, reached with the API's own credentials for all clients. It makes no request.
func New(api API, cfg Config) *Table { return NewFor(one{api}, cfg) }

// NewFor returns the table, reached for each client by the API that clients gives. It makes no request.
func NewFor(clients Clients, cfg Config) *Table { return &Table{clients: clients, cfg: cfg} }

// Get is [store.Table]'s.
func (t *Table) Get(ctx context.Context, client tenant.ID, sk string) (store.Item, error) {
	if err := store.CheckKey(client, sk); err != nil {
		return store.Item{}, err
	}
	api, err := t.clients.For(ctx, client, nil)
	if err != nil {
		return store.Item{}, failed(ctx, "get", err)
	}
	out, err := api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.cfg.Table, Key: rowKey(client, sk), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: t.consumed(),
	})
	if err != nil {
		return store.Item{}, failed(ctx, "get", err)
	}
	t.meterRead("GetItem", out.ConsumedCapacity)
	if len(out.Item) == 0 {
		return store.Item{}, store.ErrNotFound
	}
	it, err := decode(out.Item)
	if err != nil {
		return store.Item{}, err
	}
	if it.Expired(t.cfg.System.Now()) {
		return store.Item{}, store.ErrNotFound
	}
	return it, nil
}

// BatchGet is [store.Table]'s.
func (t *Table) BatchGet(ctx context.Context, client tenant.ID, sks []string) ([]store.Item, error) {
	keys, err := batchKeys(client, sks)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	api, err := t.clients.For(ctx, client, nil)
	if err != nil {
		return nil, failed(ctx, "batch get", err)
	}
	rows := make(map[string]store.Item, len(keys))
	for try := 0; len(keys) > 0; {
		out, err := api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems:           map[string]types.KeysAndAttributes{t.cfg.Table: {Keys: keys, ConsistentRead: aws.Bool(true)}},
			ReturnConsumedCapacity: t.consumed(),
		})
		if err != nil {
			return nil, failed(ctx, "batch get", err)
		}
		for i := range out.ConsumedCapacity {
			t.meterRead("BatchGetItem", &out.ConsumedCapacity[i])
		}
		for _, row := range out.Responses[t.cfg.Table] {
			it, err := decode(row)
			if err != nil {
				return nil, err
			}
			rows[it.SK] = it
		}
		// One answer holds 16 MB; what did not fit, or was throttled, is asked for again.
		left := out.UnprocessedKeys[t.cfg.Table].Keys
		if len(left) == len(keys) {
			if try++; try == maxTries {
				return nil, fmt.Errorf("%w: batch get: %d keys unprocessed after %d tries", store.ErrUnavailable, len(left), try)
			}
			if err := t.pause(ctx, try); err != nil {
				return nil, err
			}
		}
		keys = left
	}
	return inOrder(sks, rows, t.cfg.System.Now()), nil
}

func batchKeys(client tenant.ID, sks []string) ([]map[string]types.AttributeValue, error) {
	if len(sks) > store.MaxBatch {
		return nil, fmt.Errorf("%w: %d keys", store.ErrTooMany, len(sks))
	}
	if client == "" {
		return nil, fmt.Errorf("%w: client", store.ErrBadKey)
	}
	seen := make(map[string]bool, len(sks))
	keys := make([]map[string]types.AttributeValue, len(sks))
	for i, sk := range sks {
		if err := store.CheckKey(client, sk); err != nil {
			return nil, err
		}
		if seen[sk] {
			return nil, fmt.Errorf("%w: repeated", store.ErrBadKey)
		}
		seen[sk] = true
		keys[i] = rowKey(client, sk)
	}
	return keys, nil
}

func inOrder(sks []string, rows map[string]store.Item, now time.Time) []store.Item {
	items := make([]store.Item, 0, len(rows))
	for _, sk := range sks {
		if it, ok := rows[sk]; ok && !it.Expired(now) {
			items = append(items, it)
		}
	}
	return items
}
