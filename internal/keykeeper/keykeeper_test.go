package keykeeper_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/events/eventtest"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/keykeeper"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

type world struct {
	keykeeper.Keeper
	*testkit.Kit
	path string
}

// newWorld keeps keys in a file, as the monolith does.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Kit: testkit.New(t), path: filepath.Join(t.TempDir(), "keys.json")}
	file, err := identity.OpenKeyFile(w.path, w.Kit.System)
	if err != nil {
		t.Fatal(err)
	}
	w.Keeper = keykeeper.Keeper{Keys: file, Table: w.Kit.Table, System: w.Kit.System, Log: slog.New(slog.DiscardHandler)}
	return w
}

// steps returns what is recorded of the keys, the oldest first, each event valid.
func (w *world) steps(t *testing.T) []events.SigningKeyRotated {
	t.Helper()
	page, err := directory.New(w.Kit.Table).PlatformEvents(t.Context(), 900, "")
	if err != nil {
		t.Fatal(err)
	}
	var all []events.SigningKeyRotated
	for _, e := range page.Items {
		body, err := json.Marshal(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := eventtest.Validate(body); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		var c events.SigningKeyRotated
		if err := json.Unmarshal(e.Body.Change, &c); err != nil {
			t.Fatal(err)
		}
		if e.Body.Actor.Type != "system" || e.Body.Target.ID != c.KeyID {
			t.Errorf("%+v", e.Body)
		}
		all = append(all, c)
	}
	slices.Reverse(all)
	return all
}

func (w *world) run(t *testing.T) {
	t.Helper()
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) document(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEveryStepIsTakenAndRecorded(t *testing.T) {
	w := newWorld(t)
	first := w.document(t)
	w.run(t)
	if len(w.steps(t)) != 0 || w.document(t) != first {
		t.Error("something was done where nothing is due")
	}
	for _, after := range []time.Duration{identity.KeyPeriod, time.Hour, time.Hour + 10*time.Minute, identity.KeyOverlap} {
		w.Clock.Advance(after)
		w.run(t)
	}
	all := w.steps(t)
	var names []string
	for _, s := range all {
		names = append(names, s.Step)
	}
	if !slices.Equal(names, []string{"announced", "activated", "retired"}) {
		t.Fatalf("steps %v", names)
	}
	if all[0].KeyID != all[1].KeyID || all[2].KeyID == all[0].KeyID || len(all[0].Keys) != 2 || !slices.Equal(all[2].Keys, []string{all[0].KeyID}) {
		t.Errorf("%+v", all)
	}
	set, err := identity.ParseKeys([]byte(w.document(t)))
	if err != nil || !slices.Equal(set.IDs(), []string{all[0].KeyID}) {
		t.Errorf("%v, %v", set.IDs(), err)
	}
	info, err := os.Stat(w.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(w.path)); err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

// racer is a store whose document another run replaces between this run's reading and its writing.
type racer struct {
	keykeeper.Store
	other func()
}

func (r racer) Replace(ctx context.Context, version string, next []byte) error {
	r.other()
	return r.Store.Replace(ctx, version, next)
}

func TestTwoRunsDoNotFork(t *testing.T) {
	w := newWorld(t)
	w.Clock.Advance(identity.KeyPeriod)
	other, first := w.Keeper, ""
	w.Keys = racer{w.Keys, func() {
		if err := other.Run(t.Context()); err != nil {
			t.Error(err)
		}
		first = w.document(t)
	}}
	w.run(t)
	set, err := identity.ParseKeys([]byte(first))
	if err != nil || len(set.IDs()) != 2 {
		t.Fatalf("%v, %v", set, err)
	}
	if w.document(t) != first {
		t.Error("the slower run replaced the keys of the faster")
	}
}

// deaf is a table that takes nothing.
type deaf struct{ store.Table }

func (deaf) Commit(context.Context, tenant.ID, audit.Record, ...store.Change) error {
	return store.ErrUnavailable
}

// INVARIANT 2: no change without its record.
func TestNoKeyChangesUnrecorded(t *testing.T) {
	w := newWorld(t)
	before := w.document(t)
	w.Clock.Advance(identity.KeyPeriod)
	w.Keeper.Table = deaf{w.Keeper.Table}
	if err := w.Run(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("err %v", err)
	}
	if w.document(t) != before {
		t.Error("the keys changed without a record")
	}
}

func TestALoopGoesOnAfterAFailure(t *testing.T) {
	w := newWorld(t)
	content := w.document(t)
	if err := os.WriteFile(w.path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	failed := make(chan struct{}, 100)
	w.Log = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) {
		if strings.Contains(string(p), "not rotated") {
			failed <- struct{}{}
		}
	}), nil))
	w.Clock.Advance(identity.KeyPeriod)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Loop(ctx, time.Millisecond); close(done) }()
	<-failed
	if err := os.WriteFile(w.path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); w.document(t) == content; {
		if time.Now().After(deadline) {
			t.Fatal("the keys are not rotated after the failure is over")
		}
	}
	stop()
	<-done
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }
