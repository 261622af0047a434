package erasure

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	batch      = 100 // users, keys or rows in one step
	dueAtOnce  = 10  // erasures of one shard in one run
	capability = "clients"
	// DefaultSettle is how long what was still under way when a client's data went has to arrive.
	DefaultSettle = time.Hour
)

// The kinds of what is removed, beside those of the rows.
const (
	kindFiles   = "files"
	kindLogins  = "logins"
	kindUsers   = "user"
	kindAPIKeys = "apikey"
)

// People is what an erasure needs of the identities.
type People interface {
	// EraseUsers removes at most limit users, and returns how many and how many logins with them; none when none is left.
	EraseUsers(ctx context.Context, client tenant.ID, limit int) (users, logins int, err error)
	// EraseAPIKeys removes at most limit API keys, and returns how many; none when none is left.
	EraseAPIKeys(ctx context.Context, client tenant.ID, limit int) (int, error)
}

// Clients is what an erasure needs of the clients.
type Clients interface {
	// MarkErasing makes a client that is leaving one that nothing brings back. It returns false where it is not leaving.
	MarkErasing(ctx context.Context, client tenant.ID) (bool, error)
}

// Worker erases clients. Runs may overlap: the directory's conditions let each step count once.
type Worker struct {
	Table     store.Table
	Rows      store.Eraser
	Directory *directory.Directory
	Clients   Clients
	People    People
	Files     blob.Store
	Cache     cache.Cache
	System    system.System
	Log       *slog.Logger
	Signer    *Signer
	Settle    time.Duration // 0: [DefaultSettle]
	// Backups is how long copies of the table and the files are kept by the deployment itself; 0: it keeps none.
	Backups time.Duration
}

// Run takes every erasure that is due as far as it can be taken now. What fails is logged and tried again by the next run; the error
// says that something did.
func (w *Worker) Run(ctx context.Context) error {
	due, err := w.Directory.DueErasures(ctx, w.System.Now(), dueAtOnce)
	if err != nil {
		return store.Fault("erasure.Run", err)
	}
	var failed []error
	for _, u := range due {
		if err := w.erase(ctx, u); err != nil {
			w.Log.ErrorContext(ctx, "an erasure did not end", "client_id", string(u.Client), "error", err)
			failed = append(failed, fmt.Errorf("erasure of %s: %w", u.Client, err))
		}
	}
	return errors.Join(failed...)
}

func (w *Worker) erase(ctx context.Context, u directory.Due) error {
	if u.StartedAt.IsZero() {
		started, err := w.start(ctx, u)
		if err != nil {
			return err
		}
		u = started
	}
	if !u.EmptyAt.IsZero() && w.System.Now().Before(u.EmptyAt.Add(w.settle())) {
		return nil
	}
	u, err := w.empty(ctx, u)
	if err != nil {
		return err
	}
	if u.EmptyAt.IsZero() {
		return w.note(ctx, u)
	}
	return w.finish(ctx, u)
}

func (w *Worker) settle() time.Duration {
	if w.Settle == 0 {
		return DefaultSettle
	}
	return w.Settle
}

// start makes the client one that cannot be taken back, and records that the erasure began.
func (w *Worker) start(ctx context.Context, u directory.Due) (directory.Due, error) {
	if _, err := w.Clients.MarkErasing(ctx, u.Client); err != nil {
		return u, err
	}
	// The plan itself is what a restore takes away: where it is gone by now, so is the erasure.
	u.StartedAt, u.Removed = w.now(), map[string]int{}
	if err := w.advance(ctx, u, "started"); err != nil {
		return u, err
	}
	u.Version++
	return u, nil
}

// empty removes everything there is and adds up what it was.
func (w *Worker) empty(ctx context.Context, u directory.Due) (directory.Due, error) {
	u.Removed = maps.Clone(u.Removed)
	if u.Removed == nil {
		u.Removed = map[string]int{}
	}
	for _, step := range []func(context.Context, tenant.ID, map[string]int) error{w.people, w.keys, w.files, w.rows} {
		if err := step(ctx, u.Client, u.Removed); err != nil {
			// What went is counted even though the rest stays.
			return u, errors.Join(err, w.advance(context.WithoutCancel(ctx), u, "interrupted"))
		}
	}
	return u, w.Cache.Clear(ctx, u.Client)
}

