package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

var _ store.Eraser = (*Table)(nil)

// Erase is [store.Eraser]'s. Deletions go by the hundred in transactions, for which a function has the permission in any case.
func (t *Table) Erase(ctx context.Context, client tenant.ID, limit int) (map[string]int, error) {
	if err := store.CheckErase(client, limit); err != nil {
		return nil, err
	}
	api, err := t.clients.For(ctx, client, nil)
	if err != nil {
		return nil, failed(ctx, "erase", err)
	}
	removed := map[string]int{}
	for left := limit; left > 0; {
		step := min(left, store.MaxActions)
		keys, err := t.keysOf(ctx, api, client, step)
		if err != nil {
			return nil, err
		}
		if err := t.deleteAll(ctx, api, client, keys); err != nil {
			return nil, err
		}
		for _, sk := range keys {
			removed[store.Kind(sk)]++
		}
		if left -= len(keys); len(keys) == 0 {
			break
		}
	}
	return removed, nil
}

// keysOf returns the first sort keys of the client, those of expired items too.
func (t *Table) keysOf(ctx context.Context, api API, client tenant.ID, limit int) ([]string, error) {
	out, err := api.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &t.cfg.Table,
		KeyConditionExpression:    aws.String(attrClient + " = :client"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":client": str(string(client))},
		ProjectionExpression:      aws.String(attrSK),
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(int32(limit)),
		ReturnConsumedCapacity:    t.consumed(),
	})
	if err != nil {
		return nil, failed(ctx, "erase", err)
	}
	t.meterRead("Query", out.ConsumedCapacity)
	keys := make([]string, 0, len(out.Items))
	for _, row := range out.Items {
		sk, ok := row[attrSK].(*types.AttributeValueMemberS)
		if !ok {
			return nil, errMissing
		}
		keys = append(keys, sk.Value)
	}
	return keys, nil
}

func (t *Table) deleteAll(ctx context.Context, api API, client tenant.ID, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	in := &dynamodb.TransactWriteItemsInput{ReturnConsumedCapacity: t.consumed()}
	for _, sk := range keys {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{
			Delete: &types.Delete{TableName: &t.cfg.Table, Key: rowKey(client, sk)}})
	}
	out, err := api.TransactWriteItems(ctx, in)
	if err != nil {
		return failed(ctx, "erase", err)
	}
	for i := range out.ConsumedCapacity {
		t.meterWrite("TransactWriteItems", &out.ConsumedCapacity[i])
	}
	return nil
}
