package bench

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/tests/env"
)

const (
	adminEmail    = "root@nowgo.example"
	adminPassword = "a-long-enough-first-password"
	secretText    = "a secret of more than thirty-two characters, the same everywhere"
	table         = "nowgo"
)

// aws is the AWS that the functions see: the table is DynamoDB Local; secrets, bus, files and sessions are answered at once, so that
// what is measured is the function's own.
func aws(b *testing.B) (endpoint string) {
	b.Helper()
	local := env.DynamoDBLocal(b)
	if err := dynamo.CreateTable(b.Context(), dynamodb.NewFromConfig(env.AWS(local)), table); err != nil {
		b.Fatal(err)
	}
	target, err := url.Parse(local)
	if err != nil {
		b.Fatal(err)
	}
	dynamoDB := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		switch {
		case strings.HasPrefix(service, "DynamoDB"):
			dynamoDB.ServeHTTP(w, r)
		case operation == "GetSecretValue":
			secretValue(w, r)
		case operation == "PutEvents":
			reply(w, map[string]any{"FailedEntryCount": 0, "Entries": []any{map[string]string{"EventId": "1"}}})
		case r.Method == http.MethodPost && service == "":
			session(w)
		default: // S3: a file was put
			w.Header().Set("ETag", `"1"`)
		}
	}))
	b.Cleanup(server.Close)
	return server.URL
}

func secretValue(w http.ResponseWriter, r *http.Request) {
	var in struct{ SecretID string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text := secretText
	if strings.Contains(in.SecretID, "administrator") {
		text = `{"email":"` + adminEmail + `","password":"` + adminPassword + `"}`
	}
	reply(w, map[string]string{"Name": in.SecretID, "SecretString": text})
}

// session answers sts:AssumeRole.
func session(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/xml")
	const text = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>` +
		`<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>test</SecretAccessKey><SessionToken>test</SessionToken>` +
		`<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
	if _, err := w.Write([]byte(text)); err != nil {
		return // the function has gone
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return // the function has gone
	}
}

// environment is what the infra app gives to the functions, all of it to each.
func environment(endpoint string) []string {
	return []string{"AWS_REGION=" + env.Region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL=" + endpoint,
		"NOWGO_ENV=bench", "NOWGO_TABLE=" + table, "NOWGO_BUS=nowgo", "NOWGO_BLOBS=nowgo", "NOWGO_SIGNING_KEYS_SECRET=signing-keys",
		"NOWGO_PLATFORM_SECRET=platform", "NOWGO_ADMINISTRATOR_SECRET=administrator", "NOWGO_FAILURES=" + endpoint + "/failures",
		"NOWGO_DATA_ROLE_ARN=arn:aws:iam::123456789012:role/data", "NOWGO_REGISTRAR_ROLE_ARN=arn:aws:iam::123456789012:role/registrar",
		"NOWGO_RATE_SHARE=1000"}
}
