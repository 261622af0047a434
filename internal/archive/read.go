package archive

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/tenant"
)

// maxFile is the largest content of a file in bytes, unpacked, that Read takes.
const maxFile = 256 << 20

// Read returns what the archive holds of a client's day (in UTC), each event once, in the order of their ids. For the platform's
// own trail the client is [blob.Platform]. It is for tests and for people who look: all of the day is in memory.
func (a *Archivist) Read(ctx context.Context, client tenant.ID, day time.Time) ([]audit.Body, error) {
	found := map[string]audit.Body{}
	after := ""
	for {
		names, err := a.blobs.List(ctx, client, prefix(day.UTC().Format(time.DateOnly)), after)
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		if len(names) == 0 {
			break
		}
		for _, name := range names {
			if err := a.readFile(ctx, client, name, found); err != nil {
				return nil, fmt.Errorf("archive: %s: %w", name, err)
			}
		}
		after = names[len(names)-1]
	}
	bodies := make([]audit.Body, 0, len(found))
	for _, body := range found {
		bodies = append(bodies, body)
	}
	slices.SortFunc(bodies, func(a, b audit.Body) int { return strings.Compare(a.ID, b.ID) })
	return bodies, nil
}

// readFile adds the events of one file to those found.
func (a *Archivist) readFile(ctx context.Context, client tenant.ID, name string, found map[string]audit.Body) error {
	content, err := a.blobs.Get(ctx, client, name)
	if err != nil {
		return err
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return err
	}
	lines := json.NewDecoder(io.LimitReader(unpacked, maxFile))
	for {
		var body audit.Body
		err := lines.Decode(&body)
		if errors.Is(err, io.EOF) {
			return unpacked.Close()
		}
		if err != nil {
			return errors.Join(err, unpacked.Close())
		}
		found[body.ID] = body
	}
}
