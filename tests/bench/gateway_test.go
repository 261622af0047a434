package bench

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/nowgo/agents/tests/env"
)

type object = map[string]any

// gateway leads calls to the functions' processes as API Gateway does: a credential goes to the authorizer, whose verdict's
// context goes with the event to the capability.
type gateway struct {
	b           *testing.B
	folder      string // of the binaries
	environment []string
	running     map[string]*process
}

func (g *gateway) function(name string) *process {
	g.b.Helper()
	p, ok := g.running[name]
	if !ok {
		p = start(g.b, filepath.Join(g.folder, name), g.environment)
		g.running[name] = p
	}
	return p
}

func (g *gateway) stop() {
	for _, p := range g.running {
		p.stop(g.b)
	}
}

// authorization is the event that the authorizer is asked with.
func authorization(token string) events.APIGatewayCustomAuthorizerRequestTypeRequest {
	return events.APIGatewayCustomAuthorizerRequestTypeRequest{Type: "REQUEST", HTTPMethod: "GET", Path: "/v1/agents",
		MethodArn: "arn:aws:execute-api:us-east-1:123456789012:abc123/live/GET/v1/agents",
		Headers:   map[string]string{"Authorization": "Bearer " + token}, MultiValueHeaders: map[string][]string{"Authorization": {"Bearer " + token}}}
}

// verdict returns the context that the authorizer gives to calls with the token.
func (g *gateway) verdict(token string) map[string]any {
	g.b.Helper()
	var out events.APIGatewayCustomAuthorizerResponse
	if err := json.Unmarshal(g.function("authorizer").invoke(g.b, authorization(token)).body, &out); err != nil {
		g.b.Fatal(err)
	}
	return out.Context
}

// call is the event of a call, with a JSON body unless that is nil.
func call(b *testing.B, method, path string, verdict map[string]any, body any) events.APIGatewayProxyRequest {
	b.Helper()
	e := events.APIGatewayProxyRequest{Resource: "/{proxy+}", HTTPMethod: method, Path: path, Headers: map[string]string{},
		MultiValueHeaders: map[string][]string{}, RequestContext: events.APIGatewayProxyRequestContext{HTTPMethod: method,
			Path: "/live" + path, Stage: "live", APIID: "abc123", Authorizer: verdict,
			Identity: events.APIGatewayRequestIdentity{SourceIP: "203.0.113.7", UserAgent: "bench"}}}
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		e.Body = string(encoded)
		e.Headers["Content-Type"], e.MultiValueHeaders["Content-Type"] = "application/json", []string{"application/json"}
	}
	return e
}

// must makes a call to a capability and returns the JSON of its answer, which must have the status.
func (g *gateway) must(capability string, status int, e events.APIGatewayProxyRequest) object {
	g.b.Helper()
	return answered(g.b, g.function(capability).invoke(g.b, e), status)
}

func answered(b *testing.B, a answer, status int) object {
	b.Helper()
	var out events.APIGatewayProxyResponse
	if err := json.Unmarshal(a.body, &out); err != nil {
		b.Fatal(err)
	}
	if out.StatusCode != status {
		b.Fatalf("status %d, not %d: %s", out.StatusCode, status, out.Body)
	}
	var body object
	if err := json.Unmarshal([]byte(out.Body), &body); err != nil {
		b.Fatal(err)
	}
	return body
}

// streamed returns the event that the table's stream has of an event item of the client.
func streamed(b *testing.B, client string) (object, string) {
	b.Helper()
	api := dynamodb.NewFromConfig(env.AWS(env.DynamoDBLocal(b)))
	out, err := api.Query(b.Context(), &dynamodb.QueryInput{TableName: awssdk.String(table), Limit: awssdk.Int32(1),
		KeyConditionExpression: awssdk.String("client_id = :c AND begins_with(sk, :e)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":c": &types.AttributeValueMemberS{Value: client},
			":e": &types.AttributeValueMemberS{Value: "event#"}}})
	if err != nil || len(out.Items) == 0 {
		b.Fatalf("%d events of %s: %v", len(out.Items), client, err)
	}
	image := object{}
	for name, value := range out.Items[0] {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			image[name] = object{"S": v.Value}
		case *types.AttributeValueMemberN:
			image[name] = object{"N": v.Value}
		}
	}
	body, _ := out.Items[0]["summary"].(*types.AttributeValueMemberS)
	if body == nil {
		b.Fatal("an event without a summary")
	}
	return object{"Records": []object{{"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": env.Region,
		"eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/nowgo/stream/2026-11-23T20:00:00.000",
		"dynamodb": object{"Keys": object{"client_id": image["client_id"], "sk": image["sk"]}, "NewImage": image,
			"SequenceNumber": "100", "StreamViewType": "NEW_AND_OLD_IMAGES"}}}}, body.Value
}

// queued returns the event that the archivist's queue has of an event on the bus.
func queued(b *testing.B, detail string) object {
	b.Helper()
	envelope, err := json.Marshal(object{"version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "source": "nowgo.clients",
		"detail-type": "client.created", "account": "123456789012", "time": "2026-11-23T20:00:00Z", "region": env.Region,
		"resources": []string{}, "detail": json.RawMessage(detail)})
	if err != nil {
		b.Fatal(err)
	}
	return object{"Records": []object{{"messageId": "m1", "receiptHandle": "r", "body": string(envelope), "eventSource": "aws:sqs",
		"eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:archivist", "awsRegion": env.Region}}}
}
