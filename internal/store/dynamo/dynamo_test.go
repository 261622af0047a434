package dynamo_test

import (
	"os"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

func TestTableOnDynamoDBLocal(t *testing.T) {
	storetest.Run(t, opener(env.DynamoDBLocal, func(*storetest.Fixture) {}))
}

func TestTableOnMiniStack(t *testing.T) {
	storetest.Run(t, opener(env.MiniStack, func(fx *storetest.Fixture) {
		fx.CommitShort = 64 << 10 // it holds the request's JSON, names and all, against the 4 MB that the service holds the items against
	}))
}

// opener returns what opens the same table, each time by another clock.
func opener(start func(testing.TB) string, adapt func(*storetest.Fixture)) func(t *testing.T) storetest.Fixture {
	var once sync.Once
	name := "table-" + system.Real().NewULID()
	return func(t *testing.T) storetest.Fixture {
		t.Helper()
		api := dynamodb.NewFromConfig(env.AWS(start(t)))
		once.Do(func() {
			if err := dynamo.CreateTable(t.Context(), api, name); err != nil {
				t.Fatal(err)
			}
		})
		clock := storetest.NewClock()
		fx := storetest.Fixture{Clock: clock, Table: dynamo.New(api, dynamo.Config{Table: name, System: clock.System()})}
		adapt(&fx)
		return fx
	}
}
