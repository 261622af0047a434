package idempotency_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const client tenant.ID = "cli_blue"

// scene is a table with the decorator, its clock and a keeper.
type scene struct {
	inner, table store.Table
	clock        *storetest.Clock
	keeper       *idempotency.Keeper
}

func newScene(t *testing.T) *scene {
	t.Helper()
	clock := storetest.NewClock()
	inner := testkit.OpenTable(t, bolt.Config{System: clock.System(), SweepEvery: -1})
	return &scene{inner: inner, table: idempotency.Table(inner), clock: clock,
		keeper: idempotency.NewKeeper(inner, clock.System(), []byte(strings.Repeat("s", 32)))}
}

func request(content string) idempotency.Request {
	return idempotency.Request{Partition: client, Key: "key", Content: []byte(content),
		Call: tenant.Call{Principal: tenant.Principal{Client: client, User: "usr_1"}, Operation: "create-thing"}}
}

// begin returns a context with the pending request; its entities are texts.
func (s *scene) begin(t *testing.T) (context.Context, *idempotency.Pending) {
	t.Helper()
	p, reply, err := s.keeper.Begin(context.Background(), request("body"))
	if err != nil || reply != nil {
		t.Fatalf("begin: %v, %v", reply, err)
	}
	p.RenderWith(func(entity any) (idempotency.Reply, error) {
		text, ok := entity.(string)
		if !ok {
			return idempotency.Reply{}, errors.New("not a text")
		}
		return idempotency.Reply{Status: 201, ETag: `"v1"`, Location: "/x", Body: []byte(text)}, nil
	})
	return idempotency.With(context.Background(), p), p
}

func (s *scene) commit(ctx context.Context, changes ...store.Change) error {
	e, err := audit.Happened(ctx, s.clock.System(), client, audit.Fact{Capability: "test", Type: "thing.made", Target: audit.Target{Type: "thing", ID: "x"}})
	if err != nil {
		return err
	}
	return s.table.Commit(ctx, client, audit.Of(e), changes...)
}

func create(sk string) store.Change { return store.Create(store.Item{SK: sk}) }

// again is what a repetition of the request gets.
func (s *scene) again(t *testing.T) (*idempotency.Reply, error) {
	t.Helper()
	_, reply, err := s.keeper.Begin(context.Background(), request("body"))
	return reply, err
}

func TestAnswerIsKeptWithItsEffect(t *testing.T) {
	s := newScene(t)
	ctx, p := s.begin(t)
	idempotency.Answer(ctx, "first")
	idempotency.Answer(ctx, "done")
	if err := s.commit(ctx, create("a")); err != nil {
		t.Fatal(err)
	}
	if e, ok := p.Kept(); !ok || e != "done" || p.Unanswered() {
		t.Errorf("kept %v, %v", e, ok)
	}
	if err := s.commit(ctx, create("b")); err != nil {
		t.Errorf("a commit after the answer: %v", err)
	}
	if reply, err := s.again(t); err != nil || reply == nil || reply.Status != 201 || string(reply.Body) != "done" || reply.ETag != `"v1"` || reply.Location != "/x" {
		t.Errorf("got %+v, %v", reply, err)
	}
	if _, _, err := s.keeper.Begin(ctx, request("other")); !fault.Is(err, fault.Unprocessable) {
		t.Errorf("another content: %v", err)
	}
}

func TestFailedCommitKeepsNothingAndNamesTheCallersChange(t *testing.T) {
	s := newScene(t)
	if err := s.commit(context.Background(), create("taken")); err != nil {
		t.Fatal(err)
	}
	ctx, p := s.begin(t)
	idempotency.Answer(ctx, "done")
	err := s.commit(ctx, create("a"), create("taken"))
	if i, ok := store.FailedOn(err); !ok || i != 1 {
		t.Errorf("got %v", err)
	}
	if reply, err := s.keeper.Settle(ctx, p); reply != nil || err != nil {
		t.Errorf("settled as %v, %v", reply, err)
	}
	if err := s.commit(ctx, create("a")); err != nil {
		t.Errorf("another try: %v", err)
	}
}

func TestOvertakenRequestIsNoConditionOfTheCaller(t *testing.T) {
	s := newScene(t)
	slowCtx, slow := s.begin(t)
	fastCtx, _ := s.begin(t)
	idempotency.Answer(fastCtx, "fast")
	if err := s.commit(fastCtx, create("a")); err != nil {
		t.Fatal(err)
	}
	idempotency.Answer(slowCtx, "slow")
	err := s.commit(slowCtx, create("b"))
	if _, ok := store.FailedOn(err); ok || !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
	if _, err := s.table.Get(slowCtx, client, "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its effect: %v", err)
	}
	if reply, err := s.keeper.Settle(slowCtx, slow); err != nil || reply == nil || string(reply.Body) != "fast" {
		t.Errorf("settled as %v, %v", reply, err)
	}
}

