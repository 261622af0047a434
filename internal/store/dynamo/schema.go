package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/nowgo/agents/internal/store"
)

// Projected is the attributes that both indexes hold beside the keys.
func Projected() []string { return []string{attrVersion, attrSchema, attrExpires, attrSummary} }

// TableSchema returns the table as the adapter needs it: its keys, both indexes and the stream of old and new images.
func TableSchema(name string) *dynamodb.CreateTableInput {
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	keys := func(sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: aws.String(attrClient), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange}}
	}
	index := func(index store.Index) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{IndexName: aws.String(string(index)), KeySchema: keys(keyAttr(index)),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: Projected()}}
	}
	return &dynamodb.CreateTableInput{
		TableName:              &name,
		BillingMode:            types.BillingModePayPerRequest,
		AttributeDefinitions:   []types.AttributeDefinition{attribute(attrClient), attribute(attrSK), attribute(attrParent), attribute(attrActor)},
		KeySchema:              keys(attrSK),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index(store.ByParent), index(store.ByActor)},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true),
			StreamViewType: types.StreamViewTypeNewAndOldImages},
	}
}

// Creator is what [CreateTable] calls; *dynamodb.Client is one.
type Creator interface {
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	dynamodb.DescribeTableAPIClient
}

// CreateTable makes the table and waits, for at most a minute, until it is there. Deployments make theirs by infra; this one
// is for tests and benchmarks.
func CreateTable(ctx context.Context, api Creator, name string) error {
	if _, err := api.CreateTable(ctx, TableSchema(name)); err != nil {
		return fmt.Errorf("store/dynamo: create table: %w", err)
	}
	waiter := dynamodb.NewTableExistsWaiter(api, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 20 * time.Millisecond })
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		return fmt.Errorf("store/dynamo: create table: %w", err)
	}
	return nil
}
