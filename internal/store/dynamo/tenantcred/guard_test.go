package tenantcred_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/tenant"
)

// guarded refuses, as the roles' conditions on dynamodb:LeadingKeys do, every request upon another partition than those that
// the API was asked for; the emulators enforce no policy.
type guarded struct{ clients dynamo.Clients }

func (g guarded) For(ctx context.Context, client tenant.ID, beside []tenant.ID) (dynamo.API, error) {
	api, err := g.clients.For(ctx, client, beside)
	return guard{api, append([]tenant.ID{client}, beside...)}, err
}

type guard struct {
	dynamo.API
	allowed []tenant.ID
}

type attributes = map[string]types.AttributeValue

func (g guard) check(rows ...attributes) error {
	for _, row := range rows {
		id, ok := row["client_id"].(*types.AttributeValueMemberS)
		if !ok || !slices.Contains(g.allowed, tenant.ID(id.Value)) {
			return fmt.Errorf("access denied: leading key %v with credentials for %q", row["client_id"], g.allowed)
		}
	}
	return nil
}

func (g guard) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := g.check(in.Key); err != nil {
		return nil, err
	}
	return g.API.GetItem(ctx, in, o...)
}

func (g guard) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	for _, keys := range in.RequestItems {
		if err := g.check(keys.Keys...); err != nil {
			return nil, err
		}
	}
	return g.API.BatchGetItem(ctx, in, o...)
}

func (g guard) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if err := g.check(attributes{"client_id": in.ExpressionAttributeValues[":client"]}); err != nil {
		return nil, err
	}
	return g.API.Query(ctx, in, o...)
}

func (g guard) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	for _, a := range in.TransactItems {
		var row attributes
		switch {
		case a.Put != nil:
			row = a.Put.Item
		case a.Delete != nil:
			row = a.Delete.Key
		case a.ConditionCheck != nil:
			row = a.ConditionCheck.Key
		}
		if err := g.check(row); err != nil {
			return nil, err
		}
	}
	return g.API.TransactWriteItems(ctx, in, o...)
}