// note notes that nothing was left for the first time.
func (w *Worker) note(ctx context.Context, u directory.Due) error {
	u.EmptyAt = w.now()
	return w.advance(ctx, u, "emptied")
}

// advance keeps how far the erasure is.
func (w *Worker) advance(ctx context.Context, u directory.Due, stage string) error {
	e, err := w.event(ctx, u.Client, events.TypeErasureAdvanced, events.ErasureAdvanced{ClientID: string(u.Client), Stage: stage})
	if err != nil {
		return err
	}
	if err := w.Table.Commit(ctx, u.Client, audit.Of(e), w.Directory.UpdateErasure(u)); err != nil {
		return fmt.Errorf("%s: %w", stage, err)
	}
	return nil
}

func (w *Worker) people(ctx context.Context, client tenant.ID, removed map[string]int) error {
	for {
		users, logins, err := w.People.EraseUsers(ctx, client, batch)
		add(removed, kindUsers, users)
		add(removed, kindLogins, logins)
		if err != nil || users == 0 {
			return err
		}
	}
}

func (w *Worker) keys(ctx context.Context, client tenant.ID, removed map[string]int) error {
	for {
		n, err := w.People.EraseAPIKeys(ctx, client, batch)
		add(removed, kindAPIKeys, n)
		if err != nil || n == 0 {
			return err
		}
	}
}

func (w *Worker) files(ctx context.Context, client tenant.ID, removed map[string]int) error {
	for {
		names, err := w.Files.List(ctx, client, "", "")
		if err != nil || len(names) == 0 {
			return err
		}
		for _, name := range names {
			if err := w.Files.Delete(ctx, client, name); err != nil {
				return err
			}
			add(removed, kindFiles, 1)
		}
	}
}

func (w *Worker) rows(ctx context.Context, client tenant.ID, removed map[string]int) error {
	for {
		found, err := w.Rows.Erase(ctx, client, store.MaxPage)
		if err != nil || len(found) == 0 {
			return err
		}
		for kind, n := range found {
			add(removed, kind, n)
		}
	}
}

func add(removed map[string]int, kind string, n int) {
	if n > 0 {
		removed[kind] += n
	}
}

// finish certifies the erasure and takes the client out of the directory but for its id.
func (w *Worker) finish(ctx context.Context, u directory.Due) error {
	given, err := w.Directory.GivenID(ctx, u.Client)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	listed, err := w.Directory.Listed(ctx, u.Client, u.Listed)
	if err != nil {
		return err
	}
	given.Client, given.ErasedAt = u.Client, w.now()
	if given.Certificate, err = w.Signer.certify(w.certificate(u, given.ErasedAt)); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(given.Certificate))
	e, err := w.event(ctx, u.Client, events.TypeClientErased, events.ClientErased{ClientID: string(u.Client),
		Removed: list(u.Removed), CertificateSHA256: hex.EncodeToString(sum[:])})
	if err != nil {
		return err
	}
	err = w.Table.Commit(ctx, u.Client, audit.Of(e), w.Directory.BuryID(given), w.Directory.ReleaseSlug(u.Slug),
		w.Directory.Unlist(listed), w.Directory.EndErasure(u))
	if err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	return nil
}

func list(removed map[string]int) []events.Removed {
	out := make([]events.Removed, 0, len(removed))
	for _, kind := range slices.Sorted(maps.Keys(removed)) {
		out = append(out, events.Removed{Kind: kind, Count: removed[kind]})
	}
	return out
}

// event is one of the platform's trail about a client.
func (w *Worker) event(ctx context.Context, client tenant.ID, kind string, change any) (audit.Event, error) {
	e, err := audit.Happened(ctx, w.System, "", audit.Fact{Capability: capability, Type: kind, Actor: audit.Actor{Type: "system"},
		Target: audit.Target{Type: "client", ID: string(client)}, Change: change})
	return directory.PlatformEvent(e), err
}

func (w *Worker) now() time.Time { return w.System.Now().UTC().Truncate(time.Second) }
