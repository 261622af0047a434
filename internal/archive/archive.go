// Package archive is the archivist: the worker that keeps every event of the bus as files, for as long as the blob store does.
//
// Each batch becomes one file for each client and day it has events of, `events/dt=YYYY-MM-DD/<first id>-<hash of ids>.ndjson.gz`
// under the client's own prefix (invariant 1): gzip of one event body per line, which query engines read as they are. What
// belongs to no client is under [blob.Platform]. The same batch makes the same file, so that a batch delivered again changes
// nothing; an event that comes in two different batches is in two files, and readers drop repeats by its id, as [Archivist.Read]
// does.
package archive

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/tenant"
)

// ErrNotArchivable is wrapped by the failure of an event that has no place in the archive: its detail is no audit body, or
// lacks a ULID, a time or a client's id that can be one.
var ErrNotArchivable = errors.New("archive: not an audit event")

// Archivist writes and reads the archive. It may be used concurrently.
type Archivist struct{ blobs blob.Store }

// New returns an archivist that writes to the store.
func New(blobs blob.Store) *Archivist { return &Archivist{blobs} }

// line is an event on its way into a file.
type line struct {
	index int
	id    string
	body  []byte // compact JSON
}

// place is where a file goes.
type place struct {
	owner tenant.ID
	day   string // YYYY-MM-DD, in UTC
}

// Handle archives the events; it is a [bus.Handler]. Every error is a [*bus.PartialError]: events that cannot be archived, or whose
// file could not be written, keep no other from being.
func (a *Archivist) Handle(ctx context.Context, events []bus.Event) error {
	files := map[place][]line{}
	failed := map[int]error{}
	for i, e := range events {
		p, l, err := parse(e)
		if err != nil {
			failed[i] = err
			continue
		}
		l.index = i
		files[p] = append(files[p], l)
	}
	for p, lines := range files {
		if err := a.write(ctx, p, lines); err != nil {
			for _, l := range lines {
				failed[l.index] = err
			}
		}
	}
	if len(failed) == 0 {
		return nil
	}
	partial := &bus.PartialError{}
	for i := range events {
		if err := failed[i]; err != nil {
			partial.Failed = append(partial.Failed, i)
		}
	}
	partial.Err = failed[partial.Failed[0]]
	return partial
}

// parse returns an event's line and where it goes.
func parse(e bus.Event) (place, line, error) {
	var body audit.Body
	if err := json.Unmarshal(e.Detail, &body); err != nil {
		return place{}, line{}, fmt.Errorf("%w: %w", ErrNotArchivable, err)
	}
	if _, err := ulid.ParseStrict(body.ID); err != nil || body.OccurredAt.IsZero() {
		return place{}, line{}, fmt.Errorf("%w: its id or its time", ErrNotArchivable)
	}
	owner := tenant.ID(body.ClientID)
	if owner == "" {
		owner = blob.Platform
	} else if blob.CheckClient(owner) != nil || owner == blob.Platform {
		return place{}, line{}, fmt.Errorf("%w: its client's id", ErrNotArchivable)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, e.Detail); err != nil {
		return place{}, line{}, fmt.Errorf("%w: %w", ErrNotArchivable, err)
	}
	return place{owner, body.OccurredAt.UTC().Format(time.DateOnly)}, line{id: body.ID, body: compact.Bytes()}, nil
}

// write makes the file of the lines, in the order of their ids and each id once.
func (a *Archivist) write(ctx context.Context, p place, lines []line) error {
	sorted := slices.Clone(lines)
	slices.SortStableFunc(sorted, func(a, b line) int { return strings.Compare(a.id, b.id) })
	sorted = slices.CompactFunc(sorted, func(a, b line) bool { return a.id == b.id })
	content, hash, err := encode(sorted)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	name := fmt.Sprintf("%s%s-%s.ndjson.gz", prefix(p.day), sorted[0].id, hash)
	if err := a.blobs.Put(ctx, p.owner, name, content); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

func prefix(day string) string { return "events/dt=" + day + "/" }

// encode returns the content of a file and the first 8 bytes of the SHA-256 of its ids, in hexadecimal.
func encode(lines []line) (content []byte, hash string, err error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b) // without a time, which would make each writing another content
	ids := sha256.New()
	for _, l := range lines {
		ids.Write(append([]byte(l.id), '\n'))
		if _, err := w.Write(append(l.body, '\n')); err != nil {
			return nil, "", errors.Join(err, w.Close())
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), hex.EncodeToString(ids.Sum(nil)[:8]), nil
}
