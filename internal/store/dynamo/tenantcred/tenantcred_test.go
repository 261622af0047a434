package tenantcred_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/store/dynamo/tenantcred"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

const (
	dataRole      = "arn:aws:iam::000000000000:role/data"
	registrarRole = "arn:aws:iam::000000000000:role/registrar"
)

// fakeSTS notes what is asked for, and gives credentials whose name tells them apart.
type fakeSTS struct {
	mu    sync.Mutex
	asked []*sts.AssumeRoleInput
}

func (f *fakeSTS) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, in)
	return &sts.AssumeRoleOutput{Credentials: &types.Credentials{AccessKeyId: aws.String(fmt.Sprintf("KEY%d", len(f.asked))),
		SecretAccessKey: aws.String("s"), SessionToken: aws.String("t"), Expiration: aws.Time(time.Now().Add(15 * time.Minute))}}, nil
}

func newClients(t *testing.T, f *fakeSTS, sessions int) *tenantcred.Clients {
	t.Helper()
	c, err := tenantcred.New(f, tenantcred.Config{AWS: env.AWS(env.DynamoDBLocal(t)), DataRole: dataRole, RegistrarRole: registrarRole, Sessions: sessions})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// credentialsOf returns the access key that an API signs with.
func credentialsOf(t *testing.T, c *tenantcred.Clients, client tenant.ID, beside ...tenant.ID) string {
	t.Helper()
	api, err := c.For(t.Context(), client, beside)
	if err != nil {
		t.Fatal(err)
	}
	got, err := api.(*dynamodb.Client).Options().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got.AccessKeyID
}

func TestSessionsOfAClient(t *testing.T) {
	f := &fakeSTS{}
	c := newClients(t, f, 0)
	if first, again := credentialsOf(t, c, "cli_aaaa"), credentialsOf(t, c, "cli_aaaa"); first != "KEY1" || again != first {
		t.Errorf("got %s, then %s", first, again)
	}
	if other := credentialsOf(t, c, "cli_aaaa-b"); other != "KEY2" {
		t.Errorf("another client signs with %s", other)
	}
	if both := credentialsOf(t, c, "cli_aaaa", "$login#1", "$clients#2"); both != "KEY3" {
		t.Errorf("a commit of both signs with %s", both)
	}
	if same := credentialsOf(t, c, "cli_aaaa", "$clients#2", "$login#1"); same != "KEY3" {
		t.Errorf("the same partitions in another order sign with %s", same)
	}
	if own := credentialsOf(t, c, "$login#1"); own != "test" {
		t.Errorf("the platform's own partitions are signed for with %s", own)
	}
	for i, want := range []struct{ role, client string }{{dataRole, "cli_aaaa"}, {dataRole, "cli_aaaa-b"}, {registrarRole, "cli_aaaa"}} {
		in := f.asked[i]
		if *in.RoleArn != want.role || len(in.Tags) != 1 || *in.Tags[0].Key != "client_id" || *in.Tags[0].Value != want.client ||
			*in.RoleSessionName != want.client || (in.Policy != nil) != (want.role == registrarRole) {
			t.Errorf("asked %d: role %s, tags %v, name %s, policy %v", i, *in.RoleArn, in.Tags, *in.RoleSessionName, in.Policy)
		}
	}
}

func TestTheSessionPolicyNamesExactlyThePartitions(t *testing.T) {
	f := &fakeSTS{}
	credentialsOf(t, newClients(t, f, 0), "cli_aaaa", "$login#1", "$clients#2")
	var got, want any
	if err := json.Unmarshal([]byte(*f.asked[0].Policy), &got); err != nil {
		t.Fatal(err)
	}
	text := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Resource":"*",
		 "Action":["dynamodb:ConditionCheckItem","dynamodb:DeleteItem","dynamodb:PutItem","dynamodb:UpdateItem"],
		 "Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["cli_aaaa","$clients#2","$login#1"]},
		              "Null":{"dynamodb:LeadingKeys":"false"}}},
		{"Effect":"Allow","Resource":"*","Action":["kms:Decrypt","kms:DescribeKey","kms:Encrypt","kms:GenerateDataKey"]}]}`
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", *f.asked[0].Policy)
	}
}

func TestNobodyElseGetsASession(t *testing.T) {
	f := &fakeSTS{}
	c := newClients(t, f, 0)
	many := make([]tenant.ID, 50)
	for i := range many {
		many[i] = tenant.ID(fmt.Sprintf("$login#%064d", i))
	}
	for name, q := range map[string]struct {
		client tenant.ID
		beside []tenant.ID
		want   error
	}{
		"no client":                        {"", nil, store.ErrBadKey},
		"a pattern":                        {"cli_*", nil, store.ErrBadKey},
		"a policy variable":                {"${aws:PrincipalTag/x}", []tenant.ID{"cli_bbbb"}, store.ErrBadKey},
		"two clients":                      {"cli_aaaa", []tenant.ID{"cli_bbbb"}, store.ErrBadKey},
		"the platform beside a client":     {"$login#1", []tenant.ID{"cli_bbbb"}, store.ErrBadKey},
		"more partitions than STS accepts": {"cli_aaaa", many, store.ErrTooMany},
	} {
		if _, err := c.For(t.Context(), q.client, q.beside); !errors.Is(err, q.want) {
			t.Errorf("%s: got %v, want %v", name, err, q.want)
		}
	}
	if _, err := c.Credentials("$login#1"); !errors.Is(err, store.ErrBadKey) {
		t.Errorf("files of the platform: got %v", err)
	}
	if len(f.asked) != 0 {
		t.Errorf("STS was asked %d times", len(f.asked))
	}
	if _, err := tenantcred.New(f, tenantcred.Config{}); err == nil {
		t.Error("without a role: no error")
	}
}

func TestSessionsAreBounded(t *testing.T) {
	f := &fakeSTS{}
	c := newClients(t, f, 2)
	for _, client := range []tenant.ID{"cli_aaaa", "cli_bbbb", "cli_cccc", "cli_aaaa"} {
		credentialsOf(t, c, client)
	}
	if len(f.asked) != 4 {
		t.Errorf("STS was asked %d times; of three clients two are kept, so the first is asked for again", len(f.asked))
	}
}

// TestTableOnSessions runs the suite with sessions, as functions do, and refuses what IAM would: see guard.
func TestTableOnSessions(t *testing.T) {
	api := dynamodb.NewFromConfig(env.AWS(env.DynamoDBLocal(t)))
	name := "sessions-" + system.Real().NewULID()
	if err := dynamo.CreateTable(t.Context(), api, name); err != nil {
		t.Fatal(err)
	}
	clients := newClients(t, &fakeSTS{}, 0)
	storetest.Run(t, func(*testing.T) storetest.Fixture {
		clock := storetest.NewClock()
		return storetest.Fixture{Clock: clock, Table: dynamo.NewFor(guarded{clients}, dynamo.Config{Table: name, System: clock.System()})}
	})
}

// TestSTSOfTheEmulator takes on roles at a real endpoint.
func TestSTSOfTheEmulator(t *testing.T) {
	cfg := env.AWS(env.MiniStack(t))
	name := "sts-" + system.Real().NewULID()
	if err := dynamo.CreateTable(t.Context(), dynamodb.NewFromConfig(cfg), name); err != nil {
		t.Fatal(err)
	}
	clients, err := tenantcred.New(sts.NewFromConfig(cfg), tenantcred.Config{AWS: cfg, DataRole: dataRole, RegistrarRole: registrarRole})
	if err != nil {
		t.Fatal(err)
	}
	table := dynamo.NewFor(clients, dynamo.Config{Table: name, System: system.Real()})
	if _, err := table.Get(t.Context(), "cli_aaaa", "client"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	credentials, err := clients.Credentials("cli_aaaa")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := credentials.Retrieve(t.Context()); err != nil || got.AccessKeyID == "test" || got.SessionToken == "" {
		t.Errorf("got %+v, %v", got, err)
	}
}
