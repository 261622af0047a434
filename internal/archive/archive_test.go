package archive_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/nowgo/agents/internal/archive"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/blob/folder"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

var (
	quiet = slog.New(slog.NewTextHandler(io.Discard, nil))
	day   = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
)

func blobs(t *testing.T) *folder.Store { return testkit.OpenBlobs(t, system.Real()) }

// event returns an event of the client at the given time of the day.
func event(t *testing.T, client tenant.ID, at time.Duration) bus.Event {
	t.Helper()
	sys := system.System{Now: func() time.Time { return day.Add(at) }, Random: system.Real().Random}
	e, err := audit.Happened(t.Context(), sys, client, audit.Fact{Capability: "agents", Type: "agent.published",
		Target: audit.Target{Type: "agent", ID: "agt_1"}, Change: map[string]any{"text": "olá <b>"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.Of(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t *testing.T, a *archive.Archivist, client tenant.ID, day time.Time) []string {
	t.Helper()
	bodies, err := a.Read(t.Context(), client, day)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, b := range bodies {
		ids = append(ids, b.ID)
	}
	return ids
}

func names(t *testing.T, s blob.Store, client tenant.ID) []string {
	t.Helper()
	list, err := s.List(t.Context(), client, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestHandleKeepsClientsAndDaysApart(t *testing.T) {
	s := blobs(t)
	a := archive.New(s)
	list := []bus.Event{event(t, "cli_one", 2*time.Hour), event(t, "cli_two", time.Hour), event(t, "cli_one", time.Hour),
		event(t, "$platform#1", time.Hour), event(t, "cli_one", 25*time.Hour)}
	if err := a.Handle(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		owner tenant.ID
		day   time.Time
		want  []string
	}{
		{"cli_one", day, []string{list[2].ID, list[0].ID}},
		{"cli_one", day.AddDate(0, 0, 1), []string{list[4].ID}},
		{"cli_two", day, []string{list[1].ID}},
		{blob.Platform, day, []string{list[3].ID}},
		{"cli_two", day.AddDate(0, 0, 1), nil},
	} {
		if got := read(t, a, c.owner, c.day); !slices.Equal(got, c.want) {
			t.Errorf("%s on %s: %v, want %v", c.owner, c.day, got, c.want)
		}
	}
	file := names(t, s, "cli_one")[0]
	if !strings.HasPrefix(file, "events/dt=2026-01-02/"+list[2].ID+"-") || !strings.HasSuffix(file, ".ndjson.gz") {
		t.Errorf("the file is named %s", file)
	}
}

// TestSameBatchSameFile holds that a batch which is delivered again, in any order and with repeats, changes nothing.
func TestSameBatchSameFile(t *testing.T) {
	s := blobs(t)
	a := archive.New(s)
	list := []bus.Event{event(t, "cli_one", 1), event(t, "cli_one", time.Minute), event(t, "cli_one", time.Hour)}
	if err := a.Handle(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	file := names(t, s, "cli_one")
	first, err := s.Get(t.Context(), "cli_one", file[0])
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	if err := a.Handle(t.Context(), append(list, list[1])); err != nil {
		t.Fatal(err)
	}
	if again := names(t, s, "cli_one"); !slices.Equal(again, file) {
		t.Fatalf("files %v and then %v", file, again)
	}
	if again, err := s.Get(t.Context(), "cli_one", file[0]); err != nil || !slices.Equal(again, first) {
		t.Errorf("the file has another content, %v", err)
	}
	if err := a.Handle(t.Context(), list[:2]); err != nil {
		t.Fatal(err)
	}
	if n := len(names(t, s, "cli_one")); n != 2 {
		t.Errorf("%d files, want another for another batch", n)
	}
	if got := read(t, a, "cli_one", day); len(got) != 3 {
		t.Errorf("read %v, want each event once", got)
	}
}

// failing is a store that takes no file of one client.
type failing struct {
	blob.Store
	client tenant.ID
}

func (f failing) Put(ctx context.Context, client tenant.ID, name string, content []byte) error {
	if client == f.client {
		return errors.New("no space left on device")
	}
	return f.Store.Put(ctx, client, name, content)
}

// TestFailuresAreNamed holds that what cannot be archived is told by its index, and keeps nothing else back.
func TestFailuresAreNamed(t *testing.T) {
	s := blobs(t)
	a := archive.New(failing{s, "cli_two"})
	list := []bus.Event{event(t, "cli_one", 1), event(t, "cli_two", 1), {Detail: json.RawMessage(`{"id":`)},
		{Detail: json.RawMessage(`{"id":"../../x","occurred_at":"2026-01-02T00:00:00Z","client_id":"cli_one"}`)},
		{Detail: json.RawMessage(`{"id":"01KAQ2YV5W3D1N7J8Z4R6T9XQE","occurred_at":"2026-01-02T00:00:00Z","client_id":"../cli_one"}`)},
		{Detail: json.RawMessage(`{"id":"01KAQ2YV5W3D1N7J8Z4R6T9XQE","occurred_at":"2026-01-02T00:00:00Z","client_id":"platform"}`)},
		{Detail: json.RawMessage(`{"id":"01KAQ2YV5W3D1N7J8Z4R6T9XQE","client_id":"cli_one"}`)},
		event(t, "cli_one", 2)}
	err := a.Handle(t.Context(), list)
	var partial *bus.PartialError
	if !errors.As(err, &partial) || !slices.Equal(partial.Failed, []int{1, 2, 3, 4, 5, 6}) {
		t.Fatalf("got %v, failed %v", err, partial)
	}
	if got := read(t, archive.New(s), "cli_one", day); len(got) != 2 {
		t.Errorf("archived %v", got)
	}
}

func TestSQSHandler(t *testing.T) {
	content, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var batch events.SQSEvent
	if err := json.Unmarshal(content, &batch); err != nil {
		t.Fatal(err)
	}
	a := archive.New(blobs(t))
	handle := archive.SQSHandler(a, quiet)
	response, err := handle(t.Context(), batch)
	if b, marshalErr := json.Marshal(response); err != nil || marshalErr != nil || string(b) != `{"batchItemFailures":[]}` {
		t.Fatalf("answered %s, %v", b, err)
	}
	if got := read(t, a, "cli_abcdefghijklmnopqrstuvwxyz", time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)); !slices.Equal(got, []string{"01KAQ2YV5W3D1N7J8Z4R6T9XQE"}) {
		t.Errorf("archived %v", got)
	}
	batch.Records = []events.SQSMessage{{MessageId: "a", Body: "{"}, batch.Records[0], {MessageId: "c", Body: `{"detail":{}}`}}
	response, err = handle(t.Context(), batch)
	want := []events.SQSBatchItemFailure{{ItemIdentifier: "a"}, {ItemIdentifier: "c"}}
	if err != nil || !slices.Equal(response.BatchItemFailures, want) {
		t.Errorf("answered %v, %v; want %v", response, err, want)
	}
}

func TestReadRefusesDamage(t *testing.T) {
	s := blobs(t)
	if err := s.Put(t.Context(), "cli_one", "events/dt=2026-01-02/x.ndjson.gz", []byte("not gzip")); err != nil {
		t.Fatal(err)
	}
	if got, err := archive.New(s).Read(t.Context(), "cli_one", day); err == nil {
		t.Errorf("read %v of a damaged file", got)
	}
}
