package capacity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/blob/folder"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/envelope/local"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

type object = map[string]any

const (
	adminEmail    = "root@nowgo.example"
	adminPassword = "a-long-enough-first-password"
	password      = "um-segredo-bem-comprido-42"
)

// use is what was asked of the table.
type use struct {
	gets, batches, queries, transactions int
	rows                                 int     // in the transactions: written, deleted or only checked
	read                                 float64 // capacity units
}

func (u use) reads() int { return u.gets + u.batches + u.queries }

// platform is the whole platform in this process over a table of DynamoDB Local, with a clock and randomness of its own, so that the
// same run stores the same bytes. (Two with one randomness would have one transaction's token in two tables.)
type platform struct {
	app     *app.App
	table   *dynamo.Table
	handler http.Handler
	mails   outbox
	now     time.Time

	mu   sync.Mutex
	used use
}

// newPlatform returns a platform over a new table of that name.
func newPlatform(t *testing.T, name string) *platform {
	t.Helper()
	p := &platform{now: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)}
	sys := system.System{Now: func() time.Time { return p.now }, Random: &lockedReader{from: rand.NewChaCha8(sha256.Sum256([]byte(name)))}}
	api := dynamodb.NewFromConfig(env.AWS(env.DynamoDBLocal(t)))
	if err := dynamo.CreateTable(t.Context(), api, name); err != nil {
		t.Fatal(err)
	}
	blobs, err := folder.Open(t.TempDir(), sys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	document, err := identity.GenerateKeys(sys)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	secret := make([]byte, 32)
	box, err := local.New(sys, secret)
	if err != nil {
		t.Fatal(err)
	}
	p.table = dynamo.New(counting{api, p}, dynamo.Config{Table: name, System: sys, Meter: p.meter})
	p.app, err = app.New(app.Ports{Table: p.table, Blobs: blobs, Cache: memory.New(sys, 32<<20, 4096),
		Meter: memory.NewMeter(sys, 4096), Keys: keys, Secret: secret, Envelope: box, Mail: &p.mails,
		System: sys, Log: slog.New(slog.DiscardHandler), Ready: directory.New(p.table).Ready})
	if err != nil {
		t.Fatal(err)
	}
	p.app.Identity.Wait = func(context.Context, time.Duration) error { return nil } // for answers that take their time on purpose
	if p.handler, err = p.app.Handler(app.All()...); err != nil {
		t.Fatal(err)
	}
	return p
}

// meter counts requests and read units. The write units of DynamoDB Local say nothing: it charges a transaction of ten rows as one of two.
func (p *platform) meter(operation string, read, _ float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch operation {
	case "GetItem":
		p.used.gets++
	case "BatchGetItem":
		p.used.batches++
	case "Query":
		p.used.queries++
	case "TransactWriteItems":
		p.used.transactions++
	default:
		panic("an operation of the table that is not counted: " + operation)
	}
	p.used.read += read
}

// counting counts the rows of transactions.
type counting struct {
	dynamo.API
	p *platform
}

// TransactWriteItems implements [dynamo.API].
func (c counting) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, options ...func(*dynamodb.Options),
) (*dynamodb.TransactWriteItemsOutput, error) {
	c.p.mu.Lock()
	c.p.used.rows += len(in.TransactItems)
	c.p.mu.Unlock()
	return c.API.TransactWriteItems(ctx, in, options...)
}

// pass lets a second pass.
func (p *platform) pass() { p.wait(time.Second) }

// wait lets a longer time pass.
func (p *platform) wait(d time.Duration) { p.now = p.now.Add(d) }

// outbox keeps the last mail.
type outbox struct {
	mu   sync.Mutex
	last mail.Message
}

// Send implements [mail.Sender].
func (o *outbox) Send(_ context.Context, m mail.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = m
	return nil
}

// token returns the token of the link in the last mail, which must be to the address.
func (o *outbox) token(t *testing.T, to string) string {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	_, link, ok := strings.Cut(o.last.Text, "#token=")
	if token, _, _ := strings.Cut(link, "\n"); ok && o.last.To == to {
		return token
	}
	t.Fatalf("the last mail is to %s and has no token for %s:\n%s", o.last.To, to, o.last.Text)
	return ""
}

// measured returns what do asked of the table.
func (p *platform) measured(do func()) use {
	p.mu.Lock()
	p.used = use{}
	p.mu.Unlock()
	do()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used
}

// verdict is what the authorizer says of a token.
func (p *platform) verdict(t *testing.T, token string) tenant.Principal {
	t.Helper()
	who, err := p.app.Authorizer.Authorize(t.Context(), "Bearer "+token)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// must makes a call as the gateway hands it to the functions, with the principal, and returns the JSON of its answer.
func (p *platform) must(t *testing.T, status int, who tenant.Principal, method, path string, body any, headers ...string) object {
	t.Helper()
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequestWithContext(context.Background(), method, path, &content)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r.WithContext(httpapi.WithPrincipal(r.Context(), who)))
	if w.Code != status {
		t.Fatalf("%s %s: status %d, not %d: %s", method, path, w.Code, status, w.Body)
	}
	answer := object{"etag": w.Header().Get("ETag")}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

// text returns a string at a path of object members.
func text(o object, path ...string) string {
	for _, name := range path[:len(path)-1] {
		o, _ = o[name].(object)
	}
	s, _ := o[path[len(path)-1]].(string)
	return s
}

type lockedReader struct {
	mu   sync.Mutex
	from io.Reader
}

func (l *lockedReader) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from.Read(b)
}