func TestLeaseAndProgress(t *testing.T) {
	s := newScene(t)
	ctx, p := s.begin(t)
	if note, ok := idempotency.Progress(ctx); ok || note != "" {
		t.Errorf("a first request goes on from %q", note)
	}
	idempotency.Note(ctx, "question 1")
	if err := s.commit(ctx, create("question")); err != nil {
		t.Fatal(err)
	}
	if !p.Unanswered() {
		t.Error("it is answered")
	}
	if reply, err := s.keeper.Settle(ctx, p); reply != nil || err != nil {
		t.Errorf("its own record settles it as %v, %v", reply, err)
	}
	s.clock.Advance(idempotency.Lease - time.Second)
	var f *fault.Error
	if _, err := s.again(t); !errors.As(err, &f) || f.Code != "idempotency_in_progress" || f.RetryAfter < time.Second || f.RetryAfter > 2*time.Second {
		t.Errorf("within the lease: %v", err)
	}
	s.clock.Advance(2 * time.Second)
	one, first := s.begin(t)
	two, second := s.begin(t)
	if note, ok := idempotency.Progress(one); !ok || note != "question 1" {
		t.Errorf("goes on from %q, %v", note, ok)
	}
	if err := s.commit(one, create("step")); err != nil {
		t.Fatal(err)
	}
	if err := s.commit(two, create("other step")); !fault.Is(err, fault.Conflict) {
		t.Errorf("two went on: %v", err)
	}
	if _, err := s.keeper.Settle(two, second); !fault.Is(err, fault.Conflict) {
		t.Errorf("settled as %v", err)
	}
	// The one that died too: its note is still that of the first.
	s.clock.Advance(idempotency.Lease + time.Second)
	three, _ := s.begin(t)
	if note, ok := idempotency.Progress(three); !ok || note != "question 1" {
		t.Errorf("goes on from %q, %v", note, ok)
	}
	idempotency.Answer(one, "late")
	if err := s.commit(one, create("late")); err != nil {
		t.Errorf("whoever holds the record may finish after the lease: %v", err)
	}
	if e, ok := first.Kept(); !ok || e != "late" {
		t.Errorf("kept %v", e)
	}
	if err := s.commit(three, create("late two")); !fault.Is(err, fault.Conflict) {
		t.Errorf("two finished: %v", err)
	}
}

func TestWithdraw(t *testing.T) {
	s := newScene(t)
	ctx, p := s.begin(t)
	idempotency.Answer(ctx, "done")
	if err := s.commit(ctx, create("a")); err != nil {
		t.Fatal(err)
	}
	idempotency.Withdraw(ctx)
	if err := s.commit(ctx, store.Delete("a", 1)); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Kept(); ok {
		t.Error("still kept")
	}
	if reply, err := s.again(t); reply != nil || err != nil {
		t.Errorf("a repetition gets %v, %v", reply, err)
	}
	if err := s.commit(ctx, create("b")); err != nil {
		t.Errorf("a later commit: %v", err)
	}
}

// Who takes its answer back takes no other's: a request that stood still for longer than its lease may find that another has gone on.
func TestWithdrawTakesNoOthersAnswer(t *testing.T) {
	s := newScene(t)
	slow, _ := s.begin(t)
	if err := s.commit(slow, create("step")); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(idempotency.Lease + time.Second)
	fast, _ := s.begin(t)
	idempotency.Answer(fast, "fast")
	if err := s.commit(fast, create("a")); err != nil {
		t.Fatal(err)
	}
	idempotency.Withdraw(slow)
	if err := s.commit(slow, store.Delete("step", 1)); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
	if reply, err := s.again(t); err != nil || reply == nil || string(reply.Body) != "fast" {
		t.Errorf("a repetition gets %+v, %v", reply, err)
	}
}

func TestErrorsAfterTheAnswerAreTheRequestsOwn(t *testing.T) {
	s := newScene(t)
	ctx, p := s.begin(t)
	idempotency.Answer(ctx, "done")
	if err := s.commit(ctx, create("a")); err != nil {
		t.Fatal(err)
	}
	if reply, err := s.keeper.Settle(ctx, p); reply != nil || err != nil {
		t.Errorf("settled as %v, %v", reply, err)
	}
}

func TestAnswerThatCannotBeRenderedCommitsNothing(t *testing.T) {
	s := newScene(t)
	ctx, _ := s.begin(t)
	idempotency.Answer(ctx, 7)
	if err := s.commit(ctx, create("a")); !fault.Is(err, fault.Internal) {
		t.Errorf("got %v", err)
	}
	if _, err := s.table.Get(ctx, client, "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its effect: %v", err)
	}
}

func TestWithoutAPendingRequestNothingHappens(t *testing.T) {
	s := newScene(t)
	ctx := context.Background()
	idempotency.Answer(ctx, "x")
	idempotency.Note(ctx, "x")
	idempotency.Withdraw(ctx)
	if _, ok := idempotency.Progress(ctx); ok {
		t.Error("there is progress")
	}
	if err := s.commit(ctx, create("a")); err != nil {
		t.Fatal(err)
	}
	page, err := s.inner.Query(ctx, client, store.Query{Prefix: "idempotency#", Limit: 1})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("%d records, %v", len(page.Items), err)
	}
}

func TestRecordOfAnotherSecretCannotBeRead(t *testing.T) {
	s := newScene(t)
	ctx, _ := s.begin(t)
	idempotency.Answer(ctx, "done")
	if err := s.commit(ctx, create("a")); err != nil {
		t.Fatal(err)
	}
	other := idempotency.NewKeeper(s.inner, s.clock.System(), []byte(strings.Repeat("x", 32)))
	if _, reply, err := other.Begin(ctx, request("body")); reply != nil || err == nil {
		t.Errorf("got %v, %v", reply, err)
	}
}

func TestCommitsOfOneRequestAtOnceFollowEachOther(t *testing.T) {
	s := newScene(t)
	ctx, _ := s.begin(t)
	errs := make(chan error, 4)
	for _, sk := range []string{"a", "b", "c", "d"} {
		go func() { errs <- s.commit(ctx, create(sk)) }()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestSilentTableIsUnavailable(t *testing.T) {
	s := newScene(t)
	k := idempotency.NewKeeper(silent{s.inner}, s.clock.System(), []byte(strings.Repeat("s", 32)))
	if _, _, err := k.Begin(context.Background(), request("body")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

type silent struct{ store.Table }

func (silent) Get(context.Context, tenant.ID, string) (store.Item, error) {
	return store.Item{}, store.ErrUnavailable
}
