package denial

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Recorder records refusals and denials. It may be used concurrently; nil records nothing.
type Recorder struct {
	table store.Table
	sys   system.System
	log   *slog.Logger

	mu      sync.Mutex
	sources map[source]*window
	nobody  window // of all who prove nothing together
	swept   time.Time
}

// source is who is counted as one. Its zero value with refused or not stands for all that there is no room for.
type source struct {
	refused bool
	client  tenant.ID // empty: the platform's trail
	who     string    // a user, or a network address
}

// proves reports whether the source is somebody that a credential proved, and not just a network address.
func (s source) proves() bool { return s.client != "" || !s.refused }

// window is a source's minute.
type window struct {
	ends   time.Time
	listed int
	more   int64      // that were not listed
	last   occurrence // of more
}

// occurrence is one refusal or denial.
type occurrence struct {
	call   tenant.Call
	fact   audit.Fact
	change func(count int64) any
}

// New returns a recorder that writes to the table. A nil log is slog's default.
func New(table store.Table, sys system.System, log *slog.Logger) *Recorder {
	if log == nil {
		log = slog.Default()
	}
	return &Recorder{table: table, sys: sys, log: log, sources: map[source]*window{}}
}

// due is an event to be written.
type due struct {
	from  source
	of    occurrence
	count int64
}

// record lists the occurrence, or counts it. It also writes the counts of minutes that are over.
func (r *Recorder) record(ctx context.Context, from source, of occurrence) {
	now := r.sys.Now()
	r.mu.Lock()
	events := r.sweep(now, false, sweepMost)
	if r.admit(from, now) {
		events = append(events, due{from, of, 1})
	} else {
		r.count(from, of, 1, now)
	}
	r.mu.Unlock()
	r.write(ctx, events)
}

// admit reports whether the source's next occurrence is listed.
func (r *Recorder) admit(from source, now time.Time) bool {
	w := r.window(from, now)
	if w == nil || w.listed >= Listed {
		return false
	}
	if !from.proves() {
		if !now.Before(r.nobody.ends) {
			r.nobody = window{ends: now.Add(Window)}
		}
		if r.nobody.listed >= ListedAll {
			return false
		}
		r.nobody.listed++
	}
	w.listed++
	return true
}

// window returns the source's current minute, or nil where there is no room for another source.
func (r *Recorder) window(from source, now time.Time) *window {
	w, ok := r.sources[from]
	if ok && (now.Before(w.ends) || w.more > 0) {
		return w // one that is over but has a count is about to be swept
	}
	if !ok && len(r.sources) >= Sources && from.who != "" {
		return nil
	}
	w = &window{ends: now.Add(Window)}
	r.sources[from] = w
	return w
}

// count adds to the source's count, or to that of all others.
func (r *Recorder) count(from source, of occurrence, n int64, now time.Time) {
	w := r.window(from, now)
	if w == nil || !from.proves() && w.listed == 0 && w.more == 0 && r.nobody.listed >= ListedAll {
		// A flood from many addresses would else have a count for each.
		delete(r.sources, from)
		w = r.window(source{refused: from.refused}, now)
	}
	w.more += n
	w.last = of
}

// sweep forgets the minutes that are over, or all, and returns the events of their counts, at most as many as given.
func (r *Recorder) sweep(now time.Time, all bool, most int) []due {
	if !all && now.Sub(r.swept) < sweepEvery && !now.Before(r.swept) {
		return nil
	}
	var events []due
	for from, w := range r.sources {
		if !all && now.Before(w.ends) {
			continue
		}
		if len(events) == most {
			return events // the next call goes on
		}
		delete(r.sources, from)
		if w.more > 0 {
			events = append(events, due{from, w.last, w.more})
		}
	}
	r.swept = now
	return events
}

// write commits the events, each in the trail that it belongs to. What the table does not take is counted again.
func (r *Recorder) write(ctx context.Context, events []due) {
	ctx = context.WithoutCancel(ctx) // who goes away is recorded too
	for i, e := range events {
		err := r.commit(ctx, e)
		if err == nil {
			continue
		}
		r.log.ErrorContext(ctx, "refusals are not recorded yet", "events", len(events)-i, "client_id", e.from.client, "type", e.of.fact.Type,
			"request_id", e.of.call.RequestID, "error", err)
		r.mu.Lock()
		for _, left := range events[i:] { // a table that stands still holds up the answer once
			r.count(left.from, left.of, left.count, r.sys.Now())
		}
		r.mu.Unlock()
		return
	}
}

func (r *Recorder) commit(ctx context.Context, e due) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	f := e.of.fact
	f.Change, f.Private = e.of.change(e.count), caller(e.of.call)
	recorded, err := audit.Happened(tenant.WithCall(ctx, e.of.call), r.sys, e.from.client, f)
	if err != nil {
		return err
	}
	if e.from.client != "" {
		err := r.table.Commit(ctx, e.from.client, audit.Of(recorded), store.Check(keys.Client, 0))
		if _, gone := store.FailedOn(err); !gone {
			return err
		}
		// Nothing is written any more where a client was: not even that its tokens are still tried.
	}
	recorded = directory.PlatformEvent(recorded)
	return r.table.Commit(ctx, recorded.Partition, audit.Of(recorded))
}

// callerValues is what is personal about a caller.
type callerValues struct {
	Address   string `json:"address,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}

func caller(c tenant.Call) any {
	v := callerValues{c.Address[:min(len(c.Address), 64)], c.UserAgent[:min(len(c.UserAgent), 256)]}
	if v == (callerValues{}) {
		return nil
	}
	return v
}

// Flush writes the counts of the minutes that are over, or of all.
func (r *Recorder) Flush(ctx context.Context, all bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.swept = time.Time{}
	events := r.sweep(r.sys.Now(), all, len(r.sources))
	r.mu.Unlock()
	r.write(ctx, events)
}

// Run writes the counts of minutes that are over until ctx ends, and then all that are left.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Flush(ctx, false)
		case <-ctx.Done():
			r.Flush(ctx, true)
			return
		}
	}
}
