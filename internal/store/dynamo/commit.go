package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// INVARIANT 8: to every condition an expired row is absent, though time to live has not deleted it yet.
const (
	isLive    = "(attribute_not_exists(expires_at) OR expires_at > :now)"
	isAbsent  = "attribute_not_exists(sk) OR expires_at <= :now"
	isPresent = "attribute_exists(sk) AND " + isLive
	isSeen    = "#version = :seen AND " + isLive // INVARIANT 13
	isNew     = "attribute_not_exists(sk)"       // INVARIANT 3: of an event
)

// Commit is [store.Table]'s. A transaction that meets another is tried again, a bounded number of times, with the same request
// token, so that one whose answer was lost is not made twice.
func (t *Table) Commit(ctx context.Context, client tenant.ID, record audit.Record, changes ...store.Change) error {
	actions, err := store.Plan(client, record, changes)
	if err != nil {
		return err
	}
	api, err := t.clients.For(ctx, client, beside(client, actions))
	if err != nil {
		return failed(ctx, "commit", err)
	}
	in := &dynamodb.TransactWriteItemsInput{
		TransactItems:          make([]types.TransactWriteItem, len(actions)),
		ClientRequestToken:     aws.String(t.cfg.System.NewID("tx")),
		ReturnConsumedCapacity: t.consumed(),
	}
	now := t.cfg.System.Now().Unix()
	for i, a := range actions {
		in.TransactItems[i] = t.action(a, now)
	}
	for try := 1; ; try++ {
		out, err := api.TransactWriteItems(ctx, in)
		if err == nil {
			for i := range out.ConsumedCapacity {
				t.meterWrite("TransactWriteItems", &out.ConsumedCapacity[i])
			}
			return nil
		}
		again, err := outcome(ctx, err, actions)
		if !again || try == maxTries {
			return err
		}
		if err := t.pause(ctx, try); err != nil {
			return err
		}
	}
}

// beside returns the partitions that the actions touch beside the client's, sorted.
func beside(client tenant.ID, actions []store.Action) []tenant.ID {
	var others []tenant.ID
	for _, a := range actions {
		if a.Partition != client {
			others = append(others, a.Partition)
		}
	}
	slices.Sort(others)
	return slices.Compact(others)
}

// outcome says whether a transaction that failed is worth trying again, and returns the port's error for it.
func outcome(ctx context.Context, err error, actions []store.Action) (again bool, _ error) {
	var (
		inProgress *types.TransactionInProgressException
		canceled   *types.TransactionCanceledException
	)
	switch {
	case ctx.Err() != nil:
		return false, failed(ctx, "commit", err)
	case errors.As(err, &inProgress): // an earlier try of this very commit
		return true, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case !errors.As(err, &canceled):
		return false, failed(ctx, "commit", err)
	}
	what, i := verdict(canceled.CancellationReasons)
	switch {
	case what == unmet && i < len(actions):
		return false, &store.ConditionError{Change: i, SK: actions[i].Item.SK, Op: actions[i].Op}
	case what == byOther:
		return true, fmt.Errorf("%w: %w", store.ErrConflict, err)
	case what == throttled:
		return true, fmt.Errorf("%w: commit: %w", store.ErrUnavailable, err)
	}
	return false, fmt.Errorf("store/dynamo: commit: action %d: %w", i, err)
}

func (t *Table) action(a store.Action, now int64) types.TransactWriteItem {
	values := map[string]types.AttributeValue{":now": num(now)}
	var names map[string]string
	if a.Op != store.OpCreate && a.Seen > 0 {
		values[":seen"] = num(a.Seen)
		names = map[string]string{"#version": attrVersion}
	}
	put := func(condition string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: &t.cfg.Table, Item: encode(a.Partition, a.Item, a.Seen+1),
			ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values}}
	}
	switch {
	case a.Event:
		values = nil
		return put(isNew)
	case a.Op == store.OpCreate:
		a.Seen = 0
		return put(isAbsent)
	case a.Op == store.OpUpdate:
		return put(isSeen)
	case a.Op == store.OpDelete:
		return types.TransactWriteItem{Delete: &types.Delete{TableName: &t.cfg.Table, Key: rowKey(a.Partition, a.Item.SK),
			ConditionExpression: aws.String(isSeen), ExpressionAttributeNames: names, ExpressionAttributeValues: values}}
	}
	condition := isPresent
	if a.Seen > 0 {
		condition = isSeen
	}
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: &t.cfg.Table, Key: rowKey(a.Partition, a.Item.SK),
		ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values}}
}
