// Package prover tries, on a deployed environment, what must be impossible: to reach one client's rows, files and data keys with the
// credentials of another. No emulator enforces the policies that forbid it, so this is the one proof that they do.
//
// The two clients are made up for the run and have nothing, so a crossing that succeeds does no harm; what is proved is what a
// function's session may ask for, whoever's the answer is.
package prover

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	blobs3 "github.com/nowgo/agents/internal/blob/s3"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Finding is what became of one attempt.
type Finding struct {
	Attempt string `json:"attempt"`
	Want    string `json:"want"` // allowed, for what is the client's own, or refused
	Got     string `json:"got"`  // allowed, refused, or failed: neither is known
	Error   string `json:"error,omitempty"`
}

// OK reports whether it is as it must be.
func (f Finding) OK() bool { return f.Want == f.Got }

// The outcomes.
const (
	Allowed = "allowed"
	Refused = "refused"
	Failed  = "failed"
)

// Prover tries. AWS is the function's own configuration; Credentials are those of one client's sessions.
type Prover struct {
	AWS         aws.Config
	Credentials func(client tenant.ID) (aws.CredentialsProvider, error)
	Table       string
	Bucket      string
	Key         string // ARN of the KMS key
	System      system.System
}

// attempt is one request, as the first client.
type attempt struct {
	name string
	want string
	try  func(context.Context) error
}

// Run makes every attempt, as a client that is made up for the purpose, upon itself and upon another.
func (p *Prover) Run(ctx context.Context) ([]Finding, error) {
	own, other := tenant.ID(p.System.NewID("cli")), tenant.ID(p.System.NewID("cli"))
	credentials, err := p.Credentials(own)
	if err != nil {
		return nil, fmt.Errorf("prover: %w", err)
	}
	cfg := p.AWS.Copy()
	cfg.Credentials = credentials
	var findings []Finding
	for _, a := range p.attempts(cfg, own, other) {
		f := Finding{Attempt: a.name, Want: a.want, Got: Allowed}
		if err := a.try(ctx); err != nil {
			f.Got, f.Error = judge(err)
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// judge says what an error means: a request that IAM let through and that found nothing was allowed.
func judge(err error) (got, text string) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return Failed, err.Error()
	}
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "AccessDenied"):
		return Refused, ""
	case code == "NoSuchKey", code == "NotFound", code == "ConditionalCheckFailedException", code == "TransactionCanceledException":
		return Allowed, ""
	}
	return Failed, err.Error()
}

func (p *Prover) attempts(cfg aws.Config, own, other tenant.ID) []attempt {
	all := append(p.rows(cfg, own, other), p.files(cfg, own, other)...)
	return append(all, p.keys(cfg, own, other)...)
}

func (p *Prover) rows(cfg aws.Config, own, other tenant.ID) []attempt {
	api := dynamodb.NewFromConfig(cfg)
	get := func(of tenant.ID) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &p.Table, Key: key(of)})
			return err
		}
	}
	query := func(of tenant.ID, index string) func(context.Context) error {
		in := &dynamodb.QueryInput{TableName: &p.Table, KeyConditionExpression: aws.String("client_id = :c"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":c": &types.AttributeValueMemberS{Value: string(of)}}}
		if index != "" {
			in.IndexName = &index
		}
		return func(ctx context.Context) error { _, err := api.Query(ctx, in); return err }
	}
	return []attempt{
		{"read an own row", Allowed, get(own)},
		{"list own rows", Allowed, query(own, "")},
		{"read another client's row", Refused, get(other)},
		{"read a row of a client whose id begins with the own", Refused, get(own + "a")},
		{"read the platform's rows", Refused, get(directory.Home("usr_proof"))},
		{"list another client's rows", Refused, query(other, "")},
		{"list another client's rows by an index", Refused, query(other, "by_parent")},
		{"read an own row and another's at once", Refused, func(ctx context.Context) error {
			_, err := api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				p.Table: {Keys: []map[string]types.AttributeValue{key(own), key(other)}}}})
			return err
		}},
		{"write a row of another client", Refused, func(ctx context.Context) error {
			_, err := api.PutItem(ctx, &dynamodb.PutItemInput{TableName: &p.Table, Item: key(other), ConditionExpression: aws.String("attribute_exists(sk)")})
			return err
		}},
		{"delete a row of another client", Refused, func(ctx context.Context) error {
			_, err := api.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &p.Table, Key: key(other)})
			return err
		}},
		{"check a row of another client in a transaction", Refused, func(ctx context.Context) error {
			_, err := api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{ConditionCheck: &types.ConditionCheck{TableName: &p.Table, Key: key(other), ConditionExpression: aws.String("attribute_exists(sk)")}}}})
			return err
		}},
		{"scan the table", Refused, func(ctx context.Context) error {
			_, err := api.Scan(ctx, &dynamodb.ScanInput{TableName: &p.Table, Limit: aws.Int32(1)})
			return err
		}},
		{"select from the table by PartiQL", Refused, func(ctx context.Context) error {
			_, err := api.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{
				Statement: aws.String(fmt.Sprintf(`SELECT * FROM "%s" WHERE client_id = '%s'`, p.Table, other))})
			return err
		}},
	}
}

func key(of tenant.ID) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"client_id": &types.AttributeValueMemberS{Value: string(of)}, "sk": &types.AttributeValueMemberS{Value: "proof"}}
}

func (p *Prover) files(cfg aws.Config, own, other tenant.ID) []attempt {
	api := blobs3.Client(cfg)
	list := func(prefix string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &p.Bucket, Prefix: &prefix, MaxKeys: aws.Int32(1)})
			return err
		}
	}
	get := func(of tenant.ID) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &p.Bucket, Key: aws.String(string(of) + "/proof")})
			return err
		}
	}
	return []attempt{
		{"list own files", Allowed, list(string(own) + "/")},
		{"read an own file", Allowed, get(own)},
		{"list another client's files", Refused, list(string(other) + "/")},
		{"list everybody's files", Refused, list("")},
		{"read another client's file", Refused, get(other)},
		{"delete another client's file", Refused, func(ctx context.Context) error {
			_, err := api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: aws.String(string(other) + "/proof")})
			return err
		}},
		{"write another client's file", Refused, func(ctx context.Context) error {
			name := aws.String(string(other) + "/proof")
			_, err := api.PutObject(ctx, &s3.PutObjectInput{Bucket: &p.Bucket, Key: name, Body: strings.NewReader("proof")})
			if err == nil { // it was not refused: take it back
				_, gone := api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: name})
				return gone
			}
			return err
		}},
	}
}

func (p *Prover) keys(cfg aws.Config, own, other tenant.ID) []attempt {
	api := kms.NewFromConfig(cfg)
	generate := func(of map[string]string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &p.Key, KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: of})
			return err
		}
	}
	return []attempt{
		{"make an own data key", Allowed, generate(map[string]string{"client_id": string(own), "purpose": "proof"})},
		{"make a data key of another client", Refused, generate(map[string]string{"client_id": string(other), "purpose": "proof"})},
		{"make a data key of nobody", Refused, generate(nil)},
		{"make a data key of a person", Refused, generate(map[string]string{"person_id": "per_proof", "purpose": "proof"})},
	}
}
