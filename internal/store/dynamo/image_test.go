package dynamo_test

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/dynamo"
)

// TestImagesOfAStream reads a record as the stream's function gets it.
func TestImagesOfAStream(t *testing.T) {
	b, err := os.ReadFile("testdata/stream.json")
	if err != nil {
		t.Fatal(err)
	}
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(b, &batch); err != nil {
		t.Fatal(err)
	}
	client, got, err := dynamo.DecodeImage(batch.Records[0].Change.NewImage)
	want := store.Item{SK: "event#00#01KJMMY15GKP4N422ZX27F7V5D", ParentSK: "target#agent#agt_1#01KJMMY15GKP4N422ZX27F7V5D",
		ActorSK: "actor#usr_1#01KJMMY15GKP4N422ZX27F7V5D", Version: 1, Schema: 1, ExpiresAt: time.Unix(1800000000, 0).UTC(),
		Summary: json.RawMessage(`{"capability":"agents","body":{"id":"01KJMMY15GKP4N422ZX27F7V5D","type":"agent.published"}}`),
		Data:    json.RawMessage(`{"private":{"salt":"c2FsdA","values":{"name":"Sofia"}}}`)}
	if err != nil || client != "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa" || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q %+v, %v", client, got, err)
	}
	if e, err := store.ItemEvent(client, got); err != nil || e.Body.Type != "agent.published" || e.Private == nil {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestAnImageThatIsNoRowIsRefused(t *testing.T) {
	s, n := events.NewStringAttribute, events.NewNumberAttribute
	good := map[string]events.DynamoDBAttributeValue{"client_id": s("cli_a"), "sk": s("k"), "version": n("1"), "schema": n("1")}
	if _, _, err := dynamo.DecodeImage(good); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]struct {
		attribute string
		value     events.DynamoDBAttributeValue
	}{
		"a client that is a number":     {"client_id", n("7")},
		"an empty client":               {"client_id", s("")},
		"a key that is a list":          {"sk", events.NewListAttribute(nil)},
		"a version that is a text":      {"version", s("1")},
		"a version that is a fraction":  {"version", n("1.5")},
		"a version below one":           {"version", n("0")},
		"a schema that is no number":    {"schema", n("one")},
		"an end beyond all time":        {"expires_at", n("99999999999999999999")},
		"a zero value, without a type":  {"sk", events.DynamoDBAttributeValue{}},
		"a version without a type":      {"version", events.DynamoDBAttributeValue{}},
		"a key that is the null":        {"sk", events.NewNullAttribute()},
		"a version that is an enormous": {"version", n("1e400")},
	} {
		image := map[string]events.DynamoDBAttributeValue{}
		for k, v := range good {
			image[k] = v
		}
		image[bad.attribute] = bad.value
		if _, it, err := dynamo.DecodeImage(image); err == nil {
			t.Errorf("%s: got %+v", name, it)
		}
	}
	if _, _, err := dynamo.DecodeImage(nil); err == nil {
		t.Error("no image: no error")
	}
}
