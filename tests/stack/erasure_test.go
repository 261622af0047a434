package stack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/nowgo/agents/tests/env"
	"github.com/nowgo/agents/tests/journey"
	"github.com/nowgo/agents/tests/stack"
)

type object = map[string]any

// A client that leaves the deployed functions: the eraser takes its rows, files and logins, and nothing of it is found by a scan of the
// whole table but its id, and nothing in the bucket.
func TestErasure(t *testing.T) {
	s := stack.Deploy(t)
	d := journey.Deployment{URL: s.APIURL, AdminEmail: s.AdministratorEmail, AdminPassword: s.AdministratorPassword, Archived: s.Archived}
	root := d.As(t, d.As(t, "").Must(200, "POST", "/v1/auth/sign-in", object{"email": d.AdminEmail, "password": d.AdminPassword}).Text("access_token"))
	word := fmt.Sprintf("zq%x", time.Now().UnixNano())
	made := root.Must(201, "POST", "/v1/clients", object{"name": "Loja " + word, "slug": "loja-" + word, "languages": []string{"en"},
		"administrator": object{"email": "ana@" + word + ".example", "name": "Ana " + word}})
	id := made.Text("id")
	ana := d.As(t, d.As(t, "").Must(200, "POST", "/v1/auth/invitations/accept", object{"token": made.Text("invitation", "token"),
		"name": "Ana " + word, "password": "um-segredo-bem-comprido-42"}).Text("access_token"))
	profile := ana.Must(201, "POST", "/v1/profiles", object{"name": "P " + word, "industry": "retail", "size": object{"employees": 2}}).Text("id")
	agent := ana.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": word}).Text("id")
	ana.Must(201, "POST", "/v1/agents/"+agent+"/documents", object{"name": "a.md", "content_type": "text/markdown", "content": "# " + word + "\n\n" + word + "\n"})
	ana.Must(201, "POST", "/v1/api-keys", object{"name": word, "role": "agent_manager", "scopes": []string{"list-agents"}})
	archived(t, d, id) // the last way by which something comes into the bucket

	path := "/v1/clients/" + id
	etag := root.Must(200, "GET", path, nil).Header.Get("ETag")
	root.Must(202, "DELETE", path+"?grace_days=0", nil, "If-Match", etag)
	var certificate journey.Answer
	for deadline := time.Now().Add(time.Minute); ; {
		s.Invoke(t, "eraser")
		if certificate = root.Do("GET", path+"/certificate", nil); certificate.Status == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no certificate: %d %s", certificate.Status, certificate.Raw)
		}
	}
	for _, kind := range []string{`"kind":"agent"`, `"kind":"apikey"`, `"kind":"event"`, `"kind":"files"`, `"kind":"logins"`, `"kind":"user"`} {
		if !strings.Contains(string(certificate.Raw), kind) {
			t.Errorf("no %s in %s", kind, certificate.Raw)
		}
	}
	for _, row := range rows(t, s) {
		partition := fmt.Sprint(row["client_id"])
		text := fmt.Sprint(row)
		switch {
		case strings.Contains(partition, "$trail#"), strings.Contains(partition, "$clients#") && strings.Contains(text, "id#"+id):
			if strings.Contains(text, "ana@"+word) || strings.Contains(text, "Ana "+word) {
				t.Errorf("of its people: %.300s", text)
			}
		case strings.Contains(text, id), strings.Contains(text, word):
			t.Errorf("a trace: %.300s", text)
		}
	}
	files, err := s3.NewFromConfig(env.AWS(s.Endpoint), func(o *s3.Options) { o.UsePathStyle = true }).ListObjectsV2(t.Context(),
		&s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: aws.String(id)})
	if err != nil || len(files.Contents) != 0 {
		t.Errorf("%d files, %v", len(files.Contents), err)
	}
	// The gateway's verdict may live for 30 s yet; it leads to nothing.
	if a := ana.Do("GET", "/v1/client", nil); a.Status != 401 && a.Status != 404 {
		t.Errorf("its administrator: %d %s", a.Status, a.Raw)
	}
}

// archived waits until the bus brought the client's events to the archive.
func archived(t *testing.T, d journey.Deployment, client string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		bodies, err := d.Archived(ctx, client)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bodies {
			var e struct{ Type string }
			if json.Unmarshal(b, &e) == nil && e.Type == "api_key.created" {
				return
			}
		}
		<-tick.C
	}
}

// rows scans the whole table.
func rows(t *testing.T, s *stack.Stack) []map[string]any {
	t.Helper()
	var all []map[string]any
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(env.AWS(s.Endpoint)), &dynamodb.ScanInput{TableName: &s.Table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			row := map[string]any{}
			for name, value := range item {
				b, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				row[name] = string(b)
			}
			all = append(all, row)
		}
	}
	if len(all) == 0 {
		t.Fatal("an empty table")
	}
	return all
}
